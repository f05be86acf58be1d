"""Cumulative incidence and survival curves by margin group, with confidence bands and the numbers at risk below."""

from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.style import INK, margin_colour_scale
from analysis.names import MARGIN_GROUPS

DAYS_A_YEAR = 365.25
YEARS_SHOWN = 10
DRAWN_EVERY_DAYS = 15
AT_RISK_YEARS = (0, 1, 2, 3, 4, 5, 6, 8, 10)


def cumulative_incidence_chart(curves: pd.DataFrame, endpoint: str, width: int = 640, height: int = 300) -> Any:
    """Aalen-Johansen curves of an endpoint by margin group (rows of results.cumulative_incidence)."""
    return _curves_chart(curves, endpoint, "Cumulative incidence", width, height)


def survival_chart(curves: pd.DataFrame, endpoint: str, width: int = 640, height: int = 300) -> Any:
    """Kaplan-Meier curves of an endpoint by margin group (rows of results.kaplan_meier)."""
    return _curves_chart(curves, endpoint, "Survival", width, height)


def drawn_points(curves: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """What is drawn: stratum, years, estimate, conf_low, conf_high every DRAWN_EVERY_DAYS, as far as anybody is at risk.

    Raises:
        ValueError: the endpoint has no curve by margin group.
    """
    days = np.arange(0, YEARS_SHOWN * DAYS_A_YEAR + 1, DRAWN_EVERY_DAYS)
    return _read_at(curves, endpoint, days)


def numbers_at_risk(curves: pd.DataFrame, endpoint: str) -> pd.DataFrame:
    """stratum, years, n_risk: patients whose time had not ended before each of AT_RISK_YEARS."""
    return _read_at(curves, endpoint, np.array(AT_RISK_YEARS) * DAYS_A_YEAR)


def _read_at(curves: pd.DataFrame, endpoint: str, days: np.ndarray) -> pd.DataFrame:
    chosen = curves[(curves["endpoint"] == endpoint) & (curves["grouping"] == "margin_group")]
    frames = []
    for group in MARGIN_GROUPS:
        curve = chosen[chosen["stratum"] == group].sort_values("time_days")
        if curve.empty:
            continue
        times = curve["time_days"].to_numpy(dtype=float)
        at_risk = np.append(curve["n_risk"].to_numpy(), 0)[np.searchsorted(times, days, side="left")]
        last = np.maximum(np.searchsorted(times, days, side="right") - 1, 0)
        values = curve[["estimate", "conf_low", "conf_high"]].iloc[last].reset_index(drop=True)
        frames.append(values.assign(stratum=group, years=days / DAYS_A_YEAR, n_risk=at_risk))
    if not frames:
        raise ValueError(f"no curve of {endpoint} by margin group")
    points = pd.concat(frames, ignore_index=True)
    return points[points["n_risk"] > 0] if len(days) > len(AT_RISK_YEARS) else points


def _curves_chart(curves: pd.DataFrame, endpoint: str, y_title: str, width: int, height: int) -> Any:
    import altair as alt

    points = drawn_points(curves, endpoint)
    colour = alt.Color("stratum:N", scale=margin_colour_scale(), title="Margin", sort=list(MARGIN_GROUPS), legend=None)
    x = alt.X(
        "years:Q",
        title=None,
        scale=alt.Scale(domain=[0, YEARS_SHOWN], nice=False),
        axis=alt.Axis(tickCount=10, format="d"),
    )
    y = alt.Y("estimate:Q", title=y_title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%"))
    base = alt.Chart(points)
    band = base.mark_area(interpolate="step-after", opacity=0.13).encode(
        x=x, y="conf_low:Q", y2="conf_high:Q", color=colour
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=2.4).encode(x=x, y=y, color=colour)
    ends = points.sort_values("years").groupby("stratum").tail(1).assign(years=YEARS_SHOWN)
    labels = (
        alt.Chart(_spread(ends))
        .mark_text(align="left", dx=6, fontSize=12, fontWeight="bold")
        .encode(x="years:Q", y="label_at:Q", text="stratum:N", color=colour)
    )
    at_risk = (
        alt.Chart(numbers_at_risk(curves, endpoint), title=alt.Title("Patients at risk", fontSize=12, fontWeight="normal"))
        .mark_text(fontSize=12)
        .encode(
            x=alt.X("years:Q", scale=alt.Scale(domain=[0, YEARS_SHOWN], nice=False), title="Years",
                    axis=alt.Axis(tickCount=10, format="d", grid=False)),
            y=alt.Y("stratum:N", sort=list(MARGIN_GROUPS), title=None, axis=alt.Axis(grid=False, domain=False, ticks=False, labelPadding=18)),
            text="n_risk:Q",
            color=colour,
        )
        .properties(width=width, height=82)
    )  # fmt: skip
    return alt.vconcat((band + line + labels).properties(width=width, height=height), at_risk, spacing=4)


def _spread(ends: pd.DataFrame, apart: float = 0.06) -> pd.DataFrame:
    """Label heights at the curves' ends, pushed apart where curves end together."""
    ordered = ends.sort_values("estimate").copy()
    heights: list[float] = []
    for estimate in ordered["estimate"]:
        heights.append(max(estimate, heights[-1] + apart) if heights else estimate)
    excess = max(heights[-1] - 0.99, 0)
    ordered["label_at"] = np.array(heights) - excess
    return ordered.assign(ink=INK)
