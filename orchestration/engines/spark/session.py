"""A session of a Spark Connect engine, shared by all processes of one night: its tables may be known to that session only (Sail)."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ADDRESS = "CRLM_SPARK"
SESSION_ID = "CRLM_SPARK_SESSION"
CONFIGURATION = {
    # times of the build file have no zone
    "spark.sql.session.timeZone": "UTC",
    # what cannot be read as a number or a date raises, as on DuckDB, and is not silently missing
    "spark.sql.ansi.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
}
TRIES = 3
"""A server that is gone is asked so often again, within seconds; pyspark's own patience is ten minutes a statement."""
LOST = "the Spark Connect engine does not answer"


class EngineLost(Exception):
    """The server cannot be reached, or the connection broke."""


def connect(address: str, session_id: str) -> "SparkSession":
    """The session of that id on the engine at `address` (sc://host:port), made if there is none.

    Raises:
        EngineLost: it does not answer.
    """
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession

    parted = address.rstrip("/")
    joined = f"{parted};" if "/;" in parted else f"{parted}/;"
    try:
        session = SparkSession.builder.remote(f"{joined}session_id={session_id}").create()
        session.client.set_retry_policies([DefaultPolicy(max_retries=TRIES)])
        for name, value in CONFIGURATION.items():
            session.conf.set(name, value)
    except Exception as error:
        raise lost_or(error, address) from None
    return session


def session_of_environment() -> "SparkSession":
    """That of the night that started this process."""
    return connect(os.environ[ADDRESS], os.environ[SESSION_ID])


def lost_or(error: Exception, address: str = "") -> Exception:
    """EngineLost where the connection broke, else the error as it came."""
    told = f"{type(error).__name__} {error}"
    signs = (
        "UNAVAILABLE",
        "failed to connect",
        "Connection refused",
        "Socket closed",
        "RetriesExceeded",
        "Broken pipe",
    )
    if any(sign in told for sign in signs):
        return EngineLost(f"{LOST}{f' at {address}' if address else ''}")
    return error
