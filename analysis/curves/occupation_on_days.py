"""State occupation on a few days, from counts, without the curve of every day.

The errors of a whole curve take every patient's influence at every time: patients x days. On chosen days they take every stay
twice (where it began and where it ended), so that a country's patients take seconds.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.curves.confidence_limits import incidence_limits


@dataclass(frozen=True)
class Stays:
    """The stays of one stratum, in order of patient and time: state numbers (`to` -1: follow-up ends there), days, and where each
    patient's stays begin."""

    state: np.ndarray
    to: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    first_of_patient: np.ndarray


def occupation_on_days(stays: Stays, days: np.ndarray, n_states: int, conf_type: str) -> pd.DataFrame:
    """One row a state and day: state (its number), time_days, n_risk (patients in it just before), estimate, std_error, conf_low,
    conf_high; these four missing after the last stop.

    p(t) is the product of the transition matrices H of all times until t (Aalen and Johansen 1978). The weight of a patient in state
    j moves row j of H(s) by (where the patient went - H_j(s)) / n_j(s), and that goes on through all later H: summed over the times
    of a stay it is a difference of cumulative sums. The error is the root of the sum of squares of these (infinitesimal jackknife).

    Args:
        days: ascending, >= 0.
    """
    times = np.unique(stays.stop)
    at_risk, moves = _counts(stays, times, n_states)
    hazards = _transition_matrices(at_risk, moves)
    before, after = _occupation(hazards)
    # how many of the times are not after each day
    n_times = np.searchsorted(times, days, side="right")
    estimate = np.clip(np.vstack([before[:1], after])[n_times], 0.0, 1.0)
    error = np.sqrt(_variances(stays, times, at_risk, hazards, before, n_times))
    n_risk = _in_state(stays, days, n_states)
    rows = []
    for state in range(n_states):
        low, high = incidence_limits(estimate[:, state], error[:, state], conf_type)
        values = {"estimate": estimate[:, state], "std_error": error[:, state], "conf_low": low, "conf_high": high}
        known = days <= times[-1]
        known_values = {name: np.where(known, found, np.nan) for name, found in values.items()}
        rows.append(pd.DataFrame({"state": state, "time_days": days, "n_risk": n_risk[:, state], **known_values}))
    return pd.concat(rows, ignore_index=True)


def _in_state(stays: Stays, days: np.ndarray, n_states: int) -> np.ndarray:
    """How many are in each state just before each day (on day 0: on it), shape (days, states)."""
    counts = np.empty((len(days), n_states), dtype=np.int64)
    for state in range(n_states):
        is_here = stays.state == state
        begun = np.searchsorted(np.sort(stays.start[is_here]), np.where(days == 0, 1e-9, days))
        counts[:, state] = begun - np.searchsorted(np.sort(stays.stop[is_here]), days)
    return counts


def _counts(stays: Stays, times: np.ndarray, n_states: int) -> tuple[np.ndarray, np.ndarray]:
    """How many are in each state just before each time, shape (times, states), and go from which to which at it."""
    n_times, states = len(times), np.arange(n_states)
    begun, ended = np.searchsorted(times, stays.start, side="right"), np.searchsorted(times, stays.stop)
    change = np.zeros((n_times + 1, n_states))
    np.add.at(change, (begun, stays.state), 1.0)
    np.add.at(change, (ended + 1, stays.state), -1.0)
    moves = np.zeros((n_times, n_states, n_states))
    has_moved = stays.to >= 0
    np.add.at(moves, (ended[has_moved], stays.state[has_moved], stays.to[has_moved]), 1.0)
    moves[:, states, states] = 0.0
    return change.cumsum(axis=0)[:n_times], moves


def _transition_matrices(at_risk: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """H of each time, shape (times, states, states): its rows add up to 1; nobody leaves a state without patients."""
    shares = moves / np.where(at_risk > 0, at_risk, 1.0)[:, :, None]
    states = np.arange(at_risk.shape[1])
    shares[:, states, states] = 1.0 - shares.sum(axis=2)
    return shares


def _occupation(hazards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities just before and just after each time, shape (times, states); all begin in the first state."""
    before, after = np.empty(hazards.shape[:2]), np.empty(hazards.shape[:2])
    now = np.eye(hazards.shape[1])[0]
    for number, hazard in enumerate(hazards):
        before[number] = now
        now = now @ hazard
        after[number] = now
    return before, after


def _variances(
    stays: Stays, times: np.ndarray, at_risk: np.ndarray, hazards: np.ndarray, before: np.ndarray, n_times: np.ndarray
) -> np.ndarray:
    """The sum of the squares of every patient's influence on each day, shape (days, states)."""
    later = _products_until(hazards, n_times)
    weight = before / np.where(at_risk > 0, at_risk, 1.0)
    n_days, n_states = len(n_times), hazards.shape[1]
    begun, ended = np.searchsorted(times, stays.start, side="right"), np.searchsorted(times, stays.stop)
    has_moved = np.flatnonzero(stays.to >= 0)
    moved_at, moved_from, moved_to = ended[has_moved], stays.state[has_moved], stays.to[has_moved]
    variances = np.zeros((n_days, n_states))
    for day in range(n_days):
        of_staying = np.zeros((len(times) + 1, n_states, n_states))
        stay = np.eye(n_states) - hazards
        of_staying[1:] = weight[:, :, None] * np.einsum("tjk,tkl->tjl", stay, later[day])
        cumulated = of_staying.cumsum(axis=0)
        influence = cumulated[ended + 1, stays.state] - cumulated[begun, stays.state]
        at_move = later[day][moved_at]
        gone = at_move[np.arange(len(has_moved)), moved_to] - at_move[np.arange(len(has_moved)), moved_from]
        influence[has_moved] += weight[moved_at, moved_from][:, None] * gone
        by_patient = np.add.reduceat(influence, stays.first_of_patient, axis=0)
        variances[day] = np.einsum("ps,ps->s", by_patient, by_patient)
    return variances


def _products_until(hazards: np.ndarray, n_times: np.ndarray) -> np.ndarray:
    """For each day and time the product of all H after the time until the day, 0 for times after the day; shape (days, times,
    states, states)."""
    n_days, (n_all, n_states, _) = len(n_times), hazards.shape
    products = np.zeros((n_days, n_all, n_states, n_states))
    running = np.zeros((n_days, n_states, n_states))
    for number in range(n_all - 1, -1, -1):
        if number + 1 < n_all:
            running = hazards[number + 1] @ running
        running[n_times == number + 1] = np.eye(n_states)
        products[:, number] = running
    return products
