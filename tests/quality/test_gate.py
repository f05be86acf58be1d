"""When the gate opens, when it stays closed, and what it tells of the rows that closed it."""

import pandas as pd
import pytest

from quality import list_suites, run_suite, run_suites
from quality.run_expectations import CHECK_COLUMNS, VIOLATION_COLUMNS, judge_frame
from quality.suite_definitions import Check, Suite
from tests.quality.clean_tables import A, B, C, D, clean_tables

GROUPS = ("positive", "<1 mm", "1.0-9.9 mm", ">=10 mm")

RESULTS = (
    "kaplan_meier", "cumulative_incidence", "landmark_estimates", "hazard_ratios", "published_comparison", "analyses_not_done",
)  # fmt: skip


def results_tables() -> dict[str, pd.DataFrame]:
    tables = clean_tables()
    return {name: tables[name] for name in RESULTS}


def marts_tables() -> dict[str, pd.DataFrame]:
    return {name: table for name, table in clean_tables().items() if name not in (*RESULTS, "stg_registry_operations")}


def check_named(result, name: str) -> pd.Series:
    found = result.checks[result.checks["check_name"] == name]
    assert len(found) == 1, list(result.checks["check_name"])
    return found.iloc[0]


def operations_with_unresolved(n_unresolved: int, n: int) -> pd.DataFrame:
    operations = clean_tables()["index_operations"].iloc[[0] * n].reset_index(drop=True)
    operations["study_id"] = [f"P{number:012x}" for number in range(n)]
    operations.loc[: n_unresolved - 1, "margin_group"] = "unresolved"
    return operations


def test_clean_tables_open_both_gates():
    for stage, tables in (("marts", marts_tables()), ("results", results_tables())):
        report = run_suites(tables, stage, previous_n_patients=3, identifiers=["4711"])
        assert report.is_open, report.summary()
        assert report.summary() == f"gate open: {len(report.checks)} checks passed, 0 failed, 0 could not be run"
        assert set(report.checks["suite"]) == set(list_suites(stage))


def test_a_warning_leaves_the_gate_open_and_is_told():
    tables = results_tables()
    tables["hazard_ratios"]["warning"] = "did not converge"
    report = run_suites(tables, "results")
    assert report.is_open
    assert "1 failed" in report.summary()
    assert "failed (warning) hazard_ratios: margin_effects_could_be_estimated [warning]: 10 of 10" in report.summary()


def test_a_blocking_failure_closes_the_gate():
    tables = results_tables()
    tables["hazard_ratios"].loc[0, "hazard_ratio"] = -2.0
    report = run_suites(tables, "results")
    assert not report.is_open
    assert set(report.blocking["check_name"]) >= {"no_ratio_is_negative"}


def test_a_missing_table_is_an_error_with_its_name():
    tables = results_tables()
    del tables["kaplan_meier"]
    report = run_suites(tables, "results")
    missing = check_named(report, "table_is_there")
    assert (missing["suite"], missing["status"], missing["error"]) == (
        "kaplan_meier",
        "error",
        "MissingTable: kaplan_meier",
    )
    assert not report.is_open
    # the others are judged all the same
    assert (report.checks["suite"] == "hazard_ratios").sum() > 5


def test_an_empty_table_fails():
    tables = results_tables()
    tables["kaplan_meier"] = tables["kaplan_meier"].iloc[:0]
    report = run_suites(tables, "results")
    assert check_named(report, "table_has_rows")[["suite", "status"]].tolist() == ["kaplan_meier", "failed"]
    assert not report.is_open


def test_a_table_that_may_be_empty_only_warns():
    treatments = clean_tables()["recurrence_treatments"].iloc[:0]
    result = run_suite("recurrence_treatments", treatments)
    assert check_named(result, "table_has_rows")[["status", "severity"]].tolist() == ["failed", "warning"]
    assert result.is_open


