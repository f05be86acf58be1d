"""The families of results as the nightly run asks for them: what stands in which table, and that no failure stops another."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.patients.plan import MAIN
from analysis.results.attempts import Attempts
from analysis.results.families import FAMILIES, compute_family
from analysis.results.of_counts import death_rules
from tests.analysis.models.fine_gray_models import fine_gray
from tests.analysis.results import study
from tests.analysis.study_plan import MARGIN, PLAN

OF_MODELS = ("curves", "restricted_means", "models", "stratified_tests", "effect_over_time", "by_width", "weighting",
             "imputation", "specifications", "hospitals")  # fmt: skip
ENDPOINT = "margin_recurrence"


def computed(names: tuple[str, ...], inputs: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables of the families by name, and all reasons under `analyses_not_done`."""
    tables, reasons = {}, []
    for family in FAMILIES:
        if family.name in names:
            made, not_done = compute_family(family, inputs | tables, PLAN)
            tables |= made
            reasons.append(not_done)
    return tables | {"analyses_not_done": pd.concat(reasons, ignore_index=True)}


@pytest.fixture(scope="module")
def operations() -> pd.DataFrame:
    return study.operations()


@pytest.fixture(scope="module")
def results(operations) -> dict[str, pd.DataFrame]:
    return computed((*OF_MODELS, "e_values", "planned_tests"), study.inputs_of(study.times(), operations))


def test_every_table_has_rows_and_nothing_was_left_out(results):
    assert results["analyses_not_done"].to_dict("records") == []
    for name, frame in results.items():
        # one hospital: nothing to compare between hospitals
        assert len(frame) > 0 or name in ("analyses_not_done", "hospital_hazard_ratios"), name


def test_survival_endpoints_have_survival_curves_and_the_others_incidence(results):
    of_kind = {kind: {e.name for e in PLAN.endpoints if e.kind == kind} for kind in ("survival", "competing")}
    assert set(results["kaplan_meier"]["endpoint"]) == of_kind["survival"]
    assert set(results["cumulative_incidence"]["endpoint"]) == of_kind["competing"]
    estimators = results["landmark_estimates"].groupby("endpoint")["estimator"].unique().str.join("")
    assert (estimators["overall_survival"], estimators[ENDPOINT]) == ("Kaplan-Meier", "Aalen-Johansen")
    tests = results["group_tests"].groupby("test")["endpoint"].agg(set)
    assert tests["log-rank"] == tests["trend"] == of_kind["survival"] | of_kind["competing"]
    assert tests["Gray"] == of_kind["competing"]


def test_unresolved_margins_have_curves_but_no_place_in_models(results):
    assert "unresolved" in set(results["cumulative_incidence"]["stratum"])
    assert not results["hazard_ratios"]["term"].str.contains("unresolved").any()
    assert set(results["hazard_ratios"]["n_excluded_unresolved"]) == {20}


def test_the_adjusted_model_is_the_model_of_the_plans_covariates(results, operations):
    rows = study.times().merge(operations, on="study_id")
    ours = results["hazard_ratios"].query(
        "endpoint == @ENDPOINT and model == 'adjusted' and estimand == 'cause-specific'"
    )
    by_hand = cause_specific_cox(rows, ENDPOINT, MARGIN, covariates=PLAN.covariates()).hazard_ratios.query(
        "model == 'adjusted'"
    )
    pd.testing.assert_series_equal(
        ours.set_index("term")["hazard_ratio"], by_hand.set_index("term")["hazard_ratio"], check_dtype=False
    )
    models = set(results["hazard_ratios"]["model"])
    assert models == {"unadjusted", *(PLAN.model_names[name] for name in (MAIN, "treatment", "continuous"))}


def test_the_direct_comparison_is_the_ratio_of_the_two_ratios(results):
    direct = results["pairwise_hazard_ratios"].query("endpoint == @ENDPOINT and model == 'adjusted'").iloc[0]
    both = results["hazard_ratios"].query(
        "endpoint == @ENDPOINT and model == 'adjusted' and estimand == 'cause-specific'"
    )
    both = both.set_index("term")["hazard_ratio"]
    assert direct["reference"] == "<1 mm"
    assert direct["hazard_ratio"] == pytest.approx(both["margin positive"] / both["margin <1 mm"], rel=1e-6)


def test_the_curve_of_exact_widths_stands_beside_the_one_with_bounded_widths(results):
    for table in ("dose_response", "dose_response_tests"):
        kinds = results[table].groupby(["endpoint", "model"])["widths"].agg(lambda widths: tuple(sorted(set(widths))))
        assert len(kinds) == len(PLAN.modelled_endpoints) * 2
        assert set(kinds) == {("bounded widths imputed", "exact widths only")}


def test_imputation_keeps_every_patient(results):
    imputed = results["imputed_hazard_ratios"].query("model == 'adjusted'")
    assert (imputed["n"] == 500).all()
    assert (imputed["fraction_missing_information"].dropna() >= 0).all()


