"""Rubin's rules: one estimate, with its uncertainty, from the same analysis of each imputed data set."""

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
from analysis.patients.result_rows import Row

# Below this share of variance between imputations degrees of freedom would be infinite; mice uses the same floor
SMALLEST_SHARE = 1e-4
POOLED_RATIO_COLUMNS = [
    "endpoint", "model", "estimand", "term", "reference", "hazard_ratio", "conf_low", "conf_high", "p_value",
    "degrees_of_freedom", "fraction_missing_information", "relative_increase", "n_imputations", "n", "n_event", "warning",
]  # fmt: skip
TERM_COLUMNS = ["endpoint", "model", "estimand", "term"]


class Pooled(NamedTuple):
    """A pooled estimate; see `pool`."""

    estimate: float
    total_variance: float
    within_variance: float
    between_variance: float
    degrees_of_freedom: float
    conf_low: float
    conf_high: float
    p_value: float
    relative_increase: float
    fraction_missing_information: float
    n_imputations: int


def pool(estimates: Sequence[float], variances: Sequence[float], n: float = np.inf, n_parameters: int = 1) -> Pooled:
    """Pool one quantity over m imputations (Rubin 1987, Multiple Imputation, section 3.1; equal to mice::pool.scalar).

    The total variance is the mean of the variances plus (1 + 1/m) times that of the estimates. Degrees of freedom: Barnard
    and Rubin (1999, Biometrika 86:948) for the finite n - n_parameters of complete data, else Rubin's. 95 % limits and the
    p-value of 0 are those of the t distribution; `fraction_missing_information` is (r + 2 / (df + 3)) / (r + 1), r the
    relative increase in variance due to the missing values.

    >>> pooled = pool([0.5, 0.7, 0.6], [0.04, 0.05, 0.045], n=200)
    >>> round(float(pooled.estimate), 3), round(float(pooled.total_variance), 4)
    (0.6, 0.0583)

    Args:
        estimates, variances: m >= 2 each, on a scale on which the estimate is about normal (log hazard ratios); a missing
            one makes the result missing.
        n, n_parameters: of the model fitted to the complete data.
    Raises:
        ValueError: fewer than two imputations, unequal numbers, a variance that is not above 0, or n not above n_parameters.
    """
    from scipy.special import stdtr, stdtrit

    q, u = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    m = len(q)
    if m < 2 or len(u) != m:
        raise ValueError(f"two or more estimates, each with its variance, are needed, not {m} and {len(u)}")
    if (u <= 0).any():
        raise ValueError("variances: must be above 0")
    if not n > n_parameters:
        raise ValueError(f"n: {n} patients for {n_parameters} parameters")
    if np.isnan(q).any() or np.isnan(u).any():
        return Pooled(nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, m)
    within, between = float(u.mean()), float(q.var(ddof=1))
    increase = (1 + 1 / m) * between
    total = within + increase
    degrees = _degrees_of_freedom(max(increase / total, SMALLEST_SHARE), m, n - n_parameters)
    estimate, std_error, relative = float(q.mean()), np.sqrt(total), increase / within
    width = float(stdtrit(degrees, 0.975) * std_error)
    return Pooled(
        estimate,
        total,
        within,
        between,
        degrees,
        estimate - width,
        estimate + width,
        float(2 * stdtr(degrees, -abs(estimate) / std_error)),
        relative,
        (relative + 2 / (degrees + 3)) / (relative + 1),
        m,
    )


class PooledTest(NamedTuple):
    """A pooled test of several coefficients; see `pool_wald`."""

    statistic: float
    degrees_of_freedom: int
    denominator_degrees_of_freedom: float
    p_value: float
    relative_increase: float


def pool_wald(estimates: np.ndarray, covariances: np.ndarray) -> PooledTest:
    """One F test that k coefficients are all 0, over m imputations: D1 of Li, Raghunathan and Rubin (1991, J Am Stat Assoc
    86:1065), with their denominator degrees of freedom for complete data of any size (as mitml::testModels, mice::D1).

    Args:
        estimates: m >= 2 rows of k coefficients; covariances: m times k x k. A missing one makes the result missing.
    Raises:
        ValueError: fewer than two imputations or shapes that do not fit.
    """
    from scipy.special import fdtrc

    q, u = np.asarray(estimates, dtype=float), np.asarray(covariances, dtype=float)
    if q.ndim != 2 or len(q) < 2 or u.shape != (*q.shape, q.shape[1]):
        raise ValueError(f"two or more estimates, each with its covariance, are needed, not {q.shape} and {u.shape}")
    m, k = q.shape
    if np.isnan(q).any() or np.isnan(u).any():
        return PooledTest(np.nan, k, np.nan, np.nan, np.nan)
    mean, within = q.mean(axis=0), u.mean(axis=0)
    between = np.atleast_2d(np.cov(q, rowvar=False, ddof=1))
    increase = (1 + 1 / m) * float(np.trace(np.linalg.solve(within, between))) / k
    statistic = float(mean @ np.linalg.solve(within, mean)) / (k * (1 + increase))
    t = k * (m - 1)
    with np.errstate(divide="ignore"):
        inverse = 1 / np.float64(increase)
    degrees = 4 + (t - 4) * (1 + (1 - 2 / t) * inverse) ** 2 if t > 4 else t * (1 + 1 / k) * (1 + inverse) ** 2 / 2
    return PooledTest(statistic, k, float(degrees), float(fdtrc(k, min(degrees, 1e12), statistic)), increase)