def test_a_missing_column_is_an_error_of_the_checks_that_read_it_only():
    tables = clean_tables()
    result = run_suite("time_to_event", tables | {"time_to_event": tables["time_to_event"].drop(columns="event_label")})
    assert check_named(result, "ending_is_told")[["status", "error"]].tolist() == [
        "error",
        "MissingColumn: event_label",
    ]
    assert (result.checks["status"] == "error").sum() == 1
    assert not result.is_open


def test_a_missing_column_of_a_condition_is_an_error():
    result = run_suite("patients", clean_tables()["patients"].drop(columns="is_in_cohort"))
    errors = set(result.checks.loc[result.checks["status"] == "error", "check_name"])
    assert errors == {
        "decision_is_made",
        "excluded_says_why",
        "included_has_no_reason",
        "last_contact_is_known",
        "last_assessment_is_known",
    }


def test_a_missing_column_of_a_computed_table_is_an_error():
    result = run_suite("feed_rejections", clean_tables()["ingest_ledger"].drop(columns="rows_rejected"))
    assert result.checks[["check_name", "error"]].to_numpy().tolist() == [
        ["table_can_be_read", "MissingColumn: ingest_ledger.rows_rejected"]
    ]
    assert not result.is_open


def test_a_computed_table_that_raises_is_an_error():
    ledger = clean_tables()["ingest_ledger"].astype({"rows_read": object})
    ledger.loc[0, "rows_read"] = "many, of Mrs Muster"
    result = run_suite("ingest_ledger", ledger)
    assert check_named(result, "table_can_be_read")["error"] == "TypeError"


def test_an_expectation_that_raises_is_an_error_told_by_class_name_only():
    times = clean_tables()["time_to_event"].astype({"time_days": object})
    times.loc[0, "time_days"] = "Muster"
    result = run_suite("time_to_event", clean_tables() | {"time_to_event": times})
    raised = check_named(result, "time_is_positive")
    assert raised["status"] == "error"
    assert raised["error"].isidentifier()
    assert (result.checks["status"] == "passed").sum() == len(result.checks) - 1
    assert not result.is_open


def test_an_error_of_a_warning_closes_the_gate_too():
    assert not run_suite(
        "index_operations", clean_tables()["index_operations"].drop(columns="age_at_operation_years")
    ).is_open


def test_conditions_that_no_row_fulfils_are_judged_of_nobody():
    first = clean_tables()["first_recurrences"].iloc[[1]]
    result = run_suite("first_recurrences", first)
    nobody = check_named(result, "isolated_liver_is_liver_only")
    assert nobody[["status", "n_checked", "n_failed"]].tolist() == ["passed", 0, 0]


@pytest.mark.parametrize(
    ("n_unresolved", "n", "n_failed_checks"), [(1, 10, 0), (11, 100, 1), (3, 10, 1), (301, 1000, 2)]
)
def test_shares_may_reach_their_threshold_but_not_pass_it(n_unresolved, n, n_failed_checks):
    """One in ten unresolved is allowed, more is warned of; more than three in ten close the gate."""
    result = run_suite("index_operations", operations_with_unresolved(n_unresolved, n))
    shares = result.checks.set_index("check_name").loc[["most_margins_are_resolved", "margins_are_not_lost"]]
    assert (shares["status"] == "failed").sum() == n_failed_checks
    assert shares["n_failed"].tolist() == [n_unresolved] * 2
    assert shares["n_checked"].tolist() == [n] * 2
    assert result.is_open == (n_failed_checks < 2)


def test_a_threshold_is_the_number_that_is_written():
    """1 - 0.58 is more than 0.42 in floating point; 58 of 100 rows may fail all the same."""
    check = Check(
        name="is_female",
        description="",
        expectation="expect_column_values_to_be_in_set",
        arguments={"column": "sex", "value_set": ["female"]},
        threshold=0.58,
    )
    suite = Suite(name="registry", table="registry", stage="marts", key=["study_id"], checks=[check])
    for n_male, status in ((58, "passed"), (59, "failed")):
        frame = pd.DataFrame({"study_id": range(100), "sex": ["male"] * n_male + ["female"] * (100 - n_male)})
        ((*_, found, n_checked, n_failed, _, _, _, _),), keys = judge_frame(suite, frame)
        assert (found, n_checked, n_failed, len(keys)) == (status, 100, n_male, n_male)


