"""Every expectation of every suite: silent on clean tables, and named with the row's key when one row is broken."""

import functools

import duckdb
import pandas as pd
import pytest

from quality import list_suites, run_suite
from quality.suite_definitions import all_suites
from tests.quality.clean_tables import NA, A, clean_tables

STAGES = ("staging", "marts", "results")
SUITES = [name for stage in STAGES for name in list_suites(stage) if name != "privacy"]
CURVE_A = "endpoint=overall_survival,grouping=overall,stratum=all,time_days=900"
INCIDENCE_A = "endpoint=salvage,grouping=overall,stratum=all,time_days=60"
RATIO = "endpoint=margin_recurrence,model=unadjusted,estimand=cause-specific,term=positive"
FIGURE = "figure=isolated liver,stratum=positive"
LANDMARK = "endpoint=overall_survival,grouping=overall,stratum=all,landmark_label=1 year"
COUNT = "endpoint=overall_survival,grouping=overall,stratum=all,time_days=400"
TIME = f"study_id={A},endpoint=recurrence_free_survival"
SITE = f"study_id={A},site=liver_at_margin"
REGISTRY = f"study_id={A},record_id=r1"
EPISODE, EPISODE_B = f"study_id={A},episode_number=1", "study_id=P00000000000b,episode_number=1"
PATH = f"study_id={A},start_day=0.0"
FILE = "source_file=north/registry.csv,file_hash=h1"

