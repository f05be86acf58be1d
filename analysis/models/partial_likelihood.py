"""The partial likelihood of Cox's model and of Fine and Gray's, Efron ties, strata and late entry, at the cost of a few passes.

Rows are sorted by time once. Sums over risk sets are sums over the stretches between event times, added up from the end; the
information is X' W X with one weight a pattern of the columns (`likelihood_columns`), as every row is in the risk sets of a stretch of
event times. A patient with the competing event stays at risk with a weight that depends on time only through the censoring
distribution G, so that its part of a risk set is G(t) times a running sum. Nothing has a row a patient and time.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from analysis.models.efron_ties import runs, tied_events
from analysis.models.likelihood_columns import (
    GroupSums,
    LikelihoodColumns,
    OfPatterns,
    likelihood_columns,
    pattern_codes,
)

MAX_ITERATIONS = 60
LIKELIHOOD_TOLERANCE = 1e-9
MAX_HALVINGS = 40


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is largest: `information` is minus its second derivative there, `next_step` what Newton's method
    would still add to each coefficient (large where a coefficient runs off although the likelihood has settled)."""

    coefficients: np.ndarray
    log_likelihood_null: float
    log_likelihood: float
    information: np.ndarray
    next_step: np.ndarray
    has_converged: bool


class PartialLikelihood:
    """The likelihood of some columns, its maximum and what follows from that.

    Args:
        time_days: >= 0; event_code: 0 censored, 1 event, 2 competing (stays at risk, Fine and Gray); columns: one a term, with an
            entry a patient; at least one event.
        strata: whole numbers; each has a baseline and a censoring distribution of its own.
        entry_days: below time_days; at risk only after it (not with competing events). Default: from the beginning.
        has_efron_ties: False for Breslow's, in which tied events are at risk together.
        patients: whose entries of the columns the rows have, default one after the other.
        codes: of the columns, where they are known: see `likelihood_columns.pattern_codes`.
    """

    def __init__(
        self,
        time_days: np.ndarray,
        event_code: np.ndarray,
        columns: Sequence[np.ndarray],
        strata: np.ndarray | None = None,
        entry_days: np.ndarray | None = None,
        has_efron_ties: bool = True,
        patients: np.ndarray | None = None,
        codes: np.ndarray | None = None,
    ):
        times, code = np.asarray(time_days, dtype=float), np.asarray(event_code)
        self.shape = (len(times), len(columns))
        numbers = [None] if strata is None else np.flatnonzero(np.bincount(strata))
        is_in_order = not (times[1:] < times[:-1]).any()
        if codes is None and patients is None:
            codes = pattern_codes(columns, len(times))
        self.rows: list[np.ndarray] = []
        self.strata: list[_Stratum] = []
        for number in numbers:
            rows = np.arange(len(times)) if number is None else np.flatnonzero(strata == number)
            if not is_in_order:
                rows = rows[np.argsort(times[rows], kind="stable")]
            # a stratum without events adds nothing
            if (code[rows] == 1).any():
                entries = None if entry_days is None else np.asarray(entry_days, dtype=float)[rows]
                self.rows.append(rows)
                of_stratum = likelihood_columns(columns, rows if patients is None else patients[rows], codes)
                self.strata.append(_Stratum(times[rows], code[rows], of_stratum, entries, has_efron_ties))

    def points(self, coefficients: np.ndarray) -> "list[_Point]":
        """The likelihood of each stratum at some coefficients."""
        return [stratum.at(coefficients) for stratum in self.strata]

    def information(self, points: "Sequence[_Point]", by_event: "Sequence[np.ndarray] | None" = None) -> np.ndarray:
        """Minus the second derivative; with `by_event` each event time's part is multiplied by a number."""
        return np.sum(
            [
                stratum.information(point, None if by_event is None else by_event[at])
                for at, (stratum, point) in enumerate(zip(self.strata, points, strict=True))
            ],
            axis=0,
        )

    def score(self, points: "Sequence[_Point]") -> np.ndarray:
        """The first derivative."""
        return np.sum([point.score for point in points], axis=0)

    def third_moments(self, points: "Sequence[_Point]", inverse: np.ndarray) -> np.ndarray:
        """For each column the sum over all factors of E[(x - m)' A (x - m) (x - m)]: E over those at risk, m their mean, A `inverse`. With
        that of the information it is how the information's log-determinant rises along each coefficient (no competing events)."""
        return np.sum(
            [stratum.third_moments(point, inverse) for stratum, point in zip(self.strata, points, strict=True)], axis=0
        )

    def with_competing_events(self, event_code: np.ndarray) -> "PartialLikelihood":
        """That of Fine and Gray of the same rows and columns: `event_code` tells who of the censored had a competing event."""
        other = copy(self)
        other.strata = [
            stratum.with_code(event_code[rows]) for stratum, rows in zip(self.strata, self.rows, strict=True)
        ]
        return other

    def maximum(self, at_zero: "tuple[list[_Point], np.ndarray] | None" = None) -> "tuple[Maximum, list[_Point]]":
        """Newton's method from 0, steps halved until the likelihood does not fall.

        Args:
            at_zero: the points and the information there, where they are known.
        """
        points, information = at_zero or self.at_zero()
        value = null_value = sum(point.value for point in points)
        coefficients, has_converged = np.zeros(self.shape[1]), False
        for _ in range(MAX_ITERATIONS):
            step = _solve(information, self.score(points))
            candidate = self.points(coefficients + step)
            gained = sum(point.value for point in candidate)
            for _ in range(MAX_HALVINGS):
                if gained >= value - 1e-10 * (1 + abs(value)):
                    break
                step = step / 2
                candidate = self.points(coefficients + step)
                gained = sum(point.value for point in candidate)
            gain = gained - value
            points, value, coefficients = candidate, gained, coefficients + step
            information = self.information(points)
            # coxph's own rule: the numbers are those of R's last step
            if abs(gain) <= LIKELIHOOD_TOLERANCE * abs(value):
                has_converged = True
                break
        last_step = _solve(information, self.score(points))
        found = Maximum(coefficients, null_value, value, information, last_step, has_converged)
        return found, points

    def at_zero(self) -> "tuple[list[_Point], np.ndarray]":
        """The points and the information where all coefficients are 0."""
        points = self.points(np.zeros(self.shape[1]))
        return points, self.information(points)

    def influence(self, points: "Sequence[_Point]", inverse: np.ndarray) -> np.ndarray:
        """By how much each patient, in the order given, moves each coefficient (dfbeta): the cost is that of the coefficients asked for.

        Args:
            inverse: of the information, or some of its columns: those of the coefficients that are asked for.
        """
        moves = np.zeros((self.shape[0], inverse.shape[1]))
        for stratum, point, rows in zip(self.strata, points, self.rows, strict=True):
            moves[rows] = stratum.scores_of_patients(point, inverse)
        return moves

    def over_time(
        self, points: "Sequence[_Point]", by_event: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Score and information of each column times a function of time, given at the event times of each stratum: u, the
        information between it and the columns, and its own (Grambsch and Therneau 1994, Biometrika 81:515)."""
        score = np.sum(
            [
                numbers @ stratum.score_by_event(point)
                for stratum, point, numbers in zip(self.strata, points, by_event, strict=True)
            ],
            axis=0,
        )
        squared = [numbers**2 for numbers in by_event]
        return score, self.information(points, by_event), self.information(points, squared)

    @property
    def event_times(self) -> list[np.ndarray]:
        """The distinct event times of each stratum."""
        return [stratum.event_times for stratum in self.strata]


class ByPeriod(PartialLikelihood):
    """The likelihood of a model in which some columns have a coefficient for each period of follow-up, the others one for all.

    It is the product of the periods' own likelihoods, each of those who entered the period, whose risk sets need no late entry: nothing
    has a row a patient and period. The coefficients: those of the columns that vary, period after period, then the others'.

    Args:
        time_days, is_event, strata: as above; starts: of the periods, ascending from 0; an event on the day of a start is of the period
            before, and whoever leaves on day 0 is at risk on it.
        varying, constant: columns with an entry a patient.
        kept: positions of the coefficients that there are to be, default all.
        codes: of all columns, where they are known: see `likelihood_columns.pattern_codes`.
    """

    def __init__(
        self,
        time_days: np.ndarray,
        is_event: np.ndarray,
        varying: Sequence[np.ndarray],
        constant: Sequence[np.ndarray],
        strata: np.ndarray | None,
        starts: np.ndarray,
        kept: Sequence[int] | None = None,
        codes: np.ndarray | None = None,
    ):
        n_varying, n_constant = len(varying), len(constant)
        n_columns = len(starts) * n_varying + n_constant
        kept = range(n_columns) if kept is None else kept
        place_of = {position: place for place, position in enumerate(kept)}
        self.shape = (len(time_days), len(place_of))
        self.parts: list[tuple[PartialLikelihood, np.ndarray]] = []
        columns = [*varying, *constant]
        codes = pattern_codes(columns, len(time_days)) if codes is None else codes
        for period, (start, end) in enumerate(zip(starts, [*starts[1:], np.inf], strict=True)):
            chosen = np.flatnonzero((time_days > start) | (period == 0))
            positions = [period * n_varying + number for number in range(n_varying)]
            positions += [len(starts) * n_varying + number for number in range(n_constant)]
            own = [number for number, position in enumerate(positions) if position in place_of]
            code = is_event[chosen] * (time_days[chosen] <= end)
            if not code.any():
                continue
            likelihood = PartialLikelihood(
                np.minimum(time_days[chosen], end),
                code,
                [columns[number] for number in own],
                None if strata is None else strata[chosen],
                patients=chosen,
                codes=codes,
            )
            self.parts.append((likelihood, np.array([place_of[positions[number]] for number in own], dtype=int)))

    def points(self, coefficients: np.ndarray) -> "list[_Point]":
        """The likelihood of each period and stratum."""
        return [point for likelihood, places in self.parts for point in likelihood.points(coefficients[places])]

    def score(self, points: "Sequence[_Point]") -> np.ndarray:
        """The first derivative."""
        score = np.zeros(self.shape[1])
        for likelihood, places, own in self._of_parts(points):
            score[places] += likelihood.score(own)
        return score

    def information(self, points: "Sequence[_Point]", by_event: "Sequence[np.ndarray] | None" = None) -> np.ndarray:
        """Minus the second derivative; `by_event` has no meaning here."""
        information = np.zeros((self.shape[1], self.shape[1]))
        for likelihood, places, own in self._of_parts(points):
            information[np.ix_(places, places)] += likelihood.information(own)
        return information

    def third_moments(self, points: "Sequence[_Point]", inverse: np.ndarray) -> np.ndarray:
        """See `PartialLikelihood.third_moments`: of a period only its own columns vary."""
        moments = np.zeros(self.shape[1])
        for likelihood, places, own in self._of_parts(points):
            moments[places] += likelihood.third_moments(own, inverse[np.ix_(places, places)])
        return moments

    def _of_parts(
        self, points: "Sequence[_Point]"
    ) -> "Iterator[tuple[PartialLikelihood, np.ndarray, Sequence[_Point]]]":
        first = 0
        for likelihood, places in self.parts:
            yield likelihood, places, points[first : first + len(likelihood.strata)]
            first += len(likelihood.strata)


@dataclass(frozen=True)
class _Point:
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


class _Stratum:
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

    def with_code(self, code: np.ndarray) -> "_Stratum":
        """The same rows and events with other competing events."""
        other = copy(self)
        other.competing = self._competing(code)
        return other

    def _competing(self, code: np.ndarray) -> "_Competing | None":
        if not (code == 2).any():
            return None
        uncensored = _uncensored_before(self.times, code == 0)
        return _Competing(code == 2, uncensored, self.reached, self.first_at_risk, self.columns)

    def at(self, coefficients: np.ndarray) -> _Point:
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
        return _Point(coefficients, float(value), score, risk, first, tied, inverse, powers)

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

    def information(self, point: _Point, by_event: np.ndarray | None = None) -> np.ndarray:
        """Minus the second derivative; `by_event` multiplies the part of each event time."""
        numbers = {key: value if by_event is None else value * by_event for key, value in point.powers.items()}
        second = self.columns.weighted_products(point.risk * self._met(numbers[0, 1], numbers[1, 1])(slice(None)))
        first, tied = point.first[:, 1:], point.first_tied[:, 1:]
        of_all, of_some, of_tied = (numbers[key][:, None] for key in ((0, 2), (1, 2), (2, 2)))
        squares = first.T @ (of_all * first - of_some * tied) + tied.T @ (of_tied * tied - of_some * first)
        information = second - squares
        return (information + information.T) / 2

    def score_by_event(self, point: _Point) -> np.ndarray:
        """The score's parts, a row an event time."""
        of_all, of_tied = point.powers[0, 1][:, None], point.powers[1, 1][:, None]
        return self.event_sum - (point.first[:, 1:] * of_all - point.first_tied[:, 1:] * of_tied)

    def scores_of_patients(self, point: _Point, directions: np.ndarray) -> np.ndarray:
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

    def third_moments(self, point: _Point, inverse: np.ndarray) -> np.ndarray:
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


def _solve(information: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Newton's step, in units in which every column has the same information."""
    if not np.isfinite(information).all() or not np.isfinite(score).all():
        return np.zeros(len(score))
    units = np.sqrt(np.maximum(information.diagonal(), 0.0))
    units = np.where(units > 0, units, 1.0)
    return np.linalg.lstsq(information / np.outer(units, units), score / units, rcond=None)[0] / units


def _uncensored_before(times: np.ndarray, is_censored: np.ndarray) -> np.ndarray:
    """For each row (sorted by time) the Kaplan-Meier probability of not being censored before its time.

    On a day events and competing events come before censorings, who are therefore not at risk of censoring on it any more.
    """
    position, n_leaving = runs(times)
    n_censored = np.bincount(position, weights=is_censored)
    n_risk = n_leaving[::-1].cumsum()[::-1] - (n_leaving - n_censored)
    share = np.divide(n_censored, n_risk, out=np.zeros(len(n_leaving)), where=n_risk > 0)
    return np.concatenate([[1.0], np.cumprod(1 - share)])[:-1][position]
