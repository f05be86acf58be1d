"""The cohort flow as a diagram in the manner of CONSORT: registered, who left at each criterion, the cohort, its margin groups."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from analysis.figures.style import INK, LINE, SOFT, colours
from analysis.patients.collapsed_counts import require_columns
from analysis.patients.exposures import Exposure

# pixels
SPINE, SIDE_BOX, BOX_HEIGHT, SIDE_HEIGHT, STEP, GAP = 160, 400, 50, 36, 44, 26
Line = tuple[float, float, float, float, str]
"""From where to where, and the shape of the arrow's head."""
AddBox = Callable[[float, float, float, float, list[str], str], None]
"""x, y, width, height, words, colour."""
COLUMNS = "criterion exclusion_reason n_remaining n_excluded step_number"


def cohort_flow_chart(
    flow: pd.DataFrame, exposure: Exposure, groups: pd.DataFrame | None = None, width: int = 860
) -> Any:
    """The diagram (rows of marts.cohort_flow; groups: the exposure's column, n, of the cohort, or None).

    Raises:
        ValueError: a column is missing.
    """
    import altair as alt

    boxes, lines, texts = flow_layout(flow, exposure, groups, width)
    height = int(boxes["y2"].max()) + 2
    across, down = alt.Scale(domain=[0, width], nice=False), alt.Scale(domain=[0, height], nice=False, reverse=True)
    x, y = alt.X("x:Q", axis=None, scale=across), alt.Y("y:Q", axis=None, scale=down)
    x2, y2 = alt.X("x2:Q", axis=None, scale=across), alt.Y("y2:Q", axis=None, scale=down)
    rules = alt.Chart(lines).mark_rule(color=SOFT, strokeWidth=1.2).encode(x=x, y=y, x2="x2:Q", y2="y2:Q")
    heads = [
        alt.Chart(lines[lines["head"] == shape])
        .mark_point(shape=shape, color=SOFT, filled=True, size=46, opacity=1)
        .encode(x=x2, y=y2)
        for shape in ("triangle-right", "triangle-down")
    ]
    frames = (
        alt.Chart(boxes)
        .mark_rect(fill="white", strokeWidth=1.4, cornerRadius=3)
        .encode(x=x, y=y, x2="x2:Q", y2="y2:Q", stroke=alt.Stroke("colour:N", scale=None))
    )
    words = [
        alt.Chart(texts[texts["is_bold"] == is_bold])
        .mark_text(
            align="center", baseline="middle", fontSize=12, fontWeight="bold" if is_bold else "normal", color=INK
        )
        .encode(x=x, y=y, text="text:N")
        for is_bold in (True, False)
    ]
    return alt.layer(rules, *heads, frames, *words).properties(width=width, height=height)


def flow_layout(
    flow: pd.DataFrame, exposure: Exposure, groups: pd.DataFrame | None, width: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Where everything stands, in pixels from the top left.

    Returns:
        boxes (x, y, x2, y2, colour), lines (x, y, x2, y2, head: shape of the arrow's head or ''), texts (x, y, text, is_bold).
    Raises:
        ValueError: a column is missing.
    """
    require_columns(flow, COLUMNS.split(), "cohort_flow")
    steps = flow.sort_values("step_number").to_dict("records")
    centre, left = SPINE + 5, width - SIDE_BOX - 5
    boxes: list[tuple[float, float, float, float, str]] = []
    lines: list[Line] = []
    texts: list[tuple[float, float, str, bool]] = []

    def add_box(x: float, y: float, box_width: float, height: float, words: list[str], colour: str) -> None:
        boxes.append((x, y, x + box_width, y + height, colour))
        for number, line in enumerate(words):
            place = y + height * (number + 1) / (len(words) + 1) + (number - (len(words) - 1) / 2) * 3
            # the number stands out
            texts.append((x + box_width / 2, place, line, number == len(words) - 1))

    def add_main(y: float, title: str, n: int) -> float:
        add_box(centre - SPINE, y, 2 * SPINE, BOX_HEIGHT, [title, f"n = {n:,}"], INK)
        return y + BOX_HEIGHT

    y = add_main(1, steps[0]["criterion"], steps[0]["n_remaining"])
    start = y
    for step in steps[1:]:
        y += STEP
        lines.append((centre, y, left - 4, y, "triangle-right"))
        excluded = f"Excluded: {step['exclusion_reason']}"
        add_box(left, y - SIDE_HEIGHT / 2, SIDE_BOX, SIDE_HEIGHT, [excluded, f"n = {step['n_excluded']:,}"], LINE)
    y += STEP
    lines.append((centre, start, centre, y - 4, "triangle-down"))
    y = add_main(y, "Cohort: index operations", steps[-1]["n_remaining"])
    if groups is not None and len(groups):
        _add_groups(groups, exposure, y, centre, width, lines, add_box)
    return (
        pd.DataFrame(boxes, columns=["x", "y", "x2", "y2", "colour"]),
        pd.DataFrame(lines, columns=["x", "y", "x2", "y2", "head"]),
        pd.DataFrame(texts, columns=["x", "y", "text", "is_bold"]),
    )


def _add_groups(
    groups: pd.DataFrame, exposure: Exposure, top: float, centre: float, width: int, lines: list[Line], add_box: AddBox
) -> None:
    """A branch to a box for each level, in their order, those not known last."""
    require_columns(groups, [exposure.column, "n"], "margin_groups")
    sizes, names = groups.set_index(exposure.column)["n"], exposure.strata
    colour_of = colours(exposure.levels)
    prefix = exposure.prefix[:1].upper() + exposure.prefix[1:]
    gap, total = 12, width - 10
    box_width = (total - gap * (len(names) - 1)) / len(names)
    middles = [5 + number * (box_width + gap) + box_width / 2 for number in range(len(names))]
    lines.append((centre, top, centre, top + GAP / 2, ""))
    lines.append((middles[0], top + GAP / 2, middles[-1], top + GAP / 2, ""))
    for name, middle in zip(names, middles, strict=True):
        lines.append((middle, top + GAP / 2, middle, top + GAP + 6, "triangle-down"))
        n = int(sizes.get(name, 0))
        words = [f"{prefix} {name}", f"n = {n:,} ({n / max(sizes.sum(), 1):.1%})"]
        add_box(middle - box_width / 2, top + GAP + 10, box_width, BOX_HEIGHT, words, colour_of.get(name, LINE))