def pooled_hazard_ratios(
    results: Sequence[pd.DataFrame], exposure: Exposure, n_parameters: int | None = None
) -> pd.DataFrame:
    """Pool the hazard ratios of each imputed data set, on the log scale; a row a term.

    Log ratios have as variance ((log conf_high - log conf_low) / (2 * 1.96))^2: the limits must be Wald's. `n` and
    `n_event` are the smallest of the imputations (equal where only covariates were imputed).

    Args:
        results: one frame an imputation, with columns of `hazard_ratio_rows.HAZARD_RATIO_COLUMNS`; rows that are tests of several
            terms have no ratio and are left out.
        n_parameters: terms of the model; default the number of rows with a ratio of each endpoint, model and estimand, the
            trend (a model of its own, with the covariates) not among them.
            The complete-data degrees of freedom are n_event - n_parameters (as mice takes them of a coxph).
    Raises:
        ValueError: fewer than two frames, a column that is missing, or frames that do not have the same terms.
    """
    if len(results) < 2:
        raise ValueError(f"two or more imputations are needed, not {len(results)}")
    needed = [*TERM_COLUMNS, "hazard_ratio", "conf_low", "conf_high", "n", "n_event"]
    for result in results:
        require_columns(result, needed, "hazard_ratios")
    # A test of several terms never has a ratio; a term without estimate in some imputations has one in others
    stacked = pd.concat([result.assign(imputation=number) for number, result in enumerate(results)], ignore_index=True)
    has_ratio = stacked.groupby(TERM_COLUMNS)["hazard_ratio"].transform(lambda ratios: ratios.notna().any())
    stacked = stacked[has_ratio.astype(bool)]
    imputations = stacked.groupby(TERM_COLUMNS)["imputation"].agg(["size", "nunique"])
    if (imputations != len(results)).any(axis=None):
        raise ValueError("hazard_ratios: the imputations do not have the same terms, each once")
    rows = []
    for _, model in stacked.groupby(TERM_COLUMNS[:-1], sort=False):
        names = set(model["term"].astype(str))
        rows += [
            _pooled_row(term, n_parameters or _n_parameters(str(name), names, exposure))
            for name, term in model.groupby("term", sort=False)
        ]
    return pd.DataFrame(rows, columns=POOLED_RATIO_COLUMNS).astype({"warning": "str"})


def _n_parameters(term: str, names: set[str], exposure: Exposure) -> int:
    levels = names & set(exposure.terms)
    return len(names - levels - {exposure.trend}) + (1 if term == exposure.trend else len(levels))


def _degrees_of_freedom(share_between: float, m: int, complete: float) -> float:
    large_sample = (m - 1) / share_between**2
    if np.isinf(complete):
        return large_sample
    observed = (complete + 1) / (complete + 3) * complete * (1 - share_between)
    return large_sample * observed / (large_sample + observed)


def _pooled_row(rows: pd.DataFrame, n_parameters: int) -> Row:
    with np.errstate(divide="ignore"):
        log_ratio = np.log(rows["hazard_ratio"].to_numpy(dtype=float))
        low, high = (np.log(rows[column].to_numpy(dtype=float)) for column in ("conf_low", "conf_high"))
    pooled = pool(log_ratio, ((high - low) / (2 * NORMAL_QUANTILE)) ** 2, rows["n_event"].min(), n_parameters)
    n_without = int(np.isnan(log_ratio).sum())
    first = rows.iloc[0]
    labels: Row = {column: first.get(column) for column in (*TERM_COLUMNS, "reference")}
    return labels | {
        "hazard_ratio": float(np.exp(pooled.estimate)),
        "conf_low": float(np.exp(pooled.conf_low)),
        "conf_high": float(np.exp(pooled.conf_high)),
        "p_value": pooled.p_value,
        "degrees_of_freedom": pooled.degrees_of_freedom,
        "fraction_missing_information": pooled.fraction_missing_information,
        "relative_increase": pooled.relative_increase,
        "n_imputations": pooled.n_imputations,
        "n": int(rows["n"].min()),
        "n_event": int(rows["n_event"].min()),
        "warning": f"not estimable in {n_without} of the imputations" if n_without else _what_they_warn_of(rows),
    }


def _what_they_warn_of(rows: pd.DataFrame) -> str | None:
    """The warning that most of a term's imputations carry, and how many do."""
    warned = rows["warning"].dropna() if "warning" in rows.columns else pd.Series(dtype=object)
    return f"{warned.mode().iloc[0]}; so in {len(warned)} of the imputations" if len(warned) else None
