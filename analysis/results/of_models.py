"""Results of regressions: the models of the plan, hospital by hospital, period by period, by width, and stratified tests."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from analysis.curves.stratified_tests import STRATIFIED_TEST_COLUMNS, stratified_gray_test, stratified_logrank_test
from analysis.models.between_hospitals import between_hospitals
from analysis.models.cause_specific_cox import cox_model, cox_model_of
from analysis.models.dose_response import CURVE_COLUMNS, TEST_COLUMNS, DoseResponse, WidthSpline, dose_response
from analysis.models.fine_gray import fine_gray_model
from analysis.models.interval_censored import interval_censored_curves, interval_censored_ratios
from analysis.models.landmark_models import landmark_hazard_ratios
from analysis.models.time_varying import time_varying_hazard_ratios
from analysis.patients.collapsed_counts import count_events
from analysis.patients.covariate_choice import CovariateChoice, choose_covariates
from analysis.patients.covariates import Covariate
from analysis.patients.exposures import levels_of
from analysis.patients.model_rows import HOSPITAL_COLUMN, model_rows
from analysis.patients.plan import CONTINUOUS, MAIN, TREATMENT, Plan
from analysis.results.attempts import Attempts
from analysis.results.each import Inputs, Subject, of_each
from analysis.results.of_counts import half_years_days
from analysis.robustness.dose_response_imputed import dose_response_imputed

ADJUSTED_SETS = (MAIN, TREATMENT, CONTINUOUS)


def models(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """hazard_ratios, proportional_hazards and model_covariates: each exposure and endpoint, unadjusted and by covariate set."""
    of_each(inputs, plan, attempts, _all_endpoints(plan), _models_of, told_in="hazard_ratios")


def _all_endpoints(plan: Plan) -> list[str]:
    return [endpoint.name for endpoint in plan.endpoints]


def _models_of(subject: Subject) -> None:
    _cox(subject, subject.patients, (), "unadjusted")
    if subject.is_competing:
        _fine_gray(subject, subject.patients, (), "unadjusted")
    for covariate_set in ADJUSTED_SETS:
        choice = subject.choice(covariate_set) if subject.plan.covariates(covariate_set) else None
        if choice is not None:
            _adjusted(subject, covariate_set, choice)


def _adjusted(subject: Subject, covariate_set: str, choice: CovariateChoice) -> None:
    name = subject.plan.model_names[covariate_set]
    subject.add("model_covariates", lambda: choice.reasons.assign(exposure=subject.exposure.column))
    _cox(subject, choice.patients, choice.used, name, choice.warning)
    if subject.is_competing and covariate_set == MAIN:
        _fine_gray(subject, choice.patients, choice.used, name, choice.warning)


def _cox(
    subject: Subject, patients: pd.DataFrame, covariates: Sequence[Covariate], name: str, warning: str | None = None
) -> None:
    def fitted() -> tuple[pd.DataFrame, pd.DataFrame]:
        found = cox_model(
            patients, subject.endpoint, subject.exposure, covariates, name, True, warning, subject.few_events
        )
        return subject.shown(found.hazard_ratios), subject.shown(found.proportional_hazards)

    subject.add(("hazard_ratios", "proportional_hazards"), fitted)


def _fine_gray(
    subject: Subject, patients: pd.DataFrame, covariates: Sequence[Covariate], name: str, warning: str | None = None
) -> None:
    few = subject.few_events

    def fitted() -> pd.DataFrame:
        return subject.shown(
            fine_gray_model(patients, subject.endpoint, subject.exposure, covariates, name, warning, few)
        )

    subject.add("hazard_ratios", fitted)


def hospitals(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """hospital_hazard_ratios, of the further modelled endpoints."""

    def of(subject: Subject) -> None:
        subject.add(
            "hospital_hazard_ratios",
            lambda: between_hospitals(
                subject.patients, subject.endpoint, subject.exposure, plan.covariates(), plan.rules, subject.few_events
            ),
        )

    of_each(inputs, plan, attempts, plan.modelled_endpoints, of)


def stratified_tests(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """stratified_tests: the log-rank and Gray's test within eras of operation and, from two hospitals on, within hospitals."""
    operations, blocks = inputs["operations"], []
    for block in ("era", HOSPITAL_COLUMN):
        if block not in operations.columns or operations[block].isna().all():
            attempts.note("stratified_tests", None, f"no patient has an {block}" if block == "era" else f"no {block}")
        elif block == "era" or operations[block].nunique() > 1:
            blocks.append(block)

    def of(subject: Subject) -> None:
        for block in blocks:
            patients = subject.patients[subject.patients[block].notna()]
            if len(patients):
                subject.add("stratified_tests", partial(_within, subject, patients, block))

    of_each(inputs, plan, attempts, _all_endpoints(plan), of)


def _within(subject: Subject, patients: pd.DataFrame, block: str) -> pd.DataFrame:
    grouping = subject.exposure.column
    patients = patients.assign(**{grouping: levels_of(patients[grouping])})
    patients = patients[patients[grouping].notna()]
    counts = pd.concat(
        [count_events(rows, grouping).assign(**{block: str(name)}) for name, rows in patients.groupby(block)],
        ignore_index=True,
    )
    tests = [stratified_logrank_test(counts, block, subject.is_competing)]
    if subject.is_competing:
        tests.append(stratified_gray_test(counts, block))
    return pd.concat(tests, ignore_index=True)[STRATIFIED_TEST_COLUMNS]


