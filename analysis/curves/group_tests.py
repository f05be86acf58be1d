"""Tests between groups from exact counts by day: log-rank, Tarone's trend, and Gray's test of cumulative incidence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import StratumCounts, by_stratum
from analysis.patients.names import STRATA_NOT_COMPARED

TEST_COLUMNS = [
    "endpoint", "grouping", "test", "hypothesis", "statistic", "degrees_of_freedom", "p_value", "n", "n_event", "warning",
]  # fmt: skip


@dataclass(frozen=True)
class GroupCounts:
    """The groups of one endpoint and grouping side by side; matrices have a row a distinct time and a column a group."""

    endpoint: str
    grouping: str
    groups: tuple[str, ...]
    n_risk: np.ndarray
    n_event: np.ndarray
    n_competing: np.ndarray
    n: int


def logrank_test(event_counts: pd.DataFrame, is_cause_specific: bool = False) -> pd.DataFrame:
    """Log-rank test of equal hazards of the event, one row an endpoint and grouping of two or more known groups.

    Competing events leave the risk set, so that with them the hypothesis is that of equal cause-specific hazards.
    Covariance of the event counts: hypergeometric (Mantel 1966), as R's survdiff. Groups without any expected event do
    not count in the degrees of freedom.

    >>> from analysis.patients.collapsed_counts import count_events
    >>> rows = pd.DataFrame({"endpoint": "e", "time_days": [1, 2, 3, 4, 5, 6], "event_code": [1, 1, 0, 1, 0, 2], "arm": list("aababb")})
    >>> round(logrank_test(count_events(rows, "arm"))["statistic"].item(), 4)
    4.3822

    Args:
        event_counts: see `collapsed_counts.by_stratum`; strata of `names.STRATA_NOT_COMPARED` are left out.
        is_cause_specific: whether the endpoint has competing events; it names the hypothesis.
    Raises:
        ValueError: bad counts.
    """

    def statistic(counts: GroupCounts) -> tuple[float, int]:
        difference, covariance = observed_minus_expected(counts)
        used = np.flatnonzero(covariance.diagonal() > 0)
        return quadratic_form(difference[used], covariance[np.ix_(used, used)])

    hypothesis = "equal cause-specific hazards" if is_cause_specific else "equal survival"
    return _test_rows(event_counts, "log-rank", hypothesis, statistic)


def trend_test(
    event_counts: pd.DataFrame,
    scores: Sequence[float] | None = None,
    is_cause_specific: bool = False,
    levels: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Tarone's (1975) test of a trend of the hazard over ordered groups: (s'(O - E))^2 / s'Vs, one degree of freedom.

    Args:
        event_counts: as in `logrank_test`; groups are scored in the order of `levels`, else of `names.ordered_strata`.
        scores: one a group, in that order; default 1, 2, 3, ...
    Raises:
        ValueError: bad counts, or as many scores as there are not groups.
    """

    def statistic(counts: GroupCounts) -> tuple[float, int]:
        difference, covariance = observed_minus_expected(counts)
        group_scores = np.arange(1.0, len(counts.groups) + 1) if scores is None else np.asarray(scores, dtype=float)
        if len(group_scores) != len(counts.groups):
            raise ValueError(
                f"{len(group_scores)} scores for the {len(counts.groups)} groups {', '.join(counts.groups)}"
            )
        variance = group_scores @ covariance @ group_scores
        return (float((group_scores @ difference) ** 2 / variance), 1) if variance > 0 else (np.nan, 1)

    hypothesis = "no trend of the cause-specific hazard" if is_cause_specific else "no trend of the hazard"
    return _test_rows(event_counts, "trend", hypothesis, statistic, levels)


