"""Every survival table of the results schema, from exact counts and patient rows."""

import pandas as pd

from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.group_tests import TEST_COLUMNS, gray_test, logrank_test, trend_test
from analysis.curves.kaplan_meier import kaplan_meier, quantile_times
from analysis.curves.landmark_estimates import landmark_estimates
from analysis.models.cause_specific_cox import PROPORTIONAL_HAZARDS_COLUMNS, cause_specific_cox
from analysis.models.fine_gray import fine_gray
from analysis.models.hazard_ratio_rows import HAZARD_RATIO_COLUMNS
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.names import COMPETING_RISK_ENDPOINTS, ENDPOINT_LABELS, SURVIVAL_ENDPOINTS


def compute_survival_results(event_counts: pd.DataFrame, patient_rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables kaplan_meier, median_times, cumulative_incidence, landmark_estimates, group_tests, hazard_ratios,
    proportional_hazards.

    Args:
        event_counts: the mart; see `collapsed_counts.checked_event_counts`.
        patient_rows: marts.time_to_event beside marts.index_operations; see `cause_specific_cox.cause_specific_cox`.
    Raises:
        ValueError: there are no counts, an endpoint is not one of `names.ENDPOINT_LABELS`, or a column is bad (it is named).
    """
    require_columns(event_counts, ["endpoint"], "event_counts")
    require_columns(patient_rows, ["endpoint"], "patient_rows")
    _require_known_endpoints(event_counts, "event_counts")
    _require_known_endpoints(patient_rows, "patient_rows")
    is_survival = event_counts["endpoint"].isin(list(SURVIVAL_ENDPOINTS))
    survival, competing = event_counts[is_survival], event_counts[~is_survival]
    curves, incidences = kaplan_meier(survival), cumulative_incidence(competing)
    landmarks = (landmark_estimates(curves, "Kaplan-Meier"), landmark_estimates(incidences, "Aalen-Johansen"))
    tests = (logrank_test(event_counts), gray_test(competing), trend_test(event_counts))
    models = [
        cause_specific_cox(patient_rows, endpoint)
        for endpoint in ENDPOINT_LABELS
        if (patient_rows["endpoint"] == endpoint).any()
    ]
    # the paper's abstract does not say which hazard its ratios are of: both stand there
    subdistribution = [
        fine_gray(patient_rows, endpoint)
        for endpoint in COMPETING_RISK_ENDPOINTS
        if (patient_rows["endpoint"] == endpoint).any()
    ]
    return {
        "kaplan_meier": curves,
        "median_times": quantile_times(survival),
        "cumulative_incidence": incidences,
        "landmark_estimates": _stacked(landmarks, list(landmarks[0].columns)),
        "group_tests": _stacked(tests, TEST_COLUMNS),
        "hazard_ratios": _stacked([model.hazard_ratios for model in models] + subdistribution, HAZARD_RATIO_COLUMNS),
        "proportional_hazards": _stacked(
            [model.proportional_hazards for model in models], PROPORTIONAL_HAZARDS_COLUMNS
        ),
    }


def _require_known_endpoints(frame: pd.DataFrame, frame_name: str) -> None:
    if frame.empty:
        raise ValueError(f"{frame_name} has no rows")
    unknown = sorted(set(map(str, frame["endpoint"].unique())) - set(ENDPOINT_LABELS))
    if unknown:
        known = f"{', '.join(SURVIVAL_ENDPOINTS)} (survival), {', '.join(COMPETING_RISK_ENDPOINTS)} (competing events)"
        raise ValueError(
            f"{frame_name}.endpoint: {', '.join(unknown)} not among {known}; add it to analysis/patients/names.py"
        )


def _stacked(frames: list[pd.DataFrame] | tuple[pd.DataFrame, ...], columns: list[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)
