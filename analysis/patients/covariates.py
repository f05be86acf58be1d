"""The covariates of the adjusted models: their columns, units and kinds, and their columns of numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.patients.exposures import levels_of
from analysis.patients.missing_values import numbers_or_missing
from analysis.patients.splines import spline_basis

NUMBER, TRUTH, GROUP, SPLINE, LOG_SPLINE = "number", "truth", "group", "spline", "log_spline"


class Covariate(NamedTuple):
    """A column of `index_operations` in an adjusted model; hazard ratios are for `per` units of it.

    Kinds: 'number'; 'truth'; 'group' (a 0/1 column for each level but the most frequent); 'spline' and 'log_spline' (the value, or
    log(1 + value), and what bends it between the knots). The last three stand for several columns: see `as_numbers`.
    """

    term: str
    column: str
    per: float = 1.0
    kind: str = NUMBER

    @property
    def is_one_column(self) -> bool:
        """Whether the column itself is the number that enters a model."""
        return self.kind in (NUMBER, TRUTH)


def as_numbers(
    patients: pd.DataFrame, covariates: Sequence[Covariate], knot_quantiles: Sequence[float]
) -> tuple[pd.DataFrame, tuple[Covariate, ...]]:
    """The patients with the columns that groups and splines stand for, and the covariates that name those columns.

    Knots (quantiles of the values known) and the most frequent level are those of the patients given. A spline whose knots coincide
    stays a straight line.
    """
    added: dict[str, np.ndarray] = {}
    single: list[Covariate] = []
    for covariate in covariates:
        if covariate.is_one_column:
            single.append(covariate)
            continue
        for term, column in _columns(patients, covariate, knot_quantiles).items():
            added[f"covariate: {term}"] = column
            single.append(Covariate(term, f"covariate: {term}"))
    return patients.assign(**added), tuple(single)


def _columns(patients: pd.DataFrame, covariate: Covariate, knot_quantiles: Sequence[float]) -> dict[str, np.ndarray]:
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
    knots = np.quantile(known, knot_quantiles) if len(known) else np.zeros(len(knot_quantiles))
    if not (np.diff(knots) > 0).all():
        return {covariate.term: values}
    straight, *bends = spline_basis(values, knots).T
    numbers = [""] if len(bends) == 1 else [f" {number}" for number in range(1, len(bends) + 1)]
    bent = {f"{covariate.term}, bend{number}": bend for number, bend in zip(numbers, bends, strict=True)}
    return {covariate.term: straight} | bent
