"""What all figures share: colours that colour-blind readers tell apart, type, and the way to SVG without a network."""

import re
from collections.abc import Sequence
from typing import Any

# Okabe and Ito's palette, from warm (the level thought worst) to cool; of two alike in grey one is dashed
HUES = ("#D55E00", "#E69F00", "#56B4E9", "#0072B2", "#009E73", "#CC79A7", "#7A5195", "#5B6470")
# the same hues dark enough for small type on white (contrast above 4.5)
TEXT_HUES = ("#A84900", "#8A5F00", "#2271A3", "#00568A", "#00674B", "#99446F", "#5E3F73", "#454D57")
DASHES = ([1, 0], [6, 3], [1, 0], [1, 0], [6, 3], [1, 0], [6, 3], [1, 0])
# which of them, by how many levels there are: two are as unlike as can be
CHOSEN = {1: (0,), 2: (0, 3), 3: (0, 1, 3)}
# other hues than the margin groups', so that no colour means two things
PATTERN_COLOURS = ("#009E73", "#CC79A7", "#D5DAE0", "#5B6470")
PATTERN_TEXT_COLOURS = ("#FFFFFF", "#1f2933", "#1f2933", "#FFFFFF")
INK, SOFT, LINE, GRID = "#1f2933", "#52606d", "#9aa5b1", "#e7ebef"
OURS_COLOUR, PUBLISHED_COLOUR = INK, "#8593a1"
FONT = "Helvetica, Arial, sans-serif"
SIMULATED_NOTE = "Simulated data"


def colours(levels: Sequence[str]) -> dict[str, str]:
    """The colour of each level of an exposure; of more than eight levels colours come again."""
    return _by_level(levels, HUES)


def text_colours(levels: Sequence[str]) -> dict[str, str]:
    """The same, dark enough for small type."""
    return _by_level(levels, TEXT_HUES)


def dashes(levels: Sequence[str]) -> dict[str, list[int]]:
    """Dash and gap of each level's line."""
    return _by_level(levels, DASHES)


def _by_level(levels: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    chosen = CHOSEN.get(len(levels), tuple(number % len(values) for number in range(len(levels))))
    return {level: values[number] for level, number in zip(levels, chosen, strict=True)}


def level_scale(values: dict[str, Any]) -> Any:
    """The fixed colour (or dash) of each level, in the levels' order."""
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
