"""Differences of restricted means between each margin group and the reference."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.curves.restricted_mean import LIMIT_CUT
from analysis.curves.weighted_incidence import CRUDE
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.names import STRATA_NOT_COMPARED
from analysis.patients.result_rows import Row

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
        of_reference = strata[strata["stratum"] == reference]
        others = strata[strata["stratum"] != reference]
        rows += [_difference(row, of_reference, reference) for row in others.to_dict("records")]
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
    own = pd.concat(
        [
            restricted_mean_differences(means, str(hospital), reference).assign(hospital=str(hospital))
            for hospital in means["grouping"].unique()
        ]
        or [pd.DataFrame(columns=[*DIFFERENCE_COLUMNS, "hospital"])],
        ignore_index=True,
    )
    compared = means[~means["stratum"].isin(STRATA_NOT_COMPARED)].drop_duplicates(["measure", "grouping", "stratum"])
    sizes = {
        (str(measure), str(hospital)): float(strata["n"].sum())
        for (measure, hospital), strata in compared.groupby(["measure", "grouping"])
    }
    hospitals = set(map(str, means["grouping"].unique()))
    rows = []
    for (endpoint, measure, stratum, horizon), found in own.groupby(
        ["endpoint", "measure", "stratum", "horizon_days"], sort=False
    ):
        known = found[found["difference_days"].notna()]
        absent = sorted(hospitals - set(known["hospital"]))
        labels: Row = {
            "endpoint": endpoint,
            "measure": measure,
            "stratum": stratum,
            "horizon_days": horizon,
            "grouping": grouping,
            "reference": reference,
            "standardisation": OVER_HOSPITALS,
            "n": int(known["n"].sum()),
            "n_reference": int(known["n_reference"].sum()),
        }
        if known.empty:
            rows.append(labels | {"warning": "not estimable at any hospital"})
            continue
        size = np.array([sizes[(str(measure), hospital)] for hospital in known["hospital"]])
        share = size / size.sum()
        difference = float(share @ known["difference_days"].to_numpy(dtype=float))
        std_error = float(np.sqrt(share**2 @ known["std_error"].to_numpy(dtype=float) ** 2))
        warning = f"without {', '.join(absent)}: not estimable there" if absent else None
        rows.append(labels | _with_limits(difference, std_error) | {"warning": warning})
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS).astype({"n_reference": "Int64", "warning": "str"})


def _difference(row: Mapping[Any, Any], of_reference: pd.DataFrame, reference: str) -> Row:
    labels: Row = {name: row[name] for name in ("endpoint", "grouping", "measure", "stratum", "horizon_days", "n")}
    labels |= {"reference": reference, "standardisation": CRUDE}
    if of_reference.empty:
        return labels | {"warning": "not estimable: no patients in the reference group"}
    base = of_reference.iloc[0]
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