@pytest.mark.parametrize(
    ("estimand", "model"), [("cause-specific", cause_specific_cox), ("subdistribution", fine_gray)]
)
def test_the_published_specification_is_the_published_model(results, operations, estimand, model):
    curve = results["specification_curve"].query("endpoint == @ENDPOINT and estimand == @estimand")
    ours = curve.query("definition == 'published' and era == 'all eras' and covariate_set == 'all covariates'").iloc[0]
    fitted = model(study.times().merge(operations, on="study_id"), ENDPOINT, PLAN.exposure, PLAN.covariates())
    ratios = fitted.hazard_ratios if estimand == "cause-specific" else fitted
    positive = ratios.query("model == 'adjusted'").set_index("term").loc["margin positive"]
    for column in ("hazard_ratio", "conf_low", "conf_high", "p_value"):
        assert ours[column] == pytest.approx(positive[column], rel=1e-9)
    assert (ours["n_excluded_unresolved"], ours["n_excluded_missing"]) == (20, 20)
    assert curve.sort_values("rank")["hazard_ratio"].dropna().is_monotonic_increasing


def test_the_tables_are_the_same_whatever_the_order_of_the_rows(results, operations):
    times = study.times().sample(frac=1, random_state=8)
    inputs = study.inputs_of(times, operations.sample(frac=1, random_state=9))
    again = computed(("curves", "models"), inputs)
    for table in ("kaplan_meier", "group_tests", "hazard_ratios"):
        pd.testing.assert_frame_equal(again[table], results[table], rtol=1e-9)


def test_the_plan_names_one_primary_test_and_adjusts_the_secondary_family(results):
    planned = results["planned_tests"].set_index("endpoint")
    assert planned.index[0] == ENDPOINT
    assert planned.loc[ENDPOINT, "p_value_adjusted"] == planned.loc[ENDPOINT, "p_value"]
    secondary = planned[planned["analysis_role"] == "secondary"]
    assert (secondary["p_value_adjusted"] >= secondary["p_value"]).all()
    assert secondary["p_value"].min() * len(secondary) == pytest.approx(secondary["p_value_adjusted"].min())
    assert planned.loc[planned["analysis_role"] == "exploratory", "p_value_adjusted"].isna().all()


def test_an_analysis_that_the_data_do_not_allow_leaves_its_reason(operations):
    bare = operations.assign(era=None, margin_mm=np.nan)
    results = computed(("stratified_tests", "by_width", "weighting"), study.inputs_of(study.times(), bare))
    reasons = results["analyses_not_done"].set_index("table")["reason"]
    assert reasons["stratified_tests"] == "no patient has an era"
    assert "dose_response" in reasons.index
    assert not results["analyses_not_done"].duplicated().any()
    assert len(results["weighted_hazard_ratios"]) > 0


def test_an_endpoint_that_the_plan_does_not_know_is_listed_and_stops_nothing(operations):
    inputs = study.inputs_of(study.times(), operations)
    strange = inputs["event_counts"].query("endpoint == @ENDPOINT").assign(endpoint="happiness")
    results = computed(("curves",), inputs | {"event_counts": pd.concat([inputs["event_counts"], strange])})
    assert "happiness" not in set(results["cumulative_incidence"]["endpoint"])
    assert results["analyses_not_done"]["endpoint"].tolist() == ["happiness"]
    assert len(results["cumulative_incidence"]) > 0
    nobody = computed(("curves",), inputs | {"event_counts": inputs["event_counts"].iloc[:0]})
    assert "event_counts has no rows" in set(nobody["analyses_not_done"]["reason"])


def test_other_rules_for_late_deaths_are_read_off_curve_by_curve():
    """Four patients: one recurs, one was last looked at on day 1200, two died on days 900 and 1000, the first 500 days after her
    last look. By hand: 3/4 x 2/3 x 1/2 where every death counts, 3/4 x 1/2 where that one does not."""
    of_patients = pd.DataFrame({"study_id": ["A", "B", "C", "D"], "margin_group": "positive"})
    by_rule = {"every death": (900, 1), "within 183 days": (400, 0)}
    times = pd.DataFrame(
        [
            (patient, "recurrence_free_survival", rule, days, code)
            for rule, late_death in by_rule.items()
            for patient, (days, code) in zip("ABCD", [(300, 1), (1200, 0), late_death, (1000, 1)], strict=True)
        ],
        columns=["study_id", "endpoint", "death_rule", "time_days", "event_code"],
    )
    attempts = Attempts()
    death_rules({"operations": of_patients, "time_to_event_by_death_rule": times}, PLAN, attempts)
    estimates = pd.concat(attempts.frames["death_rule_estimates"])
    at_three_years = estimates[estimates["landmark_label"] == "3 years"].set_index(["death_rule", "stratum"])[
        "estimate"
    ]
    assert at_three_years["every death"].tolist() == pytest.approx([0.25, 0.25])
    assert at_three_years["within 183 days"].tolist() == pytest.approx([0.375, 0.375])
    assert attempts.reasons == []


def test_an_endpoint_of_survival_with_competing_events_is_not_modelled_and_says_why(operations):
    times = study.times()
    times.loc[times.index[times["endpoint"] == "overall_survival"][0], "event_code"] = 2
    made = computed(("models",), study.inputs_of(times, operations))
    assert "overall_survival" not in set(made["hazard_ratios"]["endpoint"])
    assert {"recurrence_free_survival", ENDPOINT} <= set(made["hazard_ratios"]["endpoint"])
    told = made["analyses_not_done"].query("endpoint == 'overall_survival'")["reason"].tolist()
    assert told[0] == "of survival by the plan, yet with competing events"
