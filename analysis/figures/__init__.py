"""Figures, each drawn from a published results table: frame in, Altair chart out, SVG text at the end."""

from analysis.figures.bars import initial_pattern_chart, salvage_chart
from analysis.figures.curves import cumulative_incidence_chart, survival_chart
from analysis.figures.forest import forest_chart
from analysis.figures.style import svg

__all__ = [
    "cumulative_incidence_chart", "forest_chart", "initial_pattern_chart", "salvage_chart", "survival_chart", "svg",
]  # fmt: skip
