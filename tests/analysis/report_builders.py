"""A small published warehouse of literal numbers, as the report gets it. Nothing here was computed."""

from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd

from analysis.tables import published_comparison as comparison
from tests.analysis.study_plan import MARGIN, MARGIN_GROUPS, PLAN, seed

published_comparison = partial(comparison.published_comparison, significant_below_p=PLAN.number("significant_below_p"))
ENDPOINTS_OF_CURVES = {
    "cumulative_incidence": ("overall_recurrence", "liver_recurrence_any_time"),
    "kaplan_meier": ("recurrence_free_survival",),
}
# hazard ratio and limits by endpoint, in the order positive, <1 mm, 1.0-9.9 mm
HAZARD_RATIOS = {
    "isolated_liver_recurrence": [(2.05, 1.31, 3.21), (1.62, 0.91, 2.87), (1.44, 1.09, 1.91)],
    "margin_recurrence": [(1.87, 0.99, 3.52), (2.41, 1.23, 4.72), (0.88, 0.57, 1.36)],
    "liver_recurrence_any_time": [(2.26, 1.70, 3.01), (1.58, 1.09, 2.29), (1.37, 1.14, 1.65)],
}
THREE_YEAR_RECURRENCE = [(0.713, 0.621, 0.788), (0.684, 0.572, 0.773), (0.566, 0.528, 0.603), (0.486, 0.449, 0.522)]


def frame(columns: str, *rows: tuple) -> pd.DataFrame:
    """A frame of literal rows; column names separated by spaces."""
    return pd.DataFrame(list(rows), columns=columns.split())


def fake_context(**changes: Any) -> dict[str, Any]:
    """The run stamp."""
    return {
        "published_at": datetime(2026, 11, 23, 2, 5),
        "run_id": "run-4711",
        "code_version": "abc1234",
        "data_hash": "0f1e2d3c",
        "n_patients": 1000,
        "is_simulated": True,
    } | changes


def fake_results(is_simulated: bool = True) -> dict[str, pd.DataFrame]:
    """Every table that the report reads, of 1000 patients."""
    return {
        **{table: curves(endpoints, table) for table, endpoints in ENDPOINTS_OF_CURVES.items()},
        "landmark_estimates": landmark_estimates(),
        "group_tests": frame(
            "endpoint grouping test statistic degrees_of_freedom p_value n n_event",
            ("overall_recurrence", "margin_group", "Gray", 50.4, 3, 6.5e-11, 960, 540),
            ("recurrence_free_survival", "margin_group", "log-rank", 9.9, 3, 0.0194, 960, 580),
            ("overall_recurrence", "era", "Gray", 0.1, 2, 0.95, 1000, 560),
        ),
        "hazard_ratios": hazard_ratios(),
        "proportional_hazards": frame(
            "endpoint model term statistic degrees_of_freedom p_value",
            ("margin_recurrence", "adjusted", "margin positive", 0.5, 1, 0.479),
            ("liver_recurrence_any_time", "adjusted", "margin <1 mm", 5.2, 1, 0.023),
            ("liver_recurrence_any_time", "unadjusted", "margin positive", 5.2, 1, 0.011),
        ),
        "published_comparison": published_comparison(
            hazard_ratios(),
            landmark_estimates(),
            planned_tests(),
            salvage_rows(),
            MARGIN,
            seed("published_figures"),
            is_simulated,
        ),
        "recurrence_patterns": recurrence_patterns_rows(),
        "salvage_by_margin": salvage_rows(),
        "table_one": table_one_rows(),
        **accounts(),
        **{name: seed(name) for name in ("exposures", "analysis_endpoints", "analysis_plan", "event_count_groupings")},
    }


def salvage_rows() -> pd.DataFrame:
    """results.salvage_by_margin."""
    return frame(
        "stratum n_recurred n_salvaged proportion conf_low conf_high trend_statistic trend_p_value",
        ("positive", 70, 9, 0.1286, 0.069, 0.227, 11.2, 0.00082),
        ("<1 mm", 50, 9, 0.18, 0.098, 0.308, 11.2, 0.00082),
        ("1.0-9.9 mm", 220, 55, 0.25, 0.197, 0.311, 11.2, 0.00082),
        (">=10 mm", 200, 66, 0.33, 0.269, 0.398, 11.2, 0.00082),
        ("unresolved", 20, 5, 0.25, 0.112, 0.469, None, None),
    ).assign(grouping="margin_group")


def planned_tests() -> pd.DataFrame:
    """results.planned_tests, of the endpoints that the paper has a P value of."""
    return frame(
        "endpoint p_value",
        ("isolated_liver_recurrence", 0.012),
        ("margin_recurrence", 0.3),
        ("liver_recurrence_any_time", 0.00001),
    )


def curves(endpoints: tuple[str, ...], table: str) -> pd.DataFrame:
    """Three steps a curve; the strata in an order of their own, and another grouping that no figure may show."""
    rows = []
    for endpoint in endpoints:
        for rank, group in enumerate(reversed(MARGIN_GROUPS)):
            late = 0.45 + 0.08 * rank
            for days, n_risk, share in ((0, 400, 0.0), (365, 300, late / 2), (1000, 100, late), (4000, 5, late)):
                estimate = 1 - share if table == "kaplan_meier" else share
                limits = (None, None) if days == 0 else (estimate - 0.05, estimate + 0.05)
                rows.append((endpoint, "margin_group", group, days, n_risk, 1, 0, estimate, 0.02, *limits))
        rows.append((endpoint, "overall", "all", 0, 1000, 0, 0, 0.123, 0.0, None, None))
    columns = "endpoint grouping stratum time_days n_risk n_event n_censored estimate std_error conf_low conf_high"
    return frame(columns, *rows)


