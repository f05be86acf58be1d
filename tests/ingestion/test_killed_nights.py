"""A night that is killed (SIGKILL) at any moment and run again leaves the raw tables of a night that nobody disturbed."""

import base64
import io
import signal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingestion.killed_night import SERVER, load

HEADER = "id;patient;when;what;where;left\n"
# what differs from one run to the next
OF_THE_RUN = {"loaded_at", "run_id", "rejected_at", "noticed_at", "load_number"}


def treatments(first: int, residual: str) -> str:
    """A thousand treatments, every hundredth with a date that does not exist."""
    rows = [
        f"T{number};SIM{number % 700:07d};{'31.02.2000' if number % 100 == 0 else '15.03.2000'};op;L;{residual}\n"
        for number in range(first, first + 1000)
    ]
    return HEADER + "".join(rows)


# as the snapshots of a database's table are read
DATABASE = """
version: "1"
feed: treatments
system: therapy
source: {kind: postgres, connection: "host=nowhere dbname=therapy user=reader", table: therapy}
key: [treatment_id]
fields:
  treatment_id: {column: id, required: true}
  mrn: {column: patient, required: true}
  treatment_date: {column: day, formats: ["%Y-%m-%d"], required: true}
  treatment_type: {column: what, codes: {op: resection}, required: true}
"""


def snapshot(day: str) -> bytes:
    """Five hundred rows of a table as they were fetched."""
    columns = {
        "id": [f"D{number}" for number in range(500)],
        "patient": [f"SIM{number:07d}" for number in range(500)],
        "day": [day] * 500,
        "what": ["op"] * 500,
    }
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written)
    return written.getvalue()


# a document that is read, and one that is listed
DOCUMENTS = "".join(
    f"OBX|{place}|ED|22637-3^D^LN|A|^application^{kind}^Base64^{base64.b64encode(data).decode()}||||||F\r"
    for place, kind, data in ((2, "RTF", rb"{\rtf1\ansi margin 4 mm}"), (3, "PDF", b"%PDF-1.4 damaged"))
)


def messages(first: int) -> str:
    return "".join(
        f"MSH|^~\\&|LIS|H|C|W|20000102||ORU^R01|M{number}|T|2.5.1\rPID|1||SIM{number:07d}^^^H^MR\r"
        f"OBR|1||S{number}|11529-5|||20000101{'|' * 18}F\rOBX|1|TX|22637-3^D^LN|A|margin 4 mm||||||F\r"
        + (DOCUMENTS if number % 50 == 0 else "")
        for number in range(first, first + 500)
    )


@pytest.fixture
def landed(warehouse) -> Path:
    """Eight files of treatments, of which four correct the other four, two snapshots of a database, of which the second corrects
    the first, and four files of messages with documents in them, one of them cut off."""
    (warehouse.contracts_folder / "a_hospital" / "database.yml").write_text(DATABASE, encoding="utf-8")
    for number, day in enumerate(("2000-03-15", "2000-03-16")):
        warehouse.land(f"fetched/treatments.therapy/{number}.parquet", snapshot(day))
    for number in range(4):
        warehouse.land(f"treatments/{number}_1.csv", treatments(1000 * number, "0"))
        warehouse.land(f"treatments/{number}_2.csv", treatments(1000 * number, "1"))
        text = messages(500 * number)
        warehouse.land(f"pathology/{number}.hl7", text if number else text[:-20])
    return warehouse.landing


class Night:
    """One process that loads the landing folder into a build file."""

    def __init__(self, build_file: Path, landing: Path, contracts: Path) -> None:
        self.told = build_file.with_suffix(".told")
        self.places = (build_file, landing, contracts, self.told)

    def ends_with(self, kill_after: int, seconds: float) -> int | None:
        process = SERVER.Process(target=load, args=(*self.places, kill_after, seconds))
        process.start()
        process.join()
        return process.exitcode

    def killed_after(self, n_lines: int, seconds: float) -> int:
        """Kill it some time after it said its n-th line; the number of lines that it said in all."""
        ended = self.ends_with(n_lines, seconds)
        n_said = self.told.read_text(encoding="utf-8").count("\n")
        assert ended in (0, -signal.SIGKILL) and n_said >= n_lines, "the night ended before it could be killed"
        return n_said

    def ended(self) -> None:
        assert self.ends_with(0, 0.0) == 0


def raw_tables(build_file: Path) -> dict[str, list[tuple]]:
    """Every row of every raw table, without what is of the run."""
    with duckdb.connect(str(build_file), read_only=True) as connection:
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'raw' ORDER BY column_index"
        ).fetchall():
            columns.setdefault(table, []).extend([] if column in OF_THE_RUN else [f'"{column}"'])
        return {
            table: connection.execute(f"SELECT {', '.join(names)} FROM raw.{table} ORDER BY ALL").fetchall()
            for table, names in columns.items()
            # what a file looked like when it was last seen unchanged, so that it is not read again: no record
            if table != "landed_file_hashes"
        }


@pytest.fixture
def undisturbed(tmp_path, landed, warehouse) -> dict[str, list[tuple]]:
    build_file = tmp_path / "undisturbed.duckdb"
    Night(build_file, landed, warehouse.contracts_folder).ended()
    tables = raw_tables(build_file)
    assert (len(tables["treatments"]), len(tables["pathology_messages"]), len(tables["ingest_ledger"])) == (
        7920 + 1000,
        1500,
        14,
    )
    # of each file of messages that is whole
    assert len(tables["load_notices"]) == 3
    return tables


def loaded_only(ledger: list[tuple]) -> list[tuple]:
    """The ledger without refusals, of which every attempt leaves one."""
    return sorted({row for row in ledger if not any(str(value).startswith("refused") for value in row)}, key=str)


def test_killed_at_any_moment_and_run_again_nothing_is_lost_and_nothing_is_there_twice(
    tmp_path, landed, warehouse, undisturbed
):
    points = [(1, 0.0), (1, 0.05), (2, 0.01), (4, 0.03), (7, 0.0), (9, 0.02), (11, 0.005)]
    n_cut_short = 0
    for number, (n_lines, seconds) in enumerate(points):
        build_file = tmp_path / f"killed_{number}.duckdb"
        said = Night(build_file, landed, warehouse.contracts_folder).killed_after(n_lines, seconds)
        n_cut_short += said < 15
        if number % 2:
            # and killed once more in the night after
            Night(build_file, landed, warehouse.contracts_folder).killed_after(1, 0.06)
        Night(build_file, landed, warehouse.contracts_folder).ended()

        tables = raw_tables(build_file)
        assert loaded_only(tables.pop("ingest_ledger")) == loaded_only(undisturbed["ingest_ledger"])
        for name, rows in tables.items():
            assert rows == undisturbed[name], f"{name} after a kill at {n_lines} lines + {seconds} s"
    # otherwise the kills came too late to show anything
    assert n_cut_short >= 5
