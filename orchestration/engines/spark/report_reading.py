"""The report reader as a function of Spark's SQL, under the name that it has on DuckDB (orchestration/reading/report_reading.py).

The reader's files travel with the function: a worker of a cluster has Python, pandas, pyarrow and PyYAML, and nothing of this project.
"""

import hashlib
import io
import zipfile
from typing import Any

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
