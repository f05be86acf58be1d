"""The covariates of the adjusted models: their columns, units and kinds, and their columns of numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.patients.exposures import levels_of
from analysis.patients.missing_values import numbers_or_missing

NUMBER, TRUTH, GROUP, SPLINE, LOG_SPLINE = "number", "truth", "group", "spline", "log_spline"
# Harrell (2015, Regression Modeling Strategies, 2nd ed., table 2.3) for three knots
SPLINE_QUANTILES = (0.10, 0.50, 0.90)


class Covariate(NamedTuple):
    """A column of `index_operations` in an adjusted model; hazard ratios are for `per` units of it.

    Kinds: 'number'; 'truth'; 'group' (a 0/1 column for each level but the most frequent); 'spline' and 'log_spline' (two
    columns: the value, or log(1 + value), and what bends it between three knots). The last three stand for several columns:
    see `as_numbers`.
    """

    term: str
    column: str
    per: float = 1.0
    kind: str = NUMBER

    @property
    def is_one_column(self) -> bool:
        """Whether the column itself is the number that enters a model."""
        return self.kind in (NUMBER, TRUTH)


def as_numbers(patients: pd.DataFrame, covariates: Sequence[Covariate]) -> tuple[pd.DataFrame, tuple[Covariate, ...]]:
    """The patients with the columns that groups and splines stand for, and the covariates that name those columns.

    Knots and the most frequent level are those of the patients given. A spline whose knots coincide stays a straight line.
    """
    added: dict[str, np.ndarray] = {}
    single: list[Covariate] = []
    for covariate in covariates:
        if covariate.is_one_column:
            single.append(covariate)
            continue
        for term, column in _columns(patients, covariate).items():
            added[f"covariate: {term}"] = column
            single.append(Covariate(term, f"covariate: {term}"))
    return patients.assign(**added), tuple(single)


def _columns(patients: pd.DataFrame, covariate: Covariate) -> dict[str, np.ndarray]:
    if covariate.kind == GROUP:
        levels = levels_of(patients[covariate.column])
        counts = levels.value_counts()
        # the most frequent, of equals the first by alphabet, is what the others are compared with
        order = sorted(map(str, counts.index), key=lambda level: (-int(counts[level]), level))
        is_missing = levels.isna().to_numpy()
        return {
            f"{covariate.term} {level}": np.where(
                is_missing, np.nan, (levels == level).fillna(False).to_numpy(dtype=float)
            )
            for level in sorted(order[1:])
        }
    values = numbers_or_missing(patients[covariate.column])
    if covariate.kind == LOG_SPLINE:
        values = np.log1p(np.maximum(values, 0.0))
    known = values[~np.isnan(values)]
    knots = np.quantile(known, SPLINE_QUANTILES) if len(known) else np.zeros(len(SPLINE_QUANTILES))
    if not (np.diff(knots) > 0).all():
        return {covariate.term: values}
    cubes = np.maximum(values[:, None] - knots, 0.0) ** 3
    gap = knots[2] - knots[1]
    bent = cubes[:, 0] - cubes[:, 1] * (knots[2] - knots[0]) / gap + cubes[:, 2] * (knots[1] - knots[0]) / gap
    return {covariate.term: values, f"{covariate.term}, bend": bent / (knots[2] - knots[0]) ** 2}
