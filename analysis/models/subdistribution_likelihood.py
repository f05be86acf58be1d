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
    """Maximum with Efron ties; `covariance` is robust: the information's inverse around the patients' squared scores."""

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood_null: float
    log_likelihood: float


def fit_subdistribution(time_days: np.ndarray, event_code: np.ndarray, columns: np.ndarray) -> SubdistributionFit:
    """Equal to R's survival::finegray and coxph(weights = fgwt, cluster = patient, ties = 'efron').

    Args:
        time_days: >= 0, any unit; event_code: 0 censored, 1 event, 2 competing; columns: a row a patient, a column a term,
            none constant or determined by others, at least one event. Coefficients of terms that events separate run off.
    """
    likelihood = _Likelihood(np.asarray(time_days, float), np.asarray(event_code), np.asarray(columns, float))
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
    influence = likelihood.scores_of_patients(point) @ inverse
    return SubdistributionFit(point.coefficients, influence.T @ influence, null.value, point.value)


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


class _Likelihood:
    """Sorted data. The l-th of d events at a time (l = 0 ... d - 1) has as factor the risk set less l / d of the d (Efron)."""

    def __init__(self, time_days: np.ndarray, event_code: np.ndarray, columns: np.ndarray):
        order = np.argsort(time_days, kind="stable")
        self.times, code = time_days[order], event_code[order]
        self.x = (columns - columns.mean(axis=0))[order]
        self.is_event, self.is_competing = code == 1, code == 2
        ties = tied_events(self.times, self.is_event)
        self.event_times, self.event_group, self.first_at_risk = ties.times, ties.group, ties.first_at_risk
        self.factor_group, self.tied_share = ties.factor_group, ties.share
        uncensored = _uncensored_before(self.times, code == 0)
        self.weight_at_event = uncensored[self.first_at_risk]
        self.inverse_weight = np.where(self.is_competing, 1 / np.where(self.is_competing, uncensored, 1.0), 0.0)

    def at(self, coefficients: np.ndarray) -> _Point:
        predictor = self.x @ coefficients
        largest = predictor.max()
        risk = np.exp(predictor - largest)
        total = self._factor_sums(risk)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = self._factor_sums(risk[:, None] * self.x) / total[:, None]
            value = predictor[self.is_event].sum() - np.log(total).sum() - largest * len(total)
        products = risk[:, None, None] * self.x[:, :, None] * self.x[:, None, :]
        second = self._factor_sums(products) / total[:, None, None]
        return _Point(
            coefficients, float(value), self.x[self.is_event].sum(axis=0) - mean.sum(axis=0),
            second.sum(axis=0) - mean.T @ mean, risk, total, mean,
        )  # fmt: skip

    def scores_of_patients(self, point: _Point) -> np.ndarray:
        """Each patient's score residual: what the patient adds to the score less what the model expects of the patient."""
        hazard = 1 / point.total
        by_time = np.column_stack([hazard, hazard[:, None] * point.mean])
        jumps = np.zeros((len(self.event_times), by_time.shape[1]))
        np.add.at(jumps, self.factor_group, by_time)
        cumulative = _from_zero(jumps)
        weighted = _from_zero(jumps * self.weight_at_event[:, None])
        reached = np.searchsorted(self.event_times, self.times, side="right")
        # with the competing event the patient stays at risk, ever less, to the last event
        exposure = cumulative[reached] + self.inverse_weight[:, None] * (weighted[-1] - weighted[reached])
        scores = -point.risk[:, None] * (exposure[:, :1] * self.x - exposure[:, 1:])

        spared = np.zeros_like(jumps)
        np.add.at(spared, self.factor_group, by_time * self.tied_share[:, None])
        means = np.zeros((len(self.event_times), self.x.shape[1]))
        np.add.at(means, self.factor_group, point.mean)
        means /= np.bincount(self.factor_group)[:, None]
        own, x = self.event_group, self.x[self.is_event]
        back = point.risk[self.is_event][:, None] * (spared[own, :1] * x - spared[own, 1:])
        scores[self.is_event] += x - means[own] + back
        return scores

    def _factor_sums(self, values: np.ndarray) -> np.ndarray:
        shape = (-1, *([1] * (values.ndim - 1)))
        followed = np.cumsum(values[::-1], axis=0)[::-1][self.first_at_risk]
        gone = _from_zero(values * self.inverse_weight.reshape(shape))[self.first_at_risk]
        tied = np.zeros_like(followed)
        np.add.at(tied, self.event_group, values[self.is_event])
        at_risk = followed + self.weight_at_event.reshape(shape) * gone
        return at_risk[self.factor_group] - self.tied_share.reshape(shape) * tied[self.factor_group]


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
