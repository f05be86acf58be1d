"""Each number of the plan reaches the results it names: another number gives other rows."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from analysis.patients.plan import Plan
from analysis.results.families import FAMILIES, compute_family
from tests.analysis.results import study
from tests.analysis.study_plan import PLAN
from tests.bench.drawn_marts import drawn_marts

# few draws, and everything split by period
FEW_DRAWS = {
    "imputations": (2.0,),
    "imputation_iterations": (1.0,),
    "width_imputations": (2.0,),
    "random_draws": (20.0,),
    "not_proportional_below_p": (0.9999,),
}
# where each is used first: setting -> (another value, family, table, columns in which it shows)
REACHES = {
    "days_a_year": ((360.0,), "curves", "landmark_estimates", ["landmark_days"]),
    "landmark_years": ((2.0,), "curves", "landmark_estimates", ["landmark_days"]),
    "horizon_years": ((4.0,), "restricted_means", "restricted_means", ["horizon_days"]),
    "risk_years": ((2.0,), "weighting", "risk_differences", ["landmark_days"]),
    "weight_percentiles": ((10.0, 90.0), "weighting", "weight_summary", ["largest"]),
    "model_landmarks_days": ((100.0,), "effect_over_time", "landmark_hazard_ratios", ["landmark_days"]),
    "not_proportional_below_p": ((0.0001,), "effect_over_time", "time_varying_hazard_ratios", ["term"]),
    "significant_below_p": ((0.9999,), "specifications", "specification_summary", ["share_significant_same_direction"]),
    "period_starts_years": ((0.0, 3.0), "effect_over_time", "time_varying_hazard_ratios", ["period"]),
    "common_outcome_share": ((0.9,), "e_values", "e_values", ["e_value"]),
    "random_draws": ((30.0,), "specifications", "specification_summary", ["n_draws"]),
    "imputations": ((3.0,), "imputation", "imputed_hazard_ratios", ["n_imputations"]),
    "imputation_iterations": ((2.0,), "imputation", "imputed_hazard_ratios", ["hazard_ratio"]),
    "imputation_donors": ((40.0,), "imputation", "imputed_hazard_ratios", ["hazard_ratio"]),
    "seed": ((2.0,), "imputation", "imputed_hazard_ratios", ["hazard_ratio"]),
    "least_hospitals_to_borrow": ((2.0,), "imputation", "imputed_hazard_ratios", ["term"]),
    "width_imputations": ((3.0,), "by_width", "dose_response", ["std_error"]),
    "width_knot_quantiles": ((0.1, 0.5, 0.9), "by_width", "dose_response", ["knots_mm"]),
    "covariate_knot_quantiles": ((0.2, 0.5, 0.8), "models", "hazard_ratios", ["hazard_ratio"]),
    "imputation_largest_fit": ((200.0,), "imputation", "imputed_hazard_ratios", ["hazard_ratio"]),
    "few_events": ((500.0,), "models", "hazard_ratios", ["warning"]),
    "few_pairs": ((50.0,), "margin_agreement", "margin_agreement", ["warning"]),
    "reference_width_mm": ((8.0,), "by_width", "dose_response", ["reference_mm"]),
    "widest_width_mm": ((15.0,), "by_width", "dose_response", ["width_mm"]),
    "events_per_parameter": ((60.0,), "models", "model_covariates", ["reason"]),
    "events_per_parameter_wanted": ((60.0,), "models", "hazard_ratios", ["warning"]),
    "least_share_recorded": ((0.999,), "models", "model_covariates", ["reason"]),
    "least_share_complete": ((0.999,), "models", "model_covariates", ["reason"]),
}
# and where else
REACHES_TOO = [
    *(
        ("few_events", (500.0,), family, table, ["warning"])
        for family, table in (
            ("hospitals", "hospital_hazard_ratios"),
            ("effect_over_time", "time_varying_hazard_ratios"),
            ("weighting", "weighted_hazard_ratios"),
            ("specifications", "specification_curve"),
            ("interval_censored", "interval_censored_hazard_ratios"),
        )
    ),
    ("few_events", (500.0,), "effect_over_time", "landmark_hazard_ratios", ["warning"]),
    ("few_events", (500.0,), "effect_over_time", "pairwise_hazard_ratios", ["warning"]),
    ("landmark_years", (1.0, 2.0), "state_occupation", "state_occupation", ["time_days"]),
    ("risk_years", (2.0,), "death_rules", "death_rule_estimates", ["landmark_days"]),
    ("horizon_years", (4.0,), "interval_censored", "interval_censored_curves", ["time_days"]),
    ("seed", (2.0,), "by_width", "dose_response", ["hazard_ratio"]),
    ("seed", (2.0,), "specifications", "specification_summary", ["joint_p_value_of_median", "joint_p_value_of_share"]),
    ("significant_below_p", (0.9999,), "follow_up_quality", "follow_up_quality", ["is_informative_difference"]),
    ("significant_below_p", (1e-9,), "published_comparison", "published_comparison", ["do_p_values_agree"]),
    ("events_per_parameter", (60.0,), "specifications", "specification_curve", ["warning"]),
]
# what the report says of the results: tests/analysis/report/test_plan_reaches_report.py
OF_THE_REPORT = {"balanced_below"}
PLACES = [*((name, *reached) for name, reached in REACHES.items()), *REACHES_TOO]


def id_of(place: tuple) -> str:
    """Such as `seed-imputation`; of a family's further tables the table's name too."""
    name, _, family, table, _ = place
    first = next(other for other in PLACES if (other[0], other[2]) == (name, family))
    return f"{name}-{family}" if first[3] == table else f"{name}-{family}-{table}"


# families whose tables others are made of
NEEDS = {
    "e_values": ("models",),
    "published_comparison": ("curves", "models", "stratified_tests", "planned_tests", "salvage_by_margin"),
}
# families of which the small cohort has no rows, or an effect beyond all draws
OF_A_DRAWN_STUDY = (
    "state_occupation",
    "death_rules",
    "interval_censored",
    "specifications",
    "follow_up_quality",
    "published_comparison",
)


@pytest.fixture(scope="module")
def inputs() -> dict[str, pd.DataFrame]:
    operations, times = study.operations(), study.times()
    # an age that is not known is lent by a donor
    operations.loc[30:60, "age_at_operation_years"] = np.nan
    # one of three hospitals does not record pumps
    operations["source_system"] = np.array(["A", "B", "C"])[operations.index % 3]
    operations.loc[operations["source_system"] == "C", "has_hai_pump"] = np.nan
    answers = pd.DataFrame(
        {
            "study_id": [f"P{number}" for number in range(35)],
            "reviewer_number": 1,
            "margin_group": ["positive", "<1 mm"] * 17 + ["positive"],
            "is_coherent": True,
            "is_blind": True,
            "read_margin_group": ["positive"] * 20 + ["<1 mm"] * 15,
        }
    )
    made = study.inputs_of(times[times["endpoint"] == "margin_recurrence"], operations)
    return made | {"margin_adjudications": answers}


def made(family_name: str, plan: Plan, inputs: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    family = next(family for family in FAMILIES if family.name == family_name)
    for needed in NEEDS.get(family_name, ()):
        inputs = inputs | made(needed, plan, inputs)
    return compute_family(family, inputs, plan)[0]


@pytest.fixture(scope="module")
def drawn() -> dict[str, pd.DataFrame]:
    marts = drawn_marts(300)
    return marts | {"time_to_event": marts["time_to_event"].query("endpoint == 'margin_recurrence'")}


@pytest.fixture(scope="module")
def as_planned(inputs, drawn) -> Callable[[str], dict[str, pd.DataFrame]]:
    """The tables of a family with the plan's own numbers, each computed once."""
    plan = PLAN._replace(settings=dict(PLAN.settings) | FEW_DRAWS)
    return cache(lambda family: made(family, plan, drawn if family in OF_A_DRAWN_STUDY else inputs))


@pytest.mark.parametrize(
    ("setting", "value", "family", "table", "columns"), PLACES, ids=[id_of(place) for place in PLACES]
)
def test_another_number_of_the_plan_gives_other_rows(setting, value, family, table, columns, inputs, drawn, as_planned):
    plan = PLAN._replace(settings=dict(PLAN.settings) | FEW_DRAWS | {setting: value})
    other, planned = (
        made(family, plan, drawn if family in OF_A_DRAWN_STUDY else inputs)[table],
        as_planned(family)[table],
    )
    if table == "specification_curve":
        # which covariates there are follows from the plan elsewhere
        other, planned = (rows[rows["covariate_set"] == "unadjusted"] for rows in (other, planned))
    assert len(other)
    assert not other[columns].reset_index(drop=True).equals(planned[columns].reset_index(drop=True))


def test_every_number_of_the_plan_is_among_them():
    assert set(REACHES) | OF_THE_REPORT == set(PLAN.settings)
