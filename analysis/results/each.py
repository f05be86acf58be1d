"""What is computed endpoint by endpoint and exposure by exposure: a subject of the analyses, and the way to each of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from analysis.patients.covariate_choice import CovariateChoice, choose_covariates
from analysis.patients.exposures import Exposure
from analysis.patients.model_rows import HOSPITAL_COLUMN
from analysis.patients.plan import MAIN, Plan
from analysis.results.attempts import Attempts
from analysis.results.study_rows import StudyRows
from analysis.robustness.imputed_models import BOUND_COLUMNS

# what else is read of a patient but the plan's exposures and covariates
ALSO_READ = ("era", HOSPITAL_COLUMN, "margin_group", "margin_mm", *BOUND_COLUMNS, "unresolved_reason")
Inputs = Mapping[str, pd.DataFrame]
Tables = str | tuple[str, ...]


class Subject(NamedTuple):
    """One endpoint and one exposure: what an analysis is of.

    `patients` are the endpoint's rows, at least one; of `plan` the first exposure is this one, `whole_plan` is as it was written;
    `rows` has the other patients' rows.
    """

    endpoint: str
    patients: pd.DataFrame
    plan: Plan
    whole_plan: Plan
    attempts: Attempts
    rows: StudyRows

    @property
    def exposure(self) -> Exposure:
        """What is compared."""
        return self.plan.exposure

    @property
    def few_events(self) -> int:
        """A ratio that rests on fewer events carries a warning."""
        return self.plan.count("few_events")

    @property
    def is_competing(self) -> bool:
        """Whether other events compete with the endpoint's own."""
        return self.endpoint not in self.plan.survival_endpoints

    def add(self, tables: Tables, compute: Callable[[], object]) -> None:
        """See `Attempts.add`."""
        self.attempts.add(tables, self.endpoint, compute)

    def shown(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of a model that stand in its table: the covariates' own only beside the primary exposure."""
        return self.whole_plan.shown(self.exposure, frame)

    def choice(self, covariate_set: str = MAIN) -> CovariateChoice | None:
        """The covariates of a set that the patients allow; None, with the reason noted, where nobody can be compared."""
        plan = self.plan
        name = plan.model_names.get(covariate_set, "adjusted")
        try:
            return choose_covariates(
                self.patients, self.endpoint, plan.covariates(covariate_set), plan.exposure, plan.rules, name
            )
        except ValueError as reason:
            self.attempts.note("model_covariates", self.endpoint, str(reason))
            return None


def of_each(
    inputs: Inputs,
    plan: Plan,
    attempts: Attempts,
    endpoints: Sequence[str],
    compute: Callable[[Subject], None],
    told_in: str | None = None,
) -> None:
    """`compute` of each endpoint and exposure of the plan, some endpoints at a time.

    Args:
        inputs: time_to_event and operations.
        told_in: the table of which it is said that nobody has an endpoint; None: that goes without saying.
    """
    rows = _study_rows(inputs, plan, attempts)

    def of(endpoint: str, attempts: Attempts) -> None:
        patients = rows.of(endpoint)
        if patients.empty and told_in:
            attempts.note(told_in, endpoint, "nobody has this endpoint")
        for of_exposure in plan.by_exposure() if len(patients) else ():
            compute(Subject(endpoint, patients, of_exposure, plan, attempts, rows))

    attempts.each(endpoints, of, len(rows.operations))


def _study_rows(inputs: Inputs, plan: Plan, attempts: Attempts) -> StudyRows:
    """The patients' rows, without endpoints that contradict the plan: these leave a reason."""
    times = inputs["time_to_event"]
    bad = set(times.loc[times["event_code"] == 2, "endpoint"]) & set(plan.survival_endpoints)
    for endpoint in sorted(bad):
        attempts.note("hazard_ratios", endpoint, "of survival by the plan, yet with competing events")
    read = {*ALSO_READ, *(exposure.column for exposure in plan.exposures), *(c.column for c in plan.all_covariates)}
    return StudyRows(times[~times["endpoint"].isin(bad)] if bad else times, inputs["operations"], read)
