"""What all figures share: colours that colour-blind readers tell apart, type, and the way to SVG without a network."""

import re
from typing import Any

from analysis.patients.names import MARGIN_GROUPS

# Okabe and Ito's palette, from warm (tumour at ink) to cool (wide margin); of two alike in grey one is dashed
MARGIN_COLOURS = dict(zip(MARGIN_GROUPS, ("#D55E00", "#E69F00", "#56B4E9", "#0072B2"), strict=True))
MARGIN_DASHES = dict(zip(MARGIN_GROUPS, ([1, 0], [6, 3], [1, 0], [1, 0]), strict=True))
# the same hues dark enough for small type on white (contrast above 4.5)
MARGIN_TEXT_COLOURS = dict(zip(MARGIN_GROUPS, ("#A84900", "#8A5F00", "#2271A3", "#00568A"), strict=True))
# other hues than the margin groups', so that no colour means two things
PATTERN_COLOURS = ("#009E73", "#CC79A7", "#D5DAE0", "#5B6470")
PATTERN_TEXT_COLOURS = ("#FFFFFF", "#1f2933", "#1f2933", "#FFFFFF")
INK, SOFT, LINE, GRID = "#1f2933", "#52606d", "#9aa5b1", "#e7ebef"
OURS_COLOUR, PUBLISHED_COLOUR = INK, "#8593a1"
FONT = "Helvetica, Arial, sans-serif"
SIMULATED_NOTE = "Simulated data"


def margin_scale(values: dict[str, Any]) -> Any:
    """The fixed colour (or dash) of each margin group, in the groups' order."""
    import altair as alt

    return alt.Scale(domain=list(values), range=list(values.values()))


def _house_style() -> dict[str, Any]:
    """Vega-Lite configuration: one type, no clutter, no labels on single marks (the page describes the whole figure)."""
    return {
        "font": FONT,
        "background": "white",
        "aria": False,
        "padding": 2,
        "view": {"stroke": None},
        "axis": {
            "labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
            "gridColor": GRID, "domainColor": LINE, "tickColor": LINE, "labelLimit": 300, "labelFlush": False,
        },
        "title": {"fontSize": 13, "anchor": "start", "color": INK},
        "legend": {"labelFontSize": 12, "labelColor": INK, "labelLimit": 300},
        "text": {"color": INK},
    }  # fmt: skip


def specification(chart: Any, note: str = "") -> dict[str, Any]:
    """The chart's Vega-Lite specification in the house's style; `note` stands small below it, so that a copy keeps it."""
    # the style goes into the dict: Altair's configure methods copy the chart with its data each time
    specified = chart.to_dict(validate=False) | {"config": _house_style()}
    if note:
        specified["title"] = {
            "text": note, "orient": "bottom", "anchor": "start", "frame": "group", "fontSize": 10, "color": SOFT, "offset": 6,
        }  # fmt: skip
    return specified


def svg(chart: Any, name: str, is_simulated: bool) -> str:
    """The chart as SVG text.

    Args:
        name: a word that makes the ids inside unique on a page with several figures.
        is_simulated: print SIMULATED_NOTE into the figure itself.
    """
    import vl_convert

    drawing = vl_convert.vegalite_to_svg(specification(chart, SIMULATED_NOTE if is_simulated else ""))
    return _with_own_ids(drawing, name)


def _with_own_ids(drawing: str, name: str) -> str:
    """Two inline SVGs with a clip path of the same id would both use the first."""
    drawing = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', drawing)
    drawing = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", drawing)
    return re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', drawing)
