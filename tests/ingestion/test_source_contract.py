"""A wrong contract is refused with its file, line and reason."""

import pytest

from orchestration.ingestion.contract import ContractError, load_hospitals


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("feed: treatments", "feed: therapies", "treatments.yml:3: feed: 'therapies' is none of"),
        (
            "{op: resection, rfa: ablation}",
            "{op: surgery}",
            "treatments.yml:13: fields.treatment_type.codes: `codes` must map",
        ),
        ("format: delimited", "format: parchment", "treatments.yml:5: format"),
        ("treatment_id: {column: id, required: true}", "treatment_id: {column: id}", "key 'treatment_id' must be"),
        ("required: true, pattern", "requird: true, pattern", "treatments.yml:11: fields.mrn.requird: Extra inputs"),
        ('delimiter: ";"', "delimiter: [;", "treatments.yml:"),
    ],
)
def test_the_complaint_names_file_line_and_reason(warehouse, right, wrong, complaint):
    path = warehouse.contracts_folder / "a_hospital" / "treatments.yml"
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), encoding="utf-8")

    with pytest.raises(ContractError) as refusal:
        load_hospitals(warehouse.contracts_folder)
    assert complaint in str(refusal.value)


def test_a_folder_without_hospital_yml_is_refused(warehouse):
    (warehouse.contracts_folder / "a_hospital" / "hospital.yml").unlink()
    with pytest.raises(ContractError, match="no hospital.yml"):
        load_hospitals(warehouse.contracts_folder)


def test_the_contracts_that_come_with_the_project_are_sound():
    contracts = load_hospitals()
    assert {contract.feed for contract in contracts if contract.source_system == "simulated_hospital"} == {
        "registry", "pathology_messages", "follow_up", "treatments", "vital_status",
    }  # fmt: skip
