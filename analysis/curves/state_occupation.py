"""Where patients are over time after resection: Aalen-Johansen state occupation probabilities of their paths."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.curves.occupation_on_days import Stays, occupation_on_days
from analysis.patients.collapsed_counts import checked_times, require_columns
from analysis.patients.names import ordered_strata

STATES = ("resected", "liver recurrence", "other recurrence", "salvaged disease-free", "dead")
PATH_COLUMNS = ["id", "state_from", "state_to", "start_day", "stop_day"]
OCCUPATION_COLUMNS = [
    "grouping", "stratum", "time_days", "state", "n_risk", "estimate", "std_error", "conf_low", "conf_high",
]  # fmt: skip


def _checked_paths(paths: pd.DataFrame, states: tuple[str, ...], group_column: str) -> pd.DataFrame:
    require_columns(paths, [*PATH_COLUMNS, group_column], "paths")
    checked = pd.DataFrame(
        {
            "id": paths["id"].to_numpy(),
            "state_from": paths["state_from"].astype(object).to_numpy(),
            "state_to": paths["state_to"].astype(object).where(paths["state_to"].notna(), None).to_numpy(),
            "start_day": checked_times(paths["start_day"], "paths"),
            "stop_day": checked_times(paths["stop_day"], "paths"),
            "stratum": paths[group_column].astype("string").to_numpy(),
        }
    )
    for column in ("id", "stratum"):
        if checked[column].isna().any():
            name = group_column if column == "stratum" else column
            raise ValueError(f"paths.{name}: {int(checked[column].isna().sum())} missing value(s)")
    for column in ("state_from", "state_to"):
        unknown = set(checked[column].dropna()) - set(states)
        if unknown or (column == "state_from" and checked[column].isna().any()):
            raise ValueError(f"paths.{column}: missing or unknown state(s) {', '.join(sorted(map(str, unknown)))}")
    checked = checked.sort_values(["id", "start_day"], kind="stable", ignore_index=True)
    _check_continuity(checked, states)
    return checked


def _check_continuity(paths: pd.DataFrame, states: tuple[str, ...]) -> None:
    is_first = ~paths["id"].duplicated()
    before = paths.groupby("id").shift()
    has_next = paths["id"].duplicated(keep="last")
    state_to, previous_state = paths["state_to"].fillna(""), before["state_to"].fillna("")
    faults = {
        "start_day: a stay that does not end after it begins": paths["stop_day"] <= paths["start_day"],
        "start_day: a first stay that does not begin on day 0": is_first & (paths["start_day"] != 0),
        f"state_from: a first stay not in {states[0]!r}": is_first & (paths["state_from"] != states[0]),
        "start_day: a stay that does not begin when the one before it ended": (
            ~is_first & (paths["start_day"] != before["stop_day"])
        ),
        "state_from: a stay not in the state that the one before it led to": (
            ~is_first & (paths["state_from"] != previous_state)
        ),
        "state_to: a stay that leads to its own state": paths["state_from"] == state_to,
        f"state_from: a stay in {states[-1]!r}": paths["state_from"] == states[-1],
        "state_to: a stay after the end of follow-up": has_next & (state_to == ""),
        "stratum: a patient in two groups": ~is_first & (paths["stratum"] != before["stratum"]),
    }
    for fault, is_fault in faults.items():
        if is_fault.any():
            first = paths.loc[is_fault, "id"].iloc[0]
            raise ValueError(f"paths.{fault} ({int(is_fault.sum())}; first patient: {first})")


def _by_stratum(paths: pd.DataFrame):
    for stratum in ordered_strata(paths["stratum"]):
        yield stratum, paths[paths["stratum"] == stratum]


def occupation_by(paths: pd.DataFrame, group_column: str, read_at_days: Sequence[float]) -> pd.DataFrame:
    """`occupation_by_group` of marts.state_paths: study_id, the grouping and the columns of a path. Errors as there."""
    require_columns(paths, ["study_id", group_column], "state_paths")
    return occupation_by_group(paths.rename(columns={"study_id": "id"}), read_at_days, group_column)


def occupation_by_group(
    paths: pd.DataFrame,
    days: Sequence[float],
    group_column: str,
    states: tuple[str, ...] = STATES,
    conf_type: str = "log-log",
) -> pd.DataFrame:
    """Probability of being in each state on each of the days, a row a stratum, day and state: OCCUPATION_COLUMNS.

    Aalen and Johansen (1978) with infinitesimal jackknife errors by patient, as R's survfit(Surv(start, stop, state) ~ group,
    id =). Valid for a path's occupation probabilities also when transitions depend on the past (Datta and Satten 2001),
    provided that censoring does not. The probabilities of all states add up to 1 on every day. `n_risk` counts those in the
    state just before the day. No estimate after the end of a stratum's follow-up; limits are missing where the transform
    leaves them undefined (a probability of 0).

    Args:
        paths: one row a stay: id, state_from, state_to (missing: follow-up ends there), start_day < stop_day. A patient's
            first stay begins on day 0 in the first of the states, each other where and when the one before it ended; who
            changes state twice on a day needs times within it. Nobody leaves the last of the states.
        group_column: a column whose value is the same in all stays of a patient; its name becomes the grouping.
        conf_type: 'log-log' (default), 'log' or 'plain'.
    Raises:
        ValueError: names the column that is missing or bad and the first patient with a path that does not hold together.
    """
    checked = _checked_paths(paths, states, group_column)
    number_of = {state: number for number, state in enumerate(states)}
    frames = []
    for stratum, rows in _by_stratum(checked):
        stays = Stays(
            state=rows["state_from"].map(number_of).to_numpy(dtype=np.int64),
            to=rows["state_to"].map(number_of).fillna(-1).to_numpy(dtype=np.int64),
            start=rows["start_day"].to_numpy(dtype=float),
            stop=rows["stop_day"].to_numpy(dtype=float),
            first_of_patient=np.flatnonzero(~rows["id"].duplicated().to_numpy()),
        )
        found = occupation_on_days(stays, np.asarray(days, dtype=float), len(states), conf_type)
        frames.append(
            found.assign(grouping=group_column, stratum=stratum, state=found["state"].map(dict(enumerate(states))))
        )
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=OCCUPATION_COLUMNS)
    return found[OCCUPATION_COLUMNS]
