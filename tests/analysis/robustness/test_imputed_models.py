"""Imputed margins never contradict what is known of them."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cox_fit import fit_cox
from analysis.patients.names import ordered_strata
from analysis.robustness.imputation import ImputedColumn
from analysis.robustness.imputed_models import allowed_levels, imputed_hazard_ratios, possible_levels
from tests.analysis.results import study
from tests.analysis.robustness.imputed import impute
from tests.analysis.study_plan import MARGIN_GROUPS, PLAN, SEEDS

ENDPOINT = "margin_recurrence"
FEW_DRAWS = PLAN._replace(settings=dict(PLAN.settings) | {"imputations": (5.0,), "imputation_iterations": (3.0,)})
LEVELS = sorted(MARGIN_GROUPS, key=MARGIN_GROUPS.index)


@pytest.fixture(scope="module")
def bounds() -> pd.DataFrame:
    definitions = pd.read_csv(SEEDS.parent / "margins/margin_definitions.csv")
    return definitions[definitions["definition"] == "published"]


@pytest.mark.parametrize(
    ("low", "high", "possible"),
    [
        (np.nan, np.nan, [True, True, True, True]),
        (0.0001, np.nan, [False, True, True, True]),  # clear, distance not given
        (5, np.nan, [False, False, True, True]),  # at least 5 mm
        (0, 0.9999, [True, True, False, False]),  # less than 1 mm, at ink or not
        (1, 5, [False, False, True, False]),
        (10, np.nan, [False, False, False, True]),
        (0, 0, [True, False, False, False]),
    ],
)
def test_levels_that_a_bound_allows(low, high, possible, bounds):
    assert possible_levels(np.array([low]), np.array([high]), LEVELS, bounds)[0].tolist() == possible


def test_a_margin_known_to_be_clear_is_never_drawn_as_positive(bounds):
    rows = study.times().query("endpoint == @ENDPOINT").merge(study.operations(), on="study_id")
    rows["margin_group"] = rows["margin_group"].where(rows["margin_group"] != "unresolved")
    is_open = rows["margin_group"].isna()
    low = np.where(is_open, 0.0001, np.nan)
    allowed = {"margin_group": possible_levels(low, np.full(len(rows), np.nan), LEVELS, bounds)}
    columns = [ImputedColumn("margin_group", "categorical")]
    drawn = impute(rows, columns, n_imputations=40, n_iterations=2, allowed=allowed)
    free = impute(rows, columns, n_imputations=40, n_iterations=2)
    of_open = drawn[drawn["study_id"].isin(rows.loc[is_open, "study_id"])]["margin_group"]
    assert len(of_open) == 20 * 40
    assert "positive" not in set(of_open)
    assert (free[free["study_id"].isin(rows.loc[is_open, "study_id"])]["margin_group"] == "positive").sum() > 20


def test_no_viable_tumour_is_no_margin_to_impute_and_a_covariate_no_hospital_knows_leaves_the_model(bounds):
    rows = study.times().query("endpoint == @ENDPOINT").merge(study.operations(), on="study_id")
    rows.loc[:4, "unresolved_reason"] = "no viable tumour"
    rows["source_system"] = np.where(np.arange(len(rows)) < 200, "A", "B")
    rows.loc[rows["source_system"] == "B", "has_hai_pump"] = np.nan
    pooled = imputed_hazard_ratios(rows, ENDPOINT, PLAN, bounds)
    # five of the twenty open margins are none to draw
    assert set(pooled["n"]) == {500}
    assert set(pooled["n_no_viable_tumour"]) == {5}
    adjusted = pooled[pooled["model"] == "adjusted"]
    assert "hepatic artery infusion pump" not in set(adjusted["term"])
    assert adjusted["warning"].str.contains("without hepatic artery infusion pump").all()


def test_no_viable_tumour_is_a_stratum_of_its_own_and_never_drawn(bounds):
    """Without anything else missing the pooled ratios are those of Cox's model with these patients as a second stratum."""
    rows = study.times().query("endpoint == @ENDPOINT").merge(study.operations(), on="study_id").iloc[40:]
    without = rows.index[::9]
    rows.loc[without, ["margin_group", "unresolved_reason"]] = ["unresolved", "no viable tumour"]
    pooled = imputed_hazard_ratios(rows, ENDPOINT, FEW_DRAWS, bounds).set_index(["model", "term"])
    design = {f"margin {group}": (rows["margin_group"] == group).to_numpy(float) for group in LEVELS[:-1]}
    covariates = {c.term: rows[c.column].to_numpy(float) / c.per for c in PLAN.covariates()}
    strata = rows.index.isin(without).astype(int)
    is_event = (rows["event_code"] == 1).to_numpy(int)
    for model, columns in (("unadjusted", design), ("adjusted", design | covariates)):
        fit = fit_cox(rows["time_days"].to_numpy(float), is_event, columns, strata=strata)
        found = np.log(pooled.loc[model, "hazard_ratio"].reindex(fit.names).to_numpy(float))
        np.testing.assert_allclose(found, fit.coefficients, rtol=1e-9)
    # they say nothing of the margin, and something of the covariates
    others = imputed_hazard_ratios(rows.drop(index=without), ENDPOINT, FEW_DRAWS, bounds).set_index(["model", "term"])
    of_margin, of_age = ("unadjusted", "margin positive"), ("adjusted", "age per 10 years")
    assert others.loc[of_margin, "hazard_ratio"] == pytest.approx(pooled.loc[of_margin, "hazard_ratio"], rel=1e-9)
    assert others.loc[of_age, "hazard_ratio"] != pytest.approx(pooled.loc[of_age, "hazard_ratio"], rel=1e-3)
    assert set(pooled["n_no_viable_tumour"]) == {len(without)} and set(others["n_no_viable_tumour"]) == {0}
    # whose margin is open had tumour to measure from
    known = rows.assign(margin_group=rows["margin_group"].mask(rows.index.isin(without), "no viable tumour"))
    for of_level in (bounds, None):
        allowed = allowed_levels(known, PLAN.exposure, of_level)["margin_group"]
        assert allowed.sum(axis=0).tolist() == [0 if level == "no viable tumour" else len(rows) for level in
                                                ordered_strata(known["margin_group"])]  # fmt: skip


