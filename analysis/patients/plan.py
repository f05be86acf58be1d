"""The plan of the analysis as it was written down: settings, endpoints, exposures, covariates. Frames in, one object out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from analysis.patients.collapsed_counts import require_columns
from analysis.patients.covariates import GROUP, LOG_SPLINE, NUMBER, SPLINE, TRUTH, Covariate
from analysis.patients.exposures import Exposure
from analysis.patients.names import NOT_KNOWN

PLAN_TABLES = (
    "analysis_plan",
    "analysis_endpoints",
    "exposures",
    "covariates",
    "covariate_sets",
    "table_one_variables",
)
MAIN, TREATMENT, CONTINUOUS, SCORE = "main", "treatment", "continuous", "score"
PRIMARY, SECONDARY, EXPLORATORY = "primary", "secondary", "exploratory"
SURVIVAL, COMPETING = "survival", "competing"
WORDS = "words"


class CovariateRules(NamedTuple):
    """When a covariate may not enter a model, and where a spline bends; see `covariate_choice.choose_covariates`."""

    least_share_recorded: float
    least_share_complete: float
    events_per_parameter: float
    events_per_parameter_wanted: float
    covariate_knot_quantiles: tuple[float, ...]


class Endpoint(NamedTuple):
    """An endpoint of the plan: its label, 'survival' or 'competing', its role, whether the further analyses are of it too, and whether
    the report has its estimates at the landmarks."""

    name: str
    label: str
    kind: str
    role: str
    is_modelled_further: bool
    is_read_off: bool


class DescribedVariable(NamedTuple):
    """A variable of Table 1: its column, its label, and whether it holds numbers, truths or words."""

    column: str
    label: str
    kind: str


class Plan(NamedTuple):
    """What was decided before the data were seen. `settings` are numbers by name, in the order written."""

    settings: Mapping[str, tuple[float, ...]]
    endpoints: tuple[Endpoint, ...]
    exposures: tuple[Exposure, ...]
    covariate_sets: Mapping[str, tuple[Covariate, ...]]
    model_names: Mapping[str, str]
    described: tuple[DescribedVariable, ...]

    def number(self, name: str) -> float:
        """A setting that is one number.

        Raises:
            ValueError: the plan does not have it, or has several numbers.
        """
        values = self.numbers(name)
        if len(values) != 1:
            raise ValueError(f"analysis_plan.{name}: one number is wanted, not {len(values)}")
        return values[0]

    def numbers(self, name: str) -> tuple[float, ...]:
        """A setting that is a list of numbers; ValueError when the plan does not have it."""
        if name not in self.settings:
            raise ValueError(f"analysis_plan: no setting {name}")
        return self.settings[name]

    def count(self, name: str) -> int:
        """A setting that is a whole number."""
        return int(self.number(name))

    @property
    def days_a_year(self) -> float:
        """How long a year is; a month is a twelfth of it."""
        return self.number("days_a_year")

    @property
    def survival_endpoints(self) -> tuple[str, ...]:
        """Endpoints that nothing competes with."""
        return tuple(endpoint.name for endpoint in self.endpoints if endpoint.kind == SURVIVAL)

    @property
    def rules(self) -> CovariateRules:
        """The rules by which a model chooses among the covariates of its set."""
        return CovariateRules(
            self.number("least_share_recorded"),
            self.number("least_share_complete"),
            self.number("events_per_parameter"),
            self.number("events_per_parameter_wanted"),
            self.numbers("covariate_knot_quantiles"),
        )

    @property
    def exposure(self) -> Exposure:
        """The primary exposure."""
        return self.exposures[0]

    def by_exposure(self) -> "tuple[Plan, ...]":
        """The plan once an exposure, each with that one as its primary."""
        return tuple(
            self._replace(exposures=(exposure, *(other for other in self.exposures if other != exposure)))
            for exposure in self.exposures
        )

    def shown(self, exposure: Exposure, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of a model of an exposure that stand in its table: the covariates' own only beside the primary exposure."""
        if exposure == self.exposure:
            return frame
        own = {
            *exposure.terms,
            exposure.omnibus,
            exposure.omnibus_wald,
            exposure.trend,
            exposure.proportionality,
            exposure.by_period,
        }
        return frame[frame["term"].isin(own)]

    @property
    def modelled_endpoints(self) -> tuple[str, ...]:
        """Endpoints that the further analyses are of."""
        return tuple(endpoint.name for endpoint in self.endpoints if endpoint.is_modelled_further)

    @property
    def all_covariates(self) -> tuple[Covariate, ...]:
        """The covariates of all sets, each once."""
        return tuple(dict.fromkeys(covariate for chosen in self.covariate_sets.values() for covariate in chosen))

    def covariates(self, covariate_set: str = MAIN) -> tuple[Covariate, ...]:
        """The covariates of a set in the order in which events decide who stays; none where the plan has no such set."""
        return self.covariate_sets.get(covariate_set, ())


def plan_from_frames(frames: Mapping[str, pd.DataFrame]) -> Plan:
    """The plan from the tables PLAN_TABLES, as the seeds of these names spell them.

    Raises:
        ValueError: a table or column is missing, a setting is no number, an exposure's reference is none of its levels, a set
            names a covariate that is not defined, or a kind is unknown. Table and row are named.
    """
    missing = [name for name in PLAN_TABLES if name not in frames]
    if missing:
        raise ValueError(f"plan: no table {', '.join(missing)}")
    covariates = _covariates(frames["covariates"])
    sets, names = _sets(frames["covariate_sets"], covariates)
    exposures = exposures_of(frames["exposures"])
    described = _described(frames["table_one_variables"], covariates)
    settings, endpoints = settings_of(frames["analysis_plan"]), endpoints_of(frames["analysis_endpoints"])
    return Plan(settings, endpoints, exposures, sets, names, described)


