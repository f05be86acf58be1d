"""The second night computes the patients whose records changed, and leaves what a build from scratch would have made."""

import duckdb
import pytest

from orchestration.dbt_build.arguments import chosen_study, dbt_build_arguments, dbt_variables
from simulated_hospital.hospital import HOSPITAL
from tests.dbt_process import run_forked_dbt
from tests.incremental.hospital import (
    Hospital,
    differences,
    follow_up_rows,
    land_follow_up,
    land_merge,
    land_report,
)

NEW_MRNS = ("SIM9900001", "SIM9900002")
REGISTRY_ROW = "R9{number},{mrn},Doe,Jo,1950-01-01,2,2001-05-01,1,1,0,1,1,0,1999-01-01,2001-01-01,1,3.0,5.0,0,0,0\n"


class Patients:
    """MRNs of the cohort, each given out once."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self.left = [
            mrn
            for (mrn,) in hospital.query(
                """SELECT any_value(mrn ORDER BY mrn) FROM staging.stg_patient_identities
                   INNER JOIN intermediate.operation_margin_reports USING (study_id)
                   INNER JOIN intermediate.disease_assessments USING (study_id) GROUP BY study_id ORDER BY 1"""
            )
        ]

    def next(self) -> str:
        return self.left.pop(0)

    def study_id(self, mrn: str) -> str:
        return self.hospital.query(f"SELECT study_id FROM raw.patient_identifiers WHERE mrn = '{mrn}'")[0][0]

    def look(self, mrn: str) -> dict[str, str]:
        # a visit alone is no evidence of a recurrence
        kinds = ("imaging", "NED")
        return next(
            row
            for row in follow_up_rows(self.hospital)
            if row["mrn"] == mrn and (row["event_type"], row["finding"]) == kinds
        )

    def report(self, mrn: str) -> tuple[str, str]:
        """Accession number and day of collection of a report."""
        return self.hospital.query(
            f"""SELECT accession_number, strftime(CAST(collected_date AS DATE), '%Y%m%d') FROM raw.pathology_messages
                WHERE mrn = '{mrn}' AND report_status = 'final' ORDER BY ALL LIMIT 1"""
        )[0]


def land_second_night(hospital: Hospital) -> set[str]:
    """Eleven patients' records change; returns their study ids."""
    patients = Patients(hospital)
    (
        corrected,
        withdrawn,
        amended,
        moved_from,
        moved_to,
        retired,
        surviving,
        not_hers,
        hers,
        answered,
        new,
        new_to_all,
    ) = (
        *(patients.next() for _ in range(10)),
        *NEW_MRNS,
    )
    land_follow_up(
        hospital,
        "later",
        {**patients.look(corrected), "finding": "definite", "sites": "lung"},
        {**patients.look(withdrawn), "status": "W"},
        {**patients.look(moved_from), "mrn": moved_to, "finding": "definite", "sites": "bone"},
        {
            **patients.look(corrected),
            "event_id": "E9",
            "mrn": new,
            "event_date": "02/01/2003",
            "finding": "definite",
            "sites": "lung",
        },
    )
    hospital.land("registry/later.csv", registry_header(hospital) + REGISTRY_ROW.format(number=1, mrn=new))
    land_report(hospital, "LATER1", amended, *patients.report(amended), "Liver, parenchymal margin 3 mm.")
    land_report(hospital, "LATER2", new, "S99-1", "20010501", "Liver, parenchymal margin positive for tumor.")
    # sent again under the MRN of the patient whose report it is
    land_report(hospital, "LATER3", hers, *patients.report(not_hers), "Liver, parenchymal margin 12 mm.")
    land_report(hospital, "LATER4", new_to_all, "S99-2", "20010501", "No operation of hers is registered.")
    land_merge(hospital, "MERGE1", surviving, retired)
    land_answer(hospital, patients.study_id(answered))
    known = {corrected, withdrawn, amended, moved_from, moved_to, retired, surviving, not_hers, hers, answered}
    return {patients.study_id(mrn) for mrn in known}


def registry_header(hospital: Hospital) -> str:
    return (hospital.landed / "registry" / "hepatectomy_registry.csv").read_text(encoding="utf-8").split("\n")[0] + "\n"


def question_of(hospital: Hospital, study_id: str) -> str:
    return hospital.query(f"SELECT question_id FROM intermediate.margin_questions WHERE study_id = '{study_id}'")[0][0]


def land_answer(hospital: Hospital, study_id: str, question: str | None = None, decided_at: str = "2020-01-02") -> None:
    """A reviewer says what the margin is, whatever was read: in a sheet."""
    path = hospital.folder / "landing" / "adjudication" / "answers.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "question_id,study_id,reviewer,decided_at,margin_group,margin_mm,comment\n"
        f"{question or question_of(hospital, study_id)},{study_id},reviewer,{decided_at},positive,,\n",
        encoding="utf-8",
    )