def test_a_hospital_without_a_covariate_borrows_from_five_others_and_the_row_says_so(bounds):
    rows = study.times().query("endpoint == @ENDPOINT").merge(study.operations(), on="study_id")
    rows["source_system"] = np.array([*"ABCDEF"])[np.arange(len(rows)) % 6]
    rows.loc[rows["source_system"] == "F", "has_hai_pump"] = np.nan
    pooled = imputed_hazard_ratios(rows, ENDPOINT, FEW_DRAWS, bounds).set_index(["model", "term"])
    assert set(pooled["n"]) == {500}
    assert np.isfinite(pooled.loc[("adjusted", "hepatic artery infusion pump"), "hazard_ratio"])
    said = "hepatic artery infusion pump: imputed from 5 hospitals for 83 patients of hospitals that do not record it"
    assert pooled.loc["adjusted", "warning"].str.contains(said, regex=False).all()
    assert pooled.loc["unadjusted", "warning"].isna().all()
    # a fifth one less, and there is no borrowing
    four = rows[rows["source_system"] != "E"]
    without = imputed_hazard_ratios(four, ENDPOINT, FEW_DRAWS, bounds)
    assert "hepatic artery infusion pump" not in set(without["term"])
    assert without["warning"].str.contains("fewer than 5 others do", regex=False).any()


def test_where_nobody_else_can_lend_it_a_hospital_without_margins_has_no_part(bounds):
    rows = study.times().query("endpoint == @ENDPOINT").merge(study.operations(), on="study_id")
    rows["source_system"] = np.where(np.arange(len(rows)) < 200, "A", "B")
    rows.loc[rows["source_system"] == "B", "margin_group"] = "unresolved"
    assert set(imputed_hazard_ratios(rows, ENDPOINT, FEW_DRAWS, bounds)["n"]) == {200}


