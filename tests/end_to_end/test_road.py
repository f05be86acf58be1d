"""The road as its users walk it: what a refresh says, what is published, what a failed gate does, what must never leak."""

import re
import shutil

import duckdb
import yaml

from orchestration.settings import PROJECT_ROOT
from orchestration.warehouse import read_last_attempt, read_publication
from tests.end_to_end.conftest import PATIENTS, crlm

IDENTIFYING_COLUMNS = {"mrn", "last_name", "first_name", "birth_date", "note", "payload", "evidence_text", "line_text"}

# of few margins judged twice there is no kappa; where one hospital alone has a ratio, none differ
EMPTY_IN_A_SMALL_STUDY = {f"margin_agreement.{name}" for name in ("kappa", "std_error", "conf_low", "conf_high")} | {
    f"hospital_hazard_ratios.{name}"
    for name in (
        "heterogeneity_statistic", "heterogeneity_p_value", "i_squared", "tau_squared", "prediction_low", "prediction_high",
    )
}  # fmt: skip


def published_columns(road):
    return road.published(
        """SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
           WHERE table_schema IN ('marts', 'results', 'quality', 'meta')"""
    )


def test_the_published_tables_are_those_that_the_readme_promises(road):
    columns = published_columns(road)
    tables = set(columns["table_schema"] + "." + columns["table_name"])
    assert tables >= {
        "marts.patients", "marts.index_operations", "marts.resection_margins", "marts.recurrences",
        "marts.recurrence_treatments", "marts.cohort_flow", "marts.time_to_event", "marts.event_counts",
        "results.kaplan_meier", "results.cumulative_incidence", "results.landmark_estimates", "results.group_tests",
        "results.hazard_ratios", "results.proportional_hazards", "results.table_one", "results.recurrence_patterns",
        "results.salvage_by_margin", "results.published_comparison", "quality.check_results", "quality.violations",
        "quality.ingest_ledger", "quality.rejected_records", "quality.adjudication_queue", "meta.publication",
    }  # fmt: skip


def test_no_published_result_is_a_column_without_a_value(road):
    """A schema allows what is missing: only what need not be said may be missing of everybody."""
    columns = published_columns(road).query("table_schema == 'results'")
    empty = set()
    for table, names in columns.groupby("table_name")["column_name"]:
        counted = ", ".join(f'count("{name}") AS "{name}"' for name in names)
        counts = road.published(f"SELECT count(*) AS n_rows, {counted} FROM results.{table}").iloc[0]
        empty |= {f"{table}.{name}" for name in names if counts["n_rows"] and not counts[name]}
    said_where_needed = {name for name in empty if name.endswith((".warning", ".reason"))}
    assert empty - said_where_needed <= EMPTY_IN_A_SMALL_STUDY


def test_every_example_query_of_the_docs_is_answered(road):
    queries = yaml.safe_load((PROJECT_ROOT / "docs" / "example_queries.yml").read_text(encoding="utf-8"))
    for query in queries:
        assert len(road.published(query["sql"])) or "did not pass" in query["asks"], query["asks"]


def test_no_name_mrn_birth_date_or_text_is_in_anything_that_leaves_the_build_area(road):
    columns = published_columns(road)
    assert not IDENTIFYING_COLUMNS & set(columns["column_name"])
    dates = columns[columns["data_type"].isin(["DATE"])]
    assert dates.empty
    registry = road.restricted("SELECT mrn, last_name FROM raw.registry")
    report = (road.data / "published" / "report.html").read_text(encoding="utf-8")
    published = (road.data / "published" / "warehouse.duckdb").read_bytes()
    logs = road.first_refresh
    names = set(registry["last_name"].dropna())
    assert len(names) > 10
    for text in (report, logs):
        assert not re.search(r"SIM\d{7}", text)
        # looked for as a part of a word first, which is a hundred times quicker
        assert not [name for name in names if name in text and re.search(rf"\b{re.escape(name)}\b", text)]
    assert not re.search(rb"SIM\d{7}", published)
    for path in (road.data / "dagster").rglob("*"):
        if path.is_file():
            assert not re.search(rb"SIM\d{7}", path.read_bytes()), path


def test_the_ledger_accounts_for_every_row(road):
    ledger = road.published("FROM quality.ingest_ledger")
    assert (ledger["status"] == "loaded").all()
    accounted = ledger["rows_loaded"] + ledger["rows_rejected"] + ledger["rows_duplicate"]
    assert (ledger["rows_read"] == accounted).all()
    assert set(ledger["feed"]) == {"registry", "pathology_messages", "follow_up", "treatments", "vital_status"}


