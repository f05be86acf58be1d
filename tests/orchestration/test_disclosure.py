"""How exact patients' values are published, and that the very file about to be published is attacked before anybody else can."""

from hashlib import sha256
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.privacy.disclosure import (
    DisclosureRulesError,
    anonymity,
    coarsen,
    disclosure_rules,
    generalise_until_k,
)
from orchestration.privacy.of_publication import KNOWN_DAY, DateAttacks, attacks_on_days, leaks

END_OF_RECORDS = pd.Timestamp("2015-03-30")


def cohort(n: int, shared_last_contact: bool = True) -> pd.DataFrame:
    """n patients operated on evenly over 1991 to 2012; the last day of all is one, or lies within the last two years."""
    operated = pd.to_datetime(np.linspace(pd.Timestamp("1991-02-01").value, pd.Timestamp("2012-11-01").value, n)).floor(
        "D"
    )
    ends = END_OF_RECORDS - pd.to_timedelta(np.zeros(n) if shared_last_contact else np.arange(n) * 7 % 700, unit="D")
    number = pd.Series(range(n))
    era = pd.cut(operated.year, [0, 1998, 2005, 2013], labels=["1991-1998", "1999-2005", "2006-2012"]).astype(str)
    return pd.DataFrame(
        {
            "study_id": [f"P{sha256(str(i).encode()).hexdigest()[:12]}" for i in range(n)], "source_system": "h",
            "index_operation_date": operated, "operation_year": operated.year, "era": era,
            "last_contact_days": (ends - operated).days, "potential_days": (END_OF_RECORDS - operated).days,
            "sex": np.where(number % 2, "male", "female"), "age_at_operation_years": 60 + number % 30,
            "procedure_type": "wedge_resection", "primary_site": "colon", "largest_metastasis_cm": 5.04,
            "disease_free_interval_months": 11.9, "cea_ng_ml": 200.6, "metastasis_count": 14, "is_in_cohort": True,
        }
    )  # fmt: skip


