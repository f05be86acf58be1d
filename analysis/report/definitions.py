"""What the report calls things and in which order: the published definitions, `meta.exposures` and its neighbours."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from analysis.patients.exposures import Exposure
from analysis.patients.plan import SURVIVAL, Endpoint, endpoints_of, exposures_of, settings_of
from analysis.report.availability import NotAvailable, frame_of
from analysis.report.formats import is_missing

Results = Mapping[str, pd.DataFrame]
MONTHS_A_YEAR = 12
SETTINGS_READ = (
    "days_a_year",
    "not_proportional_below_p",
    "balanced_below",
    "reference_width_mm",
    "landmark_years",
)


class Definitions(NamedTuple):
    """Exposures (the one that sections are of first), endpoints in their order, groupings' labels, and the numbers of the plan."""

    exposures: tuple[Exposure, ...]
    endpoints: tuple[Endpoint, ...]
    grouping_labels: Mapping[str, str]
    settings: Mapping[str, tuple[float, ...]]

    @property
    def days_a_year(self) -> float:
        """How long a year is."""
        return self.settings["days_a_year"][0]

    @property
    def not_proportional_below_p(self) -> float:
        """Below which P hazards are not taken for proportional."""
        return self.settings["not_proportional_below_p"][0]

    @property
    def balanced_below(self) -> float:
        """The standardised difference below which a covariate is taken for balanced."""
        return self.settings["balanced_below"][0]

    @property
    def reference_width_mm(self) -> float:
        """The width that others are compared with."""
        return self.settings["reference_width_mm"][0]

    @property
    def years_shown(self) -> float:
        """The last landmark: curves are drawn up to it."""
        return self.settings["landmark_years"][-1]

    @property
    def exposure(self) -> Exposure:
        """The exposure that sections and figures are of."""
        return self.exposures[0]

    @property
    def survival_endpoints(self) -> tuple[str, ...]:
        """Endpoints that nothing competes with."""
        return tuple(endpoint.name for endpoint in self.endpoints if endpoint.kind == SURVIVAL)

    def label(self, endpoint: object) -> str:
        """An endpoint's label; what is no endpoint stays as it is."""
        return next((known.label for known in self.endpoints if known.name == endpoint), str(endpoint))

    def months(self, days: Any) -> str:
        """Days as whole months, 'not reached' where they are missing."""
        return "not reached" if is_missing(days) else f"{MONTHS_A_YEAR * days / self.days_a_year:.0f}"


def definitions(results: Results) -> Definitions:
    """The definitions among the published tables.

    Raises:
        NotAvailable: exposures, analysis_endpoints or analysis_plan are not there, or say nothing.
    """
    groupings = results.get("event_count_groupings")
    labels = {} if groupings is None else dict(zip(groupings["grouping"], groupings["label"], strict=True))
    try:
        settings = settings_of(frame_of(results, "analysis_plan", "name value"))
        lacking = [name for name in SETTINGS_READ if name not in settings]
        if lacking:
            raise ValueError(f"analysis_plan: no setting {', '.join(lacking)}")
        return Definitions(
            exposures_of(frame_of(results, "exposures", "column_name levels reference")),
            endpoints_of(frame_of(results, "analysis_endpoints", "endpoint label kind")),
            labels,
            settings,
        )
    except ValueError as fault:
        raise NotAvailable(f"the definitions do not hold: {fault}") from fault


def of_exposure(results: Results, column: str) -> Results:
    """The same tables with another exposure of the plan as the one that sections and figures are of."""
    rows = frame_of(results, "exposures", "column_name")
    is_it = rows["column_name"] == column
    return {**results, "exposures": pd.concat([rows[is_it], rows[~is_it]], ignore_index=True)}


def rows_of(frame: pd.DataFrame, exposure: Exposure, column: str = "grouping") -> pd.DataFrame:
    """A table's rows of one exposure."""
    return frame[frame[column] == exposure.column]
