"""A publication in PostgreSQL: loaded beside the copy that readers use, then exchanged for it in one transaction.

Readers never see half a night. Within one transaction everything that a reader asks is of one night: the exchange needs the lock
of every old table, so it waits for whoever is reading, and whoever comes meanwhile waits for it.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.exports.dictionary import SCHEMAS, published_columns
from orchestration.exports.folders import ExportRefused
from orchestration.files.encryption import attach
from orchestration.warehouse import open_scratch_file, read_publication

ARRIVING = "crlm_arriving_"
"""Before the name of a schema that is being loaded."""
LOCK_TIMEOUT_MS = 500
"""Shorter than PostgreSQL's own second until it looks for a deadlock: the exchange gives way, never a reader."""
PATIENCE_SECONDS = 60.0
Progress = Callable[[str], None]


def export_postgres(
    published_file: Path,
    connection_string: str,
    reader: str | None = None,
    progress: Progress = lambda text: None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> int:
    """Copy every published table into the schemas marts, results, quality and meta of a database; returns how many.

    Args:
        connection_string: as of libpq, without a password: that comes from PGPASSWORD or a password file.
        reader: a role that may read the copy, and nothing else of it.

    Raises:
        ExportRefused: nothing is published, the extension is not installed, the database refuses, or readers held the old copy
            for longer than patience_seconds; the copy that readers use is then as it was.
    """
    if read_publication(published_file) is None:
        raise ExportRefused("nothing is published yet: run `crlm refresh` first")
    if reader is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", reader):
        raise ExportRefused(f"'{reader}' is no role: letters, digits and underscores only")
    with open_scratch_file() as connection:
        _load_extension(connection)
        attach(connection, published_file, "publication", read_only=True)
        try:
            connection.execute(f"ATTACH {_text(connection_string)} AS server (TYPE postgres)")
            connection.execute("USE publication")
            n_tables = _load(connection, reader, progress)
            progress("exchanging the copies")
            _exchange(connection, patience_seconds)
        except duckdb.Error as error:
            raise ExportRefused(f"PostgreSQL: {_reason(error)}") from None
    return n_tables


def _load_extension(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        import duckdb_extensions

        duckdb_extensions.import_extension("postgres")
        connection.load_extension("postgres")
    except (ImportError, duckdb.Error, OSError):
        raise ExportRefused("DuckDB's extension for PostgreSQL is not installed: pip install .[sources]") from None


def _load(connection: duckdb.DuckDBPyConnection, reader: str | None, progress: Progress) -> int:
    """All tables, committed under the arriving schemas, which nobody reads."""
    columns = published_columns(connection)
    schemas = [schema for schema in SCHEMAS if schema in set(columns["schema"])]
    _on_server(connection, "; ".join(f"DROP SCHEMA IF EXISTS {ARRIVING}{schema} CASCADE" for schema in SCHEMAS))
    _on_server(connection, "; ".join(f"CREATE SCHEMA {ARRIVING}{schema}" for schema in schemas))
    connection.execute("CALL pg_clear_cache()")
    words = []
    tables = list(columns.groupby(["schema", "table"], sort=False))
    for (schema, table), rows in tables:
        progress(f"{schema}.{table}")
        place = f'{ARRIVING}{schema}."{table}"'
        connection.execute(f'CREATE TABLE server.{place} AS FROM publication."{schema}"."{table}"')
        words.append(f"COMMENT ON TABLE {place} IS {_text(rows['table_description'].iloc[0])}")
        words += [
            f'COMMENT ON COLUMN {place}."{name}" IS {_text(text)}'
            for name, text in zip(rows["column"], rows["description"], strict=True)
        ]
    if reader is not None:
        words += [f"GRANT USAGE ON SCHEMA {ARRIVING}{schema} TO {reader}" for schema in schemas]
        words += [f"GRANT SELECT ON ALL TABLES IN SCHEMA {ARRIVING}{schema} TO {reader}" for schema in schemas]
    _on_server(connection, "; ".join(words))
    return len(tables)


EXCHANGE = """
DO $exchange$
DECLARE
    old record;
BEGIN
    FOR old IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ({schemas}) ORDER BY schemaname, tablename LOOP
        EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', old.schemaname, old.tablename);
    END LOOP;
    FOR old IN SELECT name FROM unnest(ARRAY[{schemas}]) AS name LOOP
        EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', old.name);
        IF EXISTS (SELECT FROM pg_namespace WHERE nspname = '{arriving}' || old.name) THEN
            EXECUTE format('ALTER SCHEMA %I RENAME TO %I', '{arriving}' || old.name, old.name);
        END IF;
    END LOOP;
END
$exchange$"""


def _exchange(connection: duckdb.DuckDBPyConnection, patience_seconds: float) -> None:
    listed = ", ".join(f"'{schema}'" for schema in SCHEMAS)
    statement = f"SET lock_timeout = {LOCK_TIMEOUT_MS}; {EXCHANGE.format(schemas=listed, arriving=ARRIVING)}"
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            _on_server(connection, statement)
            return
        except duckdb.Error as error:
            if "lock timeout" not in str(error):
                raise
            if time.monotonic() > deadline:
                raise ExportRefused(
                    f"readers have held the old copy open for {patience_seconds:g} s; it stays as it was."
                    " Transactions that stay open show in pg_stat_activity"
                ) from None
        time.sleep(0.2)


def _on_server(connection: duckdb.DuckDBPyConnection, statements: str) -> None:
    """Statements of PostgreSQL sent at once: all of them take effect, or none."""
    connection.execute(f"CALL postgres_execute('server', {_text(statements)})")


def _reason(error: duckdb.Error) -> str:
    """What the server said, without the connection string, in which somebody may have written a password."""
    said = str(error)
    found = re.search(r"(FATAL|ERROR): +[^\n]+", said)
    if found:
        return found.group(0)
    return "the server cannot be reached" if "onnect" in said else "it could not take the tables"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
