"""Efron's approximation of tied events: each event has a factor of its own in the partial likelihood."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TiedEvents:
    """Event times of sorted data and the factors of their events, the l-th of d at a time having share l / d (l = 0 ... d - 1).

    Attributes:
        times: (n_times,) distinct event times; first_at_risk: (n_times,) the first row still at risk at each.
        group: (n_events,) time of each event, in the order of the rows.
        factor_group, share: (n_events,) time and share of each factor, in the order of the times.
    """

    times: np.ndarray
    first_at_risk: np.ndarray
    group: np.ndarray
    factor_group: np.ndarray
    share: np.ndarray


def tied_events(sorted_times: np.ndarray, is_event: np.ndarray) -> TiedEvents:
    """The factors of the events among rows sorted by time.

    Efron (1977, J Am Stat Assoc 72:557).
    """
    of_events = sorted_times[is_event]
    group, n_tied = runs(of_events)
    times = of_events[np.cumsum(n_tied) - 1]
    factor_group = np.repeat(np.arange(len(times)), n_tied)
    rank = np.arange(len(factor_group)) - np.repeat(np.cumsum(n_tied) - n_tied, n_tied)
    return TiedEvents(times, np.searchsorted(sorted_times, times), group, factor_group, rank / n_tied[factor_group])


def runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of the run of equal values of each of them, which are sorted, and how long each run is."""
    begins = np.ones(len(values), dtype=bool)
    begins[1:] = values[1:] != values[:-1]
    return np.cumsum(begins) - 1, np.diff(np.append(np.flatnonzero(begins), len(values)))
