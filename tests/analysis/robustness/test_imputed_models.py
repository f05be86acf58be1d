"""Imputed margins never contradict what is known of them."""

import numpy as np
import pandas as pd
import pytest

from analysis.robustness.imputation import ImputedColumn
from analysis.robustness.imputed_models import imputed_hazard_ratios, possible_levels
from tests.analysis.results import study
from tests.analysis.robustness.imputed import impute
from tests.analysis.study_plan import MARGIN_GROUPS, PLAN, SEEDS

ENDPOINT = "margin_recurrence"
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
    drawn = impute(rows, columns, n_imputations=40, n_iterations=2, allowed=allowed).completed
    free = impute(rows, columns, n_imputations=40, n_iterations=2).completed
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
    assert set(pooled["n"]) == {495}
    adjusted = pooled[pooled["model"] == "adjusted"]
    assert "hepatic artery infusion pump" not in set(adjusted["term"])
    assert adjusted["warning"].str.contains("without hepatic artery infusion pump").all()


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
