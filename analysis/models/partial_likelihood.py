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

from analysis.models.likelihood_columns import likelihood_columns, pattern_codes
from analysis.models.risk_sets import Point, Stratum

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
        self.strata: list[Stratum] = []
        for number in numbers:
            rows = np.arange(len(times)) if number is None else np.flatnonzero(strata == number)
            if not is_in_order:
                rows = rows[np.argsort(times[rows], kind="stable")]
            # a stratum without events adds nothing
            if (code[rows] == 1).any():
                entries = None if entry_days is None else np.asarray(entry_days, dtype=float)[rows]
                self.rows.append(rows)
                of_stratum = likelihood_columns(columns, rows if patients is None else patients[rows], codes)
                self.strata.append(Stratum(times[rows], code[rows], of_stratum, entries, has_efron_ties))

    def points(self, coefficients: np.ndarray) -> list[Point]:
        """The likelihood of each stratum at some coefficients."""
        return [stratum.at(coefficients) for stratum in self.strata]

    def information(self, points: Sequence[Point], by_event: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Minus the second derivative; with `by_event` each event time's part is multiplied by a number."""
        return np.sum(
            [
                stratum.information(point, None if by_event is None else by_event[at])
                for at, (stratum, point) in enumerate(zip(self.strata, points, strict=True))
            ],
            axis=0,
        )

    def score(self, points: Sequence[Point]) -> np.ndarray:
        """The first derivative."""
        return np.sum([point.score for point in points], axis=0)

    def third_moments(self, points: Sequence[Point], inverse: np.ndarray) -> np.ndarray:
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

    def maximum(self, at_zero: "tuple[list[Point], np.ndarray] | None" = None) -> "tuple[Maximum, list[Point]]":
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

    def at_zero(self) -> "tuple[list[Point], np.ndarray]":
        """The points and the information where all coefficients are 0."""
        points = self.points(np.zeros(self.shape[1]))
        return points, self.information(points)

    def influence(self, points: Sequence[Point], inverse: np.ndarray) -> np.ndarray:
        """By how much each patient, in the order given, moves each coefficient (dfbeta): the cost is that of the coefficients asked for.

        Args:
            inverse: of the information, or some of its columns: those of the coefficients that are asked for.
        """
        moves = np.zeros((self.shape[0], inverse.shape[1]))
        for stratum, point, rows in zip(self.strata, points, self.rows, strict=True):
            moves[rows] = stratum.scores_of_patients(point, inverse)
        return moves

    def over_time(
        self, points: Sequence[Point], by_event: Sequence[np.ndarray]
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

    def points(self, coefficients: np.ndarray) -> list[Point]:
        """The likelihood of each period and stratum."""
        return [point for likelihood, places in self.parts for point in likelihood.points(coefficients[places])]

    def score(self, points: Sequence[Point]) -> np.ndarray:
        """The first derivative."""
        score = np.zeros(self.shape[1])
        for likelihood, places, own in self._of_parts(points):
            score[places] += likelihood.score(own)
        return score

    def information(self, points: Sequence[Point], by_event: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Minus the second derivative; `by_event` has no meaning here."""
        information = np.zeros((self.shape[1], self.shape[1]))
        for likelihood, places, own in self._of_parts(points):
            information[np.ix_(places, places)] += likelihood.information(own)
        return information

    def third_moments(self, points: Sequence[Point], inverse: np.ndarray) -> np.ndarray:
        """See `PartialLikelihood.third_moments`: of a period only its own columns vary."""
        moments = np.zeros(self.shape[1])
        for likelihood, places, own in self._of_parts(points):
            moments[places] += likelihood.third_moments(own, inverse[np.ix_(places, places)])
        return moments

    def _of_parts(self, points: Sequence[Point]) -> "Iterator[tuple[PartialLikelihood, np.ndarray, Sequence[Point]]]":
        first = 0
        for likelihood, places in self.parts:
            yield likelihood, places, points[first : first + len(likelihood.strata)]
            first += len(likelihood.strata)


def _solve(information: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Newton's step, in units in which every column has the same information."""
    if not np.isfinite(information).all() or not np.isfinite(score).all():
        return np.zeros(len(score))
    units = np.sqrt(np.maximum(information.diagonal(), 0.0))
    units = np.where(units > 0, units, 1.0)
    return np.linalg.lstsq(information / np.outer(units, units), score / units, rcond=None)[0] / units
