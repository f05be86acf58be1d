"""The specification curve: which specifications there are, which are estimated, and what the joint test finds."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.robustness.specification_curve import specification_curve, specification_summary
from tests.analysis.results import study
from tests.analysis.study_plan import MARGIN, PLAN

ENDPOINT = "margin_recurrence"
SETS = {"unadjusted": (), "age and clinical risk score": PLAN.covariates("score"), "all covariates": PLAN.covariates()}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return study.times().query("endpoint == @ENDPOINT").merge(study.operations(), on="study_id")


@pytest.fixture(scope="module")
def definitions(rows) -> pd.DataFrame:
    return study.definitions(rows)


def test_specifications_are_definitions_by_eras_by_covariates_and_models(rows, definitions):
    curve = specification_curve(rows, definitions, [ENDPOINT], SETS).curve
    n_cause_specific, n_fine_gray = 2 * 3 * 3, 2 * 1 * 3
    assert len(curve) == n_cause_specific + n_fine_gray
    assert set(curve.loc[curve["model"] == "Fine-Gray", "era"]) == {"all eras"}
    assert curve["synchronous_window_days"].isna().all()


def test_rows_under_other_synchronous_windows_are_further_specifications(rows, definitions):
    """Under a window of 90 days fewer first patterns are of the margin alone: here every other event competes."""
    is_other = (rows["event_code"] == 1) & (rows.index % 2 == 0)
    wider = rows.assign(event_code=rows["event_code"].mask(is_other, 2))
    curve = specification_curve(rows, definitions, [ENDPOINT], SETS, windows=[(30.0, rows), (90.0, wider)]).curve
    chosen = curve.query(
        "model == 'cause-specific Cox' and definition == 'published' and covariate_set == 'unadjusted'"
    )
    chosen = chosen.query("era == 'all eras'")
    by_window = dict(zip(chosen["synchronous_window_days"].fillna(0), chosen["n_event"], strict=True))
    n_event = int((rows.loc[rows["margin_group"] != "unresolved", "event_code"] == 1).sum())
    assert by_window[0.0] == by_window[30.0] == n_event
    assert by_window[90.0] == n_event - int((is_other & (rows["margin_group"] != "unresolved")).sum())
    assert set(curve.loc[curve["synchronous_window_days"].notna(), "era"]) == {"all eras"}
    with pytest.raises(ValueError, match="synchronous window must be a number"):
        specification_curve(rows, definitions, [ENDPOINT], SETS, windows=[(np.nan, rows)])


def test_a_specification_whose_narrowest_group_has_no_event_is_firths(rows, definitions):
    is_positive = (rows["margin_group"] == "positive") & (rows["event_code"] == 1)
    without = rows.assign(event_code=rows["event_code"].mask(is_positive, 0))
    curve = specification_curve(without, definitions, [ENDPOINT], SETS, few_events=5).curve
    cox = curve[curve["model"] == "cause-specific Cox"]
    assert set(cox["method"]) == {"Firth"}
    assert cox["hazard_ratio"].between(0.0001, 1).all()
    expected = "Firth penalised likelihood: the events separate the groups; rests on 0 events"
    assert cox["warning"].str.startswith(expected).all()
    assert curve.loc[curve["model"] == "Fine-Gray", "hazard_ratio"].isna().all()


def test_below_the_events_rule_and_without_events_there_is_a_reason_and_no_number(rows, definitions):
    few = specification_curve(rows, definitions, [ENDPOINT], SETS, events_per_parameter=1000).curve
    assert few["warning"].str.startswith("fewer events than the plan asks for").all()
    nobody = specification_curve(rows.assign(event_code=0), definitions, [ENDPOINT], SETS).curve
    for curve in (few, nobody):
        assert curve["hazard_ratio"].isna().all()
        assert curve["rank"].isna().all()
        assert curve["warning"].notna().all()


def test_the_joint_test_tells_an_effect_from_chance(rows, definitions):
    """Exposed by a coin, nobody's ratio is joint proof; with events moved towards the exposed it is."""
    random = np.random.default_rng(3)
    coin = np.where(random.random(len(rows)) < 0.5, "positive", "clear")
    drawn = pd.DataFrame({"study_id": rows["study_id"], "definition": "published", "margin_group": coin})
    drawn["group_order"] = drawn["margin_group"].map({"positive": 1, "clear": 2})
    by_chance = specification_curve(rows, drawn, [ENDPOINT], SETS)
    summary = specification_summary(by_chance, 400, 1, 0.05).set_index("model").loc["cause-specific Cox"]
    assert summary["joint_p_value_of_median"] > 0.05
    earlier = rows.assign(time_days=np.where(coin == "positive", rows["time_days"] // 2, rows["time_days"]))
    strong = specification_summary(specification_curve(earlier, drawn, [ENDPOINT], SETS), 400, 1, 0.05)
    strong = strong.set_index("model").loc["cause-specific Cox"]
    assert strong["joint_p_value_of_median"] == strong["joint_p_value_of_share"] == pytest.approx(1 / 401)
    assert strong["share_same_direction"] == 1
    assert (strong["n_specifications"], strong["n_estimated"]) == (9, 9)


def test_the_influences_add_up_to_the_robust_error_of_the_model(rows, definitions):
    """With many patients and a true model the root of the sum of squared influences is near the model's own error."""
    found = specification_curve(rows, definitions, [ENDPOINT], SETS)
    number = found.curve.query(
        "model == 'cause-specific Cox' and definition == 'published' and era == 'all eras'"
    ).index[0]
    ratio = cause_specific_cox(rows, ENDPOINT, MARGIN).hazard_ratios.query(
        "model == 'unadjusted' and term == 'margin positive'"
    )
    error = np.log(ratio["conf_high"] / ratio["conf_low"]).iloc[0] / (2 * 1.959964)
    assert found.influence[number].std_error == pytest.approx(error, rel=0.1)