def test_missing_values_are_in_no_denominator_but_of_the_check_that_they_are_there():
    operations = operations_with_unresolved(0, 10)
    operations.loc[:3, "clinical_risk_score"] = None
    checks = run_suite("index_operations", operations).checks.set_index("check_name")
    assert checks.loc["clinical_risk_score_range", "n_checked"] == 6
    assert checks.loc["clinical_risk_score_is_known", ["n_failed", "n_checked", "share_failed"]].tolist() == [
        4,
        10,
        0.4,
    ]


@pytest.mark.parametrize(
    ("previous", "failed"),
    [
        (None, set()),
        (3, set()),
        (4, {"cohort_did_not_collapse", "cohort_did_not_shrink"}),
        (1, {"cohort_did_not_jump"}),
    ],
)
def test_the_cohort_is_compared_with_what_is_published(previous, failed):
    checks = run_suite("cohort_size", clean_tables(), previous=previous).checks
    assert set(checks.loc[checks["status"] == "failed", "check_name"]) == failed


@pytest.mark.parametrize(("n_now", "failed"), [(100, 0), (98, 0), (97, 1), (90, 1), (89, 2)])
def test_a_tenth_of_the_cohort_may_go_but_not_more(n_now, failed):
    tables = clean_tables() | {"index_operations": operations_with_unresolved(0, n_now)}
    checks = run_suite("cohort_size", tables, previous=100).checks.set_index("check_name")
    lost = checks.loc[["cohort_did_not_collapse", "cohort_did_not_shrink"], "status"]
    assert (lost == "failed").sum() == failed


@pytest.mark.parametrize(
    ("table", "check"),
    [
        ("patients", "decisions_agree_with_the_cohort"),
        ("resection_margins", "every_operation_has_a_margin"),
        ("cohort_flow", "cohort_flow_ends_with_the_cohort"),
    ],
)
def test_tables_that_disagree_on_the_cohort_close_the_gate(table, check):
    tables = clean_tables()
    tables[table] = tables[table].iloc[:-2] if table == "cohort_flow" else tables[table].iloc[1:]
    result = run_suite("cohort_size", tables, previous=3)
    assert set(result.blocking["check_name"]) == {check}


def test_a_published_figure_left_out_closes_the_gate():
    tables = clean_tables()
    tables["published_comparison"] = tables["published_comparison"].iloc[1:]
    result = run_suite("published_comparison", tables)
    assert set(result.blocking["check_name"]) == {"all_figures_are_compared"}


def without_our_ratios() -> dict[str, pd.DataFrame]:
    """The comparison without our four first ratios; the cohort has patients of every margin group."""
    tables = clean_tables()
    tables["published_comparison"].loc[:3, "estimate"] = None
    endpoints = tables["published_comparison"]["endpoint"].unique()
    tables["landmark_estimates"] = pd.DataFrame(
        [(endpoint, "margin_group", group, "3 years", 0.4) for endpoint in endpoints for group in GROUPS],
        columns=["endpoint", "grouping", "stratum", "landmark_label", "estimate"],
    )
    return tables


def test_figures_of_ours_that_could_not_be_estimated_are_warned_of():
    result = run_suite("published_comparison", without_our_ratios())
    assert check_named(result, "our_figure_is_known")[["status", "n_failed"]].tolist() == ["failed", 4]
    assert result.is_open


