"""A worker that lives for months reads each night's texts with that night's report reader."""

import io
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from orchestration.engines.spark.worker_reading import reading_function

READS_AS = """
from types import SimpleNamespace

def margin_reader():
    # imported when it is asked, as rules may be
    from report_reader.margins.rules import VERSION
    return SimpleNamespace(read=lambda text: [SimpleNamespace(as_dict=lambda: {"label": f"{VERSION} of {text}"})])
"""


def packed_reader(version: str) -> bytes:
    """A reader that says its version of every text."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("report_reader/__init__.py", "")
        archive.writestr("report_reader/margins/__init__.py", READS_AS)
        archive.writestr("report_reader/margins/rules.py", f"VERSION = {version!r}")
    return packed.getvalue()


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder where this process unpacks readers; its own reader comes back afterwards."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    own = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "report_reader"}
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "report_reader"]:
        del sys.modules[name]
    sys.modules.update(own)


def read_by(version: str) -> str:
    read = reading_function(packed_reader(version), f"digest{version}")
    return read(pd.Series(["a text", None])).tolist()[0][0]["label"]


def test_an_older_reader_that_comes_back_is_the_one_that_reads(worker: Path):
    nights = ["1", "2", "2", "1", "3", "1"]
    assert [read_by(version) for version in nights] == [f"{version} of a text" for version in nights]


def test_of_the_readers_of_earlier_nights_nothing_stays_in_the_way(worker: Path):
    for version in ("1", "2", "1"):
        read_by(version)
    assert [Path(place).name for place in sys.path if "crlm_report_reader_" in place] == ["crlm_report_reader_digest1"]
    assert [path.name for path in worker.rglob("crlm_report_reader_*")] == ["crlm_report_reader_digest1"]
