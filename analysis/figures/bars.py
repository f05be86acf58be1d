"""Bars: initial pattern of recurrence, and salvage, by exposure."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.figures.style import INK, PATTERN_COLOURS, PATTERN_TEXT_COLOURS, colours, level_scale
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure
from analysis.tables.recurrence_patterns import INITIAL_PATTERNS

HEIGHT_OF_GROUP = 38
# a narrower segment has no room for its number
SMALLEST_LABELLED_SHARE = 0.045


def initial_pattern_chart(patterns: pd.DataFrame, exposure: Exposure, width: int = 380) -> Any:
    """Stacked shares of all patients by initial pattern (rows of results.recurrence_patterns).

    Raises:
        ValueError: a column is missing, or no level has an initial pattern.
    """
    import altair as alt

    rows, levels = pattern_segments(patterns, exposure), exposure.levels
    x_title = "Share of all patients; the rest had no recurrence on record"
    # a bar may be shorter than the axis: how far the longest reaches depends on the data
    longest = rows.groupby("stratum")["proportion"].sum().max()
    x = alt.X(
        "proportion:Q",
        stack="zero",
        title=x_title,
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[0, min(1.0, 1.02 * longest)], nice=True),
    )
    base = alt.Chart(rows).encode(y=_group_axis(levels), order="rank:Q")
    bars = base.mark_bar(height=24, stroke="white", strokeWidth=1).encode(
        x=x,
        color=alt.Color(
            "pattern:N",
            title=None,
            sort=list(INITIAL_PATTERNS),
            legend=alt.Legend(orient="top", columns=4, symbolType="square"),
            scale=alt.Scale(domain=list(INITIAL_PATTERNS), range=list(PATTERN_COLOURS)),
        ),
    )
    labels = [
        alt.Chart(rows[rows["pattern"] == pattern])
        .mark_text(fontSize=11, color=colour)
        .encode(x="middle:Q", y=_group_axis(levels), text="label:N")
        for pattern, colour in zip(INITIAL_PATTERNS, PATTERN_TEXT_COLOURS, strict=True)
    ]
    return alt.layer(bars, *labels).properties(width=width, height=HEIGHT_OF_GROUP * len(levels))


def pattern_segments(patterns: pd.DataFrame, exposure: Exposure) -> pd.DataFrame:
    """The segments of the stacked bars: stratum, pattern, rank, proportion, middle (of the segment), label."""
    require_columns(patterns, ["pattern_scope", "pattern", "grouping", "stratum", "proportion"], "recurrence_patterns")
    ranks = {pattern: rank for rank, pattern in enumerate(INITIAL_PATTERNS)}
    rows = patterns[
        (patterns["pattern_scope"] == "initial")
        & patterns["pattern"].isin(INITIAL_PATTERNS)
        & (patterns["grouping"] == exposure.column)
        & patterns["stratum"].isin(exposure.levels)
        & patterns["proportion"].notna()
    ]
    if rows.empty:
        raise ValueError(f"there are no initial patterns by {exposure.label}")
    rows = rows.assign(rank=rows["pattern"].map(ranks)).sort_values(["stratum", "rank"])
    ends = rows.groupby("stratum")["proportion"].cumsum()
    labels = rows["proportion"].map("{:.0%}".format).where(rows["proportion"] >= SMALLEST_LABELLED_SHARE, "")
    return rows.assign(middle=ends - rows["proportion"] / 2, label=labels)


def salvage_chart(salvage: pd.DataFrame, exposure: Exposure, width: int = 380) -> Any:
    """Share of recurrences salvaged, with Wilson limits (rows of results.salvage_by_margin).

    Raises:
        ValueError: a column is missing, or nobody recurred at any level.
    """
    import altair as alt

    columns = ["grouping", "stratum", "n_recurred", "n_salvaged", "proportion", "conf_low", "conf_high"]
    require_columns(salvage, columns, "salvage_by_margin")
    levels = exposure.levels
    of_exposure = (salvage["grouping"] == exposure.column) & salvage["stratum"].isin(levels)
    rows = salvage[of_exposure & salvage["proportion"].notna()]
    if rows.empty:
        raise ValueError(f"nobody recurred in any {exposure.label}")
    rows = rows.assign(
        label=[
            f"{row.proportion:.0%} ({row.n_salvaged:,} of {row.n_recurred:,})" for row in rows.itertuples(index=False)
        ]
    )
    base = alt.Chart(rows).encode(y=_group_axis(levels))
    x = alt.X(
        "proportion:Q",
        title="Share of patients with recurrence who were salvaged, 95 % limits",
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domainMin=0, nice=True),
    )
    bars = base.mark_bar(height=24, opacity=0.75).encode(
        x=x, color=alt.Color("stratum:N", scale=level_scale(colours(levels)), legend=None)
    )
    limits = base.mark_rule(strokeWidth=1.6, color=INK).encode(x="conf_low:Q", x2="conf_high:Q")
    labels = base.mark_text(align="left", dx=8, fontSize=12).encode(x="conf_high:Q", text="label:N")
    return alt.layer(bars, limits, labels).properties(width=width, height=HEIGHT_OF_GROUP * len(levels))


def _group_axis(levels: Sequence[str]) -> Any:
    import altair as alt

    axis = alt.Axis(grid=False, ticks=False, domain=False, labelPadding=8)
    return alt.Y("stratum:N", sort=list(levels), title=None, axis=axis)
