"""Margin width as a continuous exposure: a restricted cubic spline in a Cox model."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.models.cox_fit import CoxFit, fit_cox
from analysis.models.hazard_ratio_rows import CAUSE_SPECIFIC
from analysis.patients.covariates import Covariate
from analysis.patients.model_rows import ModelColumns, ModelRows, model_columns
from analysis.patients.result_rows import Row

# Harrell (2015, Regression Modeling Strategies, 2nd ed., table 2.3)
KNOT_QUANTILES = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.5, 0.725, 0.95),
}
REFERENCE_MM = 10.0
GRID_MM = tuple(np.arange(0.0, 20.5, 0.5))
WIDTH = "margin width (mm)"
EXACT_WIDTHS = "exact widths only"
CURVE_COLUMNS = [
    "endpoint", "model", "estimand", "widths", "width_mm", "reference_mm", "log_hazard_ratio", "std_error", "hazard_ratio",
    "conf_low", "conf_high", "is_within_data", "n", "n_event", "n_excluded_missing", "n_width_imputed", "knots_mm",
    "warning",
]  # fmt: skip
TEST_COLUMNS = [
    "endpoint", "model", "estimand", "widths", "test", "statistic", "degrees_of_freedom", "denominator_degrees_of_freedom",
    "p_value", "n", "n_event", "warning",
]  # fmt: skip


class DoseResponse(NamedTuple):
    """The curve, a row a width of the grid, and its tests."""

    curve: pd.DataFrame
    tests: pd.DataFrame


def dose_response(
    frame: pd.DataFrame,
    endpoint: str,
    covariates: Sequence[Covariate] = (),
    width_column: str = "margin_mm",
    reference_mm: float = REFERENCE_MM,
    grid_mm: Sequence[float] = GRID_MM,
    knots_mm: Sequence[float] | None = None,
    n_knots: int = 4,
) -> DoseResponse:
    """Log hazard ratio of the endpoint's event by margin width, against a reference width (cause-specific, Efron ties).

    Limits are pointwise, estimate +- 1.96 standard errors of the difference of the two spline values; at the reference
    width they meet at 0. `is_within_data` is false where no patient has so narrow or so wide a margin. Tests: 'association
    (Wald)' of all spline terms, 'non-linearity (Wald)' and '(likelihood ratio)' of all but the linear one. `model` is
    'unadjusted' without covariates, else 'adjusted'. Patients with a missing value are left out and counted, and so are those
    whose width is only bounded (`widths` 'exact widths only'); `dose_response_imputed` has the curve with them.

    Args:
        frame: one row a patient of the endpoint: endpoint, time_days, event_code (0 censored, 1 event, 2 competing),
            the width in mm (a positive margin is 0 mm) and the covariates' columns.
        knots_mm: default `spline_knots` of the patients in the model; give them where many widths are equal.
    Raises:
        ValueError: names the column that is missing or holds what it must not (a negative width); knots that do not
            ascend; a reference or grid that are not numbers.
    """
    data = spline_columns(frame, endpoint, covariates, width_column, (reference_mm, *grid_mm)).rows()
    widths = data.design[WIDTH]
    knots = spline_knots(widths, n_knots) if knots_mm is None else checked_knots(knots_mm)
    fit = fit_spline(data, knots)
    others = {term: column for term, column in data.design.items() if term != WIDTH}
    linear = fit_cox(data.time_days, data.is_event, {WIDTH: widths} | others, strata=data.strata)
    curve = _curve(fit, knots, data, reference_mm, np.asarray(grid_mm, dtype=float))
    tests = pd.DataFrame(_tests(fit, linear, len(knots) - 1)).assign(denominator_degrees_of_freedom=np.nan)
    labels = {"widths": EXACT_WIDTHS, "n_width_imputed": 0, "warning": spline_warning(fit, knots)}
    return labelled(curve, tests, data, bool(covariates), reference_mm, knots, labels)


def labelled(
    curve: pd.DataFrame,
    tests: pd.DataFrame,
    data: ModelRows,
    is_adjusted: bool,
    reference_mm: float,
    knots: np.ndarray,
    labels: Mapping[str, str | int | None],
) -> DoseResponse:
    """Curve and tests with what both say of their model; `labels`: widths, n_width_imputed, warning."""
    both: dict[str, str | int | None] = {
        "endpoint": data.endpoint,
        "model": "adjusted" if is_adjusted else "unadjusted",
        "estimand": CAUSE_SPECIFIC,
        "n": data.n,
        "n_event": int(data.is_event.sum()),
        "n_excluded_missing": data.n_excluded_missing,
        **labels,
    }
    curve = curve.assign(**both, reference_mm=reference_mm, knots_mm=", ".join(f"{knot:g}" for knot in knots))
    frames = (curve[CURVE_COLUMNS], tests.assign(**both)[TEST_COLUMNS])
    return DoseResponse(*(frame.astype({"warning": "str"}) for frame in frames))


def spline_columns(
    frame: pd.DataFrame,
    endpoint: str,
    covariates: Sequence[Covariate],
    width_column: str,
    widths_asked_for: Sequence[float],
) -> ModelColumns:
    """The patients of a model of the width as numbers; arguments and errors as `dose_response`."""
    if not np.isfinite(widths_asked_for).all():
        raise ValueError("reference_mm, grid_mm: must be numbers")
    columns = model_columns(frame, endpoint, (Covariate(WIDTH, width_column), *covariates), exposure=None)
    n_negative = int((columns.numbers[WIDTH] < 0).sum())
    if n_negative:
        raise ValueError(f"patient_rows.{width_column}: {n_negative} negative width(s)")
    return columns


def fit_spline(data: ModelRows, knots: np.ndarray) -> CoxFit:
    """The model with the width as a spline: its len(knots) - 1 terms first, then the covariates."""
    spline = dict(zip(_spline_terms(len(knots)), spline_basis(data.design[WIDTH], knots).T, strict=True))
    others = {term: column for term, column in data.design.items() if term != WIDTH}
    return fit_cox(data.time_days, data.is_event, spline | others, strata=data.strata)


def spline_warning(fit: CoxFit, knots: np.ndarray) -> str | None:
    """Why the spline has no estimate, or what the fit complained of."""
    return "; ".join(filter(None, [_first_problem(fit, _spline_terms(len(knots))), fit.model_warning])) or None


def spline_knots(values: np.ndarray, n_knots: int = 4) -> np.ndarray:
    """Harrell's knots: fixed quantiles (interpolated, R's type 7) of the values, ascending.

    Raises:
        ValueError: not 3, 4 or 5 knots; no values; or quantiles that coincide, as when many margins are 0 mm wide.
    """
    if n_knots not in KNOT_QUANTILES:
        raise ValueError(f"n_knots must be one of {', '.join(map(str, KNOT_QUANTILES))}, not {n_knots!r}")
    if not len(values):
        raise ValueError("no values to take knots from")
    return checked_knots(np.quantile(values, KNOT_QUANTILES[n_knots]))


def spline_basis(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Truncated power basis of the cubic spline that is linear beyond the outer knots (Harrell 2015, section 2.4.5).

    The values themselves, then for each knot t_j but the last two
    [(x - t_j)+^3 - (x - t_k-1)+^3 (t_k - t_j) / (t_k - t_k-1) + (x - t_k)+^3 (t_k-1 - t_j) / (t_k - t_k-1)] / (t_k - t_1)^2,
    which has the unit of x, as Hmisc::rcspline.eval(norm = 2, inclx = TRUE).

    Args:
        values: of any length; knots: k >= 3, ascending.
    Returns:
        A matrix with a row a value and k - 1 columns.
    """
    x = np.asarray(values, dtype=float)
    first, before_last, last = knots[0], knots[-2], knots[-1]
    gap = last - before_last
    # a column after the other, each in one piece
    basis = np.empty((len(knots) - 1, len(x)))
    basis[0] = x
    of_before_last, of_last = (np.maximum(x - knot, 0.0) ** 3 for knot in (before_last, last))
    for column, knot in zip(basis[1:], knots[:-2], strict=True):
        bent = np.maximum(x - knot, 0.0) ** 3 - of_before_last * (last - knot) / gap
        column[:] = (bent + of_last * (before_last - knot) / gap) / (last - first) ** 2
    return basis.T