def test_figures_that_are_missing_for_a_reason_are_no_news_every_night():
    few = without_our_ratios()
    ratios = (
        few["hazard_ratios"]
        .iloc[[0]]
        .assign(hazard_ratio=None, warning="fewer than 5 events in this or the reference group (1)")
    )
    few["hazard_ratios"] = pd.concat(
        [
            ratios.assign(endpoint=endpoint, term=f"margin {group}")
            for endpoint in ("isolated_liver_recurrence", "margin_recurrence")
            for group in GROUPS
        ]
    )
    assert check_named(run_suite("published_comparison", few), "our_figure_is_known")["status"] == "passed"
    no_margins = without_our_ratios()
    no_margins["landmark_estimates"] = no_margins["landmark_estimates"].assign(stratum="unresolved")
    assert check_named(run_suite("published_comparison", no_margins), "our_figure_is_known")["status"] == "passed"


def test_a_replaced_file_no_longer_counts_against_its_feed():
    ledger = clean_tables()["ingest_ledger"]
    assert run_suite("feed_rejections", ledger).is_open
    before_the_repair = ledger[ledger["file_hash"] != "h2"]
    assert set(run_suite("feed_rejections", before_the_repair).blocking["check_name"]) == {"feed_is_not_broken"}


def test_one_hospitals_broken_feed_is_not_hidden_by_anothers():
    ledger = clean_tables()["ingest_ledger"].iloc[[1, 1]].assign(source_system=["north", "south"])
    ledger["source_file"] = ["north/registry.csv", "south/registry.csv"]
    ledger["rows_read"], ledger["rows_loaded"], ledger["rows_rejected"] = [100_000, 40], [99_995, 20], [0, 15]
    named = run_suite("feed_rejections", ledger).violations
    assert set(named["row_key"]) == {"source_system=south,feed=registry"}


def test_keys_are_capped_and_the_count_is_complete():
    operations = operations_with_unresolved(30, 50)
    result = run_suite("index_operations", operations, most_keys=7)
    assert check_named(result, "most_margins_are_resolved")["n_failed"] == 30
    assert (result.violations["check_name"] == "most_margins_are_resolved").sum() == 7


def test_nothing_of_a_row_but_its_key_comes_out():
    registry = clean_tables()["stg_registry_operations"]
    registry["sex"] = registry["last_name"] + registry["mrn"]
    registry["birth_date"] = pd.Timestamp("2011-12-13")
    result = run_suite("registry_operations", registry)
    assert {"sex_is_known_word", "born_before_operation"} <= set(result.blocking["check_name"])
    told = result.checks.to_csv() + result.violations.to_csv() + result.summary()
    for secret in ("Muster", "Beispiel", "Ensayo", "SIM0", "2011-12-13"):
        assert secret not in told


def test_results_have_the_same_types_on_good_and_bad_nights():
    good, bad = run_suites(results_tables(), "results"), run_suites({}, "results")
    assert good.checks.dtypes.equals(bad.checks.dtypes)
    assert good.violations.dtypes.equals(bad.violations.dtypes)
    assert list(good.checks) == CHECK_COLUMNS
    assert list(good.violations) == VIOLATION_COLUMNS
    assert good.checks["error"].isna().all()


def test_an_unknown_stage_or_suite_is_refused():
    with pytest.raises(ValueError, match="no stage 'mart'"):
        run_suites({}, "mart")
    with pytest.raises(KeyError):
        run_suite("index_operation", pd.DataFrame())


def coverage_of(tables):
    result = run_suite("endpoint_coverage", tables)
    return {(row.check_name, row.row_key) for row in result.violations.itertuples()}


