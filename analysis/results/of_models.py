"""Results of regressions: the models of the plan, hospital by hospital, period by period, by width, and stratified tests."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.curves.stratified_tests import STRATIFIED_TEST_COLUMNS, stratified_gray_test, stratified_logrank_test
from analysis.models.between_hospitals import between_hospitals
from analysis.models.cause_specific_cox import cox_model
from analysis.models.dose_response import CURVE_COLUMNS, TEST_COLUMNS, dose_response
from analysis.models.fine_gray import fine_gray_model
from analysis.models.interval_censored import interval_censored_curves, interval_censored_ratios
from analysis.models.landmark_models import landmark_hazard_ratios
from analysis.models.time_varying import time_varying_hazard_ratios
from analysis.patients.collapsed_counts import count_events
from analysis.patients.covariate_choice import CovariateChoice, choose_covariates
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import Exposure, levels_of
from analysis.patients.model_rows import HOSPITAL_COLUMN
from analysis.patients.plan import CONTINUOUS, MAIN, SURVIVAL, TREATMENT, Plan
from analysis.results.attempts import Attempts
from analysis.results.of_counts import half_years_days
from analysis.results.study_rows import StudyRows
from analysis.robustness.dose_response_imputed import dose_response_imputed

ADJUSTED_SETS = (MAIN, TREATMENT, CONTINUOUS)


def study_rows(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> StudyRows:
    """The patients' rows of the inputs (see `StudyRows`), without endpoints that contradict the plan: these leave a reason."""
    times = inputs["time_to_event"]
    bad = set(times.loc[times["event_code"] == 2, "endpoint"]) & set(plan.survival_endpoints)
    for endpoint in sorted(bad):
        attempts.note("hazard_ratios", endpoint, "of survival by the plan, yet with competing events")
    return StudyRows(times[~times["endpoint"].isin(bad)] if bad else times, inputs["operations"])


