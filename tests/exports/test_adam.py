"""ADSL and ADTTE: what the implementation guide asks for, and every time as the warehouse has it.

CDISC's own rules engine needs its rules, which come from its repository and not with its package; these are its structural rules.
"""

import json

import duckdb
import pandas as pd
import pytest

from orchestration.exports import adam
from orchestration.exports.adam import adam_frames, adam_metadata, export_adam
from orchestration.exports.folders import ExportRefused

REQUIRED = {
    "ADSL": {"STUDYID", "USUBJID", "SUBJID", "SITEID", "AGE", "AGEU", "SEX", "RACE", "ARM", "TRT01P"},
    "ADTTE": {"STUDYID", "USUBJID", "PARAM", "PARAMCD", "AVAL", "CNSR"},
}


@pytest.mark.parametrize("dataset", ["ADSL", "ADTTE"])
def test_names_labels_and_required_variables_are_those_of_the_guide(dataset):
    variables = adam_metadata()["datasets"][dataset]["variables"]
    names = [one["name"] for one in variables]
    assert set(names) >= REQUIRED[dataset] and len(names) == len(set(names))
    for one in variables:
        assert len(one["name"]) <= 8 and one["name"].isalnum() and one["name"].isupper(), one
        assert 0 < len(one["label"]) <= 40, one
        # flags are Y, N or nothing; a study day would need a date; a date has none here
        assert not one["name"].endswith("FL") or set(one["codes"]) <= {"Y", "N"}, one
        assert not one["name"].endswith(("DY", "DT", "DTM")), one
    assert all(len(code) <= 8 for code in adam_metadata()["parameters"].values())


def test_a_row_a_patient_of_the_cohort_and_a_row_a_patient_and_parameter(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        frames = adam_frames(connection)
    adsl, adtte = frames["ADSL"].set_index("SUBJID"), frames["ADTTE"]
    assert list(adsl.index) == ["P1", "P2", "P3", "P4"] and adsl["USUBJID"].is_unique
    assert adsl.loc["P1", ["SEX", "AGEU", "DTHFL", "NODEFL", "MARGGR1N"]].tolist() == ["M", "YEARS", "Y", "Y", 1.0]
    assert adsl.loc["P3", ["DTHFL", "NODEFL", "MARGINFL"]].tolist() == ["", "", "N"]
    assert adsl.loc["P4", ["SEX", "AGEU"]].tolist() == ["U", ""]
    assert set(adtte["USUBJID"]) <= set(adsl["USUBJID"]) and not adtte.duplicated(["USUBJID", "PARAMCD"]).any()
    assert (adtte.groupby("PARAMCD")["PARAM"].nunique() == 1).all()


def test_an_event_is_0_censored_is_1_a_competing_event_is_2_each_with_its_words(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        adtte = adam_frames(connection)["ADTTE"].set_index(["PARAMCD", "USUBJID"])
    columns = ["AVAL", "CNSR", "EVNTDESC", "CNSDTDSC", "ORIGIN"]
    assert adtte.loc[("LIVERREC", "CRLM-P1"), columns].tolist() == [365, 0, "liver recurrence", "", "index operation"]
    assert adtte.loc[("LIVERREC", "CRLM-P2"), columns].tolist() == [
        890,
        1,
        "no liver recurrence at last disease assessment",
        "last disease assessment",
        "index operation",
    ]
    assert adtte.loc[("LIVERREC", "CRLM-P4"), columns].tolist() == [
        200,
        2,
        "death without liver recurrence",
        "",
        "index operation",
    ]
    # an endpoint that was added as rows of the plan, at time 0
    assert adtte.loc[("PARM0011", "CRLM-P1"), ["AVAL", "CNSR", "ORIGIN"]].tolist() == [0, 0, "first recurrence"]
    assert (adtte["AVAL"] >= 0).all() and adtte["CNSR"].isin([0, 1, 2]).all()


def test_files_hold_the_same_rows_in_cdiscs_own_format(published, tmp_path):
    assert export_adam(published, tmp_path / "adam") == {"ADSL": 4, "ADTTE": 8}
    written = json.loads((tmp_path / "adam" / "adtte.json").read_text())
    assert written["datasetJSONVersion"].startswith("1.1") and written["records"] == len(written["rows"]) == 8
    names = [column["name"] for column in written["columns"]]
    frame = pd.DataFrame(written["rows"], columns=names)
    assert frame["AVAL"].sum() == 800 + 900 + 400 + 200 + 365 + 890 + 200 + 0
    variables = pd.read_csv(tmp_path / "adam" / "variables.csv")
    assert variables.loc[variables["dataset"] == "ADTTE", "variable"].tolist() == names


def test_transport_files_keep_labels_and_values(published, tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat", reason="SAS transport files need pyreadstat: pip install .[exports]")
    export_adam(published, tmp_path / "adam")
    frame, told = pyreadstat.read_xport(str(tmp_path / "adam" / "adsl.xpt"))
    assert told.table_name == "ADSL" and told.column_names_to_labels["MARGMM"] == "Margin Width (mm)"
    assert frame["MARGMM"].fillna(-1).tolist() == [0.0, 12.0, -1, 0.5]


def test_a_publication_that_lacks_a_column_is_refused_with_its_name(published, tmp_path, monkeypatch):
    with duckdb.connect(str(published)) as connection:
        connection.execute("ALTER TABLE marts.resection_margins DROP COLUMN margin_mm")
    with pytest.raises(ExportRefused, match="ADSL cannot be made.*margin_mm"):
        export_adam(published, tmp_path / "adam")
    assert not (tmp_path / "adam").exists() and adam.LONGEST_LABEL == 40
