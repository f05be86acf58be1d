"""`crlm validate` tells what would be loaded otherwise than it was meant, and what no refresh would find."""

from pathlib import Path

import pytest

from orchestration.preview.file_preview import NOTHING_REJECTED, preview
from orchestration.settings import Settings
from tests.permissions import bound_by_permissions

REGISTRY = """version: "1"
feed: registry
file_pattern: registry/*.csv
format: delimited
key: [registry_record_id]
fields:
  registry_record_id: {column: id, required: true}
  mrn: {column: pat, required: true}
  operation_date: {column: op, formats: ["%d/%m/%Y"], required: true}
  operative_intent: {column: intent, codes: {"1": curative}}
  diagnosis: {column: dx, codes: {"1": colorectal_liver_metastasis}}
"""
PATHOLOGY = """version: "1"
feed: pathology_messages
file_pattern: pathology/*.hl7
format: hl7_v2
key: [message_control_id]
fields:
  message_control_id: {column: MSH-10, required: true}
  mrn: {column: PID-3.1, required: true}
  accession_number: {column: OBR-3.1, required: true}
  collected_date: {column: OBR-7, formats: ["%Y%m%d"], required: true}
  report_status: {column: OBR-25, codes: {F: final}, required: true}
"""


@pytest.fixture
def north(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A hospital with two contracts and nothing loaded; the function lands a file and previews a path."""
    folder = tmp_path / "contracts" / "north"
    folder.mkdir(parents=True)
    (folder / "hospital.yml").write_text("name: North\nis_simulated: true\n", encoding="utf-8")
    (folder / "registry.yml").write_text(REGISTRY, encoding="utf-8")
    (folder / "pathology.yml").write_text(PATHOLOGY, encoding="utf-8")
    monkeypatch.setenv("CRLM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CRLM_CONTRACTS_DIR", str(tmp_path / "contracts"))

    def tried(name: str, content: str, path: str | None = None, hospital: str | None = None):
        file = tmp_path / "landing" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        outcome = preview(Settings(), tmp_path / "landing" / (path or name), hospital)
        told = [row.what for row in outcome.tables["What to look at"].itertuples()]
        return outcome, told

    tried.contracts = folder
    return tried


def test_what_the_accounts_call_sound_may_still_be_wrong(north):
    outcome, told = north(
        "north/registry/a.csv",
        "id,pat,op,intent,dx\nR1,P1,03/04/2009,1,\nR1,P2,05/06/2010,1,\nR2,P3,07/08/2011,1,\n",
    )

    assert "key(s) that the file uses for more than one patient" in told
    assert outcome.tables["What was not read, or needs a look"]["reason"].str.contains("reads both ways round").any()
    assert (
        "the contract has no 'residual_disease': completeness is not recorded, so every patient would be excluded"
        in told
    )
    assert "no record has 'diagnosis': no diagnosis is recorded, so every patient would be excluded" in told
    assert "no contract gives a look, a last contact or a death: every patient would be excluded" in told
    assert outcome.status == 1
    assert "not as they are meant" in outcome.verdict


def test_a_key_that_comes_again_with_other_values_is_counted_without_being_shown(north):
    rows = "id,pat,op,intent,dx\nR1,P1,13/04/2009,1,1\nR1,P1,14/04/2009,1,1\n"
    outcome, told = north("north/registry/a.csv", rows)

    assert any(what.startswith("key(s) that repeat in the file, in 2 records") for what in told)
    assert outcome.tables["What was not read, or needs a look"].empty, "the 13th can only be a day"
    assert not any("P1" in what or "R1" in what for what in told)


def test_a_filter_that_matches_nothing_is_no_success(north):
    contract = north.contracts / "registry.yml"
    text = REGISTRY.replace("fields:", "only_rows: {dx: ['7', '8']}\nfields:")
    contract.write_text(text, encoding="utf-8")
    outcome, told = north("north/registry/a.csv", "id,pat,op,intent,dx\nR1,P1,13/04/2009,1,1\n")
    assert (outcome.status, told[0]) == (1, "`only_rows` of the contract match nothing in this file")

    outcome, told = north("north/registry/a.csv", "id,pat,op,intent,dx\nR1,P1,13/04/2009,1,7\n")
    assert "`only_rows` of 'dx' wants '8', which no row has" in told


def test_of_a_missing_column_the_header_that_was_found_is_told(north):
    outcome, told = north("north/registry/a.csv", "id,pat,op_date,intent,diagnosis\nR1,P1,13/04/2009,1,1\n")

    assert outcome.status == 2
    assert told[0] == "the header that was found: id, pat, op_date, intent, diagnosis"


def test_reports_without_a_text_and_codes_without_a_section(north):
    message = (
        "MSH|^~\\&|L|H|W|H|20040301||ORU^R01|M{n}|P|2.5\rPID|1||P1\rOBR|1||A{n}||||20040301||||||||||||||||||F\r"
        "OBX|1|TX|{code}^X||{text}||||||F\r"
    )
    content = message.format(n=1, code="LAB7", text="Liver") + message.format(n=2, code="22637-3", text="")
    outcome, told = north("north/pathology/a.hl7", content)

    assert "report(s) without a text" in told
    assert "lines of OBX-3 (or Observation) code 'LAB7', which has no section" in told
    assert outcome.status == 1


def test_a_folder_that_no_hospital_is_named_after(north):
    rows = "id,pat,op,intent,dx\nR1,P1,13/04/2009,1,1\n"
    outcome, _ = north("nort/registry/a.csv", rows, path="nort")

    assert outcome.status == 2
    assert any("No hospital is named after the folder 'nort'; is 'north' meant?" in note for note in outcome.notes)


def test_another_hospitals_wrong_contract_is_only_mentioned(north):
    south = north.contracts.parent / "south"
    south.mkdir()
    (south / "hospital.yml").write_text("name: South", encoding="utf-8")
    rows = "id,pat,op,intent,dx\nR1,P1,13/04/2009,1,1\n"
    outcome, _ = north("north/registry/a.csv", rows)
    assert outcome.status == 1
    assert any(
        note.startswith("Of another hospital: the contract cannot be used: south/hospital.yml")
        for note in outcome.notes
    )

    (north.contracts / "registry.yml").write_text(REGISTRY.replace("%d/%m/%Y", "%D/%m/%Y"), encoding="utf-8")
    outcome, _ = north("north/registry/a.csv", rows)
    assert outcome.status == 2
    assert any("north/registry.yml:9" in note for note in outcome.notes)


def test_a_folder_that_cannot_be_read_is_named_and_not_everything_would_be_loaded(north, tmp_path):
    closed = tmp_path / "landing" / "north" / "pathology"
    closed.mkdir(parents=True)
    closed.chmod(0)
    with bound_by_permissions(tmp_path):
        outcome, _ = north("north/registry/a.csv", "id,pat,op,intent,dx\nR1,P1,13/04/2009,1,1\n", "north")
    closed.chmod(0o700)
    assert any(note.endswith("north/pathology (Permission denied)") for note in outcome.notes)
    assert outcome.status != NOTHING_REJECTED