# suite, what is written into the table's first row (or, 'row' given, into that one), the checks that must fail, the key they name
BROKEN = [
    ("index_operations", {"study_id": "P00000000000b"}, "one_row_a_patient", "study_id=P00000000000b"),
    ("index_operations", {"study_id": NA}, "patient_is_named", "study_id=None"),
    ("index_operations", {"margin_group": NA}, "margin_group_is_given", f"study_id={A}"),
    ("index_operations", {"margin_group": "wide"}, "margin_group_is_known", f"study_id={A}"),
    ("index_operations", {"margin_group": "unresolved"}, "most_margins_are_resolved margins_are_not_lost", f"study_id={A}"),
    ("index_operations", {"age_at_operation_years": 17}, "age_is_adult", f"study_id={A}"),
    ("index_operations", {"age_at_operation_years": NA}, "age_is_known", f"study_id={A}"),
    ("index_operations", {"sex": "m"}, "sex_is_known_word", f"study_id={A}"),
    ("index_operations", {"primary_site": "stomach"}, "primary_site_is_known_word", f"study_id={A}"),
    ("index_operations", {"operation_year": NA}, "operation_year_is_given", f"study_id={A}"),
    ("index_operations", {"operation_year": 1905}, "operation_year_is_plausible", f"study_id={A}"),
    ("index_operations", {"era": NA}, "era_is_given", f"study_id={A}"),
    ("index_operations", {"largest_metastasis_cm": 45.0}, "largest_metastasis_is_plausible", f"study_id={A}"),
    ("index_operations", {"metastasis_count": 0}, "metastases_are_counted_from_one", f"study_id={A}"),
    ("index_operations", {"cea_ng_ml": -1.0}, "cea_is_plausible", f"study_id={A}"),
    ("index_operations", {"disease_free_interval_months": -40.0}, "interval_is_not_negative", f"study_id={A}"),
    ("index_operations", {"clinical_risk_score": 6, "has_high_cea": NA}, "clinical_risk_score_range", f"study_id={A}"),
    ("index_operations", {"clinical_risk_score": 4}, "clinical_risk_score_counts_its_items", f"study_id={A}"),
    ("index_operations", {"clinical_risk_score": NA}, "clinical_risk_score_is_known", f"study_id={A}"),
    ("index_operations", {"source_record_id": NA}, "registry_record_is_named", f"study_id={A}"),
    ("resection_margins", {"study_id": "P00000000000b"}, "one_row_a_patient", "study_id=P00000000000b"),
    ("resection_margins", {"study_id": NA}, "patient_is_named", "study_id=None"),
    ("resection_margins", {"margin_group": NA}, "margin_group_is_given", f"study_id={A}"),
    ("resection_margins", {"margin_group": "wide"}, "margin_group_is_known", f"study_id={A}"),
    ("resection_margins", {"rule": NA}, "rule_is_named", f"study_id={A}"),
    ("resection_margins", {"source_record_id": NA}, "pathology_record_is_named", f"study_id={A}"),
    ("resection_margins", {"margin_status": "negative"}, "positive_group_is_positive", f"study_id={A}"),
    ("resection_margins", {"margin_group": "<1 mm", "margin_mm": 0.9}, "width_groups_are_negative", f"study_id={A}"),
    ("resection_margins", {"margin_group": "unresolved", "margin_mm": NA, "unresolved_reason": "bounded"},
     "unresolved_group_is_unresolved", f"study_id={A}"),
    ("resection_margins", {"margin_mm": 0.1}, "positive_is_zero", f"study_id={A}"),
    ("resection_margins", {"margin_group": "<1 mm", "margin_status": "negative", "margin_mm": 1.0}, "below_one_mm", f"study_id={A}"),
    ("resection_margins", {"margin_group": "1.0-9.9 mm", "margin_status": "negative", "margin_mm": 10.0},
     "one_to_below_ten_mm", f"study_id={A}"),
    ("resection_margins", {"margin_group": ">=10 mm", "margin_status": "negative", "margin_mm": 9.9}, "ten_mm_and_more", f"study_id={A}"),
    ("resection_margins", {"margin_group": "unresolved", "margin_status": "unresolved", "margin_mm": 5.0, "unresolved_reason": "bounded"},
     "unresolved_has_no_width", f"study_id={A}"),
    ("resection_margins", {"margin_group": "unresolved", "margin_status": "unresolved", "margin_mm": NA},
     "unresolved_says_why", f"study_id={A}"),
    ("resection_margins", {"unresolved_reason": "bounded"}, "resolved_is_not_open", f"study_id={A}"),
    ("patients", {"study_id": "P00000000000b"}, "one_row_a_patient", "study_id=P00000000000b"),
    ("patients", {"study_id": NA}, "patient_is_named", "study_id=None"),
    ("patients", {"is_in_cohort": NA}, "decision_is_made", f"study_id={A}"),
    ("patients", {"is_in_cohort": False}, "excluded_says_why", f"study_id={A}"),
    ("patients", {"exclusion_reason": "under 18 years of age"}, "included_has_no_reason", f"study_id={A}"),
    ("patients", {"vital_status": "D"}, "vital_status_is_known_word", f"study_id={A}"),
    ("patients", {"vital_status": "alive"}, "only_the_dead_have_a_cause_of_death", f"study_id={A}"),
    ("patients", {"last_contact_days": NA}, "last_contact_is_known", f"study_id={A}"),
    ("patients", {"last_disease_assessment_days": NA}, "last_assessment_is_known", f"study_id={A}"),
    ("patients", {"last_disease_assessment_days": 901.0}, "assessment_is_a_contact", f"study_id={A}"),
    ("recurrences", {"site": "lung"}, "one_row_a_patient_and_site", f"study_id={A},site=lung"),
    ("recurrences", {"study_id": NA}, "patient_is_named", "study_id=None,site=liver_at_margin"),
    ("recurrences", {"site": NA}, "site_is_given", f"study_id={A},site=None"),
    ("recurrences", {"site": "spleen"}, "site_is_known", f"study_id={A},site=spleen"),
    ("recurrences", {"recurrence_days": NA}, "day_is_given", SITE),
    ("recurrences", {"recurrence_days": 0}, "after_operation", SITE),
    ("recurrences", {"is_initial_site": NA}, "initial_or_not_is_given", SITE),
    ("recurrences", {"source_record_id": NA}, "evidence_is_named", SITE),
    ("first_recurrences", {"study_id": "P00000000000b"}, "one_row_a_patient", "study_id=P00000000000b"),
    ("first_recurrences", {"study_id": NA}, "patient_is_named", "study_id=None"),
    ("first_recurrences", {"initial_pattern": NA, "is_isolated_liver": False, "has_margin_site": False},
     "pattern_is_given", f"study_id={A}"),
    ("first_recurrences", {"initial_pattern": "liver", "is_isolated_liver": False, "has_margin_site": False},
     "pattern_is_known", f"study_id={A}"),
    ("first_recurrences", {"initial_pattern": "multiple sites"}, "isolated_liver_is_liver_only", f"study_id={A}"),
    ("first_recurrences", {"is_isolated_liver": False}, "liver_only_is_isolated_liver", f"study_id={A}"),
    ("first_recurrences", {"n_initial_sites": 0}, "some_site_is_initial", f"study_id={A}"),
    ("first_recurrences", {"initial_pattern": "lung only", "is_isolated_liver": False},
     "margin_recurrence_is_in_the_liver", f"study_id={A}"),
    ("first_recurrences", {"recurrence_days": NA}, "day_is_given", f"study_id={A}"),
    ("first_recurrences", {"recurrence_days": 0}, "after_operation", f"study_id={A}"),
    ("first_recurrences", {"has_salvage": True, "salvage_days": 299.0}, "salvage_follows_recurrence", f"study_id={A}"),
    ("first_recurrences", {"has_salvage": True}, "salvage_has_a_day", f"study_id={A}"),
    ("first_recurrences", {"salvage_days": 350.0}, "no_salvage_has_no_day", f"study_id={A}"),
    ("first_recurrences", {"margin_group": "R1"}, "margin_group_is_known", f"study_id={A}"),
    ("first_recurrences", {"source_record_id": NA}, "evidence_is_named", f"study_id={A}"),
    ("recurrence_treatments", {"source_record_id": "t2"}, "one_row_a_treatment", "source_record_id=t2"),
    ("recurrence_treatments", {"study_id": NA}, "patient_is_named", "source_record_id=t1"),
    ("recurrence_treatments", {"treatment_type": NA}, "treatment_is_given", "source_record_id=t1"),
    ("recurrence_treatments", {"treatment_type": "surgery"}, "treatment_is_known", "source_record_id=t1"),
    ("recurrence_treatments", {"treatment_days": NA}, "day_is_given", "source_record_id=t1"),
    ("recurrence_treatments", {"treatment_days": -3}, "after_operation", "source_record_id=t1"),
    ("recurrence_treatments", {"residual_disease": "R0"}, "residual_disease_is_known_word", "source_record_id=t1"),
    ("recurrence_treatments", {"row": 1, "residual_disease": "present"}, "salvage_left_no_disease", "source_record_id=t2"),
    ("recurrence_treatments", {"row": 1, "treatment_type": "chemotherapy"}, "salvage_is_local_treatment", "source_record_id=t2"),
    ("time_to_event", {"endpoint": "overall_recurrence"}, "one_row_a_patient_and_endpoint", f"study_id={A},endpoint=overall_recurrence"),
    ("time_to_event", {"study_id": NA}, "patient_is_named", "study_id=None,endpoint=recurrence_free_survival"),
    ("time_to_event", {"time_days": NA}, "time_is_given", TIME),
    ("time_to_event", {"time_days": 0}, "time_is_positive", TIME),
    ("time_to_event", {"row": 25, "time_days": -1}, "time_after_recurrence_is_not_negative", f"study_id={A},endpoint=salvage"),
    ("recurrence_statements", {"source_system": "g"}, "hospital_is_named", "source_system=g"),
    ("recurrence_statements", {"n_statements": 6}, "every_statement_is_accounted_for", "source_system=h"),
    ("recurrence_statements", {"has_many_recurrences_without_site": True}, "recurrences_have_a_site", "source_system=h"),
    ("time_to_event", {"event_code": NA}, "event_code_is_given", TIME),
    ("time_to_event", {"row": 1, "event_code": 3}, "event_code_is_known", f"study_id={A},endpoint=overall_recurrence"),
    ("time_to_event", {"endpoint": NA}, "endpoint_is_given", f"study_id={A},endpoint=None"),
    ("time_to_event", {"endpoint": "cure"}, "endpoint_is_known", f"study_id={A},endpoint=cure"),
    ("time_to_event", {"event_code": 2}, "survival_has_no_competing_event", TIME),
    ("time_to_event", {"event_label": NA}, "ending_is_told", TIME),
    ("time_to_event", {"source_record_id": NA}, "ending_record_is_named", TIME),
    ("endpoint_coverage", {"endpoint": "salvage"}, "every_endpoint_has_a_time_or_a_reason", f"study_id={A}"),
    ("recurrence_episodes", {"row": 1, "study_id": A}, "one_row_an_episode", EPISODE),
    ("recurrence_episodes", {"study_id": NA}, "patient_is_named", "study_id=None,episode_number=1"),
    ("recurrence_episodes", {"start_days": NA}, "day_is_given", EPISODE),
    ("recurrence_episodes", {"start_days": 0}, "after_operation", EPISODE),
    ("recurrence_episodes", {"sites": NA}, "sites_are_given", EPISODE),
    ("recurrence_episodes", {"n_evidence_records": 0}, "evidence_is_counted_from_one", EPISODE),
    ("recurrence_episodes", {"source_record_ids": NA}, "evidence_is_named", EPISODE),
    ("recurrence_episodes", {"end_reason": NA}, "ending_is_told", EPISODE),
    ("recurrence_episodes", {"end_reason": "cured"}, "ending_is_known", EPISODE),
    ("recurrence_episodes", {"row": 1, "end_reason": "died with disease"}, "salvaged_ends_with_salvage", EPISODE_B),
    ("recurrence_episodes", {"row": 1, "salvage_days": NA}, "salvage_has_a_day", EPISODE_B),
    ("recurrence_episodes", {"row": 1, "salvage_days": 699.0}, "salvage_is_within_the_episode", EPISODE_B),
    ("recurrence_episodes", {"is_effective_salvage": True}, "effective_salvage_is_salvage", EPISODE),
    ("follow_up", {"study_id": "P00000000000b"}, "one_row_a_patient", "study_id=P00000000000b"),
    ("follow_up", {"study_id": NA}, "patient_is_named", "study_id=None"),
    ("follow_up", {"margin_group": "R1"}, "margin_group_is_known", f"study_id={A}"),
    ("follow_up", {"followed_days": 0}, "followed_for_at_least_a_day", f"study_id={A}"),
    ("follow_up", {"followed_days": 901}, "nobody_is_followed_for_longer_than_possible", f"study_id={A}"),
    ("follow_up", {"is_lost_to_follow_up": True}, "the_dead_are_not_lost", f"study_id={A}"),
    ("follow_up", {"n_assessments": -1}, "looks_are_counted_from_zero", f"study_id={A}"),
    ("follow_up", {"median_assessment_interval_days": 0.0}, "interval_is_positive", f"study_id={A}"),
    ("state_paths", {"row": 1, "start_day": 0.0}, "one_stay_at_a_time every_path_begins_resected", f"study_id={A},start_day=0.0"),
    ("state_paths", {"study_id": NA}, "patient_is_named", "study_id=None,start_day=0.0"),
    ("state_paths", {"margin_group": "R1"}, "margin_group_is_known", PATH),
    ("state_paths", {"row": 1, "state_from": "dead"}, "state_is_known", f"study_id={A},start_day=300.0"),
    ("state_paths", {"state_to": "cured"}, "next_state_is_known", PATH),
    ("state_paths", {"state_from": "liver recurrence"}, "every_path_begins_resected", PATH),
    ("state_paths", {"stop_day": 0.0}, "stay_takes_time", PATH),
    ("event_counts", {"time_days": 900}, "one_row_a_day", COUNT.replace("400", "900")),
    ("event_counts", {"endpoint": NA}, "endpoint_is_given", COUNT.replace("overall_survival", "None")),
    ("event_counts", {"grouping": NA}, "grouping_is_given", COUNT.replace("grouping=overall", "grouping=None")),
    ("event_counts", {"stratum": NA}, "stratum_is_named", COUNT.replace("=all,", "=None,")),
    ("event_counts", {"time_days": -1}, "time_is_positive", COUNT.replace("400", "-1")),
    ("event_counts", {"n_event": -1}, "events_are_counted_from_zero", COUNT),
    ("event_counts", {"n_competing": -1}, "competing_events_are_counted_from_zero", COUNT),
    ("event_counts", {"n_censored": -1}, "censored_are_counted_from_zero", COUNT),
    ("event_counts", {"n_competing": 1}, "survival_has_no_competing_event", COUNT),
    ("count_totals", {"n_censored": 2}, "nobody_is_lost_in_the_counts", "endpoint=overall_survival,grouping=overall"),
    ("cohort_flow", {"row": 2, "step_number": 1}, "one_row_a_step", "step_number=1"),
    ("cohort_flow", {"criterion": NA}, "criterion_is_named", "step_number=0"),
    ("cohort_flow", {"row": 2, "n_excluded": -1, "n_remaining": 4}, "no_negative_step", "step_number=2"),
    ("cohort_flow", {"row": 2, "n_excluded": 3, "n_remaining": 0}, "somebody_remains", "step_number=2"),
    ("cohort_flow", {"row": 2, "n_remaining": 2}, "steps_add_up", "step_number=2"),
    ("ingest_ledger", {"rows_read": 51}, "every_row_is_accounted_for", FILE),
    ("ingest_ledger", {"rows_read": NA}, "rows_are_counted", FILE),
    ("ingest_ledger", {"rows_read": -50, "rows_loaded": -90}, "rows_are_not_negative", FILE),
    ("ingest_ledger", {"row": 2, "status": "refused: no header"}, "files_were_readable",
     "source_file=north/follow_up.csv,file_hash=h3"),
    ("ingest_ledger", {"is_simulated": NA}, "file_is_labelled", FILE),
    ("feed_rejections", {"row": 2, "rows_rejected": 41}, "few_records_are_rejected", "source_system=north,feed=follow_up"),
    ("feed_rejections", {"row": 2, "rows_rejected": 201}, "few_records_are_rejected feed_is_not_broken",
     "source_system=north,feed=follow_up"),
    ("registry_operations", {"row": 1, "record_key": "1"}, "one_row_a_registry_record", REGISTRY),
    ("registry_operations", {"study_id": NA}, "patient_is_named", "study_id=None,record_id=r1"),
    ("registry_operations", {"operation_date": pd.NaT}, "operation_date_is_known", REGISTRY),
    ("registry_operations", {"birth_date": pd.Timestamp("1995-05-07")}, "born_before_operation", REGISTRY),
    ("registry_operations", {"liver_metastasis_date": pd.Timestamp("1995-05-07")}, "liver_metastasis_before_operation", REGISTRY),
    ("registry_operations", {"birth_date": pd.NaT}, "birth_date_is_known", REGISTRY),
    ("registry_operations", {"sex": "1"}, "sex_is_known_word", REGISTRY),
    ("registry_operations", {"diagnosis": "1"}, "diagnosis_is_known_word", REGISTRY),
    ("registry_operations", {"diagnosis": NA}, "diagnosis_is_known", REGISTRY),
    ("registry_operations", {"operative_intent": "1"}, "intent_is_known_word", REGISTRY),
    ("registry_operations", {"residual_disease": "1"}, "residual_disease_is_known_word", REGISTRY),
    ("registry_operations", {"residual_disease": NA}, "residual_disease_is_known", REGISTRY),
    ("registry_operations", {"operative_intent": NA}, "intent_is_known", REGISTRY),
    ("registry_operations", {"procedure_type": "1"}, "procedure_is_known_word", REGISTRY),
    ("registry_operations", {"metastasis_count": 0}, "metastases_are_counted_from_one", REGISTRY),
    ("registry_operations", {"largest_metastasis_cm": 45.0}, "largest_metastasis_is_plausible", REGISTRY),
    ("registry_operations", {"cea_ng_ml": NA}, "cea_is_known", REGISTRY),
    *(
        case
        for suite, key, row in (("kaplan_meier", CURVE_A, 2), ("cumulative_incidence", INCIDENCE_A, 1))
        for case in (
            (suite, {"row": row, "stratum": NA}, "stratum_is_named", key.replace("=all,", "=None,")),
            (suite, {"row": row, "estimate": NA}, "estimate_is_known", key),
            (suite, {"row": row, "conf_low": 0.6}, "lower_limit_below_estimate", key),
            (suite, {"row": row, "conf_high": 0.4}, "upper_limit_above_estimate", key),
            (suite, {"row": row, "conf_low": -0.1}, "lower_limit_is_a_probability", key),
            (suite, {"row": row, "conf_high": 1.1}, "upper_limit_is_a_probability", key),
            (suite, {"row": row, "n_risk": -1, "n_event": -1}, "numbers_at_risk_are_not_negative", key),
            (suite, {"row": row, "n_event": 3}, "events_are_of_those_at_risk", key),
        )
    ),
    ("kaplan_meier", {"row": 1, "time_days": 900, "estimate": 0.5, "conf_low": 0.125}, "one_row_a_day", CURVE_A),
    ("kaplan_meier", {"row": 0, "estimate": 1.2, "conf_high": NA}, "estimate_is_a_probability", CURVE_A.replace("900", "0")),
    ("kaplan_meier", {"row": 1, "estimate": 0.4, "conf_low": 0.1}, "survival_never_rises", CURVE_A),
    ("cumulative_incidence", {"row": 2, "time_days": 60}, "one_row_a_day", INCIDENCE_A),
    ("cumulative_incidence", {"row": 2, "estimate": 1.2, "conf_high": NA}, "estimate_is_a_probability", INCIDENCE_A.replace("60", "600")),
    ("cumulative_incidence", {"row": 2, "estimate": 0.4}, "incidence_never_falls", INCIDENCE_A.replace("60", "600")),
    ("landmark_estimates", {"row": 1, "endpoint": "overall_survival"}, "one_row_a_landmark", LANDMARK),
    ("landmark_estimates", {"estimate": NA}, "estimate_is_known", LANDMARK),
    ("landmark_estimates", {"row": 2, "estimate": 0.5}, "nothing_is_told_beyond_follow_up",
     "endpoint=salvage,grouping=overall,stratum=all,landmark_label=5 years"),
    ("landmark_estimates", {"estimate": 1.1, "conf_high": NA}, "estimate_is_a_probability", LANDMARK),
    ("landmark_estimates", {"estimate": 0.9}, "lower_limit_below_estimate", LANDMARK),
    ("landmark_estimates", {"conf_high": 0.9}, "upper_limit_above_estimate", LANDMARK),
    ("landmark_estimates", {"estimator": "by eye"}, "estimator_is_named", LANDMARK),
    ("hazard_ratios", {"term": "<1 mm"}, "one_row_a_term", RATIO.replace("term=positive", "term=<1 mm")),
    ("hazard_ratios", {"hazard_ratio": float("inf"), "conf_high": NA}, "ratio_is_positive_and_finite", RATIO),
    ("hazard_ratios", {"hazard_ratio": NA}, "ratio_is_known_or_warned_of", RATIO),
    ("hazard_ratios", {"row": 11, "hazard_ratio": -2.0}, "no_ratio_is_negative",
     "endpoint=margin_recurrence,model=adjusted,estimand=cause-specific,term=HAI pump"),
    ("hazard_ratios", {"conf_low": 2.2}, "lower_limit_below_ratio", RATIO),
    ("hazard_ratios", {"conf_high": 2.0}, "upper_limit_above_ratio", RATIO),
    ("hazard_ratios", {"p_value": 1.01}, "p_is_a_probability", RATIO),
    ("hazard_ratios", {"n_event": 1777}, "events_are_of_patients", RATIO),
    ("hazard_ratios", {"model": "crude"}, "model_is_named", RATIO.replace("unadjusted", "crude")),
    ("hazard_ratios", {"estimand": NA}, "estimand_is_given", RATIO.replace("cause-specific", "None")),
    ("hazard_ratios", {"estimand": "hazard"}, "estimand_is_named", RATIO.replace("cause-specific", "hazard")),
    ("hazard_ratios", {"method": "Breslow"}, "method_is_named", RATIO),
    ("hazard_ratios", {"method": "Firth"}, "firth_is_warned_of", RATIO),
    ("hazard_ratios", {"warning": "did not converge"}, "margin_effects_could_be_estimated", RATIO),
    ("published_comparison", {"stratum": "<1 mm"}, "one_row_a_figure", FIGURE.replace("positive", "<1 mm")),
    ("published_comparison", {"published_estimate": NA}, "published_figure_is_given", FIGURE),
    ("published_comparison", {"estimate": -1.0, "conf_low": NA}, "our_figure_is_positive", FIGURE),
    ("published_comparison", {"conf_low": 1.45}, "lower_limit_below_estimate", FIGURE),
    ("published_comparison", {"conf_high": 1.35}, "upper_limit_above_estimate", FIGURE),
    ("published_comparison", {"data_label": NA}, "label_is_given", FIGURE),
    ("published_comparison", {"data_label": "real"}, "data_are_labelled", FIGURE),
]  # fmt: skip
IDS = [f"{suite}-{checks.split()[-1]}" for suite, _, checks, _ in BROKEN]
# checks of a table as a whole, and of a share: see test_gate.py
JUDGED_ELSEWHERE = {
    ("endpoint_coverage", "only_the_cohort_is_followed"),
    *(("cohort_size", check.name) for check in all_suites()["cohort_size"].checks),
    ("published_comparison", "all_figures_are_compared"),
    ("published_comparison", "our_figure_is_known"),
}


