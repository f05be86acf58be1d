"""Dagster's storage, made by one process at a time.

Page, daemon and a night on the command line may all begin in a new data folder at once; Dagster looks for its tables and then
creates them, so that the second to come dies of a table that already exists.
"""

import fcntl
from pathlib import Path


def make_dagster_storage(dagster_home: Path) -> None:
    """Create the tables of runs, events and schedules where they are missing; wait for a process that is about it.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, dagster_postgres' own: as Dagster has them, where the storage can't be reached.
    """
    import dagster as dg

    with (dagster_home / ".storage.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # an instance makes every storage when it is opened
        with dg.DagsterInstance.from_config(str(dagster_home)):
            pass
