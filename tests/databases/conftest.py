"""A real PostgreSQL of the tests' own, where Debian's packages are installed; skipped with the reason where they are not."""

import ctypes.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS, free_port

BINARIES = Path("/usr/lib/postgresql/15/bin")
DRIVERS = Path("/etc/odbcinst.ini")
ODBC_DRIVER = "PostgreSQL Unicode"
SECRET = "s3cret;of'the}tests"


@dataclass
class Database:
    """A running server with a database `hospital`, whose user `reader` may only come in with the secret."""

    folder: Path
    port: int

    def run(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.owner, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    @property
    def owner(self) -> str:
        return f"host=127.0.0.1 port={self.port} dbname=hospital user=owner password=owner"

    @property
    def connection(self) -> str:
        return f"host=127.0.0.1 port={self.port} dbname=hospital user=reader"

    @property
    def odbc(self) -> str:
        if not (ctypes.util.find_library("odbc") and DRIVERS.exists() and ODBC_DRIVER in DRIVERS.read_text("utf-8")):
            pytest.skip("ODBC or its driver for PostgreSQL is not installed (Debian: unixodbc odbc-postgresql)")
        return f"Driver={{{ODBC_DRIVER}}};Server=127.0.0.1;Port={self.port};Database=hospital;UID=reader"


def as_nobody_special(*command: str) -> list[str]:
    """PostgreSQL does not run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory):
    if not BINARIES.exists():
        pytest.skip("PostgreSQL 15 is not installed (Debian: postgresql)")
    if os.geteuid() == 0 and not shutil.which("runuser"):
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    port = free_port()
    # below /tmp itself, because pytest's folders are closed to other users
    folder = Path(
        subprocess.check_output(as_nobody_special("mktemp", "-d", "/tmp/crlm_pg.XXXXXX"), text=True, cwd="/tmp").strip()
    )

    def quietly(*command: str) -> None:
        subprocess.run(
            as_nobody_special(*command), check=True, cwd="/tmp", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    words = folder / "pw"
    quietly("sh", "-c", f"echo owner > {words}")
    quietly(
        str(BINARIES / "initdb"),
        "-D",
        str(folder / "db"),
        "-U",
        "owner",
        "-A",
        "scram-sha-256",
        f"--pwfile={words}",
        "-E",
        "UTF8",
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    control = [str(BINARIES / "pg_ctl"), "-D", str(folder / "db"), "-w", "-t", str(PATIENCE_SECONDS)]
    quietly(*control, "-l", str(folder / "log"), "-o", options, "start")
    try:
        import psycopg

        with psycopg.connect(
            f"host=127.0.0.1 port={port} dbname=postgres user=owner password=owner", autocommit=True
        ) as connection:
            connection.execute("CREATE DATABASE hospital")
            word = SECRET.replace("'", "''")
            connection.execute(f"CREATE ROLE reader LOGIN PASSWORD '{word}'")
        yield Database(folder, port)
    finally:
        quietly(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(server: Database, monkeypatch: pytest.MonkeyPatch):
    """Two treatments in a table that `reader` may read."""
    monkeypatch.setenv("NORTH_DATABASE_SECRET", SECRET)
    server.run(
        "DROP TABLE IF EXISTS therapy CASCADE",
        "ALTER DATABASE hospital RESET ALL",
        """CREATE TABLE therapy (id integer PRIMARY KEY, pat text, day date, what text, size numeric(6,1),
                                  changed timestamp, seen timestamptz)""",
        "GRANT SELECT ON therapy TO reader",
        """INSERT INTO therapy VALUES (1, 'P1', '2009-04-13', 'op', 1.5, '2020-01-01 10:00', '2020-01-01 10:00+00'),
                                      (2, 'P2', '2010-06-05', 'rfa', NULL, '2020-01-02 11:30:00.25', NULL)""",
    )
    return server