def land_answer_of_the_page(hospital: Hospital, study_id: str) -> None:
    path = hospital.folder / "landing" / "adjudication" / "review" / "reviewer.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "question_id,study_id,reviewer,decided_at,margin_group,margin_mm,blinding,record_status,comment\n"
        f"{question_of(hospital, study_id)},{study_id},reviewer,2020-01-02 09:00:00,>=10 mm,,blind,active,\n",
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def second_night(
    first_night: Hospital, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Hospital, set[str], Hospital]:
    """The hospital after its second night, who changed in it, and a build from scratch of the same landing folder."""
    folder = tmp_path_factory.mktemp("incremental")
    hospital = first_night.copied_to(folder / "second")
    changed = land_second_night(hospital)
    hospital.night()
    return hospital, changed, hospital.rebuilt(folder / "scratch")


def test_two_nights_leave_what_one_night_from_scratch_leaves(second_night):
    hospital, _, scratch = second_night
    assert differences(hospital, scratch) == {}


def test_the_story_is_told_in_the_marts(first_night, second_night):
    """Lest two equal builds be equally blind to what landed."""
    hospital, _, _ = second_night
    for table in ("time_to_event", "resection_margins", "recurrences", "patients", "margin_adjudications"):
        assert first_night.query(f"FROM marts.{table} ORDER BY ALL") != hospital.query(
            f"FROM marts.{table} ORDER BY ALL"
        ), table


def test_only_the_patients_whose_records_changed_are_computed(first_night, second_night):
    hospital, known, _ = second_night
    new = {id for (id,) in hospital.query(f"SELECT study_id FROM raw.patient_identifiers WHERE mrn IN {NEW_MRNS}")}
    changed = {id for (id,) in hospital.query("FROM intermediate.changed_patients")}
    assert changed == known | new
    accounts = hospital.query("FROM intermediate.recomputed_rows")
    assert len(accounts) > 60
    # what their reports share with others' is looked at, and left behind
    looks_across = {
        "stg_pathology_reports",
        "stg_pathology_lines",
        "reports_with_lines_that_do_not_count",
        "records_set_aside",
    }
    of_changed = f"COLUMNS(c -> c IN ('study_id', 'text_id')) IN {tuple(sorted(changed))}"
    with first_night.build() as before, hospital.build() as after:
        for _, schema, table, n_computed, n_inserted, n_deleted, n_before in accounts:
            counted = before.execute(f"SELECT count(*), count(*) FILTER ({of_changed}) FROM {schema}.{table}")
            assert counted.fetchall() == [(n_before, n_deleted)]
            counted = after.execute(f"SELECT count(*) FROM {schema}.{table}")
            assert counted.fetchall() == [(n_before - n_deleted + n_inserted,)], table
            assert n_computed == n_inserted or table in looks_across, table


def test_an_answer_about_another_patient_than_its_question_is_listed_and_displaces_nobodys(first_night, tmp_path):
    """A sheet of which the column of study ids was sorted alone; its question was answered on the page before."""
    hospital = first_night.copied_to(tmp_path / "sorted")
    patients = Patients(hospital)
    hers, not_hers = (patients.study_id(patients.next()) for _ in range(2))
    land_answer_of_the_page(hospital, hers)
    hospital.night()
    land_answer(hospital, not_hers, question_of(hospital, hers), "2020-02-01")
    assert hospital.failures_of_a_tested_night() == []
    assert hospital.query("SELECT study_id, margin_group FROM marts.margin_adjudications") == [(hers, ">=10 mm")]
    set_aside = "SELECT study_id, reason FROM intermediate.records_set_aside WHERE source_table LIKE '%adjudications'"
    assert hospital.query(set_aside) == [(not_hers, "answer to a question about another patient")]
    assert differences(hospital, hospital.rebuilt(tmp_path / "scratch")) == {}


@pytest.mark.parametrize("last_made", ["intermediate.margin_texts", "marts.recurrences"])
def test_a_night_that_is_killed_between_two_models_is_made_up_for(first_night, second_night, tmp_path, last_made):
    """Also where texts were taken in that nobody has read yet."""
    _, _, scratch = second_night
    hospital = first_night.copied_to(tmp_path / "killed")
    land_second_night(hospital)
    hospital.night(killed_after=last_made)
    assert differences(hospital, scratch) != {}
    hospital.night()
    assert differences(hospital, scratch) == {}


