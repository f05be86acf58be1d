"""Adjusted hazard ratios, ours beside the published ones."""

from typing import Any

import pandas as pd

from analysis.names import MARGIN_GROUPS

OURS, PUBLISHED = "this warehouse", "Perrin et al. 2025"


def forest_rows(comparison: pd.DataFrame) -> pd.DataFrame:
    """figure, stratum, source, estimate, conf_low, conf_high: two rows a hazard ratio of results.published_comparison."""
    ratios = comparison[comparison["published_conf_low"].notna()]
    ours = ratios[["figure", "stratum", "estimate", "conf_low", "conf_high"]].assign(source=OURS)
    published = (
        ratios[["figure", "stratum", "published_estimate", "published_conf_low", "published_conf_high"]]
        .set_axis(["figure", "stratum", "estimate", "conf_low", "conf_high"], axis=1)
        .assign(source=PUBLISHED)
    )
    return pd.concat([ours, published], ignore_index=True).dropna(subset=["estimate"])


def forest_chart(comparison: pd.DataFrame, width: int = 360) -> Any:
    """A panel an endpoint, a line a margin group, two intervals a line; the dashed line is no effect."""
    import altair as alt

    rows = forest_rows(comparison)
    panels = []
    for position, figure in enumerate(dict.fromkeys(rows["figure"])):
        panel = rows[rows["figure"] == figure]
        y = alt.Y(
            "stratum:N", sort=list(MARGIN_GROUPS), title=None, axis=alt.Axis(grid=False, ticks=False, domain=False)
        )
        offset = alt.YOffset("source:N", sort=[OURS, PUBLISHED])
        colour = alt.Color(
            "source:N", sort=[OURS, PUBLISHED], title=None, scale=alt.Scale(domain=[OURS, PUBLISHED], range=["#0072B2", "#9aa5b1"]),
            legend=alt.Legend(orient="top") if position == 0 else None,
        )  # fmt: skip
        scale = alt.Scale(type="log", domain=[0.4, 8])
        x_axis = alt.Axis(values=[0.5, 1, 2, 4, 8], format="~g")
        title = "Hazard ratio against >=10 mm (log scale)"
        base = alt.Chart(panel)
        interval = base.mark_rule(strokeWidth=2, clip=True).encode(
            x=alt.X("conf_low:Q", scale=scale, axis=x_axis, title=title),
            x2="conf_high:Q",
            y=y,
            yOffset=offset,
            color=colour,
        )
        point = base.mark_point(filled=True, size=70, opacity=1).encode(
            x=alt.X("estimate:Q", scale=scale, axis=x_axis, title=title), y=y, yOffset=offset, color=colour
        )
        none = alt.Chart(pd.DataFrame({"one": [1.0]})).mark_rule(strokeDash=[4, 4], color="#52606d").encode(x="one:Q")
        panels.append((none + interval + point).properties(width=width, height=110, title=figure))
    return alt.vconcat(*panels, spacing=14)
