"""The hash of a landed file that nobody touched since it was hashed, without reading it again: a country's files are gigabytes.

A file counts as untouched when the system says so: the same inode, size, time of writing and time of change, which no program can set
back. As git does with its index, a file that was written or moved in the very moment before it was hashed is hashed again next time,
for two writings within a tick of the clock look alike.
"""

import os
import time
from pathlib import Path

import duckdb

from orchestration.ingestion.landed_names import name_in_landing
from orchestration.ingestion.load_file import hash_of_file

SETTLED_SECONDS = 2.0
TABLE = "raw.landed_file_hashes"


class RememberedHashes:
    """The hashes of the landing folder's files, kept in the build file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, landing_folder: Path) -> None:
        self.connection, self.landing_folder = connection, landing_folder
        rows = connection.execute(f"SELECT name, seen, file_hash FROM {TABLE}").fetchall()
        self.known = {name: (seen, file_hash) for name, seen, file_hash in rows}
        self.new: dict[str, tuple[str, str]] = {}

    def of(self, path: Path) -> str:
        """As `hash_of_file`."""
        name, now = name_in_landing(path, self.landing_folder), time.time()
        try:
            status = path.stat()
        except OSError:
            return hash_of_file(path)
        seen = _seen(status)
        known_as, known = self.known.get(name, ("", ""))
        if known_as == seen:
            return known
        found = hash_of_file(path)
        if found and now - max(status.st_mtime, status.st_ctime) > SETTLED_SECONDS and _seen_now(path) == seen:
            self.new[name] = (seen, found)
        return found

    def keep(self) -> None:
        """Write down what was hashed."""
        if not self.new:
            return
        names = list(self.new)
        self.connection.execute(
            f"DELETE FROM {TABLE} WHERE list_contains(CAST($names AS VARCHAR[]), name)", {"names": names}
        )
        self.connection.execute(
            f"INSERT INTO {TABLE} SELECT unnest($names), unnest($seen), unnest($hashes)",
            {
                "names": names,
                "seen": [seen for seen, _ in self.new.values()],
                "hashes": [found for _, found in self.new.values()],
            },
        )


def _seen(status: os.stat_result) -> str:
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _seen_now(path: Path) -> str:
    try:
        return _seen(path.stat())
    except OSError:
        return ""
