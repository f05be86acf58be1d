"""Small tables, written out, in which nothing is wrong: three patients of a cohort, A, B and C, and D who is not in it."""

import pandas as pd

A, B, C, D = "P00000000000a", "P00000000000b", "P00000000000c", "P00000000000d"
NA = None


def _table(columns: str, *rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split())


def clean_tables() -> dict[str, pd.DataFrame]:
    """Fresh copies of all of them, by table name."""
    return {**_cohort(), **_recurrence(), **_times(), **_ledger(), **_curves(), **_models(), **_registry()}


def _cohort() -> dict[str, pd.DataFrame]:
    operations = _table(
        "study_id operation_year era age_at_operation_years sex primary_site is_node_positive"
        " disease_free_interval_months has_short_disease_free_interval metastasis_count has_multiple_metastases"
        " largest_metastasis_cm has_large_metastasis cea_ng_ml has_high_cea clinical_risk_score"
        " margin_group source_record_id",
        (
            A,
            1995,
            "1991-1998",
            61,
            "male",
            "colon",
            True,
            3.0,
            True,
            2,
            True,
            4.5,
            False,
            12.0,
            False,
            3,
            "positive",
            "r1",
        ),
        (
            B,
            2003,
            "1999-2005",
            48,
            "female",
            "rectum",
            False,
            20.0,
            False,
            1,
            False,
            6.0,
            True,
            250.0,
            True,
            2,
            "<1 mm",
            "r2",
        ),
        (
            C,
            2010,
            "2006-2012",
            90,
            "male",
            "colon",
            False,
            14.0,
            False,
            1,
            False,
            2.0,
            False,
            3.0,
            False,
            0,
            ">=10 mm",
            "r3",
        ),
    )
    margins = _table(
        "study_id margin_status margin_mm margin_group rule unresolved_reason source_record_id",
        (A, "positive", 0.0, "positive", "involved", NA, "p1"),
        (B, "negative", 0.5, "<1 mm", "distance", NA, "p2"),
        (C, "negative", 12.0, ">=10 mm", "distance", NA, "p3"),
    )
    patients = _table(
        "study_id is_in_cohort exclusion_reason vital_status cause_of_death last_contact_days last_disease_assessment_days",
        (A, True, NA, "dead", "cancer", 900.0, 850.0),
        (B, True, NA, "alive", NA, 1200.0, 1200.0),
        (C, True, NA, "alive", NA, 400.0, 390.0),
        (D, False, "no operation with curative intent", "dead", "other", NA, NA),
    )
    flow = _table(
        "step_number criterion n_remaining n_excluded",
        (0, "Patients in the operations registry", 4, 0),
        (1, "Curative intent", 3, 1),
        (2, "First hepatectomy", 3, 0),
    )
    operations = operations.assign(source_system="h", has_margin_records=True, has_calendar_dates=True)
    return {"index_operations": operations, "resection_margins": margins, "patients": patients, "cohort_flow": flow}


def _recurrence() -> dict[str, pd.DataFrame]:
    sites = _table(
        "study_id site recurrence_days is_initial_site source_record_id",
        (A, "liver_at_margin", 300, True, "f1"),
        (A, "lung", 500, False, "f2"),
        (B, "lung", 700, True, "f3"),
    )
    first = _table(
        "study_id recurrence_days initial_pattern is_isolated_liver has_margin_site n_initial_sites has_salvage"
        " salvage_days margin_group source_record_id",
        (A, 300, "liver only", True, True, 1, False, NA, "positive", "f1"),
        (B, 700, "lung only", False, False, 1, True, 760.0, "<1 mm", "f3"),
    )
    treatments = _table(
        "study_id treatment_days treatment_type residual_disease is_salvage source_record_id",
        (A, 330, "chemotherapy", "unknown", False, "t1"),
        (B, 760, "resection", "none", True, "t2"),
    )
    statements = _table(
        "source_system n_statements n_in_recurrences n_listed n_accounted has_many_recurrences_without_site",
        ("h", 5, 3, 2, 5, False),
        ("g", 0, 0, 0, 0, False),
    )
    sites_and_statements = {"recurrences": sites, "recurrence_statement_totals": statements}
    return {**sites_and_statements, "first_recurrences": first, "recurrence_treatments": treatments, **_courses()}


def _courses() -> dict[str, pd.DataFrame]:
    episodes = _table(
        "study_id episode_number start_days sites is_liver_only n_evidence_records treatments is_salvaged salvage_days"
        " salvage_number is_effective_salvage end_reason source_record_ids",
        (A, 1, 300, "liver_at_margin;lung", False, 2, "chemotherapy", False, NA, NA, NA, "died with disease", "f1;f2"),
        (B, 1, 700, "lung", False, 1, "resection", True, 760.0, 1, True, "salvaged", "f3"),
    )
    follow_up = _table(
        "study_id margin_group followed_days is_dead potential_days is_lost_to_follow_up n_assessments"
        " median_assessment_interval_days",
        (A, "positive", 900, True, 900, False, 3, 250.0),
        (B, "<1 mm", 1200, False, 1300, False, 5, 180.0),
        (C, ">=10 mm", 400, False, 420, False, 0, NA),
    )
    paths = _table(
        "study_id margin_group state_from state_to start_day stop_day",
        (A, "positive", "resected", "liver recurrence", 0.0, 300.0),
        (A, "positive", "liver recurrence", "dead", 300.0, 900.0),
        (B, "<1 mm", "resected", "other recurrence", 0.0, 700.0),
        (B, "<1 mm", "other recurrence", "salvaged disease-free", 700.0, 760.0),
        (B, "<1 mm", "salvaged disease-free", NA, 760.0, 1200.0),
        (C, ">=10 mm", "resected", NA, 0.0, 400.0),
    )
    return {"recurrence_episodes": episodes, "follow_up": follow_up, "state_paths": paths}


