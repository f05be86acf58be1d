"""A first contract from a file: what is sure is written down, what is not is asked on its line."""

import json

import pytest

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import ContractError, load_hospitals
from orchestration.ingestion.contract.schema import contract_schema
from orchestration.ingestion.drafting import NothingToDraft, draft_contract

TREATMENTS = """Therapy-ID;PatNr;Treatment Date;Therapy;Sites;Residual
T1;0451;13.04.2009;RFA;liver,lung;none
T2;0452;05.06.2010;chemo;lung;?
T3;0451;07.08.2011;RFA;liver;residual
"""


def drafted(tmp_path, content, name="t.csv", feed="treatments"):
    path = tmp_path / "treatments" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return draft_contract(path, feed)


def line(draft, start):
    (found,) = [one for one in draft.splitlines() if one.strip().startswith(start)]
    return found.strip()


def test_columns_are_found_by_name_and_values_and_codes_are_counted(tmp_path):
    draft = drafted(tmp_path, TREATMENTS)

    assert line(draft, "delimiter:") == 'delimiter: ";"'
    assert line(draft, "key:") == "key: [treatment_id]"
    assert line(draft, "mrn:").startswith('mrn: {column: "PatNr", required: true}')
    assert (
        line(draft, "treatment_date:")
        == 'treatment_date: {column: "Treatment Date", formats: ["%d.%m.%Y"], required: true}'
    )
    assert '"RFA": "ablation", "chemo": "chemotherapy"' in line(draft, "treatment_type:")
    assert 'seen: "RFA" 2 times, "chemo" 1 times' in line(draft, "treatment_type:")
    assert 'separator: ",", codes: {"liver": "liver", "lung": "lung"}' in line(draft, "sites:")
    assert '"?"' in line(draft, "missing_values:"), "a question mark stands for a missing value"


def test_a_draft_without_open_questions_is_a_contract_and_loads_the_file(tmp_path, warehouse):
    (warehouse.contracts_folder / "a_hospital" / "treatments.yml").write_text(
        drafted(tmp_path, TREATMENTS), encoding="utf-8"
    )
    warehouse.land("treatments/t.csv", TREATMENTS)

    (load,) = warehouse.load("treatments")

    assert (load.status, load.rows_loaded, load.fields_rejected) == ("loaded", 3, 0)


def test_a_draft_is_made_of_what_lies_in_an_archive(tmp_path):
    from tests.ingestion.test_tables_as_they_come import zipped

    path = tmp_path / "t.csv.zip"
    path.write_bytes(zipped(t__csv=TREATMENTS))
    plain = drafted(tmp_path, TREATMENTS)
    assert plain.splitlines()[-5:] == draft_contract(path, "treatments").splitlines()[-5:]


def test_a_code_that_may_mean_anything_is_a_question_that_the_contract_is_refused_for(tmp_path, warehouse):
    draft = drafted(tmp_path, TREATMENTS.replace("RFA", "1").replace("chemo", "2"))
    assert 'codes: {"1": "?", "2": "?"}' in line(draft, "treatment_type:")
    assert "put for each ? one of: resection, ablation" in line(draft, "treatment_type:")

    (warehouse.contracts_folder / "a_hospital" / "treatments.yml").write_text(draft, encoding="utf-8")
    with pytest.raises(ContractError, match=r"treatments.yml:\d+: fields.treatment_type.codes"):
        load_hospitals(warehouse.contracts_folder)


def test_dates_that_read_both_ways_are_said_to(tmp_path):
    draft = drafted(
        tmp_path, TREATMENTS.replace("13.04.2009", "03/04/2009").replace("05.06.", "05/06/").replace("07.08.", "07/08/")
    )
    assert "not sure: every date also reads with day and month the other way round" in line(draft, "treatment_date:")


def test_what_cannot_be_drafted_from_is_said(tmp_path):
    with pytest.raises(NothingToDraft, match="feed 'therapies' is none of"):
        drafted(tmp_path, TREATMENTS, feed="therapies")
    with pytest.raises(NothingToDraft, match="t.csv: the file is empty"):
        drafted(tmp_path, "")


def test_no_value_but_a_codes_leaves_the_file(tmp_path):
    rows = "".join(f"T{n};MRN{n};13.04.20{n};RFA;liver;Smith{n}\n" for n in range(10, 60))
    draft = drafted(tmp_path, "Therapy-ID;PatNr;Treatment Date;Therapy;Sites;Name\n" + rows)
    assert "Smith" not in draft and "MRN1" not in draft and "T10" not in draft


def test_the_schema_knows_every_feed_and_the_words_of_its_codes():
    schema = json.loads(json.dumps(contract_schema()))
    assert schema["properties"]["feed"]["enum"] == list(canonical_feeds())
    assert "source_system" not in schema["properties"]
    treatments = next(
        one["then"] for one in schema["allOf"] if one["if"]["properties"]["feed"]["const"] == "treatments"
    )
    words = treatments["properties"]["fields"]["properties"]["treatment_type"]["allOf"][1]["properties"]["codes"]
    assert "ablation" in words["additionalProperties"]["enum"]
