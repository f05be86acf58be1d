"""A landing folder, a hospital with two small feeds, and a build file in memory."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.contract import load_hospitals
from orchestration.ingestion.load_feed import load_feed
from orchestration.ingestion.load_file import FileLoad
from tests.ingestion.whole_nights import GOOD, night

TREATMENTS_CONTRACT = """
version: "1"
feed: treatments
file_pattern: treatments/*.csv
format: delimited
delimiter: ";"
fallback_encoding: latin-1
key: [treatment_id]
fields:
  treatment_id: {column: id, required: true}
  mrn: {column: patient, required: true, pattern: "SIM[0-9]{7}"}
  treatment_date: {column: when, formats: ["%d.%m.%Y"], not_before: 1980-01-01, required: true}
  treatment_type: {column: what, codes: {op: resection, rfa: ablation}, required: true}
  sites: {column: where, separator: ",", codes: {L: liver_elsewhere, P: lung}, required_when_present: true}
  residual_disease: {column: left, codes: {"0": none, "1": present}, missing_values: ["9"]}
"""

PATHOLOGY_CONTRACT = """
version: "1"
feed: pathology_messages
file_pattern: pathology/*.hl7
format: hl7_v2
key: [message_control_id]
fields:
  message_control_id: {column: MSH-10, required: true}
  mrn: {column: PID-3.1, required: true}
  accession_number: {column: OBR-3.1, required: true}
  collected_date: {column: OBR-7, formats: ["%Y%m%d"], required: true}
  report_status: {column: OBR-25, codes: {F: final, C: corrected}, required: true}
"""


@dataclass
class Warehouse:
    """One hospital's landing folder and its raw schema."""

    landing: Path
    contracts_folder: Path
    connection: duckdb.DuckDBPyConnection

    def land(self, name: str, content: str | bytes) -> Path:
        path = self.landing / "a_hospital" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    def load(self, feed: str, run_id: str = "night-1") -> list[FileLoad]:
        return load_feed(self.connection, self.landing, load_hospitals(self.contracts_folder), feed, run_id)

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()


@pytest.fixture
def warehouse(tmp_path: Path):
    folder = tmp_path / "contracts" / "a_hospital"
    folder.mkdir(parents=True)
    (folder / "hospital.yml").write_text("name: A hospital\nis_simulated: true\n", encoding="utf-8")
    (folder / "treatments.yml").write_text(TREATMENTS_CONTRACT, encoding="utf-8")
    (folder / "pathology.yml").write_text(PATHOLOGY_CONTRACT, encoding="utf-8")
    connection = duckdb.connect()
    yield Warehouse(tmp_path / "landing", tmp_path / "contracts", connection)
    connection.close()


@pytest.fixture
def two_hospitals(warehouse):
    """The hospital of the other tests, and a neighbour with the same contracts."""
    neighbour = warehouse.contracts_folder / "neighbour"
    neighbour.mkdir()
    for path in (warehouse.contracts_folder / "a_hospital").glob("*.yml"):
        (neighbour / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    warehouse.land("treatments/1.csv", GOOD)
    warehouse.land("../neighbour/treatments/1.csv", GOOD)
    night(warehouse, "night-1")
    return warehouse
