"""Encryption at rest, an option: with CRLM_ENCRYPTION_KEY set, the build file and all published files are written encrypted by DuckDB.

The key is never written anywhere by the warehouse: who loses it loses the published files (the build file can be made anew). The
extension that encrypts comes as a package (`pip install .[encryption]`); nothing is downloaded when it is used.
"""

import os
from pathlib import Path

import duckdb

from orchestration.files.memory import limited
from orchestration.files.problems import WarehouseProblem

VARIABLE = "CRLM_ENCRYPTION_KEY"
SHORTEST_KEY = 16
STORAGE_OF_BUILD_FILE = "v1.5.0"


class EncryptionProblem(WarehouseProblem):
    """Files cannot be encrypted as asked: the key is too short, or the extension is not installed."""


def encryption_key() -> str | None:
    """The key, or None where files are written as they are.

    Raises:
        EncryptionProblem: it has fewer than 16 characters.
    """
    key = os.environ.get(VARIABLE)
    if not key:
        return None
    if len(key) < SHORTEST_KEY:
        raise EncryptionProblem(f"{VARIABLE} has fewer than {SHORTEST_KEY} characters")
    return key


def connect(path: Path, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to a DuckDB file, encrypted or not, whose tables are named as they always are; held to the memory it may take."""
    if encryption_key() is None:
        return limited(duckdb.connect(str(path), read_only=read_only))
    connection = limited(duckdb.connect())
    try:
        attach(connection, path, path.stem, read_only)
        connection.execute(f'USE "{path.stem}"')
        # what does not fit into memory waits beside the file, as it does for a file that is not encrypted
        connection.execute(f"SET temp_directory = {_text(f'{path}.tmp')}")
    except BaseException:
        connection.close()
        raise
    return connection


def create_build_file(path: Path) -> None:
    """An empty file in the storage of DuckDB 1.5, which it keeps whoever opens it: texts take a third of the room, and less time to write,
    than in the storage that older versions read too. What is published stays in that one."""
    with duckdb.connect() as connection:
        attach(connection, path, "build", storage_version=STORAGE_OF_BUILD_FILE)


def attach(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    alias: str,
    read_only: bool = False,
    storage_version: str | None = None,
) -> None:
    """Attach a file beside what a connection has open; made, if it is not there, encrypted where that is asked for."""
    key, options = encryption_key(), ["READ_ONLY"] if read_only else []
    if storage_version is not None:
        options.append(f"STORAGE_VERSION {_text(storage_version)}")
    if key is not None:
        load_extension(connection)
        options.append(f"ENCRYPTION_KEY {_text(key)}")
    listed = f" ({', '.join(options)})" if options else ""
    connection.execute(f'ATTACH {_text(str(path))} AS "{alias}"{listed}')


def load_extension(connection: duckdb.DuckDBPyConnection) -> None:
    """DuckDB's own encryption for writing, from the installed package.

    Raises:
        EncryptionProblem: the package is not installed.
    """
    try:
        connection.load_extension("httpfs")
    except duckdb.Error:
        try:
            import duckdb_extensions

            duckdb_extensions.import_extension("httpfs")
            connection.load_extension("httpfs")
        except (ImportError, duckdb.Error, OSError):
            raise EncryptionProblem(
                f"{VARIABLE} is set, but the extension that encrypts is not installed: pip install .[encryption]"
            ) from None


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