def of_hospitals(spread: float, n_hospitals: int = 25, n: int = 200) -> tuple[pd.DataFrame, np.ndarray]:
    """A smoker's share and a weight that differ between hospitals by `spread` (log-odds, units); the last hospital records neither."""
    random = np.random.default_rng(8)
    hospital = np.repeat(np.arange(n_hospitals), n)
    level = (spread * random.standard_normal(n_hospitals))[hospital]
    x = random.standard_normal(len(hospital))
    rows = pd.DataFrame({
        "x": x, "smokes": (random.random(len(x)) < 1 / (1 + np.exp(-(level + x)))).astype(float),
        "weight": 70 + level + x + random.standard_normal(len(x)), "time_days": random.integers(1, 900, len(x)), "event_code": 1,
    })  # fmt: skip
    rows.loc[hospital == n_hospitals - 1, ["smokes", "weight"]] = np.nan
    return rows, hospital


@pytest.mark.parametrize(("spread", "low", "high"), [(0.0, 0.0, 0.3), (1.0, 0.7, 1.5)])
def test_the_level_of_a_hospital_that_records_nothing_varies_as_the_others_levels_do(spread, low, high):
    rows, hospital = of_hospitals(spread)
    columns = [ImputedColumn("smokes", "binary"), ImputedColumn("weight", "numeric")]
    drawn = impute(rows, columns, ["x"], n_imputations=60, n_iterations=1, hospital=hospital)
    own = drawn[np.tile(hospital == hospital.max(), 60)].groupby("imputation")
    share, weight = own["smokes"].mean(), own["weight"].mean()
    assert low <= np.log(share / (1 - share)).std() <= high
    assert low <= weight.std() <= high
    # the relation to x is that of the hospitals that know
    of_own = drawn[np.tile(hospital == hospital.max(), 60)]
    slopes = [np.polyfit(once["x"], once["weight"], 1)[0] for _, once in of_own.groupby("imputation")]
    assert np.mean(slopes) == pytest.approx(1.0, abs=0.05)


def test_a_confounder_that_one_of_six_hospitals_does_not_record_is_adjusted_for_there_too():
    """Pumps are given with positive margins and treble the hazard; the margin itself does nothing."""
    random, n = np.random.default_rng(5), 3000
    operations = study.operations().iloc[:1].loc[np.zeros(n, dtype=int)].reset_index(drop=True)
    hospital = np.where(np.arange(n) < 1500, "F", np.array([*"ABCDE"])[np.arange(n) % 5])
    has_pump = random.random(n) < 0.3
    is_positive = random.random(n) < np.where(has_pump, 0.6, 0.2)
    time = np.ceil(random.exponential(1500, n) / np.where(has_pump, 3, 1))
    rows = operations.assign(
        study_id=np.arange(n).astype(str), endpoint=ENDPOINT, source_system=hospital, has_hai_pump=has_pump.astype(float),
        margin_group=np.where(is_positive, "positive", ">=10 mm"), time_days=np.minimum(time, 1000), event_code=(time <= 1000).astype(int),
    )  # fmt: skip
    whole = imputed_hazard_ratios(rows, ENDPOINT, FEW_DRAWS).set_index(["model", "term"])
    rows.loc[rows["source_system"] == "F", "has_hai_pump"] = np.nan
    found = imputed_hazard_ratios(rows, ENDPOINT, FEW_DRAWS).set_index(["model", "term"])
    crude, adjusted = found.loc[("unadjusted", "margin positive")], found.loc[("adjusted", "margin positive")]
    assert crude["conf_low"] > 1.2
    assert adjusted["conf_low"] < 1 < adjusted["conf_high"]
    assert adjusted["hazard_ratio"] == pytest.approx(
        whole.loc[("adjusted", "margin positive"), "hazard_ratio"], abs=0.1
    )
    # what is not known makes it less certain than it would be were the pump known of all
    assert adjusted["fraction_missing_information"] > 0.02
    pump = found.loc[("adjusted", "hepatic artery infusion pump")]
    assert pump["conf_low"] < 3 < pump["conf_high"]


def test_matching_by_halving_finds_the_nearest():
    from analysis.robustness.imputation import _matched

    random = np.random.default_rng(1)
    predicted, wanted = random.normal(size=300), random.normal(size=200)
    known = np.arange(300.0)
    nearest = np.argsort(np.abs(predicted - wanted[:, None]), axis=1)[:, :5]
    for draw in range(5):
        found = _matched(known, predicted, wanted, np.random.default_rng(draw), 5)
        assert all(value in nearest[row] for row, value in enumerate(found))
    assert len(_matched(known[:3], predicted[:3], wanted, random, 5)) == 200
