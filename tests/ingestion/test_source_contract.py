"""A wrong contract is refused with its file, line and reason."""

import pytest

from orchestration.ingestion.contract import ContractError, load_hospitals, read_hospitals


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
        (
            "required: true, pattern",
            "requird: true, pattern",
            "treatments.yml:11: fields.mrn.requird: no setting has this name (known: column",
        ),
        ('delimiter: ";"', "delimiter: [;", "treatments.yml:"),
        (
            '"0": none',
            "0: none",
            'treatments.yml:15: fields.residual_disease.codes.0: must be text: write it in quotes, as "0"',
        ),
        (
            "{op: resection",
            "{no: resection",
            "treatments.yml:13: fields.treatment_type.codes.no: must be text: write it in",
        ),
        (
            'missing_values: ["9"]',
            "missing_values: [-999]",
            'missing_values.0: must be text: write it in quotes, as "-999"',
        ),
        ('missing_values: ["9"]', "missing_values: [2003-01-01]", 'must be text: write it in quotes, as "2003-01-01"'),
        (
            'missing_values: ["9"]',
            "missing_values: [2003-13-45]",
            "treatments.yml:15: '2003-13-45' is none of what it looks",
        ),
        (
            'missing_values: ["9"]',
            'missing_values: "9"',
            "fields.residual_disease.missing_values: must be a list of texts",
        ),
        (
            '["%d.%m.%Y"]',
            '["%D.%m.%Y"]',
            "treatments.yml:12: fields.treatment_date.formats.0: 'treatment_date': '%D.%m.%Y' holds %D, which is",
        ),
        ('["%d.%m.%Y"]', '["%M/%d/%Y"]', "'%M/%d/%Y' has no month (%m; %M is the minute)"),
        ('["%d.%m.%Y"]', '["%d.%m."]', "'%d.%m.' has no year"),
        (
            "not_before: 1980-01-01",
            "not_before: 1980",
            "treatments.yml:12: fields.treatment_date.not_before: must be a day",
        ),
        (
            '"SIM[0-9]{7}"',
            '"SIM([0-9]{7}"',
            "treatments.yml:11: fields.mrn.pattern: 'SIM([0-9]{7}' is no regular expression",
        ),
        (
            '"SIM[0-9]{7}"',
            '"(?!X)SIM.*"',
            "treatments.yml:11: fields.mrn.pattern: '(?!X)SIM.*' is no regular expression",
        ),
        ("{column: id, required: true}", "{column: id, required: true, minimum: 1}", "`minimum` is for numbers"),
        (
            "mrn: {column: patient, required: true,",
            "mrn: {column: patient, codes: {a: b},",
            "`codes` is for coded columns",
        ),
        (
            "treatments/*.csv",
            "../elsewhere/*.csv",
            "treatments.yml:4: file_pattern: '../elsewhere/*.csv' must name files below",
        ),
        (
            "mrn: {column: patient",
            "treatment_idd: {column: patient",
            "fields.treatment_idd: 'treatment_idd' is no column",
        ),
        ("key: [treatment_id]", "key: [treatment_id]\nkey: [mrn]", "treatments.yml:9: 'key' stands here twice"),
        ("key: [treatment_id]", "key: [treatment_id]\n1: x", "treatments.yml:9: 1: the name of a setting must be text"),
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
    with pytest.raises(ContractError, match="a_hospital/hospital.yml:1: there is no such file"):
        load_hospitals(warehouse.contracts_folder)


@pytest.mark.parametrize("name", ["treatments.yaml", "TREATMENTS.YML", "old/treatments.yml"])
def test_a_contract_that_nobody_would_read_is_told(warehouse, name):
    folder = warehouse.contracts_folder / "a_hospital"
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / "treatments.yml").rename(folder / name)
    hospitals = read_hospitals(warehouse.contracts_folder)
    assert [contract.feed for contract in hospitals.contracts] == ["pathology_messages"]
    (refusal,) = hospitals.refusals
    assert (refusal.feed, refusal.reason) == (
        "treatments",
        f"a_hospital/{name}:1: nobody reads it: a contract lies in its hospital's folder and ends in .yml",
    )


def test_the_contracts_that_come_with_the_project_are_sound():
    contracts = load_hospitals()
    assert {contract.feed for contract in contracts if contract.source_system == "simulated_hospital"} == {
        "registry",
        "pathology_messages",
        "follow_up",
        "treatments",
        "vital_status",
    }
