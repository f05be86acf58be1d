"""One Cox fit (Efron ties) with explicit number columns, and what can go wrong with it said in words, column by column."""

import re
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CONSTANT = "not estimable: no variation in this column"
CONSTANT_WITHIN = "not estimable: no variation within any hospital"
COLLINEAR = "not estimable: determined by the other columns"
INFINITE = "not estimable: the groups are separated by the event (infinite hazard ratio)"
# a coefficient per spread of its column with such an error has run off; sound ones have about 1 / sqrt(events)
LARGEST_STANDARDISED_ERROR = 50.0
NOT_CONVERGED = "did not converge"
NO_EVENTS = "not estimable: no events"
NO_PATIENTS = "not estimable: no patients with every value known"


@dataclass(frozen=True)
class CoxFit:
    """Estimates in the order of the design's columns; NaN where `problems` (column name -> words) says why."""

    names: list[str]
    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood_null: float
    log_likelihood: float
    n: int
    n_event: int
    problems: dict[str, str] = field(default_factory=dict)
    model_warning: str | None = None
    model: Any = None
    model_names: list[str] = field(default_factory=list)

    @property
    def std_errors(self) -> np.ndarray:
        return np.sqrt(self.covariance.diagonal())

    def usable(self, names: list[str]) -> list[int]:
        """Positions of those of `names` that could be estimated."""
        return [self.names.index(name) for name in names if name not in self.problems]


