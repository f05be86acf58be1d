"""The spline of the margin width with patients whose width is only bounded: drawn within their margin group, then pooled."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd

from analysis.models.cox_fit import CoxFit
from analysis.models.dose_response import (
    CURVE_COLUMNS,
    TEST_COLUMNS,
    WIDTH,
    DoseResponse,
    WidthSpline,
    fit_spline,
    labelled,
    log_ratios,
    spline_columns,
    spline_warning,
)
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import Covariate
from analysis.patients.missing_values import numbers_or_missing
from analysis.patients.model_rows import ModelColumns, ModelRows, endpoint_rows
from analysis.patients.names import STRATA_NOT_COMPARED, ordered_strata
from analysis.patients.result_rows import Row
from analysis.patients.splines import spline_knots
from analysis.robustness.rubin import pool, pool_wald

BOUNDED_IMPUTED = "bounded widths imputed"


def dose_response_imputed(
    frame: pd.DataFrame,
    endpoint: str,
    covariates: Sequence[Covariate],
    spline: WidthSpline,
    n_imputations: int,
    seed: int,
    width_column: str = "margin_mm",
) -> DoseResponse:
    """As `dose_response.dose_response`, with those whose width is only known to lie in a margin group ('<1 mm', 'at least
    1 cm'); `widths` is 'bounded widths imputed', `n_width_imputed` says how many.

    Widths are drawn by `completed_widths`; the knots are those of all completed widths and the same for every imputation.
    Log ratios are pooled by Rubin's rules at each width, with limits of the t distribution; tests of the spline terms by
    `rubin.pool_wald` (an F statistic with denominator degrees of freedom). Nobody's width being bounded, there are no rows.

    Args:
        frame: as `dose_response`, with margin_group.
        n_imputations: 2 or more; seed: fixes the draws.
    Raises:
        ValueError: as `dose_response`.
    """
    reference_mm, grid_mm = spline.reference_mm, np.asarray(spline.grid_mm, dtype=float)
    patients = endpoint_rows(frame, endpoint)
    columns = spline_columns(patients, endpoint, covariates, width_column, (reference_mm, *grid_mm))
    drawn = completed_widths(patients, n_imputations, seed, width_column)
    at = patients.index.get_indexer(columns.index)
    # one completed data set at a time: of each only the drawn widths are kept, of a fit only the estimates
    completed = (widths.to_numpy()[at] for widths in drawn)
    first_widths = next(completed)
    first = _with_widths(columns, first_widths)
    # whose width is never drawn is the same in each imputation
    is_kept = columns.index.isin(first.index)
    is_drawn = is_kept & np.isnan(columns.numbers[WIDTH])
    n_imputed = int(is_drawn.sum())
    if not n_imputed:
        return DoseResponse(pd.DataFrame(columns=CURVE_COLUMNS), pd.DataFrame(columns=TEST_COLUMNS))
    fillings = [widths[is_drawn] for widths in chain([first_widths], completed)]
    all_widths = np.concatenate([np.repeat(columns.numbers[WIDTH][is_kept & ~is_drawn], n_imputations), *fillings])
    knots = spline_knots(all_widths, spline.knot_quantiles)
    lowest, highest = float(all_widths.min()), float(all_widths.max())
    del all_widths
    fits, widths = [], first_widths.copy()
    for filling in fillings:
        widths[is_drawn] = filling
        fits.append(replace(fit_spline(_with_widths(columns, widths), knots), fitted=None))
    curve = _pooled_curve(fits, first, (lowest, highest), knots, reference_mm, grid_mm)
    tests = pd.DataFrame(_pooled_tests(fits, len(knots) - 1))
    warning = next(filter(None, (spline_warning(fit, knots) for fit in fits)), None)
    labels = {"widths": BOUNDED_IMPUTED, "n_width_imputed": n_imputed, "warning": warning}
    return labelled(curve, tests, first, bool(covariates), reference_mm, knots, labels)


def completed_widths(
    patients: pd.DataFrame, n_imputations: int, seed: int, width_column: str = "margin_mm"
) -> Iterator[pd.Series]:
    """The widths (mm), once an imputation, one after the other: missing ones of a named margin group drawn from the observed ones of that
    group.

    Approximate Bayesian bootstrap (Rubin and Schenker 1986, J Am Stat Assoc 81:366): donors are first drawn with
    replacement from the observed, the widths from the donors, so that the draws carry the uncertainty of their distribution.
    Within a group the outcome does not enter, which leans the curve towards the steps between groups. Unresolved margins, and
    groups of whom nobody's width is known, stay missing.

    Args:
        patients: one row each: margin_group and the width; the draws follow the order of `study_id` when there is one.
    """
    require_columns(patients, ["margin_group", width_column], "patient_rows")
    in_order = patients.sort_values("study_id", kind="stable") if "study_id" in patients.columns else patients
    widths, (group, levels) = numbers_or_missing(in_order[width_column]), pd.factorize(in_order["margin_group"])
    is_missing, names = np.isnan(widths), list(map(str, levels))
    to_draw = []
    for name in ordered_strata(names):
        is_of_group = group == names.index(name)
        observed, missing = widths[is_of_group & ~is_missing], np.flatnonzero(is_of_group & is_missing)
        if name not in STRATA_NOT_COMPARED and len(observed) and len(missing):
            to_draw.append((observed, missing))
    for imputation in range(1, n_imputations + 1):
        random = np.random.default_rng([seed, imputation])
        filled = widths.copy()
        for observed, missing in to_draw:
            donors = random.choice(observed, size=len(observed))
            filled[missing] = random.choice(donors, size=len(missing))
        yield pd.Series(filled, index=in_order.index).reindex(patients.index)


def _with_widths(columns: ModelColumns, widths: np.ndarray) -> ModelRows:
    return replace(columns, numbers=columns.numbers | {WIDTH: widths}).rows()


def _pooled_curve(
    fits: list[CoxFit],
    data: ModelRows,
    lowest_highest: tuple[float, float],
    knots: np.ndarray,
    reference_mm: float,
    grid_mm: np.ndarray,
) -> pd.DataFrame:
    ratios = [log_ratios(fit, knots, reference_mm, grid_mm) for fit in fits]
    estimates, errors = (np.stack(values, axis=1) for values in zip(*ratios, strict=True))
    n_event, n_parameters = int(data.is_event.sum()), len(fits[0].names)
    lowest, highest = lowest_highest
    rows = []
    for width, estimate, error in zip(grid_mm, estimates, errors, strict=True):
        pooled = (0.0, 0.0, 0.0, 0.0)
        if width != reference_mm:
            result = pool(estimate, error**2, n_event, n_parameters)
            pooled = (result.estimate, np.sqrt(result.total_variance), result.conf_low, result.conf_high)
        rows.append((width, pooled[0], pooled[1], *np.exp([pooled[0], *pooled[2:]]), bool(lowest <= width <= highest)))
    names = ["width_mm", "log_hazard_ratio", "std_error", "hazard_ratio", "conf_low", "conf_high", "is_within_data"]
    return pd.DataFrame(rows, columns=names)


def _pooled_tests(fits: list[CoxFit], n_terms: int) -> list[Row]:
    coefficients = np.stack([fit.coefficients for fit in fits])
    covariances = np.stack([fit.covariance for fit in fits])
    rows = []
    for test, first in (("association (pooled F)", 0), ("non-linearity (pooled F)", 1)):
        terms = slice(first, n_terms)
        pooled = pool_wald(coefficients[:, terms], covariances[:, terms, terms])
        rows.append(
            {
                "test": test,
                "statistic": pooled.statistic,
                "degrees_of_freedom": pooled.degrees_of_freedom,
                "denominator_degrees_of_freedom": pooled.denominator_degrees_of_freedom,
                "p_value": pooled.p_value,
            }
        )
    return rows