def checked_knots(knots_mm: Sequence[float] | np.ndarray) -> np.ndarray:
    """Three or more knots that ascend; ValueError otherwise."""
    knots = np.asarray(knots_mm, dtype=float)
    if len(knots) < 3 or not (np.diff(knots) > 0).all():
        raise ValueError(f"knots must be three or more that ascend, not {', '.join(f'{k:g}' for k in knots)}")
    return knots


def _spline_terms(n_knots: int) -> list[str]:
    return [WIDTH + "'" * position for position in range(n_knots - 1)]


def _first_problem(fit: CoxFit, terms: list[str]) -> str | None:
    return next((fit.problems[term] for term in terms if term in fit.problems), None)


def _curve(fit: CoxFit, knots: np.ndarray, data: ModelRows, reference_mm: float, grid_mm: np.ndarray) -> pd.DataFrame:
    widths = data.design[WIDTH]
    estimate, std_error = log_ratios(fit, knots, reference_mm, grid_mm)
    is_within = (grid_mm >= widths.min()) & (grid_mm <= widths.max()) if len(widths) else np.zeros(len(grid_mm), bool)
    return pd.DataFrame(
        {
            "width_mm": grid_mm,
            "log_hazard_ratio": estimate,
            "std_error": std_error,
            "hazard_ratio": np.exp(estimate),
            "conf_low": np.exp(estimate - NORMAL_QUANTILE * std_error),
            "conf_high": np.exp(estimate + NORMAL_QUANTILE * std_error),
            "is_within_data": is_within,
        }
    )


