"""Salvage by margin group."""

import math

import pandas as pd
import pytest

from analysis.tables.salvage_by_margin import SALVAGE_COLUMNS, salvage_by_margin
from tests.analysis.study_plan import MARGIN


def recurred(**counts: tuple[int, int]) -> pd.DataFrame:
    """Patients by group: how many salvaged, of how many."""
    names = {
        "positive": "positive",
        "under_1": "<1 mm",
        "under_10": "1.0-9.9 mm",
        "wide": ">=10 mm",
        "unresolved": "unresolved",
    }
    rows = [(names[group], rank < salvaged) for group, (salvaged, n) in counts.items() for rank in range(n)]
    return pd.DataFrame(rows, columns=["margin_group", "has_salvage"]).sample(frac=1, random_state=1)


def test_counts_limits_and_trend_are_those_of_r():
    table = salvage_by_margin(
        recurred(wide=(117, 368), under_10=(105, 415), under_1=(11, 61), positive=(13, 86)), MARGIN
    )
    assert list(table.columns) == SALVAGE_COLUMNS
    assert list(table["stratum"]) == ["positive", "<1 mm", "1.0-9.9 mm", ">=10 mm", "unresolved"]
    assert list(table["n_salvaged"]) == [13, 11, 105, 117, 0]
    # R: prop.test(13, 86, correct = FALSE)$conf.int
    assert table["conf_low"][0] == pytest.approx(0.0905212298313233, rel=1e-9)
    assert table["conf_high"][0] == pytest.approx(0.241635651995939, rel=1e-9)
    # R: prop.trend.test(c(13, 11, 105, 117), c(86, 61, 415, 368))
    assert table["trend_statistic"][:4].nunique() == 1
    assert table["trend_statistic"][0] == pytest.approx(13.383351971871, rel=1e-9)


def test_unresolved_margins_are_shown_but_have_no_part_in_the_trend():
    without = salvage_by_margin(recurred(positive=(1, 9), wide=(5, 8)), MARGIN)
    with_unresolved = salvage_by_margin(recurred(positive=(1, 9), wide=(5, 8), unresolved=(4, 4)), MARGIN)
    assert with_unresolved["trend_p_value"][0] == without["trend_p_value"][0]
    last = with_unresolved.iloc[-1]
    assert (last["n_recurred"], last["n_salvaged"]) == (4, 4)
    assert math.isnan(last["trend_p_value"])


def test_a_group_in_which_nobody_recurred_has_no_proportion():
    table = salvage_by_margin(recurred(positive=(1, 9), wide=(5, 8)), MARGIN).set_index("stratum")
    assert (table.loc["<1 mm", "n_recurred"], table.loc["<1 mm", "n_salvaged"]) == (0, 0)
    assert table.loc["<1 mm", ["proportion", "conf_low", "conf_high"]].isna().all()


def test_when_nobody_recurred_there_is_no_trend():
    table = salvage_by_margin(recurred(), MARGIN)
    assert (table["n_recurred"] == 0).all()
    assert table[["proportion", "trend_p_value"]].isna().all(axis=None)


def test_an_unknown_outcome_is_not_taken_as_no():
    rows = recurred(positive=(1, 3)).astype({"has_salvage": object})
    rows.iloc[0, 1] = None
    positive = salvage_by_margin(rows, MARGIN).set_index("stratum").loc["positive"]
    assert (positive["n_recurred"], positive["n_unknown"]) == (2, 1)
    with pytest.raises(ValueError, match="negative not among"):
        salvage_by_margin(rows.assign(margin_group="negative", has_salvage=True), MARGIN)
