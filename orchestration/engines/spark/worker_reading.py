"""What runs on a worker: imports nothing of the project before it has unpacked the report reader."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SQL_TYPE = (
    "array<struct<clause: int, start: int, end: int, text: string, found_start: int, found_end: int, language: string, rule: string,"
    " reading: string, certainty: string, subject: string, previous_subject: string, label: string, clause_label: string,"
    " comparator: string, mm: double, up_to_mm: double, part: string, organ: string, site: string, section: string,"
    " clause_section: string, starts_part: boolean, marks: array<string>>>"
)

UNPACKED = "crlm_report_reader_"


def reading_function(packed: bytes, digest: str) -> Callable:
    """A function of a column of texts, to be sent to workers.

    Args:
        packed, digest: the report reader as a zip archive, and a name for its contents.
    """

    def read_margin_statements(texts: "pd.Series") -> "pd.Series":
        import pandas

        reader = _reader(packed, digest)
        # a column of NULLs only comes as numbers
        read = [[one.as_dict() for one in reader.read(text)] if isinstance(text, str) else None for text in texts]
        return pandas.Series(read, dtype="object")

    return read_margin_statements


def _reader(packed: bytes, digest: str):
    """The margin reader of the archive: unpacked and imported once a process, which keeps it until a night sends another one."""
    import sys
    import threading

    # what this module holds is each function's own: it travels by value
    with sys.__dict__.setdefault("crlm_report_reader_lock", threading.RLock()):
        loaded = sys.modules.get("report_reader")
        if loaded is None or f"{UNPACKED}{digest}" not in (loaded.__file__ or ""):
            _forget_readers()
            _unpack(packed, digest)
        from report_reader.margins import margin_reader

        return margin_reader()


def _forget_readers() -> None:
    """Of an earlier night on the same worker: its modules, and where they would be found again before tonight's."""
    import shutil
    import sys
    from pathlib import Path

    for module in [module for module in sys.modules if module.split(".")[0] == "report_reader"]:
        del sys.modules[module]
    for place in [place for place in sys.path if UNPACKED in place]:
        sys.path.remove(place)
        sys.path_importer_cache.pop(place, None)
        shutil.rmtree(Path(place).parent, ignore_errors=True)


def _unpack(packed: bytes, digest: str) -> None:
    import importlib
    import io
    import sys
    import tempfile
    import zipfile
    from pathlib import Path

    folder = Path(tempfile.mkdtemp()) / f"{UNPACKED}{digest}"
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
