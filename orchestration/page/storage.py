"""Dagster's storage, made by one process at a time.

Page, daemon and a night on the command line may all begin in a new data folder at once; Dagster looks for its tables and then
creates them, so that the second to come dies of a table that already exists.
"""

import fcntl
from pathlib import Path

SECONDS_TO_ANSWER = 10


class StorageAway(Exception):
    """Dagster's database cannot be reached; the message says which and what to do, without its password."""


def make_dagster_storage(dagster_home: Path, postgres_url: str | None) -> None:
    """Create the tables of runs, events and schedules where they are missing; wait for a process that is about it.

    Raises:
        StorageAway: the database of `postgres_url` does not answer.
    """
    import dagster as dg

    if postgres_url and (problem := problem_of_database(postgres_url)):
        raise StorageAway(problem)
    with (dagster_home / ".storage.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # an instance makes every storage when it is opened
        with dg.DagsterInstance.from_config(str(dagster_home)):
            pass


def problem_of_database(postgres_url: str) -> str | None:
    """Why Dagster's PostgreSQL cannot be used, for a person; None where it answers."""
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = create_engine(make_url(postgres_url), connect_args={"connect_timeout": SECONDS_TO_ANSWER})
        with engine.connect():
            return None
    except ModuleNotFoundError:
        return "Dagster's storage in PostgreSQL needs further packages: pip install 'crlm-outcomes-warehouse[postgres]'"
    except SQLAlchemyError:
        return (
            f"Dagster's database does not let us in at {_place(postgres_url)} (CRLM_DAGSTER_POSTGRES_URL): look whether it runs, and "
            "whether user and password are right; nothing was begun"
        )


def _place(postgres_url: str) -> str:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(postgres_url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "an address that is none"
