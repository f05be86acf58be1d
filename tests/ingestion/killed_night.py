"""What test_killed_nights kills: a process that loads a landing folder, tells after each file, and ends itself as a kill would.

It kills itself so that a slow machine, on which it gets no further in that time, cuts off more and not less.
"""

import multiprocessing
import os
import signal
import threading
from pathlib import Path

import duckdb

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import load_hospitals
from orchestration.ingestion.load_feed import load_feed

# the libraries are loaded once, by a server that forks for each night
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload([__name__])


def load(build_file: Path, landing: Path, contracts_folder: Path, told: Path, kill_after: int, seconds: float) -> None:
    """Take the folder in; `seconds` after the line `kill_after` of what it tells (0: never), SIGKILL."""
    with told.open("w", encoding="utf-8", buffering=1) as lines:
        n_lines = 0

        def tell(text: str) -> None:
            nonlocal n_lines
            n_lines += 1
            lines.write(f"{text}\n")
            if n_lines == kill_after:
                if not seconds:
                    end_at_once()
                threading.Timer(seconds, end_at_once).start()

        with duckdb.connect(str(build_file)) as connection:
            tell("started")
            contracts = load_hospitals(contracts_folder)
            for feed in canonical_feeds():
                load_feed(connection, landing, contracts, feed, "night", tell)
    # whatever still waits to kill it comes too late
    os._exit(0)


def end_at_once() -> None:
    """As the machine's own end would."""
    os.kill(os.getpid(), signal.SIGKILL)