def test_every_cohort_patient_has_one_row_an_endpoint_from_the_index_operation(road):
    counts = road.published(
        """SELECT endpoint, count(*) AS n, count(DISTINCT study_id) AS n_patients, min(time_days) AS shortest
           FROM marts.time_to_event GROUP BY endpoint"""
    ).set_index("endpoint")
    n_cohort = road.published("SELECT count(*) AS n FROM marts.index_operations")["n"][0]
    assert n_cohort > 0.95 * PATIENTS
    assert (counts["n"] == counts["n_patients"]).all()
    assert (counts["shortest"] >= 1).all()
    for endpoint in ("recurrence_free_survival", "overall_recurrence", "overall_survival"):
        assert 0.99 * n_cohort <= counts.loc[endpoint, "n"] <= n_cohort


def test_the_comparison_holds_all_published_figures_and_the_trend_of_salvage_and_says_simulated(road):
    comparison = road.published("FROM results.published_comparison")
    assert len(comparison) == 14
    assert set(comparison["data_label"]) == {"simulated"}
    assert comparison.loc[comparison["published_estimate"].notna(), "estimate"].notna().sum() == 13


def test_the_summary_shows_the_study_and_the_reports_path(road):
    summary = road.crlm("summary")
    assert summary.returncode == 0, summary.stderr
    for words in ("SIMULATED DATA", "Cohort flow", ">=10 mm", "2.21 (1.49-3.26)", "margin unresolved", "report.html"):
        assert words in summary.stdout


def test_a_second_refresh_finds_nothing_new_and_says_so(road):
    before = (road.data / "published" / "warehouse.duckdb").stat().st_mtime_ns
    again = road.crlm("refresh")
    assert again.returncode == 0
    assert "Nothing new" in again.stdout
    assert (road.data / "published" / "warehouse.duckdb").stat().st_mtime_ns == before


def test_a_query_that_is_wrong_says_why_and_fails(road):
    wrong = road.crlm("sql", "SELECT no_such_column FROM marts.patients")
    assert wrong.returncode == 1
    assert "no_such_column" in wrong.stderr


def test_an_empty_landing_folder_is_said_to_be_empty(tmp_path):
    empty = crlm(tmp_path, "refresh")
    assert empty.returncode == 1
    assert "crlm simulate" in empty.stderr


def test_a_closed_gate_stops_publication_and_yesterdays_file_says_so(road, tmp_path):
    """A second night lands a registry in which most operations lost their residual disease: the cohort collapses."""
    data = tmp_path / "data"
    shutil.copytree(road.data, data)
    published = data / "published" / "warehouse.duckdb"
    yesterday = read_publication(published)
    registry = data / "landing" / "simulated_hospital" / "registry" / "hepatectomy_registry.csv"
    lines = registry.read_text(encoding="utf-8").splitlines(keepends=True)
    header = lines[0].strip().split(",")
    residual = header.index("residual")
    corrected = [lines[0]]
    for line in lines[1:]:
        fields = line.split(",")
        fields[residual] = "2"
        corrected.append(",".join(fields))
    registry.write_text("".join(corrected), encoding="utf-8")

    night = road.crlm("refresh", CRLM_DATA_DIR=str(data))
    assert night.returncode == 1, night.stdout
    assert "nothing was published" in night.stderr
    assert read_publication(published) == yesterday
    attempt = read_last_attempt(published)
    assert (attempt.outcome, attempt.step) == ("gate closed", "quality__landing_gate")
    with duckdb.connect() as connection:
        connection.execute(
            f"ATTACH '{published}' AS today (READ_ONLY); ATTACH '{road.data}/published/warehouse.duckdb' AS before (READ_ONLY)"
        )
        changed = "FROM (FROM today.marts.time_to_event EXCEPT ALL FROM before.marts.time_to_event)"
        assert connection.execute(f"SELECT count(*) {changed}").fetchall() == [(0,)]
    assert "did not publish" in (data / "published" / "report.html").read_text(encoding="utf-8")
    with duckdb.connect(str(data / "build" / "build.duckdb"), read_only=True) as connection:
        failed = connection.execute(
            "SELECT count(*) FROM quality.check_results WHERE severity = 'blocking' AND status <> 'passed'"
        ).fetchall()[0][0]
    assert failed >= 1


