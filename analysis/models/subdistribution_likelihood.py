"""The partial likelihood of Fine and Gray's model without a row for each patient and time.

A patient with the competing event stays at risk with a weight that depends on time only through the censoring distribution
G, so that sums over the risk set are those over patients still followed plus G(t) times a running sum over those with the
competing event: every event time costs the same, however many patients there are.
"""

from dataclasses import dataclass

import numpy as np

from analysis.models.efron_ties import tied_events

MAX_ITERATIONS = 60
LIKELIHOOD_TOLERANCE = 1e-11


@dataclass(frozen=True)
class SubdistributionFit:
    """Maximum with Efron ties; `covariance` is robust: the information's inverse around the patients' squared scores.

    `influence` has a row a patient, in the order given: by how much the patient moves each coefficient (dfbeta).
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood_null: float
    log_likelihood: float
    influence: np.ndarray


def fit_subdistribution(
    time_days: np.ndarray, event_code: np.ndarray, columns: np.ndarray, strata: np.ndarray | None = None
) -> SubdistributionFit:
    """Equal to R's survival::finegray and coxph(weights = fgwt, cluster = patient, ties = 'efron').

    Args:
        time_days: >= 0, any unit; event_code: 0 censored, 1 event, 2 competing; columns: a row a patient, a column a term,
            none constant or determined by others, at least one event. Coefficients of terms that events separate run off.
        strata: whole numbers; each has a baseline and a censoring distribution of its own (finegray and coxph with strata()).
    """
    times, code, x = np.asarray(time_days, float), np.asarray(event_code), np.asarray(columns, float)
    of_each = [np.ones(len(times), bool)] if strata is None else [strata == number for number in np.unique(strata)]
    # a stratum without events adds nothing
    of_each = [chosen for chosen in of_each if (code[chosen] == 1).any()]
    likelihood = _Sum([_Likelihood(times[chosen], code[chosen], x[chosen]) for chosen in of_each])
    point = null = likelihood.at(np.zeros(columns.shape[1]))
    for _ in range(MAX_ITERATIONS):
        step = np.linalg.lstsq(point.information, point.score, rcond=None)[0]
        candidate = likelihood.at(point.coefficients + step)
        while not candidate.value >= point.value - 1e-10 * (1 + abs(point.value)) and np.abs(step).max() > 1e-12:
            step = step / 2
            candidate = likelihood.at(point.coefficients + step)
        gain, point = candidate.value - point.value, candidate
        if abs(gain) <= LIKELIHOOD_TOLERANCE * (1 + abs(point.value)):
            break
    inverse = np.linalg.pinv(point.information, hermitian=True)
    order = np.concatenate([np.flatnonzero(chosen)[np.argsort(times[chosen], kind="stable")] for chosen in of_each])
    influence = np.zeros(x.shape)
    influence[order] = likelihood.scores_of_patients(point) @ inverse
    return SubdistributionFit(point.coefficients, influence.T @ influence, null.value, point.value, influence)


@dataclass(frozen=True)
class _Point:
    """The likelihood at some coefficients; `total` and `mean` have a row a factor (an event) of the likelihood."""

    coefficients: np.ndarray
    value: float
    score: np.ndarray
    information: np.ndarray
    risk: np.ndarray
    total: np.ndarray
    mean: np.ndarray


class _Sum:
    """The likelihoods of strata, added up."""

    def __init__(self, strata: "list[_Likelihood]"):
        self.strata = strata

    def at(self, coefficients: np.ndarray) -> "_SumPoint":
        points = [stratum.at(coefficients) for stratum in self.strata]
        return _SumPoint(
            coefficients, sum(point.value for point in points), np.sum([point.score for point in points], axis=0),
            np.sum([point.information for point in points], axis=0), points,
        )  # fmt: skip

    def scores_of_patients(self, point: "_SumPoint") -> np.ndarray:
        """The score residuals, stratum by stratum."""
        return np.concatenate(
            [stratum.scores_of_patients(own) for stratum, own in zip(self.strata, point.points, strict=True)]
        )


@dataclass(frozen=True)
class _SumPoint:
    coefficients: np.ndarray
    value: float
    score: np.ndarray
    information: np.ndarray
    points: list[_Point]


class _Likelihood:
    """Sums over risk sets, by event time. The l-th of d events at a time (l = 0 ... d - 1) has as factor the risk set less l / d
    of the d (Efron); sums of factors are those of powers of 1 / total, so that no array has a row an event but a few numbers."""

    def __init__(self, time_days: np.ndarray, event_code: np.ndarray, columns: np.ndarray):
        order = np.argsort(time_days, kind="stable")
        self.times, code = time_days[order], event_code[order]
        self.x = np.ascontiguousarray((columns - columns.mean(axis=0))[order].T)
        self.is_event, self.is_competing = code == 1, code == 2
        ties = tied_events(self.times, self.is_event)
        self.event_times, self.event_group, self.factor_group, self.tied_share = (
            ties.times, ties.group, ties.factor_group, ties.share
        )  # fmt: skip
        # at risk at the first so many event times
        self.reached = np.searchsorted(self.event_times, self.times, side="right")
        uncensored = _uncensored_before(self.times, code == 0)
        self.weight_at_event = uncensored[ties.first_at_risk]
        self.inverse_weight = np.where(self.is_competing, 1 / np.where(self.is_competing, uncensored, 1.0), 0.0)
        self.event_sum = self.x[:, self.is_event].sum(axis=1)

    def at(self, coefficients: np.ndarray) -> _Point:
        n_columns = len(self.x)
        predictor = coefficients @ self.x
        largest = predictor.max()
        risk = np.exp(predictor - largest)
        total, of_tied = self._sums(risk)
        by_factor = total[self.factor_group] - self.tied_share * of_tied[self.factor_group]
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / by_factor
            value = predictor[self.is_event].sum() - np.log(by_factor).sum() - largest * len(by_factor)
        # sums over the factors of a time of share^k / total^m
        powers = {
            (k, m): np.bincount(self.factor_group, weights=self.tied_share**k * inverse**m, minlength=len(total))
            for k, m in ((0, 1), (1, 1), (0, 2), (1, 2), (2, 2))
        }
        first = np.empty((n_columns, len(total)))
        first_tied = np.empty((n_columns, len(total)))
        information = np.empty((n_columns, n_columns))
        for row in range(n_columns):
            weighted = risk * self.x[row]
            first[row], first_tied[row] = self._sums(weighted)
            for column in range(row + 1):
                second, second_tied = self._sums(weighted * self.x[column])
                squares = (
                    first[row] * first[column] * powers[0, 2]
                    - (first[row] * first_tied[column] + first_tied[row] * first[column]) * powers[1, 2]
                    + first_tied[row] * first_tied[column] * powers[2, 2]
                )
                sum_of_second = second * powers[0, 1] - second_tied * powers[1, 1]
                information[row, column] = information[column, row] = (sum_of_second - squares).sum()
        score = self.event_sum - (first @ powers[0, 1] - first_tied @ powers[1, 1])
        mean = ((first[:, self.factor_group] - self.tied_share * first_tied[:, self.factor_group]) * inverse).T
        return _Point(coefficients, float(value), score, information, risk, by_factor, mean)

    def scores_of_patients(self, point: _Point) -> np.ndarray:
        """Each patient's score residual: what the patient adds to the score less what the model expects of the patient.

        In the order of time, patients of one time in the order given.
        """
        hazard = 1 / point.total
        by_time = np.column_stack([hazard, hazard[:, None] * point.mean])
        jumps = self._by_time(by_time)
        cumulative = _from_zero(jumps)
        weighted = _from_zero(jumps * self.weight_at_event[:, None])
        # with the competing event the patient stays at risk, ever less, to the last event
        exposure = cumulative[self.reached] + self.inverse_weight[:, None] * (weighted[-1] - weighted[self.reached])
        scores = -point.risk[:, None] * (exposure[:, :1] * self.x.T - exposure[:, 1:])

        spared = self._by_time(by_time * self.tied_share[:, None])
        means = self._by_time(point.mean) / np.bincount(self.factor_group)[:, None]
        own, x = self.event_group, self.x.T[self.is_event]
        back = point.risk[self.is_event][:, None] * (spared[own, :1] * x - spared[own, 1:])
        scores[self.is_event] += x - means[own] + back
        return scores

    def _sums(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each event time the sum of the rows' values over those at risk, and over the events tied at it."""
        n = len(self.event_times)
        followed = np.bincount(self.reached, weights=values, minlength=n + 1)[::-1].cumsum()[::-1][1:]
        gone = np.bincount(self.reached, weights=values * self.inverse_weight, minlength=n + 1).cumsum()[:-1]
        tied = np.bincount(self.event_group, weights=values[self.is_event], minlength=n)
        return followed + self.weight_at_event * gone, tied

    def _by_time(self, values: np.ndarray) -> np.ndarray:
        """Sums over the factors of each event time."""
        n = len(self.event_times)
        return np.column_stack([np.bincount(self.factor_group, weights=column, minlength=n) for column in values.T])


def _from_zero(values: np.ndarray) -> np.ndarray:
    """Cumulative sums with a first row of 0: the k-th is the sum of the k rows before it."""
    return np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])


def _uncensored_before(times: np.ndarray, is_censored: np.ndarray) -> np.ndarray:
    """For each row (sorted by time) the Kaplan-Meier probability of not being censored before its time.

    On a day events and competing events come before censorings, who are therefore not at risk of censoring on it any more.
    """
    days, position, n_leaving = np.unique(times, return_inverse=True, return_counts=True)
    n_censored = np.bincount(position, weights=is_censored)
    n_risk = n_leaving[::-1].cumsum()[::-1] - (n_leaving - n_censored)
    share = np.divide(n_censored, n_risk, out=np.zeros(len(days)), where=n_risk > 0)
    return np.concatenate([[1.0], np.cumprod(1 - share)])[:-1][position]
