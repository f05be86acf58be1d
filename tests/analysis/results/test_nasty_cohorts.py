"""Cohorts that break things: nothing raises, and no number stands without a finite, positive error."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.firth_fit import fit_firth
from analysis.patients.covariates import Covariate
from analysis.patients.model_rows import model_rows
from analysis.results.families import FAMILIES, compute_family
from tests.analysis.r_values import FOLDER
from tests.analysis.results import study
from tests.analysis.study_plan import ADJUSTMENT_COVARIATES, MARGIN, PLAN

FAILED = "failed: "
# the same plan with fewer draws
LEAN = PLAN._replace(
    settings=dict(PLAN.settings)
    | {"imputations": (2.0,), "imputation_iterations": (1.0,), "width_imputations": (2.0,), "random_draws": (20.0,)}
)


def shrunken(kind: str) -> dict[str, pd.DataFrame]:
    """150 patients: 14 positive, 7 narrow; 40 % of some covariates missing; many ties, some on day 0; and what `kind` says."""
    operations, random = study.operations().iloc[:150].reset_index(drop=True), np.random.default_rng(5)
    groups = ["positive"] * 14 + ["<1 mm"] * 7 + ["1.0-9.9 mm"] * 60 + [">=10 mm"] * 60 + ["unresolved"] * 9
    operations["margin_group"] = groups
    operations["source_system"] = np.where(random.random(150) < 0.5, "A", "B") if kind == "two hospitals" else "A"
    for covariate in ADJUSTMENT_COVARIATES[1:4]:
        operations[covariate.column] = operations[covariate.column].where(random.random(150) > 0.4)
    times = study.times()
    times = times[times["study_id"].isin(operations["study_id"])].reset_index(drop=True)
    times["time_days"] = (times["time_days"] // 60) * 60
    group = times["study_id"].map(operations.set_index("study_id")["margin_group"])
    code = times["event_code"]
    if kind == "each group in its own way":
        # no event; all on one day; all censored on one day; and in the reference some on day 0
        is_censored, is_early = group == "1.0-9.9 mm", (group == ">=10 mm") & (random.random(len(times)) < 0.1)
        times["event_code"] = (
            code.mask((group == "positive") & (code == 1), 0).mask(group == "<1 mm", 1).mask(is_censored, 0)
        )
        times["time_days"] = times["time_days"].mask(group == "<1 mm", 120).mask(is_censored, 60).mask(is_early, 0)
    if kind == "no event in the reference":
        times["event_code"] = code.mask((group == ">=10 mm") & (code == 1), 0)
    if kind == "everybody censored on one day":
        times = times.assign(time_days=365, event_code=0)
    if kind == "nearly everybody on day 0":
        times = times.assign(time_days=np.where(random.random(len(times)) < 0.9, 0, times["time_days"]), event_code=1)
    return study.inputs_of(times, operations)


@pytest.mark.parametrize(
    "kind",
    [
        "each group in its own way",
        "no event in the reference",
        "everybody censored on one day",
        "nearly everybody on day 0",
        "two hospitals",
    ],
)
def test_nothing_raises_and_no_number_stands_without_an_error(kind):
    inputs, tables = shrunken(kind), {}
    for family in FAMILIES:
        if set(family.needs) <= {*inputs, *tables}:
            made, reasons = compute_family(family, inputs | tables, LEAN)
            tables |= made
            # what is not possible has a reason in words; nothing is a fault of the program
            assert not reasons["reason"].str.startswith(FAILED).any(), (family.name, reasons.to_dict("records"))
    for name, frame in tables.items():
        if {"hazard_ratio", "conf_low", "conf_high"} <= set(frame.columns):
            shown = frame[frame["hazard_ratio"].notna()]
            if name == "dose_response":
                shown = shown[shown["width_mm"] != shown["reference_mm"]]
            assert (shown["conf_low"] < shown["hazard_ratio"]).all(), name
            assert (shown["hazard_ratio"] < shown["conf_high"]).all(), name
            assert np.isfinite(shown[["conf_low", "conf_high"]].to_numpy(dtype=float)).all(), name
            assert (
                frame.loc[frame["hazard_ratio"].isna() & frame["p_value"].isna(), "warning"].notna().all()
                if ({"p_value", "warning"} <= set(frame.columns))
                else True
            ), name
    means = tables["restricted_means"]
    shown = means[means["estimate_days"].notna()]
    assert (shown["std_error"] > 0).all()
    assert (shown["conf_low"] >= 0).all()
    assert (shown["conf_high"] <= shown["horizon_days"]).all()


def test_the_separated_rows_that_ended_a_night_have_a_row_each():
    """80 rows of the simulated hospital whose penalised profile could not be followed."""
    rows = pd.read_csv(FOLDER.parent / "separated_rows.csv")
    found = cause_specific_cox(rows, "margin_recurrence", MARGIN, covariates=ADJUSTMENT_COVARIATES)
    ratios = found.hazard_ratios
    assert set(ratios["model"]) == {"unadjusted", "adjusted"}
    shown = ratios[ratios["hazard_ratio"].notna() & ratios["conf_low"].notna()]
    assert ((shown["conf_low"] < shown["hazard_ratio"]) & (shown["hazard_ratio"] < shown["conf_high"])).all()
    assert ratios.loc[ratios["hazard_ratio"].isna() & ratios["p_value"].isna(), "warning"].notna().all()


def test_a_column_that_varies_between_hospitals_only_has_a_reason():
    rows = study.times().query("endpoint == 'margin_recurrence'").merge(study.operations(), on="study_id")
    rows["source_system"] = np.where(np.arange(len(rows)) % 2, "A", "B")
    rows["of_a"] = (rows["source_system"] == "A").astype(float)
    found = cause_specific_cox(rows, "margin_recurrence", MARGIN, covariates=[Covariate("of A", "of_a")]).hazard_ratios
    of_a = found[found["term"] == "of A"].iloc[0]
    assert of_a["warning"] == "not estimable: no variation within any hospital"
    data = model_rows(rows, "margin_recurrence", [Covariate("of A", "of_a")], MARGIN)
    firth = fit_firth(data.time_days, data.is_event, data.design, strata=data.strata)
    assert firth.problems["of A"] == "not estimable: no variation within any hospital"
