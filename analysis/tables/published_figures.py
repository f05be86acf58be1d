"""The figures that the abstract of Perrin et al. reports (Ann Surg 2025, doi 10.1097/SLA.0000000000006659), one by one."""

from typing import NamedTuple

PUBLISHED_PATIENTS = 1776

HAZARD_RATIO_FIGURES = {
    "isolated_liver_recurrence": "Initial isolated liver recurrence",
    "margin_recurrence": "Initial recurrence at the resection margin",
    "liver_recurrence_any_time": "Liver recurrence at any time",
}
SALVAGE_FIGURE = "Salvage after recurrence, rising with margin width"
THREE_YEAR_FIGURE = "3-year cumulative incidence of recurrence"

# Of margin group as a whole, by endpoint, as printed; of salvage therapy, of its rise with margin width
PUBLISHED_P_VALUES = {
    "isolated_liver_recurrence": "P=0.001",
    "margin_recurrence": "P<0.001",
    "liver_recurrence_any_time": "P<0.001",
    "salvage": "P<0.001",
}


class PublishedFigure(NamedTuple):
    """An estimate of the abstract, with its 95 % limits where it gives them (a hazard ratio is against >=10 mm)."""

    figure: str
    endpoint: str
    stratum: str
    estimate: float
    conf_low: float
    conf_high: float


def _hazard_ratio(endpoint: str, stratum: str, estimate: float, low: float, high: float) -> PublishedFigure:
    return PublishedFigure(HAZARD_RATIO_FIGURES[endpoint], endpoint, stratum, estimate, low, high)


def _three_year_incidence(stratum: str, estimate: float) -> PublishedFigure:
    return PublishedFigure(THREE_YEAR_FIGURE, "overall_recurrence", stratum, estimate, float("nan"), float("nan"))


PUBLISHED_HAZARD_RATIOS = (
    _hazard_ratio("isolated_liver_recurrence", "positive", 2.21, 1.49, 3.26),
    _hazard_ratio("isolated_liver_recurrence", "<1 mm", 1.42, 0.84, 2.40),
    _hazard_ratio("isolated_liver_recurrence", "1.0-9.9 mm", 1.41, 1.08, 1.84),
    _hazard_ratio("margin_recurrence", "positive", 2.11, 1.26, 3.54),
    _hazard_ratio("margin_recurrence", "<1 mm", 2.99, 1.74, 5.15),
    _hazard_ratio("margin_recurrence", "1.0-9.9 mm", 0.92, 0.62, 1.37),
    _hazard_ratio("liver_recurrence_any_time", "positive", 2.32, 1.79, 3.01),
    _hazard_ratio("liver_recurrence_any_time", "<1 mm", 1.72, 1.23, 2.42),
    _hazard_ratio("liver_recurrence_any_time", "1.0-9.9 mm", 1.33, 1.11, 1.58),
)
PUBLISHED_THREE_YEAR_INCIDENCES = (
    _three_year_incidence("positive", 0.70),
    _three_year_incidence("<1 mm", 0.70),
    _three_year_incidence("1.0-9.9 mm", 0.57),
    _three_year_incidence(">=10 mm", 0.50),
)
