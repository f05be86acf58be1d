"""The plan as data: its numbers as written down, and what is refused."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis.patients.names import ordered_strata
from analysis.patients.plan import PLAN_TABLES, plan_from_frames
from simulated_hospital.disease_course import DAYS_A_MONTH, DAYS_A_YEAR
from tests.analysis.study_plan import PLAN, SEEDS, seed

ROOT = Path(__file__).parents[3]

# a slip of a finger in the seed must not pass
WRITTEN = {
    "days_a_year": (365.25,),
    "landmark_years": (1, 3, 5, 10), "model_landmarks_days": (182, 365, 730), "period_starts_years": (0, 1, 2),
    "not_proportional_below_p": (0.05,), "significant_below_p": (0.05,),
    "horizon_years": (5,), "risk_years": (3, 5), "weight_percentiles": (1, 99),
    "imputations": (10,), "imputation_iterations": (5,), "imputation_donors": (5,), "width_imputations": (20,),
    "width_knot_quantiles": (0.05, 0.35, 0.65, 0.95), "covariate_knot_quantiles": (0.1, 0.5, 0.9), "imputation_largest_fit": (10_000,),
    "few_events": (5,), "few_pairs": (30,), "balanced_below": (0.1,),
    "reference_width_mm": (10,), "widest_width_mm": (20,), "events_per_parameter": (5,),
    "events_per_parameter_wanted": (10,), "least_share_recorded": (0.5,), "least_share_complete": (0.5,),
    "least_hospitals_to_borrow": (5,),
    "common_outcome_share": (0.15,), "random_draws": (200,), "seed": (1,),
}  # fmt: skip


def frames() -> dict[str, pd.DataFrame]:
    return {name: seed(name) for name in PLAN_TABLES}


def test_the_numbers_are_those_written_down_and_each_has_a_source():
    assert dict(PLAN.settings) == WRITTEN
    settings = seed("analysis_plan")
    assert settings[["unit", "meaning", "source"]].notna().all(axis=None)


def test_the_primary_exposure_is_the_margin_group_of_the_definitions():
    exposure = PLAN.exposure
    assert (exposure.column, exposure.label, exposure.prefix) == ("margin_group", "margin group", "margin")
    definitions = pd.read_csv(SEEDS.parent / "margins/margin_definitions.csv")
    published = definitions[definitions["definition"] == "published"].sort_values("group_order")
    assert tuple(published["margin_group"]) == exposure.levels
    assert (exposure.reference, exposure.is_ordered, exposure.not_known) == (">=10 mm", True, "unresolved")
    # whoever does not know the exposure shows its groups in the same order
    assert ordered_strata(reversed(exposure.strata)) == list(exposure.strata)


def test_the_endpoints_are_those_that_are_defined_and_one_is_primary():
    by_kind = {kind: {e.name for e in PLAN.endpoints if e.kind == kind} for kind in ("survival", "competing")}
    assert by_kind["survival"] == {"recurrence_free_survival", "overall_survival", "post_recurrence_survival"}
    assert by_kind["survival"] == set(PLAN.survival_endpoints)
    defined = seed("endpoint_definitions")
    assert {endpoint.name for endpoint in PLAN.endpoints} == set(defined["endpoint"])
    # an endpoint is one of competing events where a row of its definition says so
    assert by_kind["competing"] == set(defined.loc[defined["role"] == "competing", "endpoint"])
    assert [endpoint.name for endpoint in PLAN.endpoints if endpoint.role == "primary"] == ["margin_recurrence"]


def test_a_month_is_the_same_wherever_rooms_that_know_nothing_of_the_plan_need_one():
    units = yaml.safe_load((ROOT / "orchestration/ingestion/units.yml").read_text(encoding="utf-8"))
    factors = [known for of_kind in units.values() for known in _leaves(of_kind)]
    assert ("months", PLAN.days_a_year / 12) in factors and ("years", PLAN.days_a_year) in factors
    assert (PLAN.days_a_year, PLAN.days_a_year / 12) == (DAYS_A_YEAR, DAYS_A_MONTH)
    # and nobody else writes one down
    elsewhere = re.compile(r"(?<![\d.])(30\.4375|365\.25)(?!\d)")
    kept = {"orchestration/ingestion/units.yml", "simulated_hospital/disease_course.py", "simulated_hospital/calibration.py",
            "simulated_hospital/population.py", "dbt_project/seeds/definitions/analysis_plan.csv"}  # fmt: skip
    rooms = ("analysis", "orchestration", "quality", "simulated_hospital", "dbt_project", "report_reader")
    files = [
        path
        for room in rooms
        for path in (ROOT / room).rglob("*.*")
        if path.suffix in (".py", ".sql", ".yml", ".csv", ".js")
    ]
    found = {
        str(path.relative_to(ROOT))
        for path in files
        if not {"target", "dbt_packages"} & set(path.parts) and elsewhere.search(path.read_text(encoding="utf-8"))
    }
    assert found <= kept, found - kept


def _leaves(table: object) -> list[tuple[str, float]]:
    if not isinstance(table, dict):
        return []
    own = [
        (name, value["multiply_by"])
        for name, value in table.items()
        if isinstance(value, dict) and "multiply_by" in value
    ]
    return own + [leaf for value in table.values() for leaf in _leaves(value)]


def test_a_covariate_that_is_a_cut_says_the_cut_of_the_clinical_settings():
    settings = seed("clinical_settings").set_index("name")["value"].astype(float)
    terms = {covariate.column: covariate.term for covariate in PLAN.covariates()}
    cuts = {
        "has_short_disease_free_interval": "short_disease_free_interval_months",
        "has_large_metastasis": "large_metastasis_above_cm",
        "has_high_cea": "high_cea_above_ng_ml",
    }
    for column, setting in cuts.items():
        assert [float(number) for number in re.findall(r"\d+", terms[column])] == [settings[setting]], terms[column]
    assert terms["has_multiple_metastases"] == "more than one metastasis" and settings["multiple_metastases_above"] == 1


def test_the_adjusted_model_has_the_eight_covariates_of_the_published_one():
    terms = {covariate.term: (covariate.column, covariate.per) for covariate in PLAN.covariates()}
    assert terms["age per 10 years"] == ("age_at_operation_years", 10)
    assert list(terms.values())[1:] == [
        ("is_node_positive", 1),
        ("has_short_disease_free_interval", 1),
        ("has_multiple_metastases", 1),
        ("has_large_metastasis", 1),
        ("has_high_cea", 1),
        ("has_extrahepatic_disease", 1),
        ("has_hai_pump", 1),
    ]
    treatment = {covariate.term for covariate in PLAN.covariates("treatment")} - set(terms)
    assert treatment == {"preoperative chemotherapy", "era", "primary site", "procedure"}
    kinds = {covariate.term: covariate.kind for covariate in PLAN.covariates("continuous")}
    assert [kind for kind in kinds.values() if "spline" in kind] == ["spline", "spline", "log_spline"]


@pytest.mark.parametrize(
    ("table", "column", "value", "words"),
    [
        ("analysis_plan", "value", "soon", "analysis_plan.days_a_year: 'soon' is no number"),
        ("analysis_endpoints", "kind", "other", "analysis_endpoints.kind: other"),
        ("exposures", "reference", "wide", "exposures.margin_group: the reference 'wide'"),
        ("covariates", "kind", "colour", "covariates.kind: colour"),
        ("covariate_sets", "covariate", "shoe size", "covariate_sets.covariate: shoe size"),
        ("table_one_variables", "kind", "colour", "table_one_variables.kind: colour"),
        ("table_one_variables", "label", None, "table_one_variables.age_at_operation_years: no label"),
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
