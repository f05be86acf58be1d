"""Statistics against R, rates of the report reader and of ingestion, a night against a build of everybody: `python -m tests.bench`."""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.ingestion.contract import SourceContract, load_hospitals
from orchestration.ingestion.load_feed import load_feed
from orchestration.ingestion.readers import read_records
from tests.bench.against_r import bench_against_r
from tests.bench.nights import bench_nights
from tests.bench.reading import bench_reading

CSV_ROWS = 500_000
TRIES = 3
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
    """Records a second of both bulk feeds, once read (bytes to Arrow columns, every line accounted for) and once loaded
    whole (read, checked field by field, compared with earlier versions, written with lineage and verbatim payload).

    The readers' time is the best of a few tries, the whole load is done once, until its records lie compressed in the file: when
    a commit does that itself, and when it leaves it to a later one, depends on how wide the rows are. CSV stands against DuckDB's
    own COPY of the same file into a table, which checks and keeps nothing besides.
    """
    landing = folder / "landing"
    paths = {
        "follow_up": landing / "simulated_hospital" / "follow_up" / "follow_up.csv",
        "pathology_messages": landing / "simulated_hospital" / "pathology" / "pathology.hl7",
    }
    write_follow_up(paths["follow_up"])
    write_pathology(paths["pathology_messages"])
    contracts = {
        contract.feed: contract for contract in load_hospitals() if contract.source_system == "simulated_hospital"
    }
    table = Table("what", "records", "MB", "seconds", "records/s", "against COPY", title="Ingestion")
    copy = seconds(lambda: copy_with_duckdb(folder, paths["follow_up"]))
    table.add_row("DuckDB's COPY of the CSV", f"{CSV_ROWS:,}", "", f"{copy:.2f}", f"{CSV_ROWS / copy:,.0f}", "1.00")
    with duckdb.connect(str(folder / "build.duckdb")) as connection:
        for feed, n_records in (("follow_up", CSV_ROWS), ("pathology_messages", MESSAGES)):
            content = paths[feed].read_bytes()
            read_records(
                content[:100_000].rsplit(b"\r" if feed == "pathology_messages" else b"\n", 1)[0] + b"\n",
                contracts[feed],
            )
            read = min(
                seconds(lambda content=content, feed=feed: read_records(content, contracts[feed])) for _ in range(TRIES)
            )
            load = seconds(lambda feed=feed: load_whole(connection, landing, contracts[feed]))
            for what, spent in (("read", read), ("loaded whole", load)):
                ratio = f"{copy / spent:.2f}" if feed == "follow_up" else ""
                size = f"{len(content) / 1e6:.0f}"
                table.add_row(
                    f"{feed}, {what}", f"{n_records:,}", size, f"{spent:.2f}", f"{n_records / spent:,.0f}", ratio
                )
    return table


def load_whole(connection: duckdb.DuckDBPyConnection, landing: Path, contract: SourceContract) -> None:
    """A feed's files into the raw schema, and that into the build file."""
    load_feed(connection, landing, [contract], contract.feed, "bench")
    connection.execute("CHECKPOINT")


def copy_with_duckdb(folder: Path, path: Path) -> None:
    """The CSV into a table of text columns, by DuckDB alone."""
    with duckdb.connect(str(folder / "copy.duckdb")) as connection:
        connection.execute(f"CREATE TABLE copied AS FROM read_csv('{path}', all_varchar = true) LIMIT 0")
        connection.execute(f"COPY copied FROM '{path}' (HEADER)")
        connection.execute("CHECKPOINT")


PARTS: dict[str, Callable[[Path], object]] = {
    "statistics": lambda folder: bench_against_r(),
    "reading": lambda folder: bench_reading(),
    "ingestion": bench_ingestion,
    "nights": bench_nights,
}


def main() -> None:
    """The parts asked for, default all, each with the seconds that it took."""
    parser = argparse.ArgumentParser(description="Timings on this machine")
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=[], help="these parts")
    chosen, console = parser.parse_args().only or list(PARTS), Console()
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            start = time.perf_counter()
            console.print(PARTS[name](Path(folder)))
            console.print(f"{name}: {time.perf_counter() - start:.0f} s by the clock")


if __name__ == "__main__":
    main()
