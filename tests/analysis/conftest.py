"""What tests of several rooms share: a page without its charts."""

import pytest

from analysis import figures

CHARTS = (
    "cumulative_incidence_chart", "survival_chart", "forest_chart", "initial_pattern_chart", "salvage_chart", "cohort_flow_chart",
    "dose_response_chart", "specification_chart", "love_plot",
)  # fmt: skip


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No charts, for tests of the words around them: drawing takes most of a page's two seconds."""
    for chart in CHARTS:
        monkeypatch.setattr(figures, chart, lambda *arguments, **options: None)
    monkeypatch.setattr(figures, "svg", lambda chart, name, is_simulated: "<svg></svg>")