def models(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """hazard_ratios, proportional_hazards and model_covariates: each exposure and endpoint, unadjusted and by covariate set."""
    rows, kinds = study_rows(inputs, plan, attempts), {endpoint.name: endpoint.kind for endpoint in plan.endpoints}

    def of(endpoint: str, attempts: Attempts) -> None:
        patients = rows.of(endpoint)
        if patients.empty:
            attempts.note("hazard_ratios", endpoint, "nobody has this endpoint")
            return
        for exposure in plan.exposures:
            _models_of(patients, endpoint, kinds[endpoint] != SURVIVAL, exposure, plan, attempts)

    attempts.each(list(kinds), of)


def _models_of(
    patients: pd.DataFrame, endpoint: str, has_competing: bool, exposure: Exposure, plan: Plan, attempts: Attempts
) -> None:
    both = ("hazard_ratios", "proportional_hazards")

    def shown(frame: pd.DataFrame) -> pd.DataFrame:
        return plan.shown(exposure, frame)

    def cox(rows: pd.DataFrame, covariates: Sequence[Covariate], name: str, warning: str | None = None):
        found = cox_model(rows, endpoint, exposure, covariates, name, model_warning=warning)
        return shown(found.hazard_ratios), shown(found.proportional_hazards)

    attempts.add(both, endpoint, lambda: cox(patients, (), "unadjusted"))
    if has_competing:
        attempts.add(
            "hazard_ratios", endpoint, lambda: shown(fine_gray_model(patients, endpoint, exposure, (), "unadjusted"))
        )
    for covariate_set in ADJUSTED_SETS:
        if not plan.covariates(covariate_set):
            continue
        choice = chosen(patients, endpoint, plan, attempts, covariate_set, exposure)
        if choice is None:
            continue
        name = plan.model_names[covariate_set]
        attempts.add(
            "model_covariates", endpoint, lambda choice=choice: choice.reasons.assign(exposure=exposure.column)
        )
        attempts.add(
            both,
            endpoint,
            lambda choice=choice, name=name: cox(choice.patients, choice.used, name, choice.warning),
        )
        if has_competing and covariate_set == MAIN:
            attempts.add(
                "hazard_ratios",
                endpoint,
                lambda choice=choice, name=name: shown(
                    fine_gray_model(choice.patients, endpoint, exposure, choice.used, name, choice.warning)
                ),
            )


def chosen(
    patients: pd.DataFrame,
    endpoint: str,
    plan: Plan,
    attempts: Attempts,
    covariate_set: str = MAIN,
    exposure: Exposure | None = None,
) -> CovariateChoice | None:
    """The covariates of a set that the endpoint's patients allow; None, with the reason noted, where nobody can be compared."""
    name = plan.model_names.get(covariate_set, "adjusted")
    try:
        return choose_covariates(
            patients, endpoint, plan.covariates(covariate_set), exposure or plan.exposure, plan.rules, name
        )
    except ValueError as reason:
        attempts.note("model_covariates", endpoint, str(reason))
        return None


def hospitals(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """hospital_hazard_ratios, of the further modelled endpoints."""
    rows = study_rows(inputs, plan, attempts)
    for endpoint in plan.modelled_endpoints:
        patients = rows.of(endpoint)
        if len(patients):
            for exposure in plan.exposures:
                attempts.add(
                    "hospital_hazard_ratios",
                    endpoint,
                    lambda patients=patients, endpoint=endpoint, exposure=exposure: between_hospitals(
                        patients, endpoint, exposure, plan.covariates(), plan.rules
                    ),
                )


def stratified_tests(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """stratified_tests: the log-rank and Gray's test within eras of operation and, from two hospitals on, within hospitals."""
    rows = study_rows(inputs, plan, attempts)
    for block in ("era", HOSPITAL_COLUMN):
        if block not in rows.operations.columns or rows.operations[block].isna().all():
            attempts.note("stratified_tests", None, f"no patient has an {block}" if block == "era" else f"no {block}")
            continue
        if block == HOSPITAL_COLUMN and rows.operations[block].nunique() < 2:
            continue
        for endpoint in plan.endpoints:
            patients = rows.of(endpoint.name)
            patients = patients[patients[block].notna()]
            for exposure in plan.exposures if len(patients) else ():
                attempts.add(
                    "stratified_tests",
                    endpoint.name,
                    lambda patients=patients, block=block, is_competing=endpoint.kind != SURVIVAL, exposure=exposure: (
                        _within(patients, block, exposure.column, is_competing)
                    ),
                )


def _within(patients: pd.DataFrame, block: str, grouping: str, is_competing: bool) -> pd.DataFrame:
    patients = patients.assign(**{grouping: levels_of(patients[grouping])})
    patients = patients[patients[grouping].notna()]
    counts = pd.concat(
        [count_events(rows, grouping).assign(**{block: str(name)}) for name, rows in patients.groupby(block)],
        ignore_index=True,
    )
    tests = [stratified_logrank_test(counts, block, is_competing)]
    if is_competing:
        tests.append(stratified_gray_test(counts, block))
    return pd.concat(tests, ignore_index=True)[STRATIFIED_TEST_COLUMNS]


def effect_over_time(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """time_varying_hazard_ratios, landmark_hazard_ratios and pairwise_hazard_ratios."""
    rows = study_rows(inputs, plan, attempts)

    def of(endpoint: str, attempts: Attempts) -> None:
        patients = rows.of(endpoint)
        for of_exposure in plan.by_exposure() if len(patients) else ():
            _over_time(patients, endpoint, of_exposure, plan, attempts)

    attempts.each([known.name for known in plan.endpoints], of)


def _over_time(patients: pd.DataFrame, endpoint: str, of_exposure: Plan, plan: Plan, attempts: Attempts) -> None:
    exposure = of_exposure.exposure
    choice = chosen(patients, endpoint, of_exposure, attempts)
    if choice is None:
        return
    attempts.add(
        "time_varying_hazard_ratios",
        endpoint,
        lambda: plan.shown(
            exposure,
            time_varying_hazard_ratios(
                choice.patients,
                endpoint,
                exposure,
                choice.used,
                plan.numbers("period_starts_years"),
                plan.number("not_proportional_below_p"),
                plan.days_a_year,
            ),
        ),
    )
    if endpoint not in plan.modelled_endpoints:
        return
    for days in plan.numbers("model_landmarks_days"):
        attempts.add(
            "landmark_hazard_ratios",
            endpoint,
            lambda days=days: plan.shown(exposure, _from_landmark(patients, endpoint, of_exposure, days)),
        )
    # of an exposure of two levels the hazard ratio compares them already
    if len(exposure.levels) > 2:
        attempts.add("pairwise_hazard_ratios", endpoint, lambda: _first_two_levels(choice, endpoint, exposure))


def _from_landmark(patients: pd.DataFrame, endpoint: str, plan: Plan, days: float) -> pd.DataFrame:
    """The models from a landmark on, with the covariates that the events after it allow."""
    later = patients[patients["time_days"] > days]
    if later.empty:
        raise ValueError(f"nobody is followed beyond day {days:g}")
    choice = choose_covariates(later, endpoint, plan.covariates(), plan.exposure, plan.rules)
    columns = choice.patients.reindex(columns=[covariate.column for covariate in choice.used])
    with_columns = patients.assign(**{name: columns[name].reindex(patients.index) for name in columns})
    return landmark_hazard_ratios(with_columns, endpoint, [days], plan.exposure, choice.used)


def _first_two_levels(choice: CovariateChoice, endpoint: str, exposure: Exposure) -> pd.DataFrame:
    compared, reference = exposure.levels[:2]
    frames = []
    for model, covariates in (("unadjusted", ()), ("adjusted", choice.used)):
        ratios = cox_model(choice.patients, endpoint, exposure.against(reference), covariates, model).hazard_ratios
        frames.append(ratios[ratios["term"] == exposure.term(compared)])
    return pd.concat(frames, ignore_index=True)


def by_width(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """dose_response and dose_response_tests: exact widths, and with bounded ones imputed."""
    rows, reference = study_rows(inputs, plan, attempts), plan.number("reference_width_mm")
    half_millimetres = range(int(2 * plan.number("widest_width_mm")) + 1)
    settings = {
        "reference_mm": reference,
        "grid_mm": [half / 2 for half in half_millimetres],
        "n_knots": plan.count("spline_knots"),
    }
    draws = {"n_imputations": plan.count("width_imputations"), "seed": plan.count("seed")}

    def of(endpoint: str, attempts: Attempts) -> None:
        patients = rows.of(endpoint)
        choice = chosen(patients, endpoint, plan, attempts) if len(patients) else None
        if choice is None:
            return
        for covariates in ((), choice.used) if choice.used else ((),):
            for respond, more in ((dose_response, {}), (dose_response_imputed, draws)):
                attempts.add(
                    ("dose_response", "dose_response_tests"),
                    endpoint,
                    lambda choice=choice, endpoint=endpoint, covariates=covariates, respond=respond, more=more: (
                        _response(respond(choice.patients, endpoint, covariates, **settings, **more))
                    ),
                )

    attempts.each(plan.modelled_endpoints, of)


def interval_censored(inputs: Mapping[str, pd.DataFrame], plan: Plan, attempts: Attempts) -> None:
    """interval_censored_hazard_ratios and interval_censored_curves, of the further modelled endpoints."""
    rows = study_rows(inputs, plan, attempts)
    intervals = inputs["recurrence_intervals"]
    half_years = half_years_days(plan, "horizon_years")

    def of(endpoint: str, attempts: Attempts) -> None:
        patients = rows.of(endpoint)
        if patients.empty:
            return
        of_endpoint = intervals[intervals["endpoint"] == endpoint].set_index("study_id")["clear_until_days"]
        patients = patients.assign(clear_until_days=of_endpoint.reindex(patients["study_id"]).to_numpy())
        for of_exposure in plan.by_exposure():
            choice = chosen(patients, endpoint, of_exposure, attempts)
            if choice is None:
                continue
            attempts.add(
                "interval_censored_hazard_ratios",
                endpoint,
                lambda choice=choice, endpoint=endpoint, exposure=of_exposure.exposure: interval_censored_ratios(
                    choice.patients, endpoint, exposure, choice.used
                ),
            )
            attempts.add(
                "interval_censored_curves",
                endpoint,
                lambda patients=patients, endpoint=endpoint, exposure=of_exposure.exposure: interval_censored_curves(
                    patients, endpoint, exposure, half_years[1:]
                ),
            )

    attempts.each(plan.modelled_endpoints, of)


def _response(response) -> tuple[pd.DataFrame, pd.DataFrame]:
    return response.curve[CURVE_COLUMNS], response.tests[TEST_COLUMNS]
