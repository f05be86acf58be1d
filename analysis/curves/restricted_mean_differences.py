"""Differences of restricted means between each margin group and the reference."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.curves.restricted_mean import LIMIT_CUT
from analysis.curves.weighted_incidence import CRUDE
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.names import STRATA_NOT_COMPARED
from analysis.patients.result_rows import Row, number_of

DIFFERENCE_COLUMNS = [
    "endpoint", "grouping", "measure", "stratum", "reference", "standardisation", "horizon_days", "n", "n_reference", "difference_days",
    "std_error", "conf_low", "conf_high", "statistic", "p_value", "warning",
]  # fmt: skip


OVER_HOSPITALS = "over hospitals"


def restricted_mean_differences(means: pd.DataFrame, grouping: str, reference: str) -> pd.DataFrame:
    """Restricted mean of each stratum minus that of the reference, in days; a row an endpoint, measure and stratum.

    The strata are independent samples: std_error is the root of the sum of the squared ones, limits are the difference +- 1.96
    of it, `statistic` is their quotient and p that of the normal distribution (Uno et al. 2014, J Clin Oncol 32:2380; as
    survRM2's difference), crude: hospitals are pooled. Above 0: more days lived without the event than in the reference, or more days lost.

    Args:
        means: rows of `restricted_mean_survival` or `restricted_mean_time_lost`, with a column `measure` that tells them apart.
        grouping: whose strata are compared; those of `names.STRATA_NOT_COMPARED` are not.
    Raises:
        ValueError: a column is missing. An endpoint without the reference stratum, or a mean that is missing, leaves a
            row with a `warning` and no numbers.
    """
    needed = [
        "endpoint",
        "grouping",
        "measure",
        "stratum",
        "horizon_days",
        "n",
        "estimate_days",
        "std_error",
        "warning",
    ]
    require_columns(means, needed, "means")
    compared = means[(means["grouping"] == grouping) & ~means["stratum"].isin(STRATA_NOT_COMPARED)]
    rows = []
    for _, strata in compared.groupby(["endpoint", "measure", "horizon_days"], sort=False):
        rows += _of_strata(strata.to_dict("records"), reference)
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS).astype({"n_reference": "Int64", "warning": "str"})


def differences_over_hospitals(means: pd.DataFrame, grouping: str, reference: str) -> pd.DataFrame:
    """The same differences within each hospital, put together by direct standardisation: each counts by its share of the patients of
    all hospitals that have one (those of the groups compared), so that a hospital with another prognosis and other margins lends nothing.

    The standard error is the root of the sum of the squared shares times the squared errors. A hospital without a difference (nobody of
    a group, or not followed for so long) is left out by name in the `warning`.

    Args:
        means: as above of every hospital, whose name is the `grouping`.
        grouping: what the strata are, for the column of that name.
    """
    own: dict[tuple[object, ...], dict[str, Row]] = {}
    sizes: dict[tuple[object, str], float] = {}
    compared = means[~means["stratum"].isin(STRATA_NOT_COMPARED)]
    for (measure, hospital), strata in compared.groupby(["measure", "grouping"], sort=False):
        sizes[measure, str(hospital)] = float(strata["n"].sum())
        for row in _of_strata(strata.to_dict("records"), reference):
            key = tuple(row[name] for name in ("endpoint", "measure", "stratum", "horizon_days"))
            own.setdefault(key, {})[str(hospital)] = row
    hospitals = set(map(str, means["grouping"].unique()))
    rows = [
        _over_hospitals(found, sizes, hospitals) | {"grouping": grouping, "standardisation": OVER_HOSPITALS}
        for found in own.values()
    ]
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS).astype({"n_reference": "Int64", "warning": "str"})


def _over_hospitals(
    found: Mapping[str, Row], sizes: Mapping[tuple[object, str], float], hospitals: Collection[str]
) -> Row:
    """One difference from those of the hospitals, by name; `sizes`: patients by measure and hospital."""
    first = next(iter(found.values()))
    known = {hospital: row for hospital, row in found.items() if np.isfinite(number_of(row, "difference_days"))}
    labels: Row = {name: first[name] for name in ("endpoint", "measure", "stratum", "horizon_days", "reference")}
    labels |= {name: int(sum(number_of(row, name) for row in known.values())) for name in ("n", "n_reference")}
    if not known:
        return labels | {"warning": "not estimable at any hospital"}
    size = np.array([sizes[first["measure"], hospital] for hospital in known])
    share = size / size.sum()
    differences, errors = (
        np.array([number_of(row, name) for row in known.values()]) for name in ("difference_days", "std_error")
    )
    absent = sorted(set(hospitals) - set(known))
    warning = f"without {', '.join(absent)}: not estimable there" if absent else None
    limits = _with_limits(float(share @ differences), float(np.sqrt(share**2 @ errors**2)))
    return labels | limits | {"warning": warning}


def _of_strata(strata: Sequence[Mapping[Any, Any]], reference: str) -> list[Row]:
    """The differences of the strata of one endpoint and measure."""
    base = next((row for row in strata if row["stratum"] == reference), None)
    return [_difference(row, base, reference) for row in strata if row["stratum"] != reference]


def _difference(row: Mapping[Any, Any], base: Mapping[Any, Any] | None, reference: str) -> Row:
    labels: Row = {name: row[name] for name in ("endpoint", "grouping", "measure", "stratum", "horizon_days", "n")}
    labels |= {"reference": reference, "standardisation": CRUDE}
    if base is None:
        return labels | {"warning": "not estimable: no patients in the reference group"}
    labels["n_reference"] = int(base["n"])
    difference = row["estimate_days"] - base["estimate_days"]
    std_error = float(np.hypot(row["std_error"], base["std_error"]))
    reasons = [
        f"{name}: {text}"
        for name, text in ((row["stratum"], row["warning"]), (reference, base["warning"]))
        if isinstance(text, str) and text != LIMIT_CUT
    ]
    if reasons or not std_error > 0:
        return labels | {"warning": "; ".join(reasons) or "not estimable: neither group had the event"}
    return labels | _with_limits(difference, std_error) | {"warning": None}


def _with_limits(difference: float, std_error: float) -> Row:
    from scipy.special import ndtr

    return {
        "difference_days": difference,
        "std_error": std_error,
        "conf_low": difference - NORMAL_QUANTILE * std_error,
        "conf_high": difference + NORMAL_QUANTILE * std_error,
        "statistic": difference / std_error,
        "p_value": float(2 * ndtr(-abs(difference / std_error))),
    }