def test_a_row_that_is_the_twin_of_one_of_tonights_is_found_each_night_until_it_is_gone(
    first_night, second_night, tmp_path
):
    """A night of few looks for twins of the rows that it put in, not of those of other nights; whose rows have one still count as changed
    the night after, also where no other table stands above the one in doubt."""
    _, changed, scratch = second_night
    hospital = first_night.copied_to(tmp_path / "twins")
    table, is_changed = "marts.recurrence_treatments", f"study_id IN {tuple(sorted(changed))}"
    with duckdb.connect(str(hospital.settings.build_file)) as connection:
        connection.execute(f"ATTACH '{scratch.settings.build_file}' AS scratch (READ_ONLY)")
        kept = f"source_record_id IN (SELECT source_record_id FROM scratch.{table})"
        connection.execute(
            f"""CREATE TABLE twins AS
                SELECT * REPLACE ('P_other' AS study_id) FROM {table} WHERE {kept}
                QUALIFY row_number() OVER (PARTITION BY {is_changed} ORDER BY source_record_id) = 1"""
        )
        connection.execute(f"INSERT INTO {table} FROM twins")
    land_second_night(hospital)
    for _ in range(2):
        assert hospital.failures_of_a_tested_night() == ["one_row_per_recurrence_treatments_source_record_id"]
        assert hospital.query("SELECT count(*) FROM intermediate.built_patients WHERE fingerprint IS NULL")[0][
            0
        ] >= len(changed)
    with duckdb.connect(str(hospital.settings.build_file)) as connection:
        of_changed = f"SELECT source_record_id FROM {table} WHERE {is_changed}"
        connection.execute(f"DELETE FROM {table} WHERE study_id = 'P_other' AND source_record_id IN ({of_changed})")
    assert hospital.failures_of_a_tested_night() == []
    with duckdb.connect(str(hospital.settings.build_file)) as connection:
        connection.execute(f"DELETE FROM {table} WHERE study_id = 'P_other'")
        connection.execute("DROP TABLE twins")
    assert differences(hospital, scratch) == {}


def test_where_many_changed_each_table_is_made_anew_also_after_a_killed_night(first_night, tmp_path):
    """More than a quarter: what does not fit into memory at once is made in parts."""
    hospital = first_night.copied_to(tmp_path / "many")
    patients = Patients(hospital)
    is_clear = {
        row["mrn"]: row for row in follow_up_rows(hospital) if (row["event_type"], row["finding"]) == ("imaging", "NED")
    }
    looks = [is_clear[mrn] for mrn in patients.left if mrn in is_clear]
    land_follow_up(hospital, "later", *({**look, "finding": "definite", "sites": "lung"} for look in looks[:20]))
    amended = looks[0]["mrn"]
    land_report(hospital, "LATER1", amended, *patients.report(amended), "Liver, parenchymal margin 3 mm.")
    hospital.night(killed_after="marts.recurrences")
    hospital.night()
    assert hospital.query("SELECT count(*) FROM intermediate.changed_patients") == [(20,)]
    scratch = hospital.rebuilt(tmp_path / "scratch")
    assert differences(hospital, scratch) == {}
    accounts = hospital.query(
        """SELECT schema_name, table_name, n_computed, n_inserted, n_deleted, n_before FROM intermediate.recomputed_rows
           WHERE invocation_id = (SELECT last(invocation_id) FROM intermediate.recomputed_rows)"""
    )
    assert len(accounts) > 60
    with hospital.build() as build:
        for schema, table, *account in accounts:
            ((n,),) = build.execute(f"SELECT count(*) FROM {schema}.{table}").fetchall()
            assert account[:2] == [n, n] and account[2] == account[3], table
    # and a night after it keeps them again
    land_follow_up(hospital, "z_later", {**looks[20], "finding": "definite", "sites": "bone"})
    hospital.night()
    assert hospital.query("SELECT count(*) FROM intermediate.changed_patients") == [(1,)]
    ((n_deleted, n_before),) = hospital.query(
        """SELECT n_deleted, n_before FROM intermediate.recomputed_rows
           WHERE table_name = 'stg_follow_up_events' ORDER BY rowid DESC LIMIT 1"""
    )
    assert 0 < n_deleted < n_before / 10


def test_a_model_that_is_built_alone_is_made_of_everybody(first_night, tmp_path):
    """Who changed in the last night, in which records were not looked for (it made all tables), says nothing of what it lacks."""
    hospital = first_night.copied_to(tmp_path / "alone")
    variables = dbt_variables(hospital.settings, chosen_study(hospital.settings))
    built = run_forked_dbt(hospital.settings.build_file, ["run", "--select", "stg_vital_status"], variables)
    assert built.returncode == 0, built.stdout[-3000:]
    assert differences(hospital, first_night) == {}