def opened(frame: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    """A build file in memory with the truth, and attached to it what is to be published."""
    connection = duckdb.connect()
    create_raw_schema(connection)
    connection.execute("CREATE SCHEMA intermediate; CREATE SCHEMA seeds; ATTACH ':memory:' AS published")
    connection.execute(
        "CREATE TABLE intermediate.index_operations AS SELECT study_id, source_system, index_operation_date FROM frame"
    )
    connection.execute(
        """CREATE TABLE seeds.operation_eras AS FROM (VALUES ('1991-1998', 1991, 1998), ('1999-2005', 1999, 2005),
           ('2006-2012', 2006, 2012)) AS eras(era, first_year, last_year)"""
    )
    shown = frame.drop(columns="index_operation_date").sort_values("study_id")
    connection.register("shown", shown)
    connection.execute("CREATE SCHEMA published.marts; CREATE SCHEMA published.quality")
    connection.execute(
        "CREATE TABLE published.marts.index_operations AS SELECT * EXCLUDE (last_contact_days, potential_days) FROM shown"
    )
    connection.execute(
        "CREATE TABLE published.marts.patients AS SELECT study_id, sex, source_system, is_in_cohort, last_contact_days FROM shown"
    )
    connection.execute("CREATE TABLE published.marts.follow_up AS SELECT study_id, potential_days FROM shown")
    return connection


def found(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [attack.source for attack in attacks_on_days(connection, "published").beside_a_period if attack.works]


def test_a_day_that_all_share_is_found_by_the_year_and_by_the_potential_follow_up():
    connection = opened(cohort(400))
    assert found(connection) == ["follow_up.potential_days", "patients.last_contact_days"]
    told = leaks(connection, "published", "internal")
    assert "marts: no_date_can_be_computed [patients.last_contact_days]" in told


def test_a_file_with_the_days_of_one_that_was_attacked_is_not_attacked_again_and_one_with_a_single_other_day_is():
    connection = opened(cohort(400))
    connection.execute("ATTACH ':memory:' AS draft; CREATE SCHEMA draft.marts")
    for table in ("index_operations", "patients", "follow_up"):
        connection.execute(f"CREATE TABLE draft.marts.{table} AS FROM published.marts.{table} ORDER BY study_id DESC")
    by_days = "marts: no_date_can_be_computed [patients.last_contact_days]"
    nothing_found = "draft", DateAttacks([], [], [])
    assert by_days not in leaks(connection, "published", "internal", attacked=nothing_found)
    connection.execute(
        """UPDATE draft.marts.patients SET last_contact_days = last_contact_days + 1
           WHERE study_id = (SELECT min(study_id) FROM draft.marts.patients)"""
    )
    assert by_days in leaks(connection, "published", "internal", attacked=nothing_found)


def test_the_default_rules_leave_nothing_to_find_where_last_contacts_differ():
    connection = opened(cohort(400, shared_last_contact=False))
    assert found(connection) == ["follow_up.potential_days"]
    coarsen(connection, "published", disclosure_rules().internal)
    assert found(connection) == []
    assert leaks(connection, "published", "internal") == []


def test_in_a_large_cohort_with_one_last_day_the_era_has_to_go_too():
    rules = disclosure_rules()
    connection = opened(cohort(3000))
    coarsen(connection, "published", rules.internal)
    assert found(connection) == ["patients.last_contact_days"]
    coarsen(connection, "published", rules.when_dates_can_be_computed)
    assert found(connection) == []


def test_one_last_day_that_readers_may_know_is_refused_or_allowed_by_the_rules_of_the_installation():
    """With the era gone nothing in the file tells the day; whoever knows it has all the days of operation."""
    connection = opened(cohort(300))
    coarsen(connection, "published", [*disclosure_rules().internal, *disclosure_rules().when_dates_can_be_computed])
    assert found(connection) == []
    [attack] = attacks_on_days(connection, "published").by_known_day
    assert (attack.source, attack.n_recovered, attack.works) == ("patients.last_contact_days", 300, True)
    assert leaks(connection, "published", "internal") == [
        "marts: no_date_follows_from_a_known_day [patients.last_contact_days]"
    ]
    assert leaks(connection, "published", "internal", allows_known_days=True) == []


def test_of_simulated_patients_nothing_can_be_told():
    connection = opened(cohort(300))
    coarsen(connection, "published", [*disclosure_rules().internal, *disclosure_rules().when_dates_can_be_computed])
    connection.execute("INSERT INTO raw.ingest_ledger (source_system, is_simulated) VALUES ('h', TRUE)")
    assert leaks(connection, "published", "internal") == []
    # nor is it a warning, which every simulated night would have; how far the attack came stands beside it
    tried = connection.execute(
        "SELECT bool_and(status = 'passed'), max(n_failed) > 10 FROM quality.check_results WHERE check_name = ?",
        [KNOWN_DAY],
    )
    assert tried.fetchall() == [(True, True)]


def test_rows_in_the_order_of_operation_are_found():
    connection = opened(cohort(200, shared_last_contact=False))
    coarsen(connection, "published", disclosure_rules().internal)
    connection.execute(
        """CREATE OR REPLACE TABLE published.marts.patients AS FROM published.marts.patients
           JOIN intermediate.index_operations USING (study_id) ORDER BY index_operation_date"""
    )
    connection.execute("ALTER TABLE published.marts.patients DROP COLUMN index_operation_date")
    assert "marts: no_date_can_be_computed [patients, order of rows]" in leaks(connection, "published", "internal")


@pytest.mark.parametrize("value", ["bee33449c130-11402", "north/registry.csv", "letter_Doe.hl7"])
def test_a_records_id_and_a_files_name_are_found(value):
    connection = opened(cohort(10))
    connection.execute("CREATE TABLE published.quality.violations AS SELECT ? AS row_key", [value])
    assert "quality.violations: names_are_opaque [row_key]" in leaks(connection, "published", "internal")


def test_values_are_rounded_so_that_they_stay_on_their_side_of_a_threshold():
    connection = opened(cohort(10))
    coarsen(connection, "published", disclosure_rules().internal)
    row = connection.execute(
        """SELECT largest_metastasis_cm, disease_free_interval_months, cea_ng_ml, metastasis_count, max(age_at_operation_years) OVER ()
           FROM published.marts.index_operations"""
    ).fetchall()[0]
    assert row == (5.5, 11.0, 210.0, 10, 69)
    assert "operation_year" not in {
        c[0] for c in connection.execute("DESCRIBE published.marts.index_operations").fetchall()
    }


def test_the_shareable_file_is_made_coarser_until_every_patient_is_like_four_others():
    rules = disclosure_rules()
    frame = cohort(300, shared_last_contact=False)
    # a second hospital with three patients, who are unlike everybody
    frame.loc[:2, "source_system"] = "small"
    connection = opened(frame)
    coarsen(connection, "published", rules.internal)
    assert anonymity(connection, "published", rules).k < 5
    done = generalise_until_k(connection, "published", rules)
    reached = anonymity(connection, "published", rules)
    assert reached.k >= 5
    assert reached.n_patients == 300
    assert any("age_at_operation_years: round_down" in step for step in done)
    groups = connection.execute(
        """SELECT count(*) FROM published.marts.patients AS p JOIN published.marts.index_operations AS o USING (study_id)
           WHERE p.sex IS DISTINCT FROM o.sex OR p.source_system IS DISTINCT FROM o.source_system"""
    ).fetchall()
    assert groups == [(0,)]


def test_a_cohort_that_is_smaller_than_k_cannot_be_made_anonymous():
    rules = disclosure_rules()
    connection = opened(cohort(4))
    generalise_until_k(connection, "published", rules)
    assert anonymity(connection, "published", rules).k < rules.least_k


def test_rules_that_cannot_be_understood_are_named(tmp_path: Path):
    wrong = tmp_path / "mine.yml"
    text = Path("orchestration/privacy/disclosure.yml").read_text(encoding="utf-8")
    wrong.write_text(text.replace("rule: at_most", "rule: at_mots"), encoding="utf-8")
    with pytest.raises(DisclosureRulesError, match=r"mine.yml: no rule 'at_mots' \(of age_at_operation_years\)"):
        disclosure_rules(wrong)