def _times() -> dict[str, pd.DataFrame]:
    index_endpoints = [
        "recurrence_free_survival",
        "overall_recurrence",
        "isolated_liver_recurrence",
        "margin_recurrence",
        "liver_recurrence_any_time",
        "overall_survival",
    ]
    columns = "study_id endpoint time_days event_code event_label source_record_id"
    times = _table(
        columns,
        *((A, endpoint, 300, 1, "recurrence", "f1") for endpoint in index_endpoints[:5]),
        (A, "overall_survival", 900, 1, "death", "v1"),
        *((B, endpoint, 700, 1, "recurrence", "f3") for endpoint in index_endpoints[:2]),
        *((B, endpoint, 700, 2, "another first pattern", "f3") for endpoint in index_endpoints[2:5]),
        (B, "overall_survival", 1200, 0, "alive at last contact", "v2"),
        *((C, endpoint, 390, 0, "no recurrence at last disease assessment", "f4") for endpoint in index_endpoints[:5]),
        (C, "overall_survival", 400, 0, "alive at last contact", "v3"),
        (A, "extrahepatic_only_recurrence", 300, 2, "another first pattern", "f1"),
        (B, "extrahepatic_only_recurrence", 700, 1, "recurrence outside the liver only", "f3"),
        (C, "extrahepatic_only_recurrence", 390, 0, "no recurrence at last disease assessment", "f4"),
        (A, "cancer_specific_survival", 900, 1, "death of cancer", "v1"),
        (B, "cancer_specific_survival", 1200, 0, "alive at last contact", "v2"),
        (A, "post_recurrence_survival", 600, 1, "death", "v1"),
        (B, "post_recurrence_survival", 500, 0, "alive at last contact", "v2"),
        (A, "salvage", 600, 2, "death without salvage", "v1"),
        (B, "salvage", 60, 1, "salvage", "t2"),
    )
    without_time = _table(
        "study_id endpoint reason source_table source_record_id",
        (C, "cancer_specific_survival", "death of a cause not stated", "stg_vital_status", "v3"),
    )
    counts = _table(
        "endpoint grouping stratum time_days n_event n_competing n_censored",
        ("overall_survival", "overall", "all", 400, 0, 0, 1),
        ("overall_survival", "overall", "all", 900, 1, 0, 0),
        ("overall_survival", "overall", "all", 1200, 0, 0, 1),
        ("salvage", "overall", "all", 60, 1, 0, 0),
        ("salvage", "overall", "all", 600, 0, 1, 0),
    )
    of_survival = ("recurrence_free_survival", "overall_survival", "post_recurrence_survival")
    definitions = _table(
        "endpoint origin role",
        *(
            (endpoint, "recurrence" if endpoint in ("salvage", "post_recurrence_survival") else "index_operation", role)
            for endpoint in times["endpoint"].unique()
            for role in ("event", "censor", *(() if endpoint in of_survival else ("competing",)))
        ),
    )
    limits = pd.DataFrame(columns=["source_system", "endpoint", "reason", "n_patients"], dtype="str")
    return {
        "time_to_event": times,
        "endpoints_without_time": without_time,
        "event_counts": counts,
        "endpoint_definitions": definitions,
        "not_derivable_endpoints": limits,
    }


def _ledger() -> dict[str, pd.DataFrame]:
    ledger = _table(
        "source_system feed source_file file_hash loaded_at status rows_read rows_loaded rows_rejected rows_duplicate is_simulated",
        # the first export of the registry was broken, and was replaced
        ("north", "registry", "north/registry.csv", "h1", "2026-11-01 02:00", "loaded", 50, 10, 40, 0, True),
        ("north", "registry", "north/registry.csv", "h2", "2026-11-02 02:00", "loaded", 1000, 985, 10, 5, True),
        ("north", "follow_up", "north/follow_up.csv", "h3", "2026-11-02 02:01", "loaded", 2000, 1980, 20, 0, True),
    )
    return {"ingest_ledger": ledger.assign(system="main", loaded_at=pd.to_datetime(ledger["loaded_at"]))}


