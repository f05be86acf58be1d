"""Bars: initial pattern of recurrence, and salvage, by margin group."""

from typing import Any

import pandas as pd

from analysis.figures.style import PATTERN_COLOURS, margin_colour_scale
from analysis.names import MARGIN_GROUPS
from analysis.tables.recurrence_patterns import INITIAL_PATTERNS


def initial_pattern_chart(patterns: pd.DataFrame, width: int = 360) -> Any:
    """Stacked shares of all patients by initial pattern (rows of results.recurrence_patterns)."""
    import altair as alt

    rows = patterns[
        (patterns["pattern_scope"] == "initial")
        & patterns["pattern"].isin(INITIAL_PATTERNS)
        & patterns["stratum"].isin(MARGIN_GROUPS)
    ].assign(rank=lambda frame: frame["pattern"].map({name: rank for rank, name in enumerate(INITIAL_PATTERNS)}))
    return (
        alt.Chart(rows)
        .mark_bar(height=26)
        .encode(
            y=alt.Y("stratum:N", sort=list(MARGIN_GROUPS), title=None, axis=alt.Axis(grid=False, ticks=False, domain=False)),
            x=alt.X("proportion:Q", stack="zero", title="Share of all patients", axis=alt.Axis(format=".0%")),
            color=alt.Color("pattern:N", title=None, sort=list(INITIAL_PATTERNS), legend=alt.Legend(orient="top", columns=2),
                            scale=alt.Scale(domain=list(INITIAL_PATTERNS), range=list(PATTERN_COLOURS))),
            order="rank:Q",
        )
        .properties(width=width, height=150)
    )  # fmt: skip


def salvage_chart(salvage: pd.DataFrame, width: int = 360) -> Any:
    """Share of recurrences salvaged, with Wilson limits (rows of results.salvage_by_margin)."""
    import altair as alt

    rows = salvage.assign(label=salvage["n_salvaged"].astype(str) + " of " + salvage["n_recurred"].astype(str))
    y = alt.Y("stratum:N", sort=list(MARGIN_GROUPS), title=None, axis=alt.Axis(grid=False, ticks=False, domain=False))
    x = alt.X("proportion:Q", title="Share of recurrences salvaged (95 % limits)", axis=alt.Axis(format=".0%"))
    colour = alt.Color("stratum:N", scale=margin_colour_scale(), legend=None)
    base = alt.Chart(rows)
    bars = base.mark_bar(height=26, opacity=0.85).encode(x=x, y=y, color=colour)
    limits = base.mark_rule(strokeWidth=2, color="#1f2933").encode(x="conf_low:Q", x2="conf_high:Q", y=y)
    labels = base.mark_text(align="left", dx=6, fontSize=12).encode(x="conf_high:Q", y=y, text="label:N")
    return (bars + limits + labels).properties(width=width, height=150)
