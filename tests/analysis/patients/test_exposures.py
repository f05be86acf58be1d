"""Levels of a grouping as numbers: what is kept as codes is the same as what is spelled out."""

import numpy as np
import pandas as pd
import pytest

from analysis.patients.exposures import levels_of, numbered_levels
from analysis.patients.model_rows import hospital_strata


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["positive", None, "<1 mm", "positive"]),
        pd.Series(["positive", None, "<1 mm", "positive"], dtype="category"),
        pd.Categorical(["positive", None, "<1 mm", "positive"], categories=["never", "<1 mm", "positive"]),
        pd.Series([True, None, False, True], dtype="boolean"),
        pd.Series([2.0, np.nan, 1.0, 2.0]),
        pd.Series([2, None, 1, 2], dtype="Int64"),
        pd.Series([2.0, np.nan, 1.0, 2.0]).astype("category"),
    ],
    ids=["texts", "codes", "codes of more", "truths", "numbers", "whole numbers", "codes of numbers"],
)
def test_a_number_stands_for_the_level_as_it_is_spelled(values):
    values = pd.Series(values)
    levels = numbered_levels(values)
    spelled = [levels.names[number] if number >= 0 else None for number in levels.numbers]
    assert spelled == levels_of(values).astype(object).where(values.notna(), None).tolist()
    assert levels.occurring == {spelled[0], spelled[2]}
    assert levels.is_among({spelled[2], "never"}).tolist() == [False, False, True, False]


def test_hospitals_are_numbered_by_name_and_those_without_a_name_come_first():
    """As texts and as codes, of which one stands for a hospital that nobody is of."""
    names = ["west", "east", None, "", "west"]
    coded = pd.Categorical(names, categories=["west", "north", "east", ""])
    for hospitals in (names, coded):
        assert hospital_strata(pd.DataFrame({"source_system": hospitals})).tolist() == [2, 1, 0, 0, 2]
    assert (
        hospital_strata(pd.DataFrame({"source_system": pd.Categorical(["west"] * 3, categories=["west", "east"])}))
        is None
    )
