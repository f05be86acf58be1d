"""The study's headline numbers from patients' rows: what a comparison of two nights takes apart."""

import pandas as pd

from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.landmark_estimates import landmark_estimates
from analysis.models.cause_specific_cox import cox_model
from analysis.patients.collapsed_counts import count_events
from analysis.patients.covariate_choice import choose_covariates
from analysis.patients.plan import Plan
from analysis.results.study_rows import StudyRows
from analysis.tables.published_figures import HAZARD_RATIO_FIGURES, THREE_YEAR_FIGURE

PATIENTS = "patients"
NUMBER_KEYS = ["number", "endpoint", "margin_group"]
INCIDENCE_ENDPOINT = "overall_recurrence"


def headline_numbers(operations: pd.DataFrame, times: pd.DataFrame, plan: Plan) -> pd.Series:
    """Patients by margin group, 3-year cumulative incidences of recurrence, adjusted hazard ratios: a number by NUMBER_KEYS.

    The same computations as the tables of results; a number that the rows do not allow is not there.

    Args:
        operations, times: as for `StudyRows`, with the exposure and the covariates of the plan's main set.
    Raises:
        ValueError: see `StudyRows`.
    """
    rows, exposure = StudyRows(times, operations), plan.exposure
    sizes = operations[exposure.column].value_counts()
    numbers = {(PATIENTS, "", str(group)): float(n) for group, n in sizes.items()}
    recurrence = rows.of(INCIDENCE_ENDPOINT)
    if len(recurrence):
        curve = cumulative_incidence(count_events(recurrence, exposure.column))
        at_three_years = landmark_estimates(curve, "Aalen-Johansen", {"3 years": 3 * plan.days_a_year})
        for group, estimate in zip(at_three_years["stratum"], at_three_years["estimate"], strict=True):
            if group in exposure.levels:
                numbers[(THREE_YEAR_FIGURE, INCIDENCE_ENDPOINT, str(group))] = float(estimate)
    for endpoint, figure in HAZARD_RATIO_FIGURES.items():
        for group, ratio in _hazard_ratios(rows.of(endpoint), endpoint, plan).items():
            numbers[(figure, endpoint, group)] = ratio
    index = pd.MultiIndex.from_tuples(list(numbers), names=NUMBER_KEYS)
    return pd.Series(list(numbers.values()), index=index, dtype=float, name="value").dropna()


def _hazard_ratios(patients: pd.DataFrame, endpoint: str, plan: Plan) -> dict[str, float]:
    if patients.empty:
        return {}
    exposure = plan.exposure
    try:
        choice = choose_covariates(patients, endpoint, plan.covariates(), exposure, plan.rules, "adjusted")
        ratios = cox_model(choice.patients, endpoint, exposure, choice.used, "adjusted").hazard_ratios
    except ValueError:
        # nobody can be compared: the tables of results have no number then either
        return {}
    of_term = ratios.set_index("term")["hazard_ratio"]
    return {
        level: float(of_term[exposure.term(level)]) for level in exposure.compared if exposure.term(level) in of_term
    }