def log_ratios(
    fit: CoxFit, knots: np.ndarray, reference_mm: float, grid_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log hazard ratio of each width of the grid against the reference width, and its standard error."""
    n_terms = len(knots) - 1
    difference = spline_basis(grid_mm, knots) - spline_basis(np.array([reference_mm]), knots)
    estimate = difference @ fit.coefficients[:n_terms]
    return estimate, np.sqrt(np.einsum("gi,ij,gj->g", difference, fit.covariance[:n_terms, :n_terms], difference))


def _tests(fit: CoxFit, linear: CoxFit, n_terms: int) -> list[Row]:
    statistics = (
        ("association (Wald)", _wald(fit, 0, n_terms), n_terms),
        ("non-linearity (Wald)", _wald(fit, 1, n_terms), n_terms - 1),
        ("non-linearity (likelihood ratio)", _likelihood_ratio(fit, linear, n_terms), n_terms - 1),
    )
    return [_test_row(*test) for test in statistics]


def _wald(fit: CoxFit, first: int, last: int) -> float:
    coefficients, covariance = fit.coefficients[first:last], fit.covariance[first:last, first:last]
    if np.isnan(coefficients).any():
        return np.nan
    return float(coefficients @ np.linalg.solve(covariance, coefficients))


def _likelihood_ratio(fit: CoxFit, linear: CoxFit, n_terms: int) -> float:
    if np.isnan(fit.coefficients[:n_terms]).any():
        return np.nan
    return 2 * (fit.log_likelihood - linear.log_likelihood)


def _test_row(test: str, statistic: float, degrees: int) -> Row:
    from scipy.special import chdtrc

    p_value = float(chdtrc(degrees, max(statistic, 0.0))) if np.isfinite(statistic) else np.nan
    return {"test": test, "statistic": statistic, "degrees_of_freedom": degrees, "p_value": p_value}