def broken_tables(suite: str, changes: dict) -> dict[str, pd.DataFrame]:
    """The clean tables with one row of a suite's table changed."""
    tables = clean_tables()
    table = all_suites()[suite].table
    row = range(len(tables[table]))[changes.get("row", 0)]
    columns = {name: value for name, value in changes.items() if name != "row"}
    broken = tables[table].astype(dict.fromkeys([name for name in columns if "date" not in name], object))
    for name, value in columns.items():
        broken.loc[row, name] = value
    tables[table] = broken.infer_objects()
    return tables


@functools.cache
def judged_broken(position: int):
    """A row of BROKEN as the suite judges it from frames, read from a database: it is asked for here, and beside the counts."""
    suite, changes, _, _ = BROKEN[position]
    tables = broken_tables(suite, changes)
    table = all_suites()[suite].table
    frame = tables[table]  # noqa: F841 - DuckDB reads it by its name
    tables[table] = duckdb.sql("FROM frame").df()
    return run_suite(suite, tables, previous=3)


def failed_checks(checks: pd.DataFrame) -> set[str]:
    """Names of the checks that did not pass."""
    return set(checks.loc[checks["status"] != "passed", "check_name"])


@pytest.mark.parametrize("suite", SUITES)
def test_clean_tables_pass_every_check(suite):
    result = run_suite(suite, clean_tables(), previous=3)
    assert failed_checks(result.checks) == set(), result.summary()
    assert len(result.checks) == len(all_suites()[suite].checks)


@pytest.mark.parametrize("position", range(len(BROKEN)), ids=IDS)
def test_one_broken_row_fails_its_check_and_is_named(position):
    _, _, checks, key = BROKEN[position]
    result = judged_broken(position)

    assert failed_checks(result.checks) == set(checks.split()), result.summary()
    for check in checks.split():
        named = result.violations[result.violations["check_name"] == check]
        assert key in set(named["row_key"])
        counted = result.checks.set_index("check_name").loc[check]
        assert counted["n_failed"] == len(named) <= counted["n_checked"]


def test_every_expectation_has_a_broken_row():
    told = {(suite, check) for suite, _, checks, _ in BROKEN for check in checks.split()}
    written = {(suite.name, check.name) for suite in all_suites().values() for check in suite.checks}
    assert written - told - JUDGED_ELSEWHERE == set()


def test_every_share_that_may_fail_has_a_reason():
    for suite in all_suites().values():
        assert len({check.name for check in suite.checks}) == len(suite.checks)
        for check in suite.checks:
            assert check.threshold == 0 or check.threshold_reason != "a rule without exception", (
                suite.name,
                check.name,
            )
