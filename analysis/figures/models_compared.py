"""Dose-response curves, the specification curve and the Love plot of the weights."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.style import HUES, INK, LINE, OURS_COLOUR, PUBLISHED_COLOUR
from analysis.models.dose_response import EXACT_WIDTHS
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure

RATIO_SHOWN = (0.25, 8.0)
RATIO_TICKS = [0.25, 0.5, 1, 2, 4, 8]
STAGES = {"before weighting": PUBLISHED_COLOUR, "after weighting": OURS_COLOUR}


def dose_response_chart(curve: pd.DataFrame, labels: Mapping[str, str], width: int = 150, height: int = 160) -> Any:
    """Adjusted hazard ratio by margin width, a panel an endpoint; the band is 95 % limits, the widths those of patients.

    Solid: patients whose width is known exactly; dashed, where there is one: with bounded widths imputed.

    Args:
        curve: results.dose_response; labels: of the endpoints.
    Raises:
        ValueError: a column is missing, or no curve could be estimated.
    """
    import altair as alt

    names = ["endpoint", "model", "widths", "width_mm", "hazard_ratio", "conf_low", "conf_high", "is_within_data"]
    require_columns(curve, names, "dose_response")
    is_shown = (curve["model"] == "adjusted") & curve["is_within_data"].astype(bool)
    rows = curve[is_shown].dropna(subset=["hazard_ratio"])
    if rows.empty:
        raise ValueError("no dose-response curve could be estimated")
    low, high = RATIO_SHOWN
    rows = _with_shown_limits(rows).assign(shown=rows["hazard_ratio"].clip(low, high))

    def layers(of_endpoint: pd.DataFrame) -> list[Any]:
        x = alt.X("width_mm:Q", title="Margin (mm)", axis=alt.Axis(tickCount=5))
        is_exact = of_endpoint["widths"] == EXACT_WIDTHS
        exact, imputed = (alt.Chart(rows).encode(x=x) for rows in (of_endpoint[is_exact], of_endpoint[~is_exact]))
        drawn = [
            exact.mark_area(opacity=0.25, color=OURS_COLOUR).encode(y=_ratio_axis("shown_low"), y2="shown_high:Q"),
            exact.mark_line(color=INK, strokeWidth=2).encode(y=_ratio_axis("shown")),
        ]
        dashed = imputed.mark_line(color=INK, strokeWidth=1, strokeDash=[4, 3]).encode(y=_ratio_axis("shown"))
        return drawn if is_exact.all() else [*drawn, dashed]

    return _panels(rows, labels, layers, width, height)


def specification_chart(
    curve: pd.DataFrame, exposure: Exposure, labels: Mapping[str, str], width: int = 150, height: int = 180
) -> Any:
    """Every specification's cause-specific ratio with its limits, by size, a panel an endpoint; dark with the published definition.

    Args:
        curve: results.specification_curve; labels: of the endpoints.
    Raises:
        ValueError: a column is missing, or no specification could be estimated.
    """
    import altair as alt

    require_columns(
        curve,
        ["endpoint", "exposure", "estimand", "definition", "rank", "hazard_ratio", "conf_low", "conf_high"],
        "specification_curve",
    )
    of_exposure = curve[curve["exposure"] == exposure.column]
    rows = of_exposure[of_exposure["estimand"] == "cause-specific"].dropna(subset=["hazard_ratio"])
    if rows.empty:
        raise ValueError("no specification could be estimated")
    low, high = RATIO_SHOWN
    rows = _with_shown_limits(rows).assign(
        shown=rows["hazard_ratio"].where(rows["hazard_ratio"].between(low, high)),
        rank=rows["rank"].astype(float),
        groups=np.where(rows["definition"].isin(["published", exposure.label]), "published groups", "other cut points"),
    )
    colours = {"published groups": HUES[0], "other cut points": LINE}
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))

    def layers(of_endpoint: pd.DataFrame) -> list[Any]:
        base = alt.Chart(of_endpoint).encode(
            x=alt.X("rank:Q", title="Specifications by size", axis=alt.Axis(labels=False, ticks=False)),
            color=alt.Color("groups:N", scale=scale, legend=alt.Legend(title=None, orient="bottom")),
        )
        return [
            base.mark_rule(opacity=0.45).encode(y=_ratio_axis("shown_low"), y2="shown_high:Q"),
            base.mark_point(filled=True, size=22, opacity=1).encode(y=_ratio_axis("shown")),
        ]

    return _panels(rows, labels, layers, width, height)


def _with_shown_limits(rows: pd.DataFrame) -> pd.DataFrame:
    """Limits that reach beyond the frame are cut at it."""
    low, high = RATIO_SHOWN
    return rows.assign(shown_low=rows["conf_low"].clip(low, high), shown_high=rows["conf_high"].clip(low, high))


def _panels(
    rows: pd.DataFrame,
    labels: Mapping[str, str],
    layers: Callable[[pd.DataFrame], list[Any]],
    width: int,
    height: int,
) -> Any:
    """A panel an endpoint, side by side, each with the line of no effect."""
    import altair as alt

    panels = [
        alt.layer(_no_effect(), *layers(of_endpoint)).properties(
            width=width, height=height, title=alt.Title(_short(str(endpoint), labels), fontSize=11, anchor="start")
        )
        for endpoint, of_endpoint in rows.groupby("endpoint", sort=False)
    ]
    return alt.hconcat(*panels, spacing=14)


def largest_differences(balance: pd.DataFrame, exposure: Exposure) -> pd.DataFrame:
    """A row a covariate (term), a column a stage: the largest absolute difference over all endpoints and margin groups.

    Raises:
        ValueError: a column is missing, or there is no balance to show.
    """
    columns = dict(zip(("standardised_difference", "weighted_standardised_difference"), STAGES, strict=True))
    require_columns(balance, ["endpoint", "exposure", "term", "group", *columns], "covariate_balance")
    balance = balance[balance["exposure"] == exposure.column]
    if balance.empty:
        raise ValueError("no weights could be estimated")
    largest = balance.groupby("term", sort=False)[list(columns)].agg(_largest)
    return largest.rename(columns=columns)


def _largest(differences: pd.Series) -> float:
    return float(differences.abs().max())


def love_plot(balance: pd.DataFrame, exposure: Exposure, balanced_below: float, width: int = 330) -> Any:
    """The largest standardised difference of each covariate between a margin group and the reference, before and after.

    Args:
        balance: results.covariate_balance; balanced_below: where a line stands.
    Raises:
        ValueError: a column is missing, or there is no balance to show.
    """
    import altair as alt

    largest = largest_differences(balance, exposure)
    rows = largest.reset_index().melt("term", var_name="stage", value_name="difference")
    threshold = alt.Chart(pd.DataFrame({"at": [balanced_below]})).mark_rule(strokeDash=[4, 4], color=LINE)
    points = (
        alt.Chart(rows.dropna(subset=["difference"]))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            x=alt.X("difference:Q", title="Largest standardised difference between groups"),
            y=alt.Y("term:N", sort="-x", title=None),
            color=alt.Color(
                "stage:N",
                scale=alt.Scale(domain=list(STAGES), range=list(STAGES.values())),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
        )
    )
    return alt.layer(threshold.encode(x="at:Q"), points).properties(width=width)


def _ratio_axis(column: str) -> Any:
    import altair as alt

    scale = alt.Scale(type="log", domain=list(RATIO_SHOWN), nice=False, clamp=True)
    return alt.Y(f"{column}:Q", title="Hazard ratio", scale=scale, axis=alt.Axis(values=RATIO_TICKS, format="~g"))


def _no_effect() -> Any:
    import altair as alt

    rule = alt.Chart(pd.DataFrame({"one": [1.0]})).mark_rule(strokeDash=[4, 4], color=LINE)
    return rule.encode(y=_ratio_axis("one"))


def _short(endpoint: str, labels: Mapping[str, str]) -> str:
    return {
        "isolated_liver_recurrence": "Isolated liver",
        "margin_recurrence": "At the margin",
        "liver_recurrence_any_time": "Liver, any time",
        "extrahepatic_only_recurrence": "Outside the liver only",
    }.get(endpoint, labels.get(endpoint, endpoint))