def fit_cox(
    time_days: np.ndarray,
    is_event: np.ndarray,
    design: dict[str, np.ndarray],
    entry_days: np.ndarray | None = None,
    strata: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> CoxFit:
    """Maximum partial likelihood by Efron's approximation (`survival.r.coxph`; equal to R's coxph).

    Columns without variation or determined by others are left out and named in `problems`; so are columns whose
    coefficient runs off to infinity. Other complaints of the fit (no convergence) are in `model_warning`.

    Args:
        time_days: >= 0; is_event: 0/1; design: name -> numbers without missing values; all of one length.
        entry_days: below time_days; at risk only after it. Default: from the beginning.
        strata: whole numbers; each has a baseline hazard of its own (coxph's strata()).
        cluster: whole numbers; the covariance is then the robust one of clusters of patients (coxph's cluster()).
        weights: above 0; give a cluster too, as the model's own errors take them for numbers of patients.
    """
    n, n_event = len(time_days), int(is_event.sum())
    names = list(design)
    problems = _without_variation(design, strata)
    estimable = [name for name in names if name not in problems]
    if n_event == 0 or not estimable:
        reason = NO_PATIENTS if n == 0 else NO_EVENTS if n_event == 0 else None
        problems = dict.fromkeys(names, reason) if reason else problems
        unknown = np.full(len(names), np.nan)
        return CoxFit(names, unknown, np.diag(unknown), np.nan, np.nan, n, n_event, problems)
    model, infinite, model_warning = _coxph(
        time_days, is_event, [design[name] for name in estimable], entry_days, strata, cluster, weights
    )
    fitted = np.asarray(model.coefficients, dtype=float)
    collinear = [name for name, value in zip(estimable, fitted, strict=True) if np.isnan(value)]
    if collinear:
        problems |= dict.fromkeys(collinear, COLLINEAR)
        model_warning = "; ".join(filter(None, [model_warning, f"without {', '.join(collinear)}: {COLLINEAR}"]))
    errors = np.sqrt(np.asarray(model.var, dtype=float).diagonal())
    for position, name in enumerate(estimable):
        has_run_off = position in infinite or errors[position] * design[name].std() > LARGEST_STANDARDISED_ERROR
        if name not in collinear and (has_run_off or _is_separated(design[name], is_event, strata)):
            problems[name] = INFINITE
    if model_warning and INFINITE in problems.values():
        # what did not converge is named in `problems`
        model_warning = "; ".join(text for text in model_warning.split("; ") if NOT_CONVERGED not in text) or None
    positions = [names.index(name) for name in estimable]
    coefficients, covariance = np.full(len(names), np.nan), np.full((len(names), len(names)), np.nan)
    coefficients[positions], covariance[np.ix_(positions, positions)] = fitted, np.asarray(model.var, dtype=float)
    for name in problems:
        position = names.index(name)
        coefficients[position], covariance[position], covariance[:, position] = np.nan, np.nan, np.nan
    return CoxFit(names, coefficients, covariance, model.loglik[0], model.loglik[-1], n, n_event, problems,
                  model_warning, model, estimable)  # fmt: skip


def proportional_hazards_tests(fit: CoxFit) -> list[tuple[str, float, int, float]]:
    """Grambsch and Therneau's tests on the Kaplan-Meier time scale (cox.zph, transform 'km').

    Returns:
        (column or 'GLOBAL', chi-square, degrees of freedom, p) for each column and the model; NaN for columns that could
        not be estimated, and for the model when the fit is degenerate.
    """
    tests = {}
    is_degenerate = fit.model is None or not {INFINITE, COLLINEAR}.isdisjoint(fit.problems.values())
    if not is_degenerate:
        from survival import r

        try:
            table = r.cox_zph(fit.model, transform="km", terms=False).table
            tests = dict(zip([*fit.model_names, "GLOBAL"], table, strict=True))
        except RuntimeError:
            # a singular information (nearly all events on one day): no test
            tests = {}
    rows = []
    for name in [*fit.names, "GLOBAL"]:
        degrees = len(fit.usable(fit.names)) if name == "GLOBAL" else 1
        test = tests.get(name, {"chisq": np.nan, "p": np.nan})
        rows.append((name, test["chisq"], degrees, test["p"]))
    return rows


def group_proportional_hazards_test(
    fit: CoxFit,
    time_days: np.ndarray,
    is_event: np.ndarray,
    groups: dict[str, np.ndarray],
    others: dict[str, np.ndarray],
    strata: np.ndarray | None = None,
) -> tuple[float, int, float]:
    """One test of all groups together: chi-square, degrees of freedom, p (cox.zph of a factor, transform 'km').

    Args:
        fit: of the same rows, with the 0/1 columns `groups` and the columns `others`; where a term has no estimate there
            is no test (NaN), but for groups without patients, which are left out.
    """
    kept = [name for name in groups if fit.problems.get(name) not in (CONSTANT, CONSTANT_WITHIN)]
    reasons = {reason for name, reason in fit.problems.items() if name not in groups or name in kept}
    if fit.model is None or not kept or reasons:
        return np.nan, len(kept), np.nan
    import pandas as pd
    from survival import r

    level = np.select([groups[name] == 1 for name in kept], range(1, len(kept) + 1), default=0)
    data = {"time_days": np.asarray(time_days, float), "is_event": np.asarray(is_event, float)}
    data["margin"] = pd.Categorical.from_codes(level, categories=[f"g{code}" for code in range(len(kept) + 1)])
    columns = {f"x{position}": np.asarray(column, float) for position, column in enumerate(others.values())}
    with warnings.catch_warnings():
        # what this fit would complain of, the same fit with 0/1 columns has said already
        warnings.simplefilter("ignore")
        terms = ["margin", *columns]
        if strata is not None:
            data["hospital"], terms = np.asarray(strata), [*terms, "strata(hospital)"]
        model = r.coxph("Surv(time_days, is_event) ~ " + " + ".join(terms), data=data | columns, ties="efron")
        try:
            test = r.cox_zph(model, transform="km", terms=True).table[0]
        except RuntimeError:
            return np.nan, len(kept), np.nan
    return test["chisq"], int(test["df"]), test["p"]


def _coxph(
    time_days: np.ndarray,
    is_event: np.ndarray,
    columns: list[np.ndarray],
    entry_days: np.ndarray | None,
    strata: np.ndarray | None,
    cluster: np.ndarray | None,
    weights: np.ndarray | None,
) -> tuple[Any, set[int], str | None]:
    from survival import r

    data = {f"x{position}": np.asarray(column, dtype=float) for position, column in enumerate(columns)}
    response = "time_days, is_event" if entry_days is None else "entry_days, time_days, is_event"
    formula = f"Surv({response}) ~ " + " + ".join(data)
    if entry_days is not None:
        data["entry_days"] = np.asarray(entry_days, dtype=float)
    data |= {"time_days": np.asarray(time_days, dtype=float), "is_event": np.asarray(is_event, dtype=float)}
    if strata is not None:
        formula += " + strata(hospital)"
        data["hospital"] = np.asarray(strata)
    options: dict[str, Any] = {}
    if cluster is not None:
        data["cluster_of"], options["cluster"] = np.asarray(cluster), "cluster_of"
    if weights is not None:
        data["case_weight"], options["weights"] = np.asarray(weights, dtype=float), "case_weight"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = r.coxph(formula, data=data, ties="efron", **options)
    infinite: set[int] = set()
    others = []
    for message in (str(warning.message).strip() for warning in caught):
        named = re.search(r"before variable\s+([\d, ]+)", message)
        if named:
            infinite |= {int(number) - 1 for number in re.findall(r"\d+", named.group(1))}
        else:
            others.append(message)
    return model, infinite, "; ".join(others) or None


def _without_variation(design: dict[str, np.ndarray], strata: np.ndarray | None) -> dict[str, str]:
    """Columns that are the same in everybody, or, with strata, in everybody of each."""
    problems = {}
    for name, column in design.items():
        if not len(column) or (column == column[0]).all():
            problems[name] = CONSTANT
        elif strata is not None and not _varies_in(column, strata).any():
            problems[name] = CONSTANT_WITHIN
    return problems


def _varies_in(column: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """For each stratum whether the column has more than one value in it."""
    lowest, highest = np.full(strata.max() + 1, np.inf), np.full(strata.max() + 1, -np.inf)
    np.minimum.at(lowest, strata, column)
    np.maximum.at(highest, strata, column)
    return highest > lowest


def _is_separated(column: np.ndarray, is_event: np.ndarray, strata: np.ndarray | None) -> bool:
    """Whether one of the two values of a 0/1 column never has an event where both occur."""
    if not np.isin(column, (0, 1)).all():
        return False
    is_compared = np.ones(len(column), dtype=bool) if strata is None else _varies_in(column, strata)[strata]
    n_event_exposed = int(is_event[(column == 1) & is_compared].sum())
    return n_event_exposed in (0, int(is_event[is_compared].sum()))
