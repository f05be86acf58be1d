"""The part of a fetch that talks to the database, in a process of its own: a driver that hangs or crashes harms nobody.

Reads a JSON object from stdin (kind, connection, query, out, timeout, time_zone), the secret from CRLM_FETCH_SECRET; writes
the rows as Parquet to `out` and a JSON object to stdout: {"rows": n}, or {"kind": ..., "message": ...} of what failed.
"""

import json
import os
import sys
import threading
from typing import Any

import duckdb

SECRET = "CRLM_FETCH_SECRET"
START_SECONDS = 3
"""What loading the extension and connecting may take beyond the query's own time."""


def fetch(request: dict[str, Any], secret: str) -> int:
    """All rows of the query into the Parquet file; returns how many."""
    import duckdb_extensions

    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = {_literal(request['time_zone'])}")
        extension = request["kind"]
        duckdb_extensions.import_extension(extension)
        connection.load_extension(extension)
        rows = _postgres(connection, request, secret) if extension == "postgres" else _odbc(connection, request, secret)
        kinds = connection.execute(f"DESCRIBE {rows}").fetchall()
        # an instant becomes the time on the hospital's clock
        columns = [
            f"CAST({_name(name)} AS TIMESTAMP) AS {_name(name)}" if kind == "TIMESTAMP WITH TIME ZONE" else _name(name)
            for name, kind, *_ in kinds
        ]
        connection.execute(
            f"COPY (SELECT {', '.join(columns)} FROM ({rows})) TO {_literal(request['out'])} (FORMAT parquet)"
        )
        return connection.execute(f"SELECT count(*) FROM read_parquet({_literal(request['out'])})").fetchall()[0][0]


def _postgres(connection: duckdb.DuckDBPyConnection, request: dict[str, Any], secret: str) -> str:
    # libpq takes it from there, so that it is in no connection string that a message could quote
    os.environ["PGPASSWORD"] = secret
    os.environ.setdefault("PGCONNECT_TIMEOUT", "15")
    # a watermark that is an instant was noted on the clock of `time_zone`, and is compared on it
    os.environ["PGOPTIONS"] = (
        f"-c statement_timeout={1000 * request['timeout']} -c default_transaction_read_only=on"
        f" -c TimeZone={request['time_zone']}"
    )
    connection.execute(f"ATTACH {_literal(request['connection'])} AS source (TYPE postgres, READ_ONLY)")
    return f"FROM postgres_query('source', {_literal(request['query'])})"


def _odbc(connection: duckdb.DuckDBPyConnection, request: dict[str, Any], secret: str) -> str:
    whole = request["connection"].rstrip("; ")
    if secret:
        plain = secret.isalnum()
        whole += f";PWD={secret if plain else '{' + secret.replace('}', '}}') + '}'}"
    connection.execute(f"SET VARIABLE source = odbc_connect({_literal(whole)})")
    return f"FROM odbc_query(getvariable('source'), {_literal(request['query'])})"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _answer(**answer: object) -> None:
    print(json.dumps(answer), flush=True)


def _give_up() -> None:
    _answer(kind="Timeout", message="statement timeout")
    # a driver that waits for its server hears no exception
    os._exit(1)


def main() -> None:
    request = json.loads(sys.stdin.read())
    # a server that does not keep the time itself is not waited for
    watch = threading.Timer(request["timeout"] + START_SECONDS, _give_up)
    watch.daemon = True
    watch.start()
    try:
        _answer(rows=fetch(request, os.environ.pop(SECRET, "")))
    except Exception as error:
        _answer(kind=type(error).__name__, message=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
