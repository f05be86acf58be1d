"""State occupation at every time, by the survival package: what the estimates on chosen days are compared with."""

import numpy as np
import pandas as pd
from survival import r

from analysis.curves.confidence_limits import incidence_limits
from analysis.curves.state_occupation import OCCUPATION_COLUMNS, STATES
from analysis.patients.names import ordered_strata


def state_occupation(
    paths: pd.DataFrame,
    states: tuple[str, ...] = STATES,
    group_column: str | None = None,
    conf_type: str = "log-log",
) -> pd.DataFrame:
    """A row a stratum, time and state, from time 0 on; arguments as `occupation_by_group`."""
    strata = paths[group_column].astype("string") if group_column else pd.Series("all", index=paths.index)
    frames = [
        _curve(paths[strata == stratum].sort_values(["id", "start_day"]), states, conf_type).assign(
            grouping=group_column or "overall", stratum=stratum
        )
        for stratum in ordered_strata(strata)
    ]
    return (
        pd.concat(frames, ignore_index=True)[OCCUPATION_COLUMNS] if frames else pd.DataFrame(columns=OCCUPATION_COLUMNS)
    )


def occupation_at(occupation: pd.DataFrame, times_days: list[float]) -> pd.DataFrame:
    """Read off at given days: each state's row at the last time not after the day; no estimate after the last time.

    Who is at risk just before a day is who was at risk at the next time of the curve, if that is the first not before the day.
    """
    frames = []
    for _, curve in occupation.groupby(["grouping", "stratum", "state"], sort=False):
        times = curve["time_days"].to_numpy(dtype=float)
        last = np.searchsorted(times, times_days, side="right") - 1
        rows = curve.iloc[last].drop(columns="n_risk").assign(time_days=list(times_days))
        is_after = np.asarray(times_days, dtype=float) > times[-1]
        rows.loc[is_after, ["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
        following = np.searchsorted(times, times_days)
        n_risk = np.append(curve["n_risk"].to_numpy(), 0)[following]
        frames.append(rows.assign(n_risk=n_risk)[OCCUPATION_COLUMNS])
    return pd.concat(frames, ignore_index=True)


def _curve(paths: pd.DataFrame, states: tuple[str, ...], conf_type: str) -> pd.DataFrame:
    event = paths["state_to"].map(lambda state: f"s{states.index(state)}" if isinstance(state, str) else "censored")
    levels = [f"s{position}" for position in range(len(states))]
    data = pd.DataFrame(
        {
            "start": paths["start_day"],
            "stop": paths["stop_day"],
            "patient": pd.factorize(paths["id"])[0],
            "event": pd.Categorical(event, categories=["censored", *levels]),
            "state": pd.Categorical(
                paths["state_from"].map(lambda state: f"s{states.index(state)}"), categories=levels
            ),
        }
    )
    fit = r.survfit("Surv(start, stop, event) ~ 1", data=data, id="patient", istate="state")
    if not isinstance(fit, r.SurvfitMultiStateResult):
        raise TypeError("paths: no states")
    column_of = {state: position for position, state in enumerate(fit.states)}
    times = np.concatenate([[0.0], np.asarray(fit.time, dtype=float)])
    n_start = int(len(paths["id"].unique()))
    frames = []
    for position, state in enumerate(states):
        is_start = float(position == 0)
        at_zero = {"pstate": is_start, "std_err": 0.0, "n_risk": n_start * is_start}
        values = {}
        for name, first in at_zero.items():
            column = column_of.get(levels[position])
            # A state that nobody reaches may be absent from the fit
            later = (
                np.zeros(len(fit.time)) if column is None else np.asarray(getattr(fit, name), dtype=float)[:, column]
            )
            values[name] = np.concatenate([[first], later])
        # Sums over the states' products may end a rounding error beyond 1
        values["pstate"] = np.clip(values["pstate"], 0.0, 1.0)
        low, high = incidence_limits(values["pstate"], values["std_err"], conf_type)
        frames.append(
            pd.DataFrame(
                {
                    "time_days": times,
                    "state": state,
                    "n_risk": values["n_risk"].astype(np.int64),
                    "estimate": values["pstate"],
                    "std_error": values["std_err"],
                    "conf_low": low,
                    "conf_high": high,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