def settings_of(table: pd.DataFrame) -> dict[str, tuple[float, ...]]:
    """The settings of the seed `analysis_plan`: numbers by name; ValueError names what is no number."""
    require_columns(table, ["name", "value"], "analysis_plan")
    settings = {}
    for name, value in zip(table["name"], table["value"], strict=True):
        try:
            settings[str(name)] = tuple(float(part) for part in str(value).split(";"))
        except ValueError as error:
            raise ValueError(f"analysis_plan.{name}: {value!r} is no number or list of numbers") from error
    return settings


def endpoints_of(table: pd.DataFrame) -> tuple[Endpoint, ...]:
    """The endpoints of the seed `analysis_endpoints` in their order; ValueError for a kind that is none."""
    truths = ["is_modelled_further", "is_read_off_in_report"]
    require_columns(table, ["endpoint", "position", "label", "kind", "analysis_role", *truths], "analysis_endpoints")
    unknown = set(table["kind"]) - {SURVIVAL, COMPETING}
    if unknown:
        raise ValueError(
            f"analysis_endpoints.kind: {', '.join(sorted(map(str, unknown)))} is neither survival nor competing"
        )
    rows = table.sort_values("position").to_dict("records")
    return tuple(
        Endpoint(
            row["endpoint"], row["label"], row["kind"], row["analysis_role"], *(_truth(row[name]) for name in truths)
        )
        for row in rows
    )


def exposures_of(table: pd.DataFrame) -> tuple[Exposure, ...]:
    """The exposures of the seed, the primary one first; ValueError without a row, or for a reference that is no level."""
    require_columns(table, ["column_name", "label", "term_prefix", "levels", "reference", "is_ordered"], "exposures")
    exposures = tuple(_exposure(row) for row in table.to_dict("records"))
    if not exposures:
        raise ValueError("exposures: no row")
    return exposures


def _exposure(row: Mapping[Any, Any]) -> Exposure:
    levels = tuple(level.strip() for level in str(row["levels"]).split(";"))
    if row["reference"] not in levels or len(levels) < 2:
        raise ValueError(
            f"exposures.{row['exposure']}: the reference {row['reference']!r} is none of two or more levels"
        )
    not_known = row.get("not_known")
    return Exposure(
        row["column_name"],
        row["label"],
        row["term_prefix"],
        levels,
        row["reference"],
        _truth(row["is_ordered"]),
        not_known if isinstance(not_known, str) and not_known else NOT_KNOWN,
    )


def _covariates(table: pd.DataFrame) -> dict[str, Covariate]:
    require_columns(table, ["covariate", "column_name", "kind", "per"], "covariates")
    unknown = set(table["kind"]) - {NUMBER, TRUTH, GROUP, SPLINE, LOG_SPLINE}
    if unknown:
        raise ValueError(f"covariates.kind: {', '.join(sorted(map(str, unknown)))} is no kind of covariate")
    return {
        row["covariate"]: Covariate(row["covariate"], row["column_name"], float(row["per"]), row["kind"])
        for row in table.to_dict("records")
    }


def _described(table: pd.DataFrame, covariates: Mapping[str, Covariate]) -> tuple[DescribedVariable, ...]:
    require_columns(table, ["position", "column_name", "label", "kind"], "table_one_variables")
    unknown = set(table["kind"]) - {NUMBER, TRUTH, WORDS}
    if unknown:
        raise ValueError(f"table_one_variables.kind: {', '.join(sorted(map(str, unknown)))} is no kind of variable")
    terms = {
        covariate.column: covariate.term for covariate in reversed([*covariates.values()]) if covariate.kind == TRUTH
    }
    found = []
    for row in table.sort_values("position").to_dict("records"):
        column, label = row["column_name"], row["label"]
        if not (isinstance(label, str) and label):
            if column not in terms:
                raise ValueError(f"table_one_variables.{column}: no label, and no covariate to take one from")
            label = terms[column][:1].upper() + terms[column][1:]
        found.append(DescribedVariable(column, label, row["kind"]))
    return tuple(found)


def _sets(
    table: pd.DataFrame, covariates: Mapping[str, Covariate]
) -> tuple[dict[str, tuple[Covariate, ...]], dict[str, str]]:
    require_columns(table, ["covariate_set", "position", "covariate", "model"], "covariate_sets")
    unknown = sorted(set(table["covariate"]) - set(covariates))
    if unknown:
        raise ValueError(f"covariate_sets.covariate: {', '.join(unknown)} not among the covariates")
    ordered = table.sort_values("position", kind="stable")
    sets = {
        str(name): tuple(covariates[term] for term in rows["covariate"])
        for name, rows in ordered.groupby("covariate_set", sort=False)
    }
    names = {str(name): str(rows["model"].iloc[0]) for name, rows in ordered.groupby("covariate_set", sort=False)}
    return sets, names


def _truth(value: object) -> bool:
    return str(value).strip().lower() in ("true", "1", "yes")
