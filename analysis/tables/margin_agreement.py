"""Agreement between those who read margins: the rules and reviewers, or two reviewers."""

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import NORMAL_QUANTILE
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.names import STRATA_NOT_COMPARED

AGREEMENT_COLUMNS = ["comparison", "n", "n_agreed", "kappa", "std_error", "conf_low", "conf_high", "warning"]
READER_AND_REVIEWER, TWO_REVIEWERS = "rules and reviewer", "two reviewers"


def margin_agreement(adjudications: pd.DataFrame, few_pairs: int) -> pd.DataFrame:
    """Cohen's kappa of the margin groups, one row a comparison.

    'rules and reviewer': the first answer about each margin that the rules had settled (two answers about one are
    not independent); 'two reviewers': the first two answers to each question. Only answers given blind count: whoever has seen what
    the rules, or another reviewer, said is no second reader. Answers that contradict themselves are left out; not_assessable is a
    category of its own.

    Args:
        adjudications: study_id, reviewer_number, margin_group, is_coherent, is_blind, read_margin_group; one row an answer.
        few_pairs: with fewer the large-sample error of kappa says little, and a warning says so.
    Returns:
        AGREEMENT_COLUMNS; kappa is missing, with a warning, without pairs or when all say the same.
    Raises:
        ValueError: a column is missing.
    """
    columns = ["study_id", "reviewer_number", "margin_group", "is_coherent", "is_blind", "read_margin_group"]
    require_columns(adjudications, columns, "margin_adjudications")
    counts = adjudications["is_coherent"].fillna(False).astype(bool) & adjudications["is_blind"].fillna(False).astype(
        bool
    )
    answers = adjudications[counts]
    read = answers["read_margin_group"]
    settled = answers[read.notna() & ~read.isin(STRATA_NOT_COMPARED)]
    # a margin that two reviewers judged is one margin, not two: the first answer to it
    settled = settled.sort_values("reviewer_number", kind="stable").drop_duplicates("study_id")
    wide = answers.pivot(index="study_id", columns="reviewer_number", values="margin_group")
    both = wide.dropna(subset=[1, 2]) if {1, 2} <= set(wide.columns) else pd.DataFrame({1: [], 2: []})
    rows = [
        (READER_AND_REVIEWER, *_kappa_row(settled["read_margin_group"], settled["margin_group"], few_pairs)),
        (TWO_REVIEWERS, *_kappa_row(both[1], both[2], few_pairs)),
    ]
    return pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)


def _kappa_row(
    first: pd.Series, second: pd.Series, few_pairs: int
) -> tuple[int, int, float, float, float, float, str | None]:
    n, n_agreed = len(first), int((first.to_numpy() == second.to_numpy()).sum())
    if n == 0:
        return 0, 0, np.nan, np.nan, np.nan, np.nan, "nobody has judged the same margin twice"
    kappa, error = cohen_kappa(pd.crosstab(first.to_numpy(), second.to_numpy()))
    if np.isnan(kappa):
        return (
            n,
            n_agreed,
            np.nan,
            np.nan,
            np.nan,
            np.nan,
            "all say the same: agreement by chance alone would be complete",
        )
    width = NORMAL_QUANTILE * error
    warning = f"fewer than {few_pairs} pairs: the limits are rough" if n < few_pairs else None
    return n, n_agreed, kappa, error, max(-1.0, kappa - width), min(1.0, kappa + width), warning


def cohen_kappa(table: pd.DataFrame) -> tuple[float, float]:
    """Kappa and its large-sample standard error of a table of counts (rows: first rater, columns: second rater).

    Source: Cohen 1960; standard error of Fleiss, Cohen and Everitt 1969 (R: psych::cohen.kappa, vcd::Kappa).
    """
    categories = sorted({*table.index, *table.columns})
    shares = table.reindex(index=categories, columns=categories, fill_value=0).to_numpy(float)
    n = shares.sum()
    shares = shares / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    agreed, expected = np.trace(shares), float(rows @ columns)
    if expected >= 1.0:
        return np.nan, np.nan
    kappa = (agreed - expected) / (1 - expected)
    on_diagonal = np.diag(shares) @ (1 - (rows + columns) * (1 - kappa)) ** 2
    weights = (columns[:, None] + rows[None, :]) ** 2
    off_diagonal = (1 - kappa) ** 2 * ((shares * weights).sum() - np.diag(shares) @ np.diag(weights))
    correction = (kappa - expected * (1 - kappa)) ** 2
    variance = (on_diagonal + off_diagonal - correction) / (n * (1 - expected) ** 2)
    return float(kappa), float(np.sqrt(max(variance, 0.0)))