def test_a_patient_has_for_each_endpoint_a_time_or_a_reason_and_not_both():
    """C's cause of death is not stated; A and B, who recurred, have two endpoints more."""
    uncovered = "every_endpoint_has_a_time_or_a_reason"
    assert coverage_of(clean_tables()) == set()

    tables = clean_tables()
    tables["endpoints_without_time"] = tables["endpoints_without_time"].iloc[:0]
    assert coverage_of(tables) == {(uncovered, f"study_id={C}")}

    tables = clean_tables()
    tables["endpoints_without_time"].loc[1] = [A, "overall_survival", "no time between origin and end", None, None]
    assert coverage_of(tables) == {(uncovered, f"study_id={A}")}

    for endpoint in ("cancer_specific_survival", "extrahepatic_only_recurrence", "post_recurrence_survival"):
        tables = clean_tables()
        times = tables["time_to_event"]
        tables["time_to_event"] = times[(times["endpoint"] != endpoint) | (times["study_id"] != B)]
        assert coverage_of(tables) == {(uncovered, f"study_id={B}")}

    tables = clean_tables()
    tables["time_to_event"].loc[99] = [D, "overall_survival", 5, 1, "death", "v9"]
    assert coverage_of(tables) == {("only_the_cohort_is_followed", f"study_id={D}")}


def test_an_endpoint_that_a_row_of_the_definitions_adds_is_known_and_asked_of_everybody():
    tables = marts_tables()
    tables["endpoint_definitions"].loc[99] = ["liver_free_survival", "index_operation", "event"]
    assert {study_id for _, study_id in coverage_of(tables)} == {f"study_id={patient}" for patient in (A, B, C)}

    added = [(patient, "liver_free_survival", 390, 0, "no death", "f9") for patient in (A, B, C)]
    times = tables["time_to_event"]
    tables["time_to_event"] = pd.concat([times, pd.DataFrame(added, columns=times.columns)], ignore_index=True)
    assert coverage_of(tables) == set()
    assert run_suite("time_to_event", tables).violations.empty

    # nothing competes with it by its definition
    tables["time_to_event"].loc[len(times), "event_code"] = 2
    (violation,) = run_suite("time_to_event", tables).violations.itertuples()
    assert violation.check_name == "survival_has_no_competing_event"
    del tables["endpoint_definitions"]
    assert set(run_suite("time_to_event", tables).checks["error"]) == {"MissingTable: endpoint_definitions"}


def test_an_empty_cohort_says_which_criteria_took_the_patients():
    tables = marts_tables()
    flow = tables["cohort_flow"].assign(n_remaining=[4, 1, 0], n_excluded=[0, 3, 1])
    report = run_suites({**tables, "cohort_flow": flow}, "marts", previous_n_patients=3)
    assert not report.is_open
    assert (
        "No patient is left of 4 registered: 'Curative intent' took 3; 'First hepatectomy' took 1" in report.summary()
    )
    assert "cohort_is_not_empty" not in set(run_suites(tables, "marts", previous_n_patients=3).checks["check_name"])


def test_a_hospital_that_records_no_cea_is_not_asked_for_it_each_night():
    operations = clean_tables()["stg_registry_operations"].iloc[[0] * 8].reset_index(drop=True)
    operations["source_system"] = ["north"] * 4 + ["south"] * 4
    operations.loc[operations["source_system"] == "south", "cea_ng_ml"] = None
    checks = run_suite("registry_operations", operations).checks.set_index("check_name")
    assert checks.loc["cea_is_known", ["status", "n_failed", "n_checked"]].tolist() == ["passed", 0, 4]

    operations.loc[[0, 1], "cea_ng_ml"] = None
    checks = run_suite("registry_operations", operations).checks.set_index("check_name")
    assert checks.loc["cea_is_known", ["status", "n_failed", "n_checked"]].tolist() == ["failed", 2, 4]


def test_a_score_is_missed_only_where_its_hospital_can_tell_one():
    operations = operations_with_unresolved(0, 10)
    operations["source_system"] = ["north"] * 5 + ["south"] * 5
    operations.loc[operations["source_system"] == "south", "clinical_risk_score"] = None
    checks = run_suite("index_operations", operations).checks.set_index("check_name")
    assert checks.loc["clinical_risk_score_is_known", ["status", "n_failed", "n_checked"]].tolist() == ["passed", 0, 5]
