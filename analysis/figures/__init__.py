"""Figures, each drawn from a published results table: frame in, Altair chart out, SVG text at the end."""

from analysis.figures.bars import initial_pattern_chart, salvage_chart
from analysis.figures.curves import cumulative_incidence_chart, survival_chart
from analysis.figures.flow import cohort_flow_chart
from analysis.figures.forest import forest_chart
from analysis.figures.hospitals import hospitals_chart
from analysis.figures.models_compared import dose_response_chart, love_plot, specification_chart
from analysis.figures.style import svg

__all__ = [
    "cohort_flow_chart", "cumulative_incidence_chart", "dose_response_chart", "forest_chart", "hospitals_chart",
    "initial_pattern_chart", "love_plot",
    "salvage_chart", "specification_chart", "survival_chart", "svg",
]  # fmt: skip
