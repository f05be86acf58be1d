"""What all figures share: colours that colour-blind readers tell apart, type, and the way to SVG without a network."""

from typing import Any

from analysis.names import MARGIN_GROUPS

# Okabe and Ito's palette, from warm (tumour at ink) to cool (wide margin)
MARGIN_COLOURS = dict(zip(MARGIN_GROUPS, ("#D55E00", "#E69F00", "#56B4E9", "#0072B2"), strict=True))
PATTERN_COLOURS = ("#0072B2", "#56B4E9", "#BBBBBB", "#D55E00")
INK = "#1f2933"
FONT = "Helvetica, Arial, sans-serif"


def margin_colour_scale() -> Any:
    """The fixed colour of each margin group, in the groups' order."""
    import altair as alt

    return alt.Scale(domain=list(MARGIN_COLOURS), range=list(MARGIN_COLOURS.values()))


def styled(chart: Any) -> Any:
    """The chart with the house's type and without clutter."""
    return (
        chart.configure(font=FONT, background="white")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK, titleColor=INK, labelFontSize=12, titleFontSize=12, titleFontWeight="normal", grid=True,
            gridColor="#e7ebef", domainColor="#9aa5b1", tickColor="#9aa5b1",
        )
        .configure_title(fontSize=13, anchor="start", color=INK)
        .configure_legend(labelFontSize=12, titleFontSize=12, labelColor=INK, titleFontWeight="normal")
    )  # fmt: skip


def svg(chart: Any) -> str:
    """The chart as SVG text."""
    import vl_convert

    return vl_convert.vegalite_to_svg(styled(chart).to_dict())
