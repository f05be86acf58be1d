"""docs/add_a_source.md followed to the letter by somebody who installed the wheel: a second hospital with other formats joins the first
in one cohort, and the study is published in the working folder."""

import re

from tests.end_to_end.add_a_source import COMMANDS, PAGE
from tests.end_to_end.conftest import PATIENTS
from tests.end_to_end.wheel import files_of


def test_the_page_runs_what_it_tells_to_run():
    assert [block.split()[1] for block in COMMANDS.findall(PAGE.read_text(encoding="utf-8"))] == [
        "draft-contract",
        "validate",
        "refresh",
    ]


def test_validate_says_what_the_page_says(followed):
    told = "follow_up · scope record · field finding · reason unknown code · n 1 · first line 9"
    assert told in PAGE.read_text(encoding="utf-8")
    said = followed.as_shown.stdout
    assert followed.as_shown.returncode == 1, said + followed.as_shown.stderr
    assert told in re.sub(r"file export_2013.csv · ", "follow_up · ", said)
    assert "code 7" in said
    assert "1 record(s) would be rejected, 0 field(s) taken as missing." in said
    assert followed.mended.returncode == 0, followed.mended.stdout


def test_both_hospitals_patients_stand_in_one_cohort_with_their_margins_and_endpoints(road):
    operations = road.published(
        """SELECT source_system, margin_group, clinical_risk_score, largest_metastasis_cm, time_days, event_label
           FROM marts.index_operations LEFT JOIN marts.time_to_event USING (study_id)
           WHERE endpoint = 'recurrence_free_survival' ORDER BY time_days"""
    )
    sizes = operations["source_system"].value_counts()
    assert sizes["riverside"] == 3
    assert sizes["simulated_hospital"] > 0.95 * PATIENTS
    riverside = operations[operations["source_system"] == "riverside"].drop(columns="source_system").astype(object)
    assert [tuple(row) for row in riverside.where(riverside.notna(), None).to_numpy()] == [
        # sizes are published rounded up to half a centimetre
        ("positive", None, 6.5, 193, "recurrence"),
        ("1.0-9.9 mm", 2, 4.0, 456, "recurrence"),
        (">=10 mm", None, 1.0, 2183, "no recurrence at last disease assessment"),
    ]
    counted = road.published(
        """SELECT sum(n_event + n_competing + n_censored) AS n FROM marts.event_counts
           WHERE endpoint = 'recurrence_free_survival' AND grouping = 'margin_group'"""
    )
    assert counted["n"][0] == len(operations)
    n_cohort = road.published("SELECT count(*) AS n FROM marts.index_operations")["n"][0]
    assert road.crlm("sql", "--csv", "SELECT count(*) FROM marts.index_operations").stdout.split()[-1] == str(n_cohort)
    assert f"Published {n_cohort:,} patients" in road.first_refresh


def test_a_night_of_the_wheel_writes_nothing_into_site_packages(road, environment, files_before):
    assert files_of(environment) == files_before
