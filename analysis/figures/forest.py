"""Adjusted hazard ratios, ours beside the published ones: a panel an endpoint, the numbers beside the intervals."""

from typing import Any

import pandas as pd

from analysis.figures.style import INK, LINE, OURS_COLOUR, PUBLISHED_COLOUR, SOFT
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
from analysis.tables.published_figures import HAZARD_RATIO_FIGURES

OURS, PUBLISHED = "this warehouse", "Perrin et al. 2025"
COLOURS = {OURS: OURS_COLOUR, PUBLISHED: PUBLISHED_COLOUR}
SHAPES = {OURS: "circle", PUBLISHED: "diamond"}
# of hazard ratios; an interval that reaches further is cut at the frame
SHOWN = (0.4, 8.0)
TICKS = [0.5, 1, 2, 4, 8]
PANEL_HEIGHT = 108
HEAD_ABOVE = 12
NOT_ESTIMATED = "not estimated"


def forest_rows(comparison: pd.DataFrame) -> pd.DataFrame:
    """endpoint, figure, stratum, source, estimate, conf_low, conf_high, label: two rows a hazard ratio, ours and published.

    Raises:
        ValueError: a column is missing, or there is no hazard ratio.
    """
    limits = ["estimate", "conf_low", "conf_high"]
    published_limits = [f"published_{name}" for name in limits]
    names = ["endpoint", "figure", "stratum"]
    require_columns(comparison, [*names, *limits, *published_limits], "published_comparison")
    ratios = comparison[comparison["endpoint"].isin(list(HAZARD_RATIO_FIGURES))]
    if ratios.empty:
        raise ValueError("there is no hazard ratio in the comparison")
    ours = ratios[[*names, *limits]].assign(source=OURS)
    published = ratios[[*names, *published_limits]].set_axis([*names, *limits], axis=1).assign(source=PUBLISHED)
    # a study of its own has no published figures
    published = published.dropna(subset=["estimate"])
    rows = pd.concat([ours, published], ignore_index=True) if len(published) else ours.reset_index(drop=True)
    return rows.assign(label=[hazard_ratio_text(*row) for row in rows[limits].itertuples(index=False)])


def hazard_ratio_text(estimate: float, low: float, high: float) -> str:
    """'2.21 (1.49\u20133.26)'."""
    return NOT_ESTIMATED if pd.isna(estimate) else f"{estimate:.2f} ({low:.2f}\u2013{high:.2f})"


def forest_chart(
    comparison: pd.DataFrame, exposure: Exposure, notes: dict[str, str] | None = None, width: int = 420
) -> Any:
    """The dashed line is no effect; circles are ours, diamonds published.

    Args:
        comparison: results.published_comparison.
        notes: endpoint -> what stands beside its title, such as the number of events.
    """
    import altair as alt

    rows = forest_rows(comparison)
    endpoints = list(dict.fromkeys(rows["endpoint"]))
    panels = [
        _panel(
            rows[rows["endpoint"] == endpoint],
            exposure,
            (notes or {}).get(endpoint, ""),
            width,
            endpoint == endpoints[-1],
        )
        for endpoint in endpoints
    ]
    return alt.vconcat(*panels, spacing=16)


def _panel(rows: pd.DataFrame, exposure: Exposure, note: str, width: int, is_last: bool) -> Any:
    import altair as alt

    title = alt.Title(
        rows["figure"].iloc[0], subtitle=note, subtitleFontSize=11, subtitleColor=SOFT, anchor="start", offset=8
    )
    x_title = f"Hazard ratio against {exposure.reference}, 95 % limits (log scale)" if is_last else None
    no_effect = alt.Chart(pd.DataFrame({"one": [1.0]})).mark_rule(strokeDash=[4, 4], color=LINE)
    layers = [
        no_effect.encode(x=_ratio_axis("one", x_title)),
        *_intervals(rows.dropna(subset=["estimate"]), x_title, exposure),
        _numbers(rows[rows["source"] == OURS], width + 24, OURS, exposure),
    ]
    if (rows["source"] == PUBLISHED).any():
        layers.append(_numbers(rows[rows["source"] == PUBLISHED], width + 156, PUBLISHED, exposure))
    return alt.layer(*layers).properties(width=width, height=PANEL_HEIGHT, title=title)


def _ratio_axis(column: str, title: str | None) -> Any:
    import altair as alt

    return alt.X(
        f"{column}:Q",
        title=title,
        scale=alt.Scale(type="log", domain=list(SHOWN), nice=False),
        axis=alt.Axis(values=TICKS, format="~g"),
    )


def _group_axis(exposure: Exposure) -> Any:
    import altair as alt

    # the reference group has no row
    axis = alt.Axis(grid=False, ticks=False, domain=False, labelPadding=8)
    return alt.Y("stratum:N", sort=list(exposure.compared), title=None, axis=axis)


def _intervals(rows: pd.DataFrame, x_title: str | None, exposure: Exposure) -> list[Any]:
    import altair as alt

    low, high = SHOWN
    rows = rows.assign(
        shown_low=rows["conf_low"].clip(low, high),
        shown_high=rows["conf_high"].clip(low, high),
        shown_estimate=rows["estimate"].where(rows["estimate"].between(low, high)),
    )
    offset = alt.YOffset("source:N", sort=[OURS, PUBLISHED], scale=alt.Scale(paddingOuter=0.5))
    colour = alt.Color(
        "source:N",
        sort=[OURS, PUBLISHED],
        legend=None,
        scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
    )
    shape = alt.Shape("source:N", legend=None, scale=alt.Scale(domain=list(SHAPES), range=list(SHAPES.values())))
    base = alt.Chart(rows).encode(y=_group_axis(exposure), yOffset=offset, color=colour)
    return [
        base.mark_rule(strokeWidth=2).encode(x=_ratio_axis("shown_low", x_title), x2="shown_high:Q"),
        base.mark_point(filled=True, size=75, opacity=1).encode(x=_ratio_axis("shown_estimate", x_title), shape=shape),
    ]


def _numbers(rows: pd.DataFrame, at: int, source: str, exposure: Exposure) -> Any:
    import altair as alt

    colour = INK if source == OURS else SOFT
    numbers = (
        alt.Chart(rows)
        .mark_text(align="left", fontSize=12, fontWeight="bold" if source == OURS else "normal", color=colour)
        .encode(x=alt.value(at), y=_group_axis(exposure), text="label:N")
    )
    head = alt.Chart(pd.DataFrame({"text": [source]})).encode(y=alt.value(-HEAD_ABOVE))
    return alt.layer(
        numbers,
        head.mark_point(filled=True, size=70, shape=SHAPES[source], color=COLOURS[source], opacity=1).encode(
            x=alt.value(at + 5)
        ),
        head.mark_text(align="left", fontSize=12, color=colour).encode(x=alt.value(at + 15), text="text:N"),
    )