def gray_test(event_counts: pd.DataFrame) -> pd.DataFrame:
    """Gray's (1988) test of equal cumulative incidence of the event (rho = 0), as cmprsk::cuminc.

    >>> from analysis.patients.collapsed_counts import count_events
    >>> rows = pd.DataFrame({"endpoint": "e", "time_days": [1, 2, 3, 4, 5, 6], "event_code": [1, 1, 0, 1, 0, 2], "arm": list("aababb")})
    >>> round(gray_test(count_events(rows, "arm"))["statistic"].item(), 4)
    4.4523

    Arguments, rows and errors as in `logrank_test`.
    """

    def statistic(counts: GroupCounts) -> tuple[float, int]:
        score, covariance = gray_score(counts)
        return quadratic_form(score, covariance)

    return _test_rows(event_counts, "Gray", "equal cumulative incidence", statistic)


def observed_minus_expected(counts: GroupCounts) -> tuple[np.ndarray, np.ndarray]:
    """Observed minus expected events of each group and their hypergeometric covariance, summed over the times."""
    at_risk, events = counts.n_risk.sum(axis=1), counts.n_event.sum(axis=1)
    is_used = events > 0
    at_risk, events = at_risk[is_used].astype(float), events[is_used].astype(float)
    share = counts.n_risk[is_used] / at_risk[:, None]
    difference = counts.n_event.sum(axis=0) - events @ share
    weight = events * np.divide(at_risk - events, at_risk - 1, out=np.zeros_like(at_risk), where=at_risk > 1)
    return difference, np.diag(weight @ share) - (share * weight[:, None]).T @ share


def gray_score(counts: GroupCounts) -> tuple[np.ndarray, np.ndarray]:
    """Gray's score of each group and its covariance (Gray 1988, Ann Stat 16:1141, sections 2 and 3, rho = 0).

    With Y at risk, S survival from all causes and F incidence of each group k, u_k = Y_k / S_k(t-) counts those who would
    be at risk had nobody had either event. The pooled incidence G rises by dG = dN / sum(u). The score compares events with
    those expected from Y_k (1 - F_k) / S_k. An event at s in group k moves score i by A_ik(s) + z_k(s) R_ik(s), a
    competing event by (1 - z_k(s)) R_ik(s), with A = diag(u) - u u' / sum(u), R_ik(s) the sum of A_ik dG / (1 - G-) over
    later times and z_k = 1 - (1 - G) / S_k. Ties: variances carry the hypergeometric factor 1 - (d - 1) / (at risk - 1).
    """
    # on a day without either event nothing moves
    happens = (counts.n_event + counts.n_competing).any(axis=1)
    n_risk, n_event, n_competing = (
        matrix[happens].astype(float) for matrix in (counts.n_risk, counts.n_event, counts.n_competing)
    )
    is_followed = n_risk > 0
    hazard = _quotient(n_event + n_competing, n_risk)
    survival = np.cumprod(1 - hazard, axis=0)
    survival_before = _before(survival, first=1.0)
    incidence_before = _before(np.cumsum(survival_before * _quotient(n_event, n_risk), axis=0), first=0.0)
    unscathed = np.where(is_followed, _quotient(n_risk, survival_before), 0.0)
    pooled, events = unscathed.sum(axis=1), n_event.sum(axis=1)

    expecting = unscathed * (1 - incidence_before)
    score = (n_event - expecting * _quotient(events, expecting.sum(axis=1))[:, None]).sum(axis=0)

    jump = _quotient(events, pooled)
    pooled_incidence = np.cumsum(jump)
    # group by group by time, so that sums over times are products of matrices
    influence = -unscathed.T[:, None, :] * _quotient(unscathed, pooled[:, None]).T[None, :, :]
    groups = np.arange(len(counts.groups))
    influence[groups, groups] += unscathed.T
    per_jump = influence * _quotient(jump, 1 - _before(pooled_incidence, first=0.0))
    later = per_jump.sum(axis=2, keepdims=True) - np.cumsum(per_jump, axis=2)

    spared = _quotient((1 - pooled_incidence)[:, None], survival)
    event_tie = _tie_factor(events[:, None], pooled[:, None] * survival_before)
    event_variance = event_tie * _quotient(survival_before * jump[:, None], n_risk)
    competing_tie = _tie_factor(n_competing, n_risk)
    competing_variance = competing_tie * _quotient(survival_before**2 * n_competing, n_risk**2)
    of_event, of_competing = influence + (1 - spared).T * later, spared.T * later
    covariance = np.zeros((len(groups), len(groups)))
    for moves, variance in ((of_event, event_variance), (of_competing, competing_variance)):
        flat = moves.reshape(len(groups), -1)
        covariance += (flat * variance.T.reshape(-1)) @ flat.T
    return score, covariance


