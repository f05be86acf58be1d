"""A session of a Spark Connect engine, shared by all processes of one night: its tables may be known to that session only (Sail)."""

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from orchestration.engines.spark.idle_engine import LONGEST_IDLE_MINUTES, EngineIdle, WatchOfProgress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ADDRESS = "CRLM_SPARK"
SESSION_ID = "CRLM_SPARK_SESSION"
LONGEST_IDLE = "CRLM_SPARK_IDLE_MINUTES"
ADDRESS_FORM = re.compile(
    r"sc://(?:\[[0-9A-Fa-f:.]+\]|[^/;?#@\s:\[\]]+)(?::[0-9]{1,5})?(?:/|/(?:;[^/;=?#\s]+=[^/;=?#\s]*)+)?"
)
HOST_AND_PORT = re.compile(r"sc://(?:[^/;?#]*@)?(\[[0-9A-Fa-f:.]+\]|[^/;?#@\s:\[]*)(:[0-9]{1,5}(?=[/;?#]|$))?")
CONFIGURATION = {
    # times of the build file have no zone
    "spark.sql.session.timeZone": "UTC",
    # what cannot be read as a number or a date raises, as on DuckDB, and is not silently missing
    "spark.sql.ansi.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
}
TRIES = 3
"""A server that is gone is asked so often again, within seconds; pyspark's own patience is ten minutes a statement."""
KEEPALIVE_MILLISECONDS, KEEPALIVE_ANSWER_MILLISECONDS = 360_000, 20_000
"""How often a server is asked for a sign of life while a statement runs, and how long it may take. One that stands still, or whose packets
nobody brings any more, closes no connection. A server of gRPC's hangs up on who asks more often than every five minutes."""
OLDEST_SPARK = 4
WHAT_TO_DO = "Start the engine again, then `crlm refresh`."
LOST = "the Spark Connect engine does not answer"
SIGNS_OF_LOSS = (
    "UNAVAILABLE", "failed to connect", "Connection refused", "Socket closed", "RetriesExceeded", "Broken pipe", "Connection reset",
)  # fmt: skip
SIGNS_OF_LOST_EXECUTORS = (
    "ExecutorLostFailure", "Master removed our application", "All masters are unresponsive", "stopped SparkContext",
    "SparkContext was shut down",
)  # fmt: skip
SIGNS_OF_MISSING_RIGHTS = (
    "PERMISSION_DENIED",
    "INSUFFICIENT_PERMISSIONS",
    "insufficient privileges",
    "AccessControlException",
)


class EngineLost(Exception):
    """The server cannot be reached, or the connection broke."""


class EngineRefused(Exception):
    """The engine or its settings cannot be used; the message says what to do."""


def shown(address: str) -> str:
    """An address as it may be told, whatever was written: scheme, host and port. What stands behind them may be a token."""
    found = HOST_AND_PORT.match(address)
    # where a name or a password ends is not known of a text that is no address
    is_told = found and found[1] and (ADDRESS_FORM.fullmatch(address) or "@" not in address[found.end() :])
    return f"sc://{found[1]}{found[2] or ''}" if found and is_told else "sc://..."


def check_address(address: str) -> None:
    """Whether a text is an address, before anything takes it for one.

    Raises:
        EngineRefused: it is not.
    """
    if not ADDRESS_FORM.fullmatch(address):
        raise _no_address(address)


def _no_address(address: str) -> EngineRefused:
    return EngineRefused(
        f"CRLM_SPARK is no address of a Spark Connect server: {shown(address)}. It looks like sc://host:15002, or"
        " sc://host:443/;use_ssl=true;token=..."
    )


