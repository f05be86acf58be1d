"""Cumulative incidence and survival curves by exposure, with confidence bands and the numbers at risk below."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.figures.style import LINE, SOFT, colours, dashes, level_scale, text_colours
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
from analysis.tables.published_figures import PUBLISHED_YEARS

# a step every other week is below what print resolves, and keeps the page small however many days there are
DRAWN_EVERY_DAYS = 15
WIDE = 600
LABELS_APART = 0.055
CURVE_COLUMNS = ["endpoint", "grouping", "stratum", "time_days", "n_risk", "estimate", "conf_low", "conf_high"]


class Shown(NamedTuple):
    """What curves are drawn of: an endpoint by an exposure, how many days a year of the axis has, and how many years it has."""

    endpoint: str
    exposure: Exposure
    days_a_year: float
    years: float


def cumulative_incidence_chart(curves: pd.DataFrame, shown: Shown, width: int = 640, height: int = 300) -> Any:
    """Aalen-Johansen curves (rows of results.cumulative_incidence).

    Raises:
        ValueError: a column is missing, or the endpoint has no curve by the exposure.
    """
    return _curves_chart(curves, shown, 0.0, "Cumulative incidence", width, height)


def survival_chart(curves: pd.DataFrame, shown: Shown, label: str, width: int = 640, height: int = 300) -> Any:
    """Kaplan-Meier curves (rows of results.kaplan_meier), `label` at their axis; errors as above."""
    return _curves_chart(curves, shown, 1.0, label, width, height)


def drawn_points(curves: pd.DataFrame, shown: Shown, at_start: float) -> pd.DataFrame:
    """stratum, years, estimate, conf_low, conf_high, n_risk every DRAWN_EVERY_DAYS, as far as anybody is at risk.

    Args:
        at_start: the estimate before the first row of a curve: 1 for survival, 0 for incidence.
    """
    days = np.arange(0, shown.years * shown.days_a_year + 1, DRAWN_EVERY_DAYS)
    points = _read_at(curves, shown, days, at_start)
    return points[points["n_risk"] > 0].reset_index(drop=True)


def numbers_at_risk(curves: pd.DataFrame, shown: Shown, every_years: int = 1) -> pd.DataFrame:
    """stratum, years, n_risk: patients whose time had not ended before each year shown."""
    years = np.arange(0, shown.years + 1, every_years)
    return _read_at(curves, shown, years * shown.days_a_year, np.nan)[["stratum", "years", "n_risk"]]


def _read_at(curves: pd.DataFrame, shown: Shown, days: np.ndarray, at_start: float) -> pd.DataFrame:
    require_columns(curves, CURVE_COLUMNS, "curves")
    exposure = shown.exposure
    chosen = curves[(curves["endpoint"] == shown.endpoint) & (curves["grouping"] == exposure.column)]
    by_stratum = dict(list(chosen.groupby("stratum")))
    frames = []
    for group in (level for level in exposure.levels if level in by_stratum):
        curve = by_stratum[group].sort_values("time_days")
        times = curve["time_days"].to_numpy(dtype=float)
        estimates = np.vstack(
            [[at_start, np.nan, np.nan], curve[["estimate", "conf_low", "conf_high"]].to_numpy(float)]
        )
        values = pd.DataFrame(
            estimates[np.searchsorted(times, days, side="right")], columns=["estimate", "conf_low", "conf_high"]
        )
        n_risk = np.append(curve["n_risk"].to_numpy(), 0)[np.searchsorted(times, days, side="left")]
        frames.append(values.assign(stratum=group, years=days / shown.days_a_year, n_risk=n_risk))
    if not frames:
        raise ValueError(f"there is no curve of {shown.endpoint} by {exposure.label}")
    return pd.concat(frames, ignore_index=True)


def _curves_chart(curves: pd.DataFrame, shown: Shown, at_start: float, y_title: str, width: int, height: int) -> Any:
    import altair as alt

    points = drawn_points(curves, shown, at_start)
    at_risk = numbers_at_risk(curves, shown, 1 if width >= WIDE else 2)
    # lines and type have colours of their own: a shared scale would give one of them the other's
    drawn = alt.layer(*_curve_layers(points, y_title, shown))
    panel = alt.layer(drawn, _end_labels(points, height, shown)).resolve_scale(color="independent")
    panel = panel.properties(width=width, height=height)
    return alt.vconcat(panel, _at_risk_table(at_risk, width, shown), spacing=2).resolve_scale(color="independent")


def _years_axis(title: str | None, is_drawn: bool, years: float) -> Any:
    import altair as alt

    axis = alt.Axis(tickCount=years, format="d", title=title, grid=False) if is_drawn else None
    return alt.X("years:Q", scale=alt.Scale(domain=[0, years], nice=False), axis=axis)


def _curve_layers(points: pd.DataFrame, y_title: str, shown: Shown) -> list[Any]:
    import altair as alt

    levels = shown.exposure.levels
    x = _years_axis("Years from index operation", True, shown.years)
    y = alt.Y("estimate:Q", title=y_title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5))
    colour = alt.Color("stratum:N", scale=level_scale(colours(levels)), legend=None)
    dash = alt.StrokeDash("stratum:N", scale=level_scale(dashes(levels)), legend=None)
    landmark = alt.Chart(pd.DataFrame({"years": [PUBLISHED_YEARS], "text": [f"{PUBLISHED_YEARS} years"]})).encode(x=x)
    return [
        landmark.mark_rule(strokeDash=[2, 3], color=LINE),
        landmark.mark_text(align="left", dx=4, fontSize=11, color=SOFT).encode(y=alt.value(6), text="text:N"),
        # before the first event an incidence has no limits
        alt.Chart(points.dropna(subset=["conf_low", "conf_high"]))
        .mark_area(interpolate="step-after", opacity=0.14)
        .encode(x=x, y=alt.Y("conf_low:Q", title=y_title), y2="conf_high:Q", color=colour),
        alt.Chart(points)
        .mark_line(interpolate="step-after", strokeWidth=2.2)
        .encode(x=x, y=y, color=colour, strokeDash=dash),
    ]


def _end_labels(points: pd.DataFrame, height: int, shown: Shown) -> Any:
    import altair as alt

    ends = points.groupby("stratum", sort=False).tail(1)
    ends = ends.assign(years=shown.years, label_at=_apart(ends["estimate"].to_numpy(), LABELS_APART * 300 / height))
    return (
        alt.Chart(ends)
        .mark_text(align="left", dx=6, fontSize=12, fontWeight="bold")
        .encode(
            x=_years_axis("Years from index operation", True, shown.years),
            y="label_at:Q",
            text="stratum:N",
            color=alt.Color("stratum:N", scale=level_scale(text_colours(shown.exposure.levels)), legend=None),
        )
    )


def _apart(heights: np.ndarray, distance: float) -> np.ndarray:
    """Heights at least `distance` apart in the same order, moved as little as pushing up and then back below 1 needs."""
    order = np.argsort(heights, kind="stable")
    steps = distance * np.arange(len(heights))
    pushed_up = np.maximum.accumulate(heights[order] - steps) + steps
    highest = 1 - steps[::-1]
    moved = np.empty(len(heights))
    moved[order] = np.minimum(pushed_up, highest)
    return moved


def _at_risk_table(at_risk: pd.DataFrame, width: int, shown: Shown) -> Any:
    import altair as alt

    levels = shown.exposure.levels
    rows = at_risk.assign(count=at_risk["n_risk"].map("{:,}".format))
    y = alt.Y(
        "stratum:N",
        sort=list(levels),
        title=None,
        axis=alt.Axis(grid=False, domain=False, ticks=False, labelPadding=24),
    )
    return (
        alt.Chart(rows, title=alt.Title("Patients at risk", fontSize=11, fontWeight="normal", color=SOFT, offset=4))
        .mark_text(fontSize=12)
        .encode(
            x=_years_axis(None, False, shown.years),
            y=y,
            text="count:N",
            color=alt.Color("stratum:N", scale=level_scale(text_colours(levels)), legend=None),
        )
        .properties(width=width, height=18 * rows["stratum"].nunique())
    )