def quadratic_form(score: np.ndarray, covariance: np.ndarray) -> tuple[float, int]:
    """Chi-square statistic of scores that sum to zero (one group is left out), and its degrees of freedom.

    NaN unless the covariance is positive definite: in tiny tied cohorts Gray's is not (cmprsk then gives a negative statistic).
    """
    degrees = len(score) - 1
    if degrees < 1:
        return float("nan"), max(degrees, 0)
    reduced = covariance[:-1, :-1]
    if np.linalg.matrix_rank(reduced) < degrees or np.linalg.eigvalsh(reduced).min() <= 0:
        return float("nan"), degrees
    return float(score[:-1] @ np.linalg.solve(reduced, score[:-1])), degrees


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Division that gives 0 where the denominator is 0: nobody there to have an event."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)


def _before(values: np.ndarray, first: float) -> np.ndarray:
    """The values just before each time."""
    return np.concatenate([np.full_like(values[:1], first), values[:-1]])


def _tie_factor(n_events: np.ndarray, n_risk: np.ndarray) -> np.ndarray:
    is_tied = (n_events > 1) & (n_risk > 1)
    return np.where(is_tied, 1 - (n_events - 1) / np.where(is_tied, n_risk - 1, 1), 1.0)


def side_by_side(event_counts: pd.DataFrame, levels: Sequence[str] | None = None) -> Iterator[GroupCounts]:
    """The known groups of each endpoint and grouping on one time axis; groupings of fewer than two are left out.

    In the order of `levels` where these are given, which must name all of them.
    """
    known = (counts for counts in by_stratum(event_counts) if counts.stratum not in STRATA_NOT_COMPARED)
    for (endpoint, grouping), strata in groupby(known, key=lambda counts: (counts.endpoint, counts.grouping)):
        groups = list(strata)
        if levels is not None:
            groups.sort(key=lambda counts: levels.index(counts.stratum))
        if len(groups) > 1:
            times = np.unique(np.concatenate([counts.time_days for counts in groups]))
            matrices = {
                name: np.column_stack([_on_axis(counts, times, name) for counts in groups])
                for name in ("n_event", "n_competing", "n_censored")
            }
            n_leaving = np.sum(list(matrices.values()), axis=0)
            yield GroupCounts(
                endpoint,
                grouping,
                tuple(counts.stratum for counts in groups),
                n_leaving[::-1].cumsum(axis=0)[::-1],
                matrices["n_event"],
                matrices["n_competing"],
                int(n_leaving.sum()),
            )


def _on_axis(counts: StratumCounts, times: np.ndarray, name: str) -> np.ndarray:
    spread = np.zeros(len(times), dtype=np.int64)
    spread[np.searchsorted(times, counts.time_days)] = getattr(counts, name)
    return spread


def _test_rows(
    event_counts: pd.DataFrame,
    test: str,
    hypothesis: str,
    statistic: Callable[[GroupCounts], tuple[float, int]],
    levels: Sequence[str] | None = None,
) -> pd.DataFrame:
    from scipy.special import chdtrc

    rows = []
    for counts in side_by_side(event_counts, levels):
        n_event = int(counts.n_event.sum())
        value, degrees = statistic(counts) if n_event else (np.nan, len(counts.groups) - 1)
        warning = None
        if np.isnan(value):
            warning = "no events" if n_event == 0 else "not computable: the groups' counts do not vary"
        p_value = float(chdtrc(degrees, value)) if warning is None else np.nan
        rows.append(
            (counts.endpoint, counts.grouping, test, hypothesis, value, degrees, p_value, counts.n, n_event, warning)
        )
    found = pd.DataFrame(rows, columns=TEST_COLUMNS)
    # one column alone: a frame's own way to do it goes through all of them
    found["warning"] = found["warning"].astype("str")
    return found
