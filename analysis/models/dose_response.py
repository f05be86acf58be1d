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
from analysis.patients.splines import checked_knots, spline_basis, spline_knots

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


class WidthSpline(NamedTuple):
    """What was decided of the spline of the width: quantiles of the widths at which its knots are, the width that others are compared
    with, and those of which the curve has a row (mm)."""

    knot_quantiles: Sequence[float]
    reference_mm: float
    grid_mm: Sequence[float]


class DoseResponse(NamedTuple):
    """The curve, a row a width of the grid, and its tests."""

    curve: pd.DataFrame
    tests: pd.DataFrame


def dose_response(
    frame: pd.DataFrame,
    endpoint: str,
    covariates: Sequence[Covariate],
    spline: WidthSpline,
    width_column: str = "margin_mm",
    knots_mm: Sequence[float] | None = None,
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
        spline: the plan's knots, reference and grid.
        knots_mm: default those of `spline` of the patients in the model; give them where many widths are equal.
    Raises:
        ValueError: names the column that is missing or holds what it must not (a negative width); knots that do not
            ascend; a reference or grid that are not numbers.
    """
    reference_mm, grid_mm = spline.reference_mm, np.asarray(spline.grid_mm, dtype=float)
    data = spline_columns(frame, endpoint, covariates, width_column, (reference_mm, *grid_mm)).rows()
    widths = data.design[WIDTH]
    knots = spline_knots(widths, spline.knot_quantiles) if knots_mm is None else checked_knots(knots_mm)
    fit = fit_spline(data, knots)
    others = {term: column for term, column in data.design.items() if term != WIDTH}
    linear = fit_cox(data.time_days, data.is_event, {WIDTH: widths} | others, strata=data.strata)
    curve = _curve(fit, knots, data, reference_mm, grid_mm)
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
