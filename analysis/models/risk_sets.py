"""The partial likelihood of one stratum: what is summed over risk sets at some coefficients, its derivatives, and what each patient adds to
them."""

from copy import copy
from dataclasses import dataclass

import numpy as np

from analysis.models.efron_ties import runs, tied_events
from analysis.models.likelihood_columns import GroupSums, LikelihoodColumns, OfPatterns


@dataclass(frozen=True)
class Point:
    """One stratum's likelihood at some coefficients.

    `risk` has an entry a pattern of the columns. `first` and `first_tied` have a row an event time and a column a column (the first: of
    ones): sums of risk times the column over those at risk, and over the events of the time. `powers` are sums over the factors of a
    time of share^k / total^m.
    """

    coefficients: np.ndarray
    value: float
    score: np.ndarray
    risk: np.ndarray
    first: np.ndarray
    first_tied: np.ndarray
    inverse_total: np.ndarray
    powers: dict[tuple[int, int], np.ndarray]


class Stratum:
    """Rows sorted by time, `x` in the order of the patterns. The l-th of d events at a time (l = 0 ... d - 1) has as factor the risk set
    less l / d of the d (Efron)."""

    def __init__(
        self,
        times: np.ndarray,
        code: np.ndarray,
        columns: LikelihoodColumns,
        entry_days: np.ndarray | None,
        has_efron_ties: bool,
    ):
        self.columns, self.x = columns, columns.x
        self.times, is_event = times, code == 1
        self.events = np.flatnonzero(is_event)
        ties = tied_events(times, is_event)
        self.event_times, self.event_group = ties.times, ties.group
        self.factor_group, self.share = ties.factor_group, ties.share * has_efron_ties
        self.first_at_risk = ties.first_at_risk
        n, n_times = len(times), len(ties.times)
        self.n_tied = np.bincount(self.event_group, minlength=n_times)
        self.first_factor = np.cumsum(self.n_tied) - self.n_tied
        # at risk at the first so many event times; what lies before the first of them is of a group of its own
        self.reached = np.repeat(np.arange(n_times + 1), np.diff(np.concatenate([[0], self.first_at_risk, [n]])))
        own_time = np.full(n, -1)
        own_time[self.events] = self.event_group
        self.by_stretch = columns.sums(self.reached, n_times + 1)
        self.by_event_time = columns.sums(own_time, n_times)
        self.n_events = self.by_event_time.met(np.ones(n_times))(slice(None))
        self.event_sum = self.by_event_time.of(self.x)[:, 1:]
        self.competing = self._competing(code)
        self.entered: np.ndarray | None = None
        if entry_days is not None:
            # at risk from this event time on
            self.entered = np.searchsorted(self.event_times, entry_days, side="right")
            self.by_entry = columns.sums(self.entered, n_times + 1)

    def with_code(self, code: np.ndarray) -> "Stratum":
        """The same rows and events with other competing events."""
        other = copy(self)
        other.competing = self._competing(code)
        return other

    def _competing(self, code: np.ndarray) -> "_Competing | None":
        if not (code == 2).any():
            return None
        uncensored = _uncensored_before(self.times, code == 0)
        return _Competing(code == 2, uncensored, self.reached, self.first_at_risk, self.columns)

    def at(self, coefficients: np.ndarray) -> Point:
        predictor = self.x[:, 1:] @ coefficients
        largest = predictor.max()
        risk = np.exp(predictor - largest)
        weighted = self.columns.times(risk)
        first = self._over_risk_sets(*weighted)
        tied = self.by_event_time.of(*weighted)
        total = first[:, 0][self.factor_group] - self.share * tied[:, 0][self.factor_group]
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / total
            value = self.n_events @ predictor - np.log(total).sum() - largest * len(total)
        powers = self._powers(inverse)
        score = self.event_sum.sum(axis=0) - (powers[0, 1] @ first[:, 1:] - powers[1, 1] @ tied[:, 1:])
        return Point(coefficients, float(value), score, risk, first, tied, inverse, powers)

    def _powers(self, inverse: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
        # a coefficient that runs off: what overflows here is refused where the likelihood is weighed
        with np.errstate(over="ignore", invalid="ignore"):
            shared = self.share * inverse
            terms = {
                (0, 1): inverse,
                (1, 1): shared,
                (0, 2): inverse * inverse,
                (1, 2): shared * inverse,
                (2, 2): shared * shared,
            }
            return {key: self._by_time(term) for key, term in terms.items()}

    def _over_risk_sets(self, values: np.ndarray, numbers: np.ndarray | None = None) -> np.ndarray:
        """For each event time the sums over those at risk at it of values times a number of each (a row a pattern)."""
        sums = _from_the_end(self.by_stretch.of(values, numbers))[1:]
        if self.competing is not None:
            sums = sums + self.competing.sums(values, numbers)
        if self.entered is not None:
            # those who enter only after the event time
            sums = sums - _from_the_end(self.by_entry.of(values, numbers))[1:]
        return sums

    def _met(self, by_time: np.ndarray, spared: np.ndarray) -> OfPatterns:
        """For some patterns the sum over their patients of a number of each event time at which they are at risk, less what those with
        an event at it are spared."""
        cumulative = _from_zero(by_time)
        added = [self.by_stretch.met(cumulative)]
        taken = [self.by_event_time.met(spared)]
        if self.entered is not None:
            taken.append(self.by_entry.met(cumulative))
        if self.competing is not None:
            added.append(self.competing.met(by_time))

        def of_some(some: slice) -> np.ndarray:
            met = added[0](some)
            for of in added[1:]:
                met = met + of(some)
            for of in taken:
                met = met - of(some)
            return met

        return of_some

    def information(self, point: Point, by_event: np.ndarray | None = None) -> np.ndarray:
        """Minus the second derivative; `by_event` multiplies the part of each event time."""
        numbers = {key: value if by_event is None else value * by_event for key, value in point.powers.items()}
        second = self.columns.weighted_products(point.risk * self._met(numbers[0, 1], numbers[1, 1])(slice(None)))
        first, tied = point.first[:, 1:], point.first_tied[:, 1:]
        of_all, of_some, of_tied = (numbers[key][:, None] for key in ((0, 2), (1, 2), (2, 2)))
        squares = first.T @ (of_all * first - of_some * tied) + tied.T @ (of_tied * tied - of_some * first)
        information = second - squares
        return (information + information.T) / 2

    def score_by_event(self, point: Point) -> np.ndarray:
        """The score's parts, a row an event time."""
        of_all, of_tied = point.powers[0, 1][:, None], point.powers[1, 1][:, None]
        return self.event_sum - (point.first[:, 1:] * of_all - point.first_tied[:, 1:] * of_tied)

    def scores_of_patients(self, point: Point, directions: np.ndarray) -> np.ndarray:
        """Each patient's score residual, in the order of time: what the patient adds to the score less what the model expects.

        Args:
            directions: a row a column of the model; what is given is the residual's product with each column of it.
        """
        group, share, inverse = self.factor_group, self.share[:, None], point.inverse_total[:, None]
        first, tied = point.first[:, 1:] @ directions, point.first_tied[:, 1:] @ directions
        mean = (first[group] - share * tied[group]) * inverse
        by_factor = np.hstack([inverse, inverse * mean])
        jumps = self._by_time(by_factor)
        cumulative = _from_zero(jumps)
        exposure = cumulative[self.reached]
        if self.entered is not None:
            exposure = exposure - cumulative[self.entered]
        if self.competing is not None:
            self.competing.add(exposure, jumps)
        x = self.columns.of_patients(self.x[:, 1:] @ directions)
        risk = self.columns.of_patients(point.risk)[:, None]
        scores = risk * (exposure[:, 1:] - exposure[:, :1] * x)
        spared = self._by_time(by_factor * share)
        means = self._by_time(mean) / self.n_tied[:, None]
        own, x_event = self.event_group, x[self.events]
        back = risk[self.events] * (spared[own, :1] * x_event - spared[own, 1:])
        scores[self.events] += x_event - means[own] + back
        return scores

    def third_moments(self, point: Point, inverse: np.ndarray) -> np.ndarray:
        """See `PartialLikelihood.third_moments`.

        With q = x' A x the moment is E[q x] - E[q] m - 2 E[x x'] A m + 2 (m' A m) m. The first and the third are sums over patients, each
        with what it meets of 1 / total and of A m / total at the event times at which it is at risk.
        """
        group, share = self.factor_group, self.share[:, None]
        of_factor = point.inverse_total[:, None]
        mean = (point.first[group, 1:] - share * point.first_tied[group, 1:]) * of_factor
        turned = mean @ inverse
        by_factor = np.hstack([of_factor, of_factor * turned])
        met_by = self._met(self._by_time(by_factor), self._by_time(by_factor * share))
        weighted, moments = np.empty(len(point.risk)), np.zeros(len(inverse))
        for some in self.columns.parts():
            x, risk = self.x[some, 1:], point.risk[some]
            met = met_by(some)
            weighted[some] = risk * ((x @ inverse) * x).sum(axis=1)
            moments += (weighted[some] * met[:, 0] - 2 * risk * (x * met[:, 1:]).sum(axis=1)) @ x
        at_risk = self._over_risk_sets(weighted[:, None])[group, 0]
        tied = self.by_event_time.of(weighted[:, None])[group, 0]
        mean_q = (at_risk - self.share * tied) * point.inverse_total
        return moments + (2 * (turned * mean).sum(axis=1) - mean_q) @ mean

    def _by_time(self, values: np.ndarray) -> np.ndarray:
        """Sums over the factors of each event time, which lie one after the other."""
        return np.add.reduceat(values, self.first_factor, axis=0)


def _from_the_end(sums: np.ndarray) -> np.ndarray:
    """Each row and all after it together."""
    return sums[::-1].cumsum(axis=0)[::-1]


def _from_zero(by_time: np.ndarray) -> np.ndarray:
    """Nothing, then each row and all before it together."""
    return np.concatenate([np.zeros_like(by_time[:1]), np.cumsum(by_time, axis=0)])


class _Competing:
    """Patients with the competing event: at risk of every later event time, with the weight G(t) / G(their own time)."""

    def __init__(
        self,
        is_competing: np.ndarray,
        uncensored: np.ndarray,
        reached: np.ndarray,
        first_at_risk: np.ndarray,
        columns: LikelihoodColumns,
    ):
        self.rows = np.flatnonzero(is_competing)
        self.reached = reached[self.rows]
        self.inverse_weight = 1 / uncensored[self.rows]
        self.weight_at_event = uncensored[first_at_risk]
        # a group for each number of event times that they were at risk at
        joining = np.where(is_competing, reached, -1)
        weights = np.zeros(len(reached))
        weights[self.rows] = self.inverse_weight
        self.by_joining: GroupSums = columns.sums(joining, len(first_at_risk) + 1, weights)

    def sums(self, values: np.ndarray, numbers: np.ndarray | None) -> np.ndarray:
        """For each event time the weighted sums over those who had the competing event before."""
        return self.weight_at_event[:, None] * self.by_joining.of(values, numbers).cumsum(axis=0)[:-1]

    def met(self, jumps: np.ndarray) -> OfPatterns:
        """For some patterns the sum over such patients of what they meet of `jumps` (a row an event time) after their own time."""
        return self.by_joining.met(self._still_to_come(jumps))

    def add(self, exposure: np.ndarray, jumps: np.ndarray) -> None:
        """Add to `exposure` (a row a patient) what these meet of `jumps` (a row an event time) after their own time."""
        exposure[self.rows] += self.inverse_weight[:, None] * self._still_to_come(jumps)[self.reached]

    def _still_to_come(self, jumps: np.ndarray) -> np.ndarray:
        """For each number of event times that someone was at risk at the weighted jumps of the others."""
        weight = self.weight_at_event if jumps.ndim == 1 else self.weight_at_event[:, None]
        cumulative = _from_zero(jumps * weight)
        return cumulative[-1:] - cumulative


def _uncensored_before(times: np.ndarray, is_censored: np.ndarray) -> np.ndarray:
    """For each row (sorted by time) the Kaplan-Meier probability of not being censored before its time.

    On a day events and competing events come before censorings, who are therefore not at risk of censoring on it any more.
    """
    position, n_leaving = runs(times)
    n_censored = np.bincount(position, weights=is_censored)
    n_risk = n_leaving[::-1].cumsum()[::-1] - (n_leaving - n_censored)
    share = np.divide(n_censored, n_risk, out=np.zeros(len(n_leaving)), where=n_risk > 0)
    return np.concatenate([[1.0], np.cumprod(1 - share)])[:-1][position]