def connect(address: str, session_id: str, longest_idle_minutes: float = LONGEST_IDLE_MINUTES) -> "SparkSession":
    """The session of that id on the engine at `address` (sc://host:port), made if there is none. A statement of which no task runs for
    longer than is said here ends with an error that `lost_or` knows, and so does one whose connection went silent.

    Raises:
        EngineLost: it does not answer. EngineRefused: it is none, wants another token, or is too old.
    """
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession

    check_address(address)
    parted = address.rstrip("/")
    joined = f"{parted};" if "/;" in parted else f"{parted}/;"
    watched = [
        ("grpc.keepalive_time_ms", KEEPALIVE_MILLISECONDS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_ANSWER_MILLISECONDS),
        # a statement may run for hours in which nothing but this is sent
        ("grpc.http2.max_pings_without_data", 0),
    ]
    try:
        channel = DefaultChannelBuilder(f"{joined}session_id={session_id}", watched)
        session = SparkSession.builder.channelBuilder(channel).create()
        session.client.set_retry_policies([DefaultPolicy(max_retries=TRIES)])
        session.registerProgressHandler(WatchOfProgress(longest_idle_minutes))
        for name, value in CONFIGURATION.items():
            session.conf.set(name, value)
        version = version_of(session)
    except Exception as error:
        if isinstance(error, ValueError):
            raise _no_address(address) from None
        raise lost_or(error, address, "use it") from None
    major = int(version.split(".")[0])
    if 0 < major < OLDEST_SPARK:
        raise EngineRefused(
            f"the engine at {shown(address)} is Spark {version.split()[0]}: Spark {OLDEST_SPARK}.0 or later is needed (pyspark-client"
            " of requirements-spark.lock speaks to it)"
        )
    return session


def version_of(session: "SparkSession") -> str:
    """The engine's own word: '4.1.0 <revision>' (Spark, Databricks), '0.7.2' (Sail)."""
    return session.sql("SELECT version()").collect()[0][0]


def session_of_environment() -> "SparkSession":
    """That of the night that started this process."""
    return connect(
        os.environ[ADDRESS],
        os.environ[SESSION_ID],
        float(os.environ.get(LONGEST_IDLE, LONGEST_IDLE_MINUTES)),
    )


def said_of_loss(messages: Iterable[str]) -> str | None:
    """What `lost_or` said to another process that asked the engine: the sentence in its messages, if one is there."""
    for message in messages:
        if found := re.search(rf"the Spark Connect engine [^\n]*{re.escape(WHAT_TO_DO)}", message):
            return found[0]
    return None


def kind_of(error: Exception) -> str:
    """An error without its words, which may quote a record: Spark's own name for it, whether it is of rights, else its class."""
    told = str(error)
    if "permission denied" in told.lower():
        return "permission denied"
    named = re.search(r"\[([A-Z][A-Z0-9_.]{3,80})\]", told)
    return named[1] if named else type(error).__name__


def lost_or(error: Exception, address: str, doing: str = "do this") -> Exception:
    """EngineLost where the connection broke, EngineRefused where a token or a right is missing, else the error as it came.

    Args:
        doing: what was asked for, as 'create schemas'.
    """
    if isinstance(error, EngineLost | EngineRefused):
        return error
    told, where = f"{type(error).__name__} {error}", shown(address)
    if isinstance(error, EngineIdle):
        return EngineLost(
            f"the Spark Connect engine at {where} answers but does nothing ({error}; its executors may be lost, or it has none to spare:"
            f" {LONGEST_IDLE}): nothing is published. {WHAT_TO_DO}"
        )
    if "UNAUTHENTICATED" in told:
        return EngineRefused(
            f"the engine at {where} refuses the token: CRLM_SPARK={where}/;use_ssl=true;token=... has it"
        )
    if any(sign.lower() in told.lower() for sign in SIGNS_OF_MISSING_RIGHTS):
        return EngineRefused(
            f"the engine at {where} does not let this user {doing}: the night needs a catalogue in which it may create and drop schemas,"
            " tables and views, and read files of CRLM_SPARK_FOLDER"
        )
    if any(sign in told for sign in SIGNS_OF_LOST_EXECUTORS):
        return EngineLost(
            f"the Spark Connect engine at {where} has lost its executors: nothing is published. {WHAT_TO_DO}"
        )
    if any(sign in told for sign in SIGNS_OF_LOSS):
        # a server behind TLS closes a connection without
        hint = (
            ""
            if "use_ssl=true" in address or re.search(r"//(localhost|127\.)", address)
            else " (or needs /;use_ssl=true;token=...)"
        )
        return EngineLost(f"{LOST} at {where}{hint}: nothing is published. {WHAT_TO_DO}")
    return error