def _curves() -> dict[str, pd.DataFrame]:
    columns = "endpoint grouping stratum time_days n_risk n_event n_censored estimate std_error conf_low conf_high"
    survival = _table(
        columns,
        ("overall_survival", "overall", "all", 0, 3, 0, 0, 1.0, 0.0, 1.0, 1.0),
        ("overall_survival", "overall", "all", 400, 3, 0, 1, 1.0, 0.0, 1.0, 1.0),
        ("overall_survival", "overall", "all", 900, 2, 1, 0, 0.5, 0.35, 0.125, 1.0),
        ("overall_survival", "margin_group", "positive", 0, 1, 0, 0, 1.0, 0.0, 1.0, 1.0),
    )
    incidence = _table(
        columns,
        ("salvage", "overall", "all", 0, 2, 0, 0, 0.0, 0.0, 0.0, 0.0),
        ("salvage", "overall", "all", 60, 2, 1, 0, 0.5, 0.35, 0.01, 0.9),
        ("salvage", "overall", "all", 600, 1, 0, 0, 0.5, 0.35, 0.01, 0.9),
        ("salvage", "margin_group", "positive", 0, 1, 0, 0, 0.0, 0.0, 0.0, 0.0),
    )
    landmarks = _table(
        "endpoint grouping stratum landmark_days landmark_label n_risk estimate std_error conf_low conf_high estimator",
        ("overall_survival", "overall", "all", 365.25, "1 year", 3, 1.0, 0.0, 1.0, 1.0, "Kaplan-Meier"),
        ("salvage", "overall", "all", 365.25, "1 year", 1, 0.5, 0.35, 0.01, 0.9, "Aalen-Johansen"),
        ("salvage", "overall", "all", 1826.25, "5 years", 0, NA, NA, NA, NA, "Aalen-Johansen"),
    )
    return {"kaplan_meier": survival, "cumulative_incidence": incidence, "landmark_estimates": landmarks}


def _models() -> dict[str, pd.DataFrame]:
    ratios = _table(
        "endpoint model estimand method term hazard_ratio conf_low conf_high p_value n n_event n_event_in_group warning",
        *(
            ("margin_recurrence", model, "cause-specific", "Efron", term, 2.11, 1.26, 3.54, 0.004, 1776, 210, 20, NA)
            for model in ("unadjusted", "adjusted")
            for term in ("positive", "<1 mm", "1.0-9.9 mm", "over 5 cm", "node positive")
        ),
        (
            "margin_recurrence",
            "adjusted",
            "cause-specific",
            "Efron",
            "margin group (omnibus)",
            NA,
            NA,
            NA,
            0.001,
            1776,
            210,
            NA,
            NA,
        ),
        (
            "margin_recurrence",
            "adjusted",
            "cause-specific",
            "Efron",
            "HAI pump",
            NA,
            NA,
            NA,
            NA,
            1776,
            210,
            0,
            "no events in this group",
        ),
    )
    groups = ("positive", "<1 mm", "1.0-9.9 mm")
    endpoints = {
        "isolated liver": "isolated_liver_recurrence",
        "margin": "margin_recurrence",
        "liver any time": "liver_recurrence_any_time",
    }
    figures = [(figure, endpoint, group) for figure, endpoint in endpoints.items() for group in groups]
    figures += [("3-year recurrence", "overall_recurrence", group) for group in (*groups, ">=10 mm")]
    comparison = _table(
        "figure endpoint stratum published_estimate estimate conf_low conf_high data_label compared_with",
        *((*figure, 1.5, 1.4, 1.1, 1.8, "simulated", "perrin_2025") for figure in figures),
        ("salvage", "salvage", "trend over the groups", NA, NA, NA, NA, "simulated", "perrin_2025"),
    )
    not_done = pd.DataFrame(columns=["table", "endpoint", "reason"])
    return {"hazard_ratios": ratios, "published_comparison": comparison, "analyses_not_done": not_done}


def _registry() -> dict[str, pd.DataFrame]:
    operations = _table(
        "study_id record_id source_system registry_record_id mrn last_name birth_date operation_date liver_metastasis_date sex"
        " diagnosis operative_intent residual_disease procedure_type metastasis_count largest_metastasis_cm cea_ng_ml",
        (A, "r1", "north", "1", "SIM0000001", "Muster", "1934-02-03", "1995-05-06", "1995-04-01", "male",
         "colorectal_liver_metastasis", "curative", "R1", "major_hepatectomy", 2, 4.5, 12.0),
        (B, "r2", "north", "2", "SIM0000002", "Beispiel", "1955-07-08", "2003-09-10", "2003-08-01", "female",
         "colorectal_liver_metastasis", "curative", "R0", "wedge_resection", 1, 6.0, 250.0),
        (C, "r3", "south", "1", "SIM0000003", "Ensayo", "1915-01-02", "2010-03-04", "2010-02-01", "male",
         "hepatocellular_carcinoma", "palliative", "R2", "minor_hepatectomy", 1, 2.0, 3.0),
    )  # fmt: skip
    dates = ["birth_date", "operation_date", "liver_metastasis_date"]
    operations = operations.assign(system="main", record_key=operations["registry_record_id"])
    return {"stg_registry_operations": operations.assign(**{name: pd.to_datetime(operations[name]) for name in dates})}
