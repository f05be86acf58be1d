"""The public clinical table of 197 real patients: durations instead of dates, no margin, honest results.

Runs where the table is: in the folder that CRLM_TCIA_FOLDER names, or in data/landing/tcia_crlm.
"""

import html
import os
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from orchestration.settings import PROJECT_ROOT
from tests.end_to_end.conftest import crlm

NAME = "tcia_crlm_clinical_october2022.xlsx"
PLACES = [
    Path(os.environ.get("CRLM_TCIA_FOLDER", "/nonexistent")),
    PROJECT_ROOT / "data" / "landing" / "tcia_crlm",
]
TABLE = next((place / NAME for place in PLACES if (place / NAME).exists()), None)
pytestmark = pytest.mark.skipif(TABLE is None, reason=f"{NAME} is not here; docs/real_data_tcia.md says how to get it")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tcia")
    landing = folder / "landing" / "tcia_crlm"
    landing.mkdir(parents=True)
    shutil.copy(TABLE, landing)
    refreshed = crlm(folder, "refresh")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    return folder


def published(data: Path, query: str) -> pd.DataFrame:
    with duckdb.connect(str(data / "published" / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(query).df()


def test_events_are_counted_as_the_table_defines_them(data):
    rows = published(data, "SELECT endpoint, event_code, count(*) AS n FROM marts.time_to_event GROUP BY ALL")
    counts = rows.set_index(["endpoint", "event_code"])["n"].to_dict()

    # 138 = 131 recurrences and 7 deaths before one. Of 41 deaths without a liver recurrence 23 came more than 365 days
    # after the last look that the table tells of (the first recurrence elsewhere): nobody knows of those livers
    table = pd.read_excel(TABLE, engine="calamine")
    dead = table[(table["progression_or_recurrence_liveronly"] != 1) & (table["vital_status_liver_DFS"] == 1)]
    gap_days = (dead["months_to_liver_DFS_progression"] - dead["months_to_DFS_progression"]) * 30
    assert (len(dead), int((gap_days > 365).sum())) == (41, 23)
    assert counts == {
        ("recurrence_free_survival", 1): 138, ("recurrence_free_survival", 0): 59,
        ("overall_recurrence", 1): 131, ("overall_recurrence", 2): 7, ("overall_recurrence", 0): 59,
        ("liver_recurrence_any_time", 1): 81, ("liver_recurrence_any_time", 2): 18, ("liver_recurrence_any_time", 0): 98,
        ("overall_survival", 1): 107, ("overall_survival", 0): 90,
        ("post_recurrence_survival", 1): 100, ("post_recurrence_survival", 0): 31,
    }  # fmt: skip


def test_curves_by_clinical_risk_score_are_those_of_the_table_itself(data):
    table = pd.read_excel(TABLE, engine="calamine")
    curves = published(data, "FROM results.kaplan_meier WHERE grouping = 'clinical_risk_score'")
    for endpoint, months, status in (
        ("overall_survival", "overall_survival_months", "vital_status"),
        ("recurrence_free_survival", "months_to_DFS_progression", "vital_status_DFS"),
    ):
        for score in ("0", "1", "2", "3"):
            patients = table[table["clinrisk_score"] == int(score)]
            days, is_event = (patients[months] * 30).round().to_numpy(), patients[status].to_numpy() == 1
            curve = curves[(curves["endpoint"] == endpoint) & (curves["stratum"] == score)].sort_values("time_days")
            expected = [
                np.prod([1 - is_event[days == t].sum() / (days >= t).sum() for t in np.unique(days[days <= time])])
                for time in curve["time_days"]
                if time > 0
            ]
            np.testing.assert_allclose(curve.loc[curve["time_days"] > 0, "estimate"], expected, rtol=1e-12)


def test_what_the_table_cannot_tell_is_said_with_the_reason_and_nowhere_guessed(data):
    limits = published(data, "FROM marts.not_derivable_endpoints").set_index("endpoint")
    endpoints = set(published(data, "SELECT DISTINCT endpoint FROM marts.time_to_event")["endpoint"])

    assert set(limits.index) == {
        "isolated_liver_recurrence",
        "margin_recurrence",
        "margin_group",
        "salvage",
        "extrahepatic_only_recurrence",
        "cancer_specific_survival",
    }
    assert (limits["n_patients"] == 197).all()
    assert not endpoints & set(limits.index)
    margins = published(data, "SELECT DISTINCT margin_group, has_margin_records FROM marts.index_operations")
    assert margins.to_dict("records") == [{"margin_group": "unresolved", "has_margin_records": False}]
    assert published(data, "FROM quality.adjudication_queue").empty
    assert published(data, "SELECT has_salvage FROM marts.first_recurrences WHERE has_salvage IS NOT NULL").empty
    report = html.unescape((data / "published" / "report.html").read_text(encoding="utf-8"))
    assert [reason for reason in limits["reason"] if reason not in report] == []


def test_a_patient_can_be_traced_from_the_table_to_the_results(data):
    patient = published(data, "SELECT min(study_id) AS study_id FROM marts.first_recurrences")["study_id"][0]
    told = crlm(data, "trace", patient)

    assert told.returncode == 0, told.stderr
    assert f"source_file tcia_crlm/{NAME}" in told.stdout
    assert "endpoint recurrence_free_survival" in told.stdout
    assert "results.kaplan_meier" in told.stdout
    unknown = crlm(data, "trace", "P000000000000")
    assert (unknown.returncode, "no record belongs to study id" in unknown.stderr) == (1, True)
