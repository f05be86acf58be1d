"""What a publication's figures are called; the figures themselves are the seed `published_figures`, `meta.published_figures`."""

PUBLISHED_YEARS = 3
"""At which the cumulative incidences were published."""

HAZARD_RATIO, THREE_YEAR_INCIDENCE, SALVAGE_TREND = "hazard ratio", "three-year incidence", "trend of salvage"
"""Kinds of figures."""
HAZARD_RATIO_FIGURES = {
    "isolated_liver_recurrence": "Initial isolated liver recurrence",
    "margin_recurrence": "Initial recurrence at the resection margin",
    "liver_recurrence_any_time": "Liver recurrence at any time",
}
SALVAGE_FIGURE = "Salvage after recurrence, rising with margin width"
THREE_YEAR_FIGURE = f"{PUBLISHED_YEARS}-year cumulative incidence of recurrence"


def figure_of(kind: str, endpoint: str) -> str:
    """The name under which a figure is shown; of an endpoint that has none the endpoint's own."""
    if kind == HAZARD_RATIO:
        return HAZARD_RATIO_FIGURES.get(endpoint, endpoint)
    return THREE_YEAR_FIGURE if kind == THREE_YEAR_INCIDENCE else SALVAGE_FIGURE
