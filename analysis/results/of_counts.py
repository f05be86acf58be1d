"""Results that exact counts by day suffice for: curves, times, tests between groups, restricted means."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.group_tests import gray_test, logrank_test, trend_test
from analysis.curves.kaplan_meier import kaplan_meier, quantile_times
from analysis.curves.landmark_estimates import landmark_estimates
from analysis.curves.restricted_mean import restricted_mean_survival, restricted_mean_time_lost
from analysis.curves.restricted_mean_differences import differences_over_hospitals, restricted_mean_differences
from analysis.patients.collapsed_counts import count_events
from analysis.patients.exposures import Exposure, levels_of
from analysis.patients.model_rows import HOSPITAL_COLUMN
from analysis.patients.plan import SURVIVAL, Plan
from analysis.results.attempts import Attempts
from analysis.results.study_rows import StudyRows


def landmarks_days(plan: Plan, setting: str) -> dict[str, float]:
    """Label -> days of a setting in years."""
    return {f"{years:g} year{'' if years == 1 else 's'}": years * plan.days_a_year for years in plan.numbers(setting)}


def half_years_days(plan: Plan, setting: str) -> list[float]:
    """The days of each half year from 0 to a setting in years (the last of several)."""
    return [half * plan.days_a_year / 2 for half in range(int(2 * plan.numbers(setting)[-1]) + 1)]


def counts_of_exposures(inputs: Mapping[str, pd.DataFrame], plan: Plan) -> pd.DataFrame:
    """`event_counts`, with the groupings of exposures that the mart does not count, from the patients' rows."""
    counts = inputs["event_counts"]
    present = set(counts["grouping"])
    missing = [exposure.column for exposure in plan.exposures if present and exposure.column not in present]
    operations = inputs["operations"] if missing else pd.DataFrame()
    added = []
    for column in missing:
        if column not in operations.columns:
            continue
        levels = levels_of(operations[column]).fillna("unknown").set_axis(operations["study_id"])
        times = inputs["time_to_event"]
        added.append(count_events(times.assign(**{column: levels.reindex(times["study_id"]).to_numpy()}), column))
    return pd.concat([counts, *added], ignore_index=True) if added else counts


def counts_by_hospital(rows: pd.DataFrame, exposure: Exposure) -> pd.DataFrame:
    """Counts by day of an endpoint's patients by exposure, hospital by hospital; HOSPITAL_COLUMN says which."""
    levels = levels_of(rows[exposure.column])
    named = rows.assign(**{exposure.column: levels})[levels.notna().to_numpy()]
    by_hospital = named.groupby(HOSPITAL_COLUMN, observed=True, sort=True)
    counts = [
        count_events(of_hospital, exposure.column).assign(**{HOSPITAL_COLUMN: str(name)})
        for name, of_hospital in by_hospital
    ]
    return pd.concat(counts, ignore_index=True) if counts else count_events(named).assign(**{HOSPITAL_COLUMN: ""})