def test_other_rules_compute_everybody_also_after_a_killed_night_and_read_no_report_again(first_night, tmp_path):
    hospital = first_night.copied_to(tmp_path / "other_rules")
    with duckdb.connect(str(hospital.settings.build_file)) as connection:
        connection.execute("UPDATE intermediate.built_patients SET derivation_version = 'other rules'")
        connection.execute("UPDATE marts.patients SET sex = 'by other rules'")
        connection.execute("ALTER TABLE marts.recurrences ADD COLUMN of_other_rules VARCHAR")
    hospital.night(killed_after="marts.recurrences")
    assert "--full-refresh" in dbt_build_arguments(hospital.settings)
    hospital.night()
    assert differences(hospital, first_night) == {}
    readings = "SELECT DISTINCT text_hash, read_in_run FROM intermediate.margin_statements ORDER BY ALL"
    assert hospital.query(readings) == first_night.query(readings)
    assert "--full-refresh" not in dbt_build_arguments(hospital.settings)


def test_what_vanishes_from_raw_and_what_a_hospital_cannot_tell_any_more_is_gone_the_next_night(first_night, tmp_path):
    hospital = first_night.copied_to(tmp_path / "vanished")
    patients = Patients(hospital)
    mrn = patients.next()
    vanished = patients.study_id(mrn)
    with duckdb.connect(str(hospital.settings.build_file)) as connection:
        for table in (
            "registry",
            "pathology_messages",
            "follow_up",
            "treatments",
            "vital_status",
            "patient_identifiers",
        ):
            connection.execute(f"DELETE FROM raw.{table} WHERE mrn = '{mrn}'")
    with (hospital.folder / "contracts" / HOSPITAL / "hospital.yml").open("a", encoding="utf-8") as contract:
        contract.write("\nnot_derivable: {salvage: treatments are not told}\n")
    hospital.night()
    hers = f"WHERE COLUMNS(c -> c IN ('study_id', 'text_id')) = '{vanished}'"
    recomputed = hospital.query("SELECT schema_name, table_name FROM intermediate.recomputed_rows")
    with hospital.build() as build:
        for schema, table in recomputed:
            assert build.execute(f"FROM {schema}.{table} {hers}").fetchall() == [], table
    # hers are everybody's: the hospital's limits concern all its patients
    assert hospital.query("SELECT count(*) FROM intermediate.changed_patients") == first_night.query(
        "SELECT count(DISTINCT study_id) FROM staging.stg_patient_identities"
    )
    assert hospital.query("FROM marts.time_to_event WHERE endpoint = 'salvage'") == []
    assert hospital.query("SELECT count(*) FROM marts.patients") == [
        (first_night.query("SELECT count(*) FROM marts.patients")[0][0] - 1,)
    ]


def test_what_a_killed_night_half_built_and_was_then_taken_back_leaves_no_trace(first_night, tmp_path):
    hospital = first_night.copied_to(tmp_path / "taken_back")
    contract = hospital.folder / "contracts" / HOSPITAL / "hospital.yml"
    as_before = contract.read_text(encoding="utf-8")
    contract.write_text(as_before + "\nnot_derivable: {salvage: treatments are not told}\n", encoding="utf-8")
    hospital.night(killed_after="marts.time_to_event")
    assert hospital.query("FROM marts.time_to_event WHERE endpoint = 'salvage'") == []
    contract.write_text(as_before, encoding="utf-8")
    hospital.night()
    assert hospital.query("FROM marts.time_to_event WHERE endpoint = 'salvage'") != []
    assert differences(hospital, first_night) == {}


def test_a_hospital_that_no_longer_knows_what_patients_die_of_concerns_all_its_patients(first_night, tmp_path):
    """No patient's own record need differ for it: nobody's cancer-specific survival can be told."""
    hospital = first_night.copied_to(tmp_path / "causes")
    n_timed = "SELECT count(*) FROM marts.time_to_event WHERE endpoint = 'cancer_specific_survival'"
    with duckdb.connect(str(hospital.settings.build_file)) as connection:
        connection.execute("UPDATE raw.vital_status SET cause_of_death = NULL WHERE vital_status = 'dead'")
    hospital.night()
    assert hospital.query(n_timed) == [(0,)]
    n_cohort = hospital.query("SELECT count(*) FROM marts.index_operations")
    without = "FROM marts.endpoints_without_time WHERE reason = 'too many deaths without a stated cause'"
    assert hospital.query(f"SELECT count(DISTINCT study_id) {without}") == n_cohort
    assert hospital.query("SELECT reason FROM marts.not_derivable_endpoints") == [
        ("too many deaths without a stated cause",)
    ]
