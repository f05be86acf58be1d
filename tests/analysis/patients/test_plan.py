"""The plan as data: its numbers as written down, and what is refused."""

import pandas as pd
import pytest

from analysis.patients.exposures import MARGIN
from analysis.patients.names import COMPETING_RISK_ENDPOINTS, ENDPOINT_LABELS, MARGIN_GROUPS, SURVIVAL_ENDPOINTS
from analysis.patients.plan import PLAN_TABLES, plan_from_frames
from tests.analysis.study_plan import PLAN, SEEDS, seed

# a slip of a finger in the seed must not pass
WRITTEN = {
    "landmark_years": (1, 3, 5, 10), "model_landmarks_days": (182, 365, 730), "period_starts_years": (0, 1, 2),
    "not_proportional_below_p": (0.05,), "horizon_years": (5,), "risk_years": (3, 5), "weight_percentiles": (1, 99),
    "imputations": (10,), "imputation_iterations": (5,), "imputation_donors": (5,), "width_imputations": (20,),
    "spline_knots": (4,), "reference_width_mm": (10,), "widest_width_mm": (20,), "events_per_parameter": (5,),
    "events_per_parameter_wanted": (10,), "least_share_recorded": (0.5,), "least_share_complete": (0.5,),
    "common_outcome_share": (0.15,), "random_draws": (200,), "seed": (1,),
}  # fmt: skip


def frames() -> dict[str, pd.DataFrame]:
    return {name: seed(name) for name in PLAN_TABLES}


def test_the_numbers_are_those_written_down_and_each_has_a_source():
    assert dict(PLAN.settings) == WRITTEN
    settings = seed("analysis_plan")
    assert settings[["unit", "meaning", "source"]].notna().all(axis=None)


def test_the_primary_exposure_is_the_margin_group_of_the_definitions():
    assert PLAN.exposure == MARGIN
    definitions = pd.read_csv(SEEDS.parent / "margins/margin_definitions.csv")
    published = definitions[definitions["definition"] == "published"].sort_values("group_order")
    assert tuple(published["margin_group"]) == MARGIN_GROUPS == PLAN.exposure.levels


def test_the_endpoints_are_those_that_are_defined_and_one_is_primary():
    by_kind = {kind: [e.name for e in PLAN.endpoints if e.kind == kind] for kind in ("survival", "competing")}
    # a further endpoint is rows (docs/recipes.md)
    assert set(SURVIVAL_ENDPOINTS) <= set(by_kind["survival"])
    assert set(COMPETING_RISK_ENDPOINTS) <= set(by_kind["competing"])
    assert ENDPOINT_LABELS.items() <= {endpoint.name: endpoint.label for endpoint in PLAN.endpoints}.items()
    defined = seed("endpoint_definitions")
    assert {endpoint.name for endpoint in PLAN.endpoints} == set(defined["endpoint"])
    # an endpoint is one of competing events where a row of its definition says so
    competing = set(defined.loc[defined["role"] == "competing", "endpoint"])
    assert set(by_kind["competing"]) == competing
    assert [endpoint.name for endpoint in PLAN.endpoints if endpoint.role == "primary"] == ["margin_recurrence"]


def test_the_adjusted_model_has_the_eight_covariates_of_the_published_one():
    terms = {covariate.term: (covariate.column, covariate.per) for covariate in PLAN.covariates()}
    assert terms["age per 10 years"] == ("age_at_operation_years", 10)
    assert list(terms.values())[1:] == [
        ("is_node_positive", 1), ("has_disease_free_interval_under_12_months", 1), ("has_multiple_metastases", 1),
        ("is_largest_metastasis_over_5_cm", 1), ("is_cea_over_200_ng_ml", 1), ("has_extrahepatic_disease", 1),
        ("has_hai_pump", 1),
    ]  # fmt: skip
    treatment = {covariate.term for covariate in PLAN.covariates("treatment")} - set(terms)
    assert treatment == {"preoperative chemotherapy", "era", "primary site", "procedure"}
    kinds = {covariate.term: covariate.kind for covariate in PLAN.covariates("continuous")}
    assert [kind for kind in kinds.values() if "spline" in kind] == ["spline", "spline", "log_spline"]


@pytest.mark.parametrize(
    ("table", "column", "value", "words"),
    [
        ("analysis_plan", "value", "soon", "analysis_plan.landmark_years: 'soon' is no number"),
        ("analysis_endpoints", "kind", "other", "analysis_endpoints.kind: other"),
        ("exposures", "reference", "wide", "exposures.margin_group: the reference 'wide'"),
        ("covariates", "kind", "colour", "covariates.kind: colour"),
        ("covariate_sets", "covariate", "shoe size", "covariate_sets.covariate: shoe size"),
    ],
)
def test_a_row_that_says_nothing_is_refused_by_name(table, column, value, words):
    changed = frames()
    changed[table][column] = changed[table][column].astype(object)
    changed[table].loc[0, column] = value
    with pytest.raises(ValueError, match=words):
        plan_from_frames(changed)


def test_a_setting_or_table_that_is_missing_is_named():
    with pytest.raises(ValueError, match="analysis_plan: no setting patience"):
        PLAN.number("patience")
    with pytest.raises(ValueError, match=r"analysis_plan\.risk_years: one number is wanted, not 2"):
        PLAN.number("risk_years")
    with pytest.raises(ValueError, match="no table exposures"):
        plan_from_frames({name: frame for name, frame in frames().items() if name != "exposures"})