def landmark_estimates() -> pd.DataFrame:
    columns = (
        "endpoint grouping stratum landmark_days landmark_label n_risk estimate std_error conf_low conf_high estimator"
    )
    rows = [
        (
            "overall_recurrence",
            "margin_group",
            group,
            1095.75,
            "3 years",
            100,
            *values[:1],
            0.02,
            *values[1:],
            "Aalen-Johansen",
        )
        for group, values in zip(MARGIN_GROUPS, THREE_YEAR_RECURRENCE, strict=True)
    ]
    rows.append(
        (
            "overall_recurrence",
            "margin_group",
            "positive",
            3652.5,
            "10 years",
            0,
            None,
            None,
            None,
            None,
            "Aalen-Johansen",
        )
    )
    rows.append(
        ("overall_recurrence", "overall", "all", 1095.75, "3 years", 400, 0.5, 0.02, 0.4, 0.6, "Aalen-Johansen")
    )
    return frame(columns, *rows)


def hazard_ratios() -> pd.DataFrame:
    columns = (
        "endpoint model estimand term hazard_ratio conf_low conf_high p_value n n_event n_excluded_missing "
        "n_excluded_unresolved warning"
    )
    counts = (900, 222, 60, 40, None)
    rows = []
    for endpoint, ratios in HAZARD_RATIOS.items():
        for group, values in zip(MARGIN_GROUPS, ratios, strict=False):
            rows.append((endpoint, "adjusted", "cause-specific", f"margin {group}", *values, 0.01, *counts))
            rows.append((endpoint, "unadjusted", "cause-specific", f"margin {group}", 9.99, 9.98, 9.97, 0.01, *counts))
        rows.append((endpoint, "adjusted", "cause-specific", "CEA > 200 ng/mL", 1.9, 1.0, 3.8, 0.05, *counts))
        rows.append(
            (endpoint, "adjusted", "cause-specific", "margin group (omnibus)", None, None, None, 0.0432, *counts)
        )
    return frame(columns, *rows)


def recurrence_patterns_rows() -> pd.DataFrame:
    shares = {
        "positive": (0.20, 0.12, 0.08, 0.30),
        "<1 mm": (0.15, 0.13, 0.18, 0.25),
        "1.0-9.9 mm": (0.16, 0.14, 0.09, 0.19),
        ">=10 mm": (0.11, 0.02, 0.08, 0.15),
    }
    patterns = ("liver only", "lung only", "other single site", "multiple sites")
    rows = [
        ("initial", pattern, group, round(1000 * share), 1000, share, share - 0.01, share + 0.01)
        for group, of_group in shares.items()
        for pattern, share in zip(patterns, of_group, strict=True)
    ]
    rows.append(("overall", "lung", "positive", 41, 100, 0.41, 0.32, 0.51))
    rows.append(("initial", "liver only", "all", 555, 1000, 0.555, 0.5, 0.6))
    return frame("pattern_scope pattern stratum n n_at_risk proportion conf_low conf_high", *rows).assign(
        grouping="margin_group"
    )


def table_one_rows() -> pd.DataFrame:
    columns = "variable level stratum statistic_label value_text n n_missing max_standardised_difference"
    rows = [("Patients", "", "all", "n", "1,000", 1000, 0, None)]
    rows += [("CEA, ng/mL", "", "all", "median (IQR)", "12.3 (3-45.2)", 983, 17, 0.154)]
    rows += [
        ("Sex", level, "all", "n (%)", text, 1, 0, 0.078)
        for level, text in (("female", "431 (43%)"), ("male", "569 (57%)"))
    ]
    return frame(columns, *rows).assign(grouping="margin_group")


def accounts() -> dict[str, pd.DataFrame]:
    """Cohort flow and data quality."""
    return {
        "cohort_flow": frame(
            "step_number criterion n_remaining n_excluded exclusion_reason",
            (0, "Patients in the operations registry", 1040, 0, None),
            (2, "First hepatectomy", 1000, 33, "liver resected before"),
            (1, "Curative intent", 1033, 7, "no operation with curative intent"),
        ),
        "margin_groups": frame(
            "margin_group n share",
            (">=10 mm", 430, 0.43),
            ("unresolved", 40, 0.04),
            ("positive", 100, 0.1),
            ("1.0-9.9 mm", 350, 0.35),
            ("<1 mm", 80, 0.08),
        ),
        "check_results": frame(
            "stage table_name check_name description severity status n_checked n_failed",
            ("marts", "patients", "a", "Every patient stands once", "blocking", "passed", 1000, 0),
            ("marts", "patients", "b", "Ages are plausible", "warning", "failed", 1000, 3),
        ),
        "ingest_by_feed": frame(
            "feed files files_refused rows_read rows_loaded rows_rejected rows_duplicate fields_rejected",
            ("follow_up", 1, 0, 5000, 4890, 60, 50, 2),
            ("pathology_messages", 21, 1, 1200, 1190, 10, 0, 0),
        ),
        "rejected_by_reason": frame(
            "feed scope field reason n",
            ("follow_up", "record", "event_date", "in the future", 60),
            ("pathology_messages", "record", "whole record", "no OBR segment", 10),
            ("follow_up", "field", "modality", "unknown code", 2),
        ),
        "unresolved_by_reason": frame("reason n", ("distance not given", 27), ("no pathology report", 13)),
        "records_set_aside": frame("source_table reason n", ("stg_follow_up_events", "after death", 31)),
    }
