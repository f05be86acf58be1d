"""The files of a cBioPortal study, by the rules of its documentation (File Formats)."""

import duckdb
import pytest

from orchestration.exports.cbioportal import export_cbioportal, patient_attributes
from orchestration.exports.folders import ExportRefused


@pytest.fixture
def study(published, tmp_path):
    assert export_cbioportal(published, tmp_path / "study") == 4
    return tmp_path / "study"


def meta(file) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in file.read_text().splitlines())


def clinical(file) -> tuple[list[list[str]], list[str], list[list[str]]]:
    lines = [line.split("\t") for line in file.read_text().splitlines()]
    return lines[:4], lines[4], lines[5:]


def test_four_header_rows_then_the_attributes_then_a_row_each(study):
    for which, n_ids in (("patient", 1), ("sample", 2)):
        headers, ids, rows = clinical(study / f"data_clinical_{which}.txt")
        assert all(line[0].startswith("#") and len(line) == len(ids) for line in headers)
        assert set(value.lstrip("#") for value in headers[2]) <= {"STRING", "NUMBER", "BOOLEAN"}
        assert all(value.lstrip("#").isdigit() for value in headers[3])
        assert ids[:n_ids] == ["PATIENT_ID", "SAMPLE_ID"][:n_ids] and len(ids) == len(set(ids))
        assert all(name == name.upper() and " " not in name for name in ids)
        assert len(rows) == 4 and all(len(row) == len(ids) for row in rows)
        for datatype, values in zip([value.lstrip("#") for value in headers[2]], zip(*rows, strict=True), strict=True):
            known = [value for value in values if value]
            assert datatype != "NUMBER" or all(float(value) == float(value) for value in known)
            assert datatype != "BOOLEAN" or set(known) <= {"TRUE", "FALSE"}


def test_every_meta_file_names_the_study_and_a_file_that_is_there(study):
    for file in [*study.glob("meta_*.txt"), *study.glob("case_lists/*.txt")]:
        entries = meta(file)
        assert entries["cancer_study_identifier"] == "crlm_margins", file
        assert "data_filename" not in entries or (study / entries["data_filename"]).exists()
    assert meta(study / "meta_study.txt")["name"].startswith("SIMULATED DATA")
    assert meta(study / "meta_clinical_sample.txt")["datatype"] == "SAMPLE_ATTRIBUTES"


def test_survival_is_coded_with_its_word_and_a_competing_event_is_no_event(study):
    _, ids, rows = clinical(study / "data_clinical_patient.txt")
    by_patient = {row[0]: dict(zip(ids, row, strict=True)) for row in rows}
    assert by_patient["P1"]["OS_STATUS"] == "1:DECEASED" and by_patient["P2"]["OS_STATUS"] == "0:LIVING"
    assert by_patient["P1"]["OS_MONTHS"] == "26.28"  # 800 days
    assert by_patient["P4"]["LIVER_STATUS"] == "0:NO LIVER RECURRENCE"
    assert by_patient["P4"]["LIVER_END"] == "death without liver recurrence"
    # who has no time of an endpoint has neither of the pair
    assert by_patient["P3"]["LIVER_STATUS"] == by_patient["P3"]["LIVER_MONTHS"] == ""
    prefixes = {one["id"].removesuffix("_STATUS") for one in patient_attributes() if one["id"].endswith("_STATUS")}
    assert all(f"{prefix}_MONTHS" in ids for prefix in prefixes)


def test_samples_are_of_patients_and_listed_once(study):
    _, ids, rows = clinical(study / "data_clinical_sample.txt")
    samples = [row[ids.index("SAMPLE_ID")] for row in rows]
    assert meta(study / "case_lists" / "cases_all.txt")["case_list_ids"].split("\t") == samples
    patients = {row[0] for row in clinical(study / "data_clinical_patient.txt")[2]}
    assert {row[0] for row in rows} == patients


def test_an_empty_cohort_is_refused(published, tmp_path):
    with duckdb.connect(str(published)) as connection:
        connection.execute("DELETE FROM marts.index_operations")
    with pytest.raises(ExportRefused, match="nobody"):
        export_cbioportal(published, tmp_path / "study")
