"""The effect at each hospital beside its summaries: a row an endpoint, a panel a level of the exposure."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.figures.style import INK, OURS_COLOUR, SOFT
from analysis.models.between_hospitals import OF_HOSPITAL
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure

# of hazard ratios; an interval that reaches further is cut at the frame
SHOWN = (0.2, 10.0)
LINE_HEIGHT = 22


COLUMNS = [
    "endpoint", "model", "term", "summary", "hospital", "hazard_ratio", "conf_low", "conf_high", "prediction_low", "prediction_high",
]  # fmt: skip


def hospitals_chart(
    hospital_hazard_ratios: pd.DataFrame, endpoints: Mapping[str, str], exposure: Exposure, width: int = 200
) -> Any:
    """Points with 95 % limits on a log axis; hospitals as circles, summaries as diamonds, the prediction interval dashed.

    Args:
        endpoints: label by name, in the order in which they are drawn; one of which nothing could be estimated is left out.
    Raises:
        ValueError: a column is missing, or nothing could be estimated of any of the endpoints.
    """
    import altair as alt

    require_columns(hospital_hazard_ratios, COLUMNS, "hospital_hazard_ratios")
    estimated = hospital_hazard_ratios[
        (hospital_hazard_ratios["model"] == "adjusted")
        & hospital_hazard_ratios["term"].isin(exposure.terms)
        & hospital_hazard_ratios["hazard_ratio"].notna()
    ][COLUMNS]
    drawn = [name for name in endpoints if (estimated["endpoint"] == name).any()]
    if not drawn:
        raise ValueError(f"no hospital has an estimate of {', '.join(endpoints)}")
    panels = [
        _of_endpoint(estimated[estimated["endpoint"] == name], width).properties(title=endpoints[name])
        for name in drawn
    ]
    return alt.vconcat(*panels)


def _of_endpoint(rows: pd.DataFrame, width: int) -> Any:
    import altair as alt

    is_hospital = rows["summary"] == OF_HOSPITAL
    low, high = SHOWN
    rows = rows.assign(
        label=rows["hospital"].where(is_hospital, rows["summary"]),
        kind=is_hospital.map({True: "hospital", False: "summary"}),
        **{name: rows[name].astype(float).clip(low, high) for name in COLUMNS[5:]},
    )
    order = list(dict.fromkeys(rows["label"]))
    scale = alt.Scale(type="log", domain=list(SHOWN))
    base = alt.Chart(rows).encode(y=alt.Y("label:N", sort=order, title=None))
    x = alt.X("hazard_ratio:Q", scale=scale, title="Hazard ratio", axis=alt.Axis(values=[0.25, 0.5, 1, 2, 4, 8]))
    shape = alt.Shape(
        "kind:N", scale=alt.Scale(domain=["hospital", "summary"], range=["circle", "diamond"]), legend=None
    )
    layers = [
        base.mark_rule(color=SOFT, strokeDash=[3, 3]).encode(
            x=alt.X("prediction_low:Q", scale=scale), x2="prediction_high:Q"
        ),
        base.mark_rule(color=INK).encode(x=alt.X("conf_low:Q", scale=scale), x2="conf_high:Q"),
        base.mark_point(filled=True, size=60, color=OURS_COLOUR, opacity=1).encode(x=x, shape=shape),
    ]
    chart = alt.layer(*layers).properties(width=width, height=LINE_HEIGHT * len(order))
    return chart.facet(column=alt.Column("term:N", title=None, sort=list(dict.fromkeys(rows["term"]))))