def effect_over_time(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """time_varying_hazard_ratios, landmark_hazard_ratios and pairwise_hazard_ratios."""
    of_each(inputs, plan, attempts, _all_endpoints(plan), _over_time)


def _over_time(subject: Subject) -> None:
    plan, choice = subject.plan, subject.choice()
    if choice is None:
        return
    subject.add(
        "time_varying_hazard_ratios",
        lambda: subject.shown(
            time_varying_hazard_ratios(
                choice.patients,
                subject.endpoint,
                subject.exposure,
                choice.used,
                plan.numbers("period_starts_years"),
                plan.number("not_proportional_below_p"),
                plan.days_a_year,
                subject.few_events,
            )
        ),
    )
    if subject.endpoint not in plan.modelled_endpoints:
        return
    for days in plan.numbers("model_landmarks_days"):
        subject.add("landmark_hazard_ratios", partial(_shown_from_landmark, subject, days))
    # of an exposure of two levels the hazard ratio compares them already
    if len(subject.exposure.levels) > 2:
        subject.add("pairwise_hazard_ratios", lambda: _first_two_levels(subject, choice))


def _shown_from_landmark(subject: Subject, days: float) -> pd.DataFrame:
    return subject.shown(_from_landmark(subject, days))


def _from_landmark(subject: Subject, days: float) -> pd.DataFrame:
    """The models from a landmark on, with the covariates that the events after it allow."""
    patients, endpoint, plan = subject.patients, subject.endpoint, subject.plan
    later = patients[patients["time_days"] > days]
    if later.empty:
        raise ValueError(f"nobody is followed beyond day {days:g}")
    choice = choose_covariates(later, endpoint, plan.covariates(), plan.exposure, plan.rules)
    columns = choice.patients.reindex(columns=[covariate.column for covariate in choice.used])
    with_columns = patients.assign(**{str(name): column.reindex(patients.index) for name, column in columns.items()})
    return landmark_hazard_ratios(with_columns, endpoint, [days], plan.exposure, choice.used, subject.few_events)


def _first_two_levels(subject: Subject, choice: CovariateChoice) -> pd.DataFrame:
    exposure = subject.exposure
    compared, reference = exposure.levels[:2]
    few = subject.few_events
    frames = []
    for model, covariates in (("unadjusted", ()), ("adjusted", choice.used)):
        data = model_rows(choice.patients, subject.endpoint, covariates, exposure.against(reference))
        # of one level alone: no trend, no test of all of them
        levels = exposure.against(reference)._replace(is_ordered=False)
        ratios = cox_model_of(data, levels, model, has_tests=False, few_events=few)
        frames.append(ratios.hazard_ratios[ratios.hazard_ratios["term"] == exposure.term(compared)])
    return pd.concat(frames, ignore_index=True)


def by_width(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """dose_response and dose_response_tests: exact widths, and with bounded ones imputed."""
    half_millimetres = range(int(2 * plan.number("widest_width_mm")) + 1)
    spline = WidthSpline(
        plan.numbers("width_knot_quantiles"),
        plan.number("reference_width_mm"),
        [half / 2 for half in half_millimetres],
    )
    draws = {"n_imputations": plan.count("width_imputations"), "seed": plan.count("seed")}

    def of(subject: Subject) -> None:
        choice = subject.choice()
        if choice is None:
            return

        for covariates in ((), choice.used) if choice.used else ((),):
            of_model = (choice.patients, subject.endpoint, covariates, spline)
            for respond in (
                partial(dose_response, *of_model),
                partial(dose_response_imputed, *of_model, **draws),
            ):
                subject.add(("dose_response", "dose_response_tests"), partial(_curve_and_tests, respond))

    # nothing but the margin has a width
    of_each(inputs, plan._replace(exposures=plan.exposures[:1]), attempts, plan.modelled_endpoints, of)


def _curve_and_tests(respond: Callable[[], DoseResponse]) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = respond()
    return found.curve[CURVE_COLUMNS], found.tests[TEST_COLUMNS]


def interval_censored(inputs: Inputs, plan: Plan, attempts: Attempts) -> None:
    """interval_censored_hazard_ratios and interval_censored_curves, of the further modelled endpoints."""
    intervals, half_years = inputs["recurrence_intervals"], half_years_days(plan, "horizon_years")

    def of(subject: Subject) -> None:
        choice, endpoint = subject.choice(), subject.endpoint
        if choice is None:
            return
        clear = intervals[intervals["endpoint"] == endpoint].set_index("study_id")["clear_until_days"]
        patients = choice.patients.assign(clear_until_days=clear.reindex(choice.patients["study_id"]).to_numpy())
        subject.add(
            "interval_censored_hazard_ratios",
            lambda: interval_censored_ratios(patients, endpoint, subject.exposure, choice.used, subject.few_events),
        )
        subject.add(
            "interval_censored_curves",
            lambda: interval_censored_curves(patients, endpoint, subject.exposure, half_years[1:]),
        )

    of_each(inputs, plan, attempts, plan.modelled_endpoints, of)
