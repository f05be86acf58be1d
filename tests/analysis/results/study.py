"""A cohort for the results' tests: 500 patients, every endpoint, margins and widths, two eras, covariates, some missing."""

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import count_events
from tests.analysis.r_values import patients
from tests.analysis.study_plan import ADJUSTMENT_COVARIATES, MARGIN_GROUPS, PLAN, SEEDS


def operations() -> pd.DataFrame:
    """One row a patient: the operation and its margin; 20 margins are unresolved, 20 other patients miss a covariate."""
    rows, random = patients("ties"), np.random.default_rng(4)
    margins = np.array([*MARGIN_GROUPS])[rows["g"] - 1].astype(object)
    margins[:20] = "unresolved"
    low, high = np.array([0, 0.1, 1, 10]), np.array([0, 0.9, 9.9, 25])
    width = low[rows["g"] - 1] + (high - low)[rows["g"] - 1] * random.random(len(rows))
    is_bounded = (margins == "unresolved") | (rows.index % 7 == 0)
    frame = pd.DataFrame(
        {
            "study_id": [f"P{number:04d}" for number in rows.index],
            "source_system": "hospital",
            "margin_group": margins,
            "margin_mm": np.where(is_bounded, np.nan, width),
            "margin_low_mm": np.nan,
            "margin_high_mm": np.nan,
            "unresolved_reason": None,
            "era": np.where(random.random(len(rows)) < 0.5, "early", "late"),
            "clinical_risk_score": random.integers(0, 6, len(rows)).astype(float),
            "age_at_operation_years": rows["age"].astype(float),
            "had_preoperative_chemotherapy": random.random(len(rows)) < 0.3,
            "primary_site": "colon",
            "procedure_type": "wedge",
            "metastasis_count": random.integers(1, 6, len(rows)).astype(float),
            "largest_metastasis_cm": random.gamma(2, 2, len(rows)),
            "cea_ng_ml": random.lognormal(2, 1, len(rows)),
        }
    )
    for covariate in ADJUSTMENT_COVARIATES[1:]:
        frame[covariate.column] = (random.random(len(rows)) < 0.4).astype(float)
    frame.loc[20:39, ADJUSTMENT_COVARIATES[1].column] = np.nan
    return frame


def times() -> pd.DataFrame:
    """The same times for every endpoint of the plan; survival endpoints have both events as theirs."""
    rows, ids = patients("ties"), operations()["study_id"]
    frames = []
    for endpoint in PLAN.endpoints:
        code = (rows["event_code"] > 0).astype(int) if endpoint.kind == "survival" else rows["event_code"]
        frames.append(
            pd.DataFrame(
                {"study_id": ids, "endpoint": endpoint.name, "time_days": rows["time_days"], "event_code": code}
            )
        )
    return pd.concat(frames, ignore_index=True)


def definitions(of_patients: pd.DataFrame) -> pd.DataFrame:
    """Two definitions: the published one, and positive against everything else."""
    one = of_patients[["study_id", "margin_group"]]
    order = {group: number for number, group in enumerate(MARGIN_GROUPS, start=1)}
    published = one.assign(definition="published", group_order=one["margin_group"].map(order))
    two = published["margin_group"].map(lambda group: group if group in ("positive", "unresolved") else "clear")
    other = published.assign(
        definition="involved or clear", margin_group=two, group_order=two.map({"positive": 1, "clear": 2})
    )
    return pd.concat([published, other], ignore_index=True)


def inputs_of(time_to_event: pd.DataFrame, of_patients: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The frames that the families of models need."""
    joined = time_to_event.merge(of_patients, on="study_id")
    return {
        "time_to_event": time_to_event,
        "operations": of_patients,
        "event_counts": pd.concat([count_events(joined), count_events(joined, "margin_group")], ignore_index=True),
        "time_to_event_by_window": time_to_event.assign(synchronous_window_days=30).iloc[:0],
        "margin_groups_by_definition": definitions(of_patients),
        "margin_definitions": pd.read_csv(SEEDS.parent / "margins/margin_definitions.csv"),
    }