def curves(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """kaplan_meier, median_times, cumulative_incidence, landmark_estimates and group_tests, endpoint by endpoint."""
    days = landmarks_days(plan, "landmark_years")
    for endpoint, counts in _by_endpoint(counts_of_exposures(inputs, plan), plan, attempts, "kaplan_meier"):
        is_survival = _kind(plan, endpoint) == SURVIVAL
        table, estimator = (
            ("kaplan_meier", "Kaplan-Meier") if is_survival else ("cumulative_incidence", "Aalen-Johansen")
        )
        estimate = kaplan_meier if is_survival else cumulative_incidence
        attempts.add(table, endpoint, lambda estimate=estimate, counts=counts: estimate(counts))
        if is_survival:
            attempts.add("median_times", endpoint, lambda counts=counts: quantile_times(counts))
        attempts.add(
            "landmark_estimates",
            endpoint,
            lambda estimate=estimate, counts=counts, name=estimator: landmark_estimates(estimate(counts), name, days),
        )
        attempts.add(
            "group_tests", endpoint, lambda counts=counts, kind=is_survival: _tests(counts, kind, plan.exposures)
        )


def _tests(counts: pd.DataFrame, is_survival: bool, exposures: Sequence[Exposure]) -> pd.DataFrame:
    """Log-rank, Gray's and trend tests of every grouping; an exposure's trend is over its levels in their order, or there is none."""
    frames = [logrank_test(counts, not is_survival)]
    if not is_survival:
        frames.append(gray_test(counts))
    of_exposures = counts["grouping"].isin([exposure.column for exposure in exposures])
    frames.append(trend_test(counts[~of_exposures], is_cause_specific=not is_survival))
    for exposure in exposures:
        levels = counts[(counts["grouping"] == exposure.column) & counts["stratum"].isin(exposure.levels)]
        if exposure.is_ordered and len(levels):
            frames.append(trend_test(levels, is_cause_specific=not is_survival, levels=exposure.levels))
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def restricted_means(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """restricted_means and restricted_mean_differences, these from two hospitals on standardised over hospitals too."""
    horizon, operations = plan.number("horizon_years") * plan.days_a_year, inputs["operations"]
    has_hospitals = HOSPITAL_COLUMN in operations.columns and operations[HOSPITAL_COLUMN].nunique() > 1
    rows = None
    if has_hospitals:
        read = {HOSPITAL_COLUMN, *(exposure.column for exposure in plan.exposures)}
        rows = StudyRows(inputs["time_to_event"], operations, read)

    def means_of(endpoint: str, counts: pd.DataFrame) -> pd.DataFrame:
        if _kind(plan, endpoint) == SURVIVAL:
            return restricted_mean_survival(counts, horizon).assign(measure="lived without the event")
        lost = restricted_mean_time_lost(counts, horizon)
        causes = {"event": "event", "competing": "competing events"}
        return lost.drop(columns="cause").assign(measure="lost to the " + lost["cause"].map(causes))

    def of(endpoint: str, counts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        means, differences = means_of(endpoint, counts), []
        for exposure in plan.exposures:
            if not (means["grouping"] == exposure.column).any():
                continue
            differences.append(restricted_mean_differences(means, exposure.column, exposure.reference))
            if rows is not None:
                # each hospital as a grouping of its own: all curves at once
                by_hospital = counts_by_hospital(rows.of(endpoint), exposure)
                own = means_of(endpoint, by_hospital.assign(grouping=by_hospital[HOSPITAL_COLUMN]))
                differences.append(differences_over_hospitals(own, exposure.column, exposure.reference))
        return means, pd.concat(differences, ignore_index=True) if differences else pd.DataFrame()

    for endpoint, counts in _by_endpoint(counts_of_exposures(inputs, plan), plan, attempts, "restricted_means"):
        attempts.add(
            ("restricted_means", "restricted_mean_differences"),
            endpoint,
            lambda endpoint=endpoint, counts=counts: of(endpoint, counts),
        )


def death_rules(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """death_rule_estimates: incidence and survival read off under each other rule for deaths long after the last look."""
    days, operations = landmarks_days(plan, "risk_years"), inputs["operations"].set_index("study_id")
    groups = {exposure.column: levels_of(operations[exposure.column]) for exposure in plan.exposures}
    times = inputs["time_to_event_by_death_rule"]
    for (endpoint, rule), rows in times.groupby(["endpoint", "death_rule"], sort=True):
        if endpoint not in {known.name for known in plan.endpoints}:
            continue
        named = rows.assign(
            **{
                column: levels.reindex(rows["study_id"]).fillna("unknown").to_numpy()
                for column, levels in groups.items()
            }
        )
        is_survival = _kind(plan, str(endpoint)) == SURVIVAL

        def read_off(
            named: pd.DataFrame = named, rule: str = str(rule), is_survival: bool = is_survival
        ) -> pd.DataFrame:
            counts = [count_events(named), *(count_events(named, column) for column in groups)]
            estimate = kaplan_meier if is_survival else cumulative_incidence
            curve = estimate(pd.concat(counts, ignore_index=True))
            estimator = "Kaplan-Meier" if is_survival else "Aalen-Johansen"
            return landmark_estimates(curve, estimator, days).assign(death_rule=rule)

        attempts.add("death_rule_estimates", str(endpoint), read_off)


def _kind(plan: Plan, endpoint: str) -> str:
    return next(known.kind for known in plan.endpoints if known.name == endpoint)


def _by_endpoint(
    event_counts: pd.DataFrame, plan: Plan, attempts: Attempts, table: str
) -> list[tuple[str, pd.DataFrame]]:
    """The counts of each endpoint of the plan that has any, in its order; a reason for those that the plan does not know."""
    known = [endpoint.name for endpoint in plan.endpoints]
    for unknown in sorted(set(map(str, event_counts["endpoint"].unique())) - set(known)):
        attempts.note(table, unknown, "not among the endpoints of the plan (analysis_endpoints)")
    if event_counts.empty:
        attempts.note(table, None, "event_counts has no rows")
    present = set(event_counts["endpoint"].unique())
    return [(endpoint, event_counts[event_counts["endpoint"] == endpoint]) for endpoint in known if endpoint in present]
