"""The report reader as a function of Spark's SQL, under the name that it has on DuckDB (orchestration/reading/report_reading.py).

The reader's files travel with the function: a worker of a cluster has Python, pandas, pyarrow and PyYAML, and nothing of this project.
"""

import hashlib
import io
import sys
import zipfile
from typing import Any

from orchestration.engines.spark.session import EngineRefused, lost_or, shown
from orchestration.settings import PROJECT_ROOT

FUNCTION = "read_margin_statements"
READER = PROJECT_ROOT / "report_reader"


def packed_reader() -> bytes:
    """The report reader's folder as a zip archive, the same bytes for the same files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(READER.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                named = zipfile.ZipInfo(path.relative_to(READER.parent).as_posix())
                archive.writestr(named, path.read_bytes(), compress_type=zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def register_report_reader(session: Any) -> None:
    """Make read_margin_statements(text) known to a Spark session."""
    from pyspark import cloudpickle
    from pyspark.sql.functions import PandasUDFType, pandas_udf

    from orchestration.engines.spark import worker_reading

    # by value: no worker could import it
    cloudpickle.register_pickle_by_value(worker_reading)
    packed = packed_reader()
    read = worker_reading.reading_function(packed, hashlib.sha256(packed).hexdigest()[:16])
    # asked of this session: pyspark would have the type's name read by the one that was made last, which may be another's or gone
    told = session.sql(f"SELECT CAST(NULL AS {worker_reading.SQL_TYPE}) AS told").schema["told"].dataType
    session.udf.register(FUNCTION, pandas_udf(read, told, PandasUDFType.SCALAR))


def try_report_reader(session: Any, address: str) -> None:
    """Let a worker of the engine read one sentence, before a night depends on it.

    Raises:
        EngineLost: the engine does not answer. EngineRefused: it takes no functions, or its workers cannot run this one.
    """
    try:
        register_report_reader(session)
        session.sql(f"SELECT size({FUNCTION}('Margin: 4 mm.')) AS n").collect()
    except Exception as error:
        told = lost_or(error, address, "register functions")
        if told is not error:
            raise told from None
        python = ".".join(map(str, sys.version_info[:2]))
        raise EngineRefused(
            f"the engine at {shown(address)} cannot run the report reader ({type(error).__name__}): it must take pandas functions, and its"
            f" workers need Python {python}, as here, with pandas, pyarrow and PyYAML"
        ) from None
