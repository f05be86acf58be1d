"""Which record keys raw holds already, as numbers in memory while many files of a feed are loaded: whether a file brings another version
of a record would else be looked up in the whole table for every file, which is quadratic in the number of files.
"""

from collections import Counter
from collections.abc import Iterable

import duckdb
import numpy as np

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.record_versions import of_system

FEWEST_FILES = 16
"""With fewer files to load the table is asked for each of them."""


class KnownKeys:
    """Hashes of the record keys of one contract's records in raw, in sorted runs of which each is at least twice the next.

    Two keys may have one hash, and a file that was rolled back leaves its keys here: both only mean that the table is asked.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, contract: SourceContract) -> None:
        rows = connection.execute(
            f"SELECT hash(record_key) AS key FROM raw.{contract.feed} WHERE {of_system(contract)}"
        ).fetchnumpy()
        self._runs = [np.sort(np.asarray(rows["key"], dtype=np.uint64))]

    def takes(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Takes the keys of `checked_records`; whether each of them is new and there once."""
        rows = connection.execute(
            "SELECT hash(record_key) AS key FROM checked_records WHERE NOT is_rejected"
        ).fetchnumpy()
        keys = np.sort(np.asarray(rows["key"], dtype=np.uint64))
        is_new = not (keys[1:] == keys[:-1]).any() and not any(_share(run, keys) for run in self._runs)
        self._runs.append(keys)
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]), kind="stable")
        return is_new


class KeysWhileLoading:
    """The known keys of each contract that has many files to load; those of one contract at a time are held."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, contracts_of_files: Iterable[SourceContract]) -> None:
        self._connection = connection
        self._n_files = Counter(map(_name, contracts_of_files))
        self._held: tuple[tuple[str, ...], KnownKeys] | None = None

    def of(self, contract: SourceContract) -> KnownKeys | None:
        """Nothing where the contract has few files."""
        name = _name(contract)
        if self._n_files[name] < FEWEST_FILES:
            return None
        if self._held is None or self._held[0] != name:
            self._held = None  # before the next are read
            self._held = (name, KnownKeys(self._connection, contract))
        return self._held[1]


def _name(contract: SourceContract) -> tuple[str, ...]:
    return (contract.source_system, contract.feed, contract.system)


def _share(run: np.ndarray, keys: np.ndarray) -> bool:
    """Whether two sorted arrays have a number in common."""
    if not len(run) or not len(keys):
        return False
    at = np.minimum(np.searchsorted(run, keys), len(run) - 1)
    return bool((run[at] == keys).any())
