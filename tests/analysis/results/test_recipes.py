"""The recipes of docs/recipes.md: an exposure, a covariate and an endpoint are rows, and no code."""

import numpy as np
import pandas as pd
import pytest

from analysis.patients.plan import PLAN_TABLES, Plan, plan_from_frames
from analysis.results.families import FAMILIES, compute_family
from tests.analysis.results import study
from tests.analysis.study_plan import seed


def plan_with(table: str, **row) -> Plan:
    """The plan of the seeds with one row more."""
    frames = {name: seed(name) for name in PLAN_TABLES}
    frames[table] = pd.concat([frames[table], pd.DataFrame([row])], ignore_index=True)
    return plan_from_frames(frames)


def models(plan: Plan, inputs: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    family = next(family for family in FAMILIES if family.name == "models")
    tables, reasons = compute_family(family, inputs, plan)
    assert not reasons["reason"].str.startswith("failed").any()
    return tables


@pytest.fixture(scope="module")
def inputs() -> dict[str, pd.DataFrame]:
    operations, random = study.operations(), np.random.default_rng(2)
    operations["is_kras_mutated"] = pd.array(random.random(len(operations)) < 0.4, dtype="boolean")
    operations.loc[:9, "is_kras_mutated"] = pd.NA
    times = study.times()
    return study.inputs_of(times[times["endpoint"] == "margin_recurrence"], operations)


def test_kras_status_as_a_second_exposure_is_a_row(inputs):
    plan = plan_with(
        "exposures", exposure="kras", column_name="is_kras_mutated", label="KRAS status", term_prefix="KRAS mutated",
        levels="true;false", reference="false", is_ordered=False, analysis_role="exploratory", meaning="", source="",
    )  # fmt: skip
    ratios = models(plan, inputs)["hazard_ratios"].query("model == 'adjusted' and estimand == 'cause-specific'")
    of_kras = ratios[ratios["term"].str.startswith("KRAS")].set_index("term")
    assert list(of_kras.index) == ["KRAS mutated true", "KRAS status (omnibus)", "KRAS status (omnibus, Wald)"]
    assert of_kras.loc["KRAS mutated true", "reference"] == "false"
    assert of_kras.loc["KRAS mutated true", "hazard_ratio"] > 0
    # 10 without KRAS status and 20 without a covariate; unresolved margins are no reason here
    assert of_kras.loc["KRAS mutated true", "n"] == 500 - 10 - 20
    # the margin's models stay as they were, beside it
    assert {"margin positive", "margin group (trend)"} <= set(ratios["term"])


def test_kras_status_enters_every_model_test_and_curve(inputs):
    plan = plan_with(
        "exposures", exposure="kras", column_name="is_kras_mutated", label="KRAS status", term_prefix="KRAS mutated",
        levels="true;false", reference="false", is_ordered=False, analysis_role="exploratory", meaning="", source="",
    )  # fmt: skip
    lean = {"imputations": (2.0,), "imputation_iterations": (1.0,), "random_draws": (20.0,)}
    plan = plan._replace(settings=dict(plan.settings) | lean)
    operations = inputs["operations"].assign(source_system=np.where(np.arange(500) % 2, "A", "B"))
    clear = inputs["time_to_event"][["study_id", "endpoint"]].assign(clear_until_days=0)
    rules = inputs["time_to_event"].assign(death_rule="every death")
    more = {"operations": operations, "recurrence_intervals": clear, "time_to_event_by_death_rule": rules}
    tables: dict[str, pd.DataFrame] = {}
    for family in FAMILIES:
        if set(family.needs) <= {*inputs, *more, *tables} and family.name not in ("by_width", "specifications"):
            made, reasons = compute_family(family, inputs | more | tables, plan)
            tables |= made
            assert not reasons["reason"].str.startswith("failed").any(), reasons.to_dict("records")
    for name in ("hazard_ratios", "hospital_hazard_ratios", "weighted_hazard_ratios", "imputed_hazard_ratios", "e_values",
                 "landmark_hazard_ratios", "interval_censored_hazard_ratios", "time_varying_hazard_ratios"):  # fmt: skip
        of_kras = tables[name][tables[name]["term"].str.startswith("KRAS")]
        assert len(of_kras), name
        # the covariates' own rows stand once, beside the margin's
        assert tables[name]["term"].str.startswith("margin").any(), name
    for name in ("cumulative_incidence", "landmark_estimates", "group_tests", "stratified_tests", "risk_differences",
                 "restricted_mean_differences", "standardised_incidence", "interval_censored_curves", "death_rule_estimates"):  # fmt: skip
        assert {"margin_group", "is_kras_mutated"} <= set(tables[name]["grouping"]), name
    assert set(tables["covariate_balance"]["exposure"]) == {"margin_group", "is_kras_mutated"}


def test_a_covariate_is_two_rows(inputs):
    frames = {name: seed(name) for name in PLAN_TABLES}
    covariate = {"covariate": "KRAS mutated", "column_name": "is_kras_mutated", "kind": "truth", "per": 1}
    member = {"covariate_set": "main", "position": 9, "covariate": "KRAS mutated", "model": "adjusted"}
    for table, row in (("covariates", covariate), ("covariate_sets", member)):
        frames[table] = pd.concat([frames[table], pd.DataFrame([row])], ignore_index=True)
    ratios = models(plan_from_frames(frames), inputs)["hazard_ratios"].query("model == 'adjusted'")
    assert "KRAS mutated" in set(ratios["term"])


def test_an_endpoint_is_a_row_beside_its_definition(inputs):
    """Its times come from endpoint_definitions; here they are there already."""
    plan = plan_with(
        "analysis_endpoints", endpoint="lung_recurrence", position=11, label="Lung recurrence at any time", kind="competing",
        analysis_role="exploratory", is_modelled_further=False, reason="",
    )  # fmt: skip
    times = inputs["time_to_event"].assign(endpoint="lung_recurrence")
    ratios = models(plan, inputs | {"time_to_event": times})["hazard_ratios"]
    assert set(ratios["endpoint"]) == {"lung_recurrence"}
    assert {"cause-specific", "subdistribution"} == set(ratios["estimand"])
