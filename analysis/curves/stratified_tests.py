"""Stratified log-rank and Gray's tests: groups compared only with patients of their own block (centre, era, ...)."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from analysis.curves.group_tests import (
    GroupCounts,
    gray_score,
    observed_minus_expected,
    quadratic_form,
    side_by_side,
)
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.names import ordered_strata

STRATIFIED_TEST_COLUMNS = [
    "endpoint", "grouping", "stratified_by", "n_blocks", "test", "hypothesis", "statistic", "degrees_of_freedom",
    "p_value", "n", "n_event", "warning",
]  # fmt: skip

ScoreAndCovariance = tuple[np.ndarray, np.ndarray]


def stratified_logrank_test(
    event_counts: pd.DataFrame, block_column: str, is_cause_specific: bool = False
) -> pd.DataFrame:
    """Log-rank test stratified by blocks, one row an endpoint and grouping of two or more known groups.

    Observed minus expected events and their hypergeometric covariances are added up over the blocks, as R's
    survdiff(Surv(time, event) ~ group + strata(block)). Competing events leave the risk set.

    Args:
        event_counts: see `collapsed_counts.by_stratum`, with one more column `block_column` that says in which
            block the counts of a row were observed; strata of `names.STRATA_NOT_COMPARED` are left out.
        block_column: becomes `stratified_by`. A block with patients of only one group says nothing of the difference.
        is_cause_specific: whether the endpoint has competing events; it names the hypothesis.
    Raises:
        ValueError: bad counts, or a block that is missing.
    """

    def statistic(score: np.ndarray, covariance: np.ndarray) -> tuple[float, int]:
        # As survdiff: groups without any expected event do not count in the degrees of freedom
        used = np.flatnonzero(covariance.diagonal() > 0)
        return quadratic_form(score[used], covariance[np.ix_(used, used)])

    hypothesis = f"equal {'cause-specific hazards' if is_cause_specific else 'survival'} in every block"
    return _test_rows(event_counts, block_column, "stratified log-rank", hypothesis, observed_minus_expected, statistic)


def stratified_gray_test(event_counts: pd.DataFrame, block_column: str) -> pd.DataFrame:
    """Gray's (1988, Ann Stat 16:1141, section 4) test stratified by blocks, as cmprsk::cuminc with `strata`, rho = 0.

    Arguments, rows and errors as in `stratified_logrank_test`.
    """
    hypothesis = "equal cumulative incidence in every block"
    return _test_rows(event_counts, block_column, "stratified Gray", hypothesis, gray_score, quadratic_form)


def _test_rows(
    event_counts: pd.DataFrame,
    block_column: str,
    test: str,
    hypothesis: str,
    score_of_block: Callable[[GroupCounts], ScoreAndCovariance],
    statistic: Callable[[np.ndarray, np.ndarray], tuple[float, int]],
) -> pd.DataFrame:
    from scipy.special import chdtrc

    require_columns(event_counts, ["endpoint", "grouping", "stratum", block_column], "event_counts")
    if event_counts[block_column].isna().any():
        raise ValueError(
            f"event_counts.{block_column}: {int(event_counts[block_column].isna().sum())} missing value(s)"
        )
    rows = []
    for counts in side_by_side(event_counts):
        is_compared = (event_counts["endpoint"] == counts.endpoint) & (event_counts["grouping"] == counts.grouping)
        blocks = list(_blocks(event_counts[is_compared], block_column))
        score, covariance = _added_up(blocks, counts.groups, score_of_block)
        n_event = int(counts.n_event.sum())
        value, degrees = statistic(score, covariance) if n_event else (np.nan, len(counts.groups) - 1)
        warning = None
        if np.isnan(value):
            warning = "no events" if n_event == 0 else "not computable: the groups' counts do not vary within blocks"
        rows.append(
            {
                "endpoint": counts.endpoint,
                "grouping": counts.grouping,
                "stratified_by": block_column,
                "n_blocks": len(blocks),
                "test": test,
                "hypothesis": hypothesis,
                "statistic": value,
                "degrees_of_freedom": degrees,
                "p_value": float(chdtrc(degrees, value)) if warning is None else np.nan,
                "n": counts.n,
                "n_event": n_event,
                "warning": warning,
            }
        )
    return pd.DataFrame(rows, columns=STRATIFIED_TEST_COLUMNS).astype({"warning": "str"})


def _blocks(event_counts: pd.DataFrame, block_column: str) -> Iterator[GroupCounts]:
    """The known groups of each block in which there are at least two."""
    for block in ordered_strata(event_counts[block_column].astype(str)):
        yield from side_by_side(event_counts[event_counts[block_column].astype(str) == block])


def _added_up(
    blocks: list[GroupCounts],
    groups: tuple[str, ...],
    score_of_block: Callable[[GroupCounts], ScoreAndCovariance],
) -> ScoreAndCovariance:
    total_score, total_covariance = np.zeros(len(groups)), np.zeros((len(groups), len(groups)))
    for counts in blocks:
        # A group without patients in a block has no share in the block's score
        positions = [groups.index(group) for group in counts.groups]
        score, covariance = score_of_block(counts)
        total_score[positions] += score
        total_covariance[np.ix_(positions, positions)] += covariance
    return total_score, total_covariance
