"""What test_killed_nights kills: a process that loads a landing folder and tells after each file.

Usage: python -m tests.ingestion.killed_night BUILD_FILE LANDING CONTRACTS
"""

import sys
from pathlib import Path

import duckdb

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import load_hospitals
from orchestration.ingestion.load_feed import load_feed

if __name__ == "__main__":
    build_file, landing, contracts_folder = map(Path, sys.argv[1:])
    contracts = load_hospitals(contracts_folder)
    with duckdb.connect(str(build_file)) as connection:
        print("started", flush=True)
        for feed in canonical_feeds():
            load_feed(connection, landing, contracts, feed, "night", lambda text: print(text, flush=True))
