"""Rates of ingestion: `python -m tests.bench`."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.ingestion.load_feed import load_feed
from orchestration.ingestion.source_contract import load_hospitals

CSV_ROWS = 500_000
MESSAGES = 50_000
LINES_A_MESSAGE = 13


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes, once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def write_follow_up(path: Path) -> None:
    """CSV_ROWS sound follow-up rows, written by DuckDB."""
    path.parent.mkdir(parents=True)
    duckdb.sql(
        f"""COPY (SELECT 'F' || i AS event_id, 'SIM' || lpad((i % 90000)::VARCHAR, 7, '0') AS mrn,
                         strftime(DATE '2000-01-01' + (i % 4000)::INTEGER, '%m/%d/%Y') AS event_date,
                         'imaging' AS event_type, 'CT' AS modality,
                         CASE i % 5 WHEN 0 THEN 'definite' ELSE 'NED' END AS finding,
                         CASE i % 5 WHEN 0 THEN 'liver_margin;lung' END AS sites, 'no change' AS note
                  FROM range({CSV_ROWS}) t(i)) TO '{path}' (HEADER)"""
    )


def write_pathology(path: Path) -> None:
    """MESSAGES ORU^R01 messages of about 2 kB."""
    path.parent.mkdir(parents=True)
    text = "The parenchymal resection margin is free of tumor; the closest distance is 4 mm from ink"
    observations = "".join(
        f"OBX|{line}|TX|22637-3^Final diagnosis^LN|A|{text}||||||F\r" for line in range(1, LINES_A_MESSAGE + 1)
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        for number in range(MESSAGES):
            file.write(
                f"MSH|^~\\&|LIS|H|CRLM|W|20000102||ORU^R01^ORU_R01|M{number}|T|2.5.1\r"
                f"PID|1||SIM{number:07d}^^^H^MR||X^Y||19400101|F\r"
                f"OBR|1||S{number}^LIS|11529-5^Surgical pathology study^LN|||20000101{'|' * 15}20000102{'|' * 3}F\r"
                + observations
            )


def bench_ingestion(folder: Path) -> Table:
    """Records a second of both bulk feeds; CSV also against DuckDB's own reading of the same file into a table."""
    landing = folder / "landing"
    follow_up = landing / "simulated_hospital" / "follow_up" / "follow_up.csv"
    write_follow_up(follow_up)
    write_pathology(landing / "simulated_hospital" / "pathology" / "pathology.hl7")
    contracts = load_hospitals()
    table = Table("what", "records", "seconds", "records/s", "against DuckDB's COPY", title="Ingestion")
    with duckdb.connect(str(folder / "copy.duckdb")) as connection:
        copy = seconds(
            lambda: connection.execute(f"CREATE TABLE t AS FROM read_csv('{follow_up}', all_varchar = true)")
        )
    with duckdb.connect(str(folder / "build.duckdb")) as connection:
        for feed, n_records in (("follow_up", CSV_ROWS), ("pathology_messages", MESSAGES)):
            spent = seconds(lambda feed=feed: load_feed(connection, landing, contracts, feed, "bench"))
            ratio = f"{copy / spent:.2f} of its speed" if feed == "follow_up" else ""
            table.add_row(feed, f"{n_records:,}", f"{spent:.2f}", f"{n_records / spent:,.0f}", ratio)
    return table


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        Console().print(bench_ingestion(Path(folder)))