def test_a_patient_is_traced_from_each_record_to_the_results_without_being_named(road):
    patient = road.restricted(
        """SELECT study_id, last_name, mrn FROM staging.stg_pathology_reports
           INNER JOIN raw.patient_identifiers USING (study_id) INNER JOIN raw.registry USING (mrn)
           INNER JOIN marts.first_recurrences USING (study_id)
           WHERE report_status = 'corrected' AND last_name IS NOT NULL ORDER BY study_id LIMIT 1"""
    ).iloc[0]
    told = road.crlm("trace", patient["study_id"])

    assert told.returncode == 0, told.stderr
    versions = [line for line in told.stdout.splitlines() if "feed pathology_messages" in line]
    assert {"is_in_use True", "is_in_use False"} == {
        match for line in versions for match in re.findall(r"is_in_use \w+", line)
    }
    for feed in ("registry", "follow_up", "vital_status"):
        assert f"feed {feed}" in told.stdout
    assert "endpoint recurrence_free_survival" in told.stdout
    assert "results.cumulative_incidence" in told.stdout
    assert patient["mrn"] not in told.stdout
    assert not re.search(rf"\b{re.escape(patient['last_name'])}\b", told.stdout)
    assert "words " not in told.stdout
    assert "words " in road.crlm("trace", patient["study_id"], "--words").stdout


def test_validating_what_is_loaded_already_finds_nothing_new(road):
    told = road.crlm("validate", str(road.data / "landing" / "simulated_hospital" / "registry"))

    assert told.returncode == 1, told.stdout + told.stderr
    assert re.search(r"new 0 · corrected 0 · unchanged [1-9]\d* · vanished patients 0", told.stdout)


def test_validating_a_changed_file_tells_new_corrected_and_vanished(road, tmp_path):
    sound = next((road.data / "landing" / "simulated_hospital" / "treatments").glob("*.csv"))
    header, *lines = [line for line in sound.read_text(encoding="utf-8").splitlines(keepends=True)]
    changed = tmp_path / "simulated_hospital" / "treatments" / sound.name
    changed.parent.mkdir(parents=True)
    treated = road.restricted(
        """SELECT treatment_id, mrn, count(*) OVER (PARTITION BY mrn) AS n FROM raw.treatments
           QUALIFY n = 1 ORDER BY treatment_id LIMIT 2"""
    )
    first, second = treated["treatment_id"]
    kept = [line for line in lines if not line.startswith(f"{first};")]
    corrected = [
        re.sub(r";\d\d\.\d\d\.", ";11.11.", line, count=1) if line.startswith(f"{second};") else line for line in kept
    ]
    changed.write_text(
        header + "".join(corrected) + kept[-1].replace(kept[-1].split(";")[0], "NEW1", 1), encoding="utf-8"
    )

    told = road.crlm("validate", str(changed))
    assert re.search(r"new 1 · corrected 1 · unchanged \d+ · vanished patients 1", told.stdout), told.stdout
    nobody = tmp_path / "notes.docx"
    nobody.write_text("x", encoding="utf-8")
    refused = road.crlm("validate", str(nobody))
    assert (refused.returncode, "no contract names this file" in refused.stdout) == (2, True)


def test_the_published_definition_groups_every_margin_as_the_margin_itself_says(road):
    groups = road.published(
        """SELECT margins.margin_group AS here, defined.margin_group AS there, count(*) AS n
           FROM marts.resection_margins AS margins INNER JOIN marts.margin_groups_by_definition AS defined USING (study_id)
           WHERE definition = 'published' GROUP BY ALL"""
    )
    assert len(groups) == 5
    assert (groups["here"] == groups["there"]).all()
    definitions = road.published("SELECT definition, count(*) AS n FROM marts.margin_groups_by_definition GROUP BY ALL")
    assert len(definitions) == 5
    assert definitions["n"].nunique() == 1
    lesions = road.published("SELECT count(DISTINCT study_id) AS n FROM marts.lesion_margins")
    assert lesions["n"][0] > PATIENTS / 2


def test_answers_about_margins_can_be_validated_before_they_are_dropped_in(road, tmp_path):
    asked = road.restricted("SELECT question_id, study_id FROM quality.adjudication_queue ORDER BY ALL LIMIT 1").iloc[0]
    answers = tmp_path / "adjudication" / "answers.csv"
    answers.parent.mkdir()
    header = "question_id,study_id,reviewer,decided_at,margin_group,margin_mm,comment\n"
    row = f'"{asked["question_id"]}","{asked["study_id"]}","A. Reader","2013-02-01 10:00:00","1.0-9.9 mm","4","seen, measured"\n'
    answers.write_text(header + row, encoding="utf-8")
    told = road.crlm("validate", str(answers))
    assert told.returncode == 0, told.stdout + told.stderr
    assert "new 1 · corrected 0 · unchanged 0 · vanished patients 0" in told.stdout

    answers.write_text(header + row.replace("1.0-9.9 mm", "wide"), encoding="utf-8")
    told = road.crlm("validate", str(answers))
    assert (told.returncode, "code wide" in told.stdout) == (1, True)
