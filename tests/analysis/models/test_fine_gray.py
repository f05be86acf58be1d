"""Fine-Gray models against R, and what they say when a number would mislead."""

import numpy as np
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.fine_gray import fit_fine_gray
from analysis.models.hazard_ratio_rows import HAZARD_RATIO_COLUMNS
from analysis.patients.covariates import Covariate
from tests.analysis.models.fine_gray_models import fine_gray
from tests.analysis.r_values import assert_equal_to_r, patients
from tests.analysis.r_values_by_method import COX_GROUPS, curves_models_and_weights
from tests.analysis.study_plan import MARGIN, MARGIN_GROUPS

ENDPOINT = "overall_recurrence"
AGE_AND_NODE = (Covariate("age", "age"), Covariate("node", "node"))


def margin_rows(dataset: str = "ties", **changes):
    """The data set with its groups named as margin groups; the last is the reference, as in R."""
    rows = patients(dataset, **changes)
    return rows.assign(margin_group=[MARGIN_GROUPS[4 - COX_GROUPS[dataset] + group - 1] for group in rows["g"]])


@pytest.mark.parametrize("dataset", COX_GROUPS)
@pytest.mark.parametrize("model", ["unadjusted", "adjusted"])
def test_models_equal_finegray_and_coxph(dataset, model, counted):
    values = curves_models_and_weights(dataset)["fine_gray"]
    rows = fine_gray(
        margin_rows(dataset), ENDPOINT, MARGIN, covariates=[Covariate(name, name) for name in values["covariates"]]
    )
    # a level that nobody has stands there with its reason only
    is_absent = rows["n_in_group"].eq(0).fillna(False)
    assert rows.loc[is_absent, "warning"].eq("not estimable: no patients in this group").all()
    ours, of_r = rows[(rows["model"] == model) & ~is_absent], values[model]
    assert list(ours.columns) == HAZARD_RATIO_COLUMNS
    assert set(ours["estimand"]) == {"subdistribution"}
    assert_equal_to_r(np.log(ours["hazard_ratio"]), of_r["coef"])
    assert_equal_to_r(ours[["conf_low", "conf_high"]], of_r["interval"])
    assert_equal_to_r(ours["p_value"], of_r["p"])
    assert set(ours["n"]) == {len(patients(dataset))}
    assert set(ours["n_event"]) == {int((patients(dataset)["event_code"] == 1).sum())}


def test_without_competing_events_it_is_the_cox_model_with_robust_errors():
    rows = margin_rows(any_event=True)
    ours = fine_gray(rows, "overall_survival", MARGIN, covariates=AGE_AND_NODE)
    cox, _ = cause_specific_cox(rows, "overall_survival", MARGIN, covariates=AGE_AND_NODE)
    cox = cox.set_index(["model", "term"]).loc[list(zip(ours["model"], ours["term"], strict=True))]
    np.testing.assert_allclose(ours["hazard_ratio"], cox["hazard_ratio"], rtol=1e-9)


def test_only_the_order_of_the_times_matters():
    rows = patients("ties")
    design = {"age": rows["age"].to_numpy(float)}
    times, codes = rows["time_days"].to_numpy(float), rows["event_code"].to_numpy()
    from_zero = fit_fine_gray(times - times.min(), codes, design)
    stretched = fit_fine_gray(np.sqrt(times), codes, design)
    assert from_zero.coefficients == pytest.approx(stretched.coefficients, rel=1e-9)
    assert from_zero.std_errors == pytest.approx(stretched.std_errors, rel=1e-9)


def test_everybody_followed_to_an_event_stays_at_risk_with_full_weight():
    """Without censoring, whoever had the competing event counts as never having the event."""
    rows = patients("ties")
    rows = rows[rows["event_code"] > 0]
    design = {"node": rows["node"].to_numpy(float)}
    ours = fit_fine_gray(rows["time_days"].to_numpy(float), rows["event_code"].to_numpy(), design)
    to_the_end = rows.assign(
        time_days=rows["time_days"].where(rows["event_code"] == 1, 1e6), event_code=rows["event_code"] % 2
    )
    cox, _ = cause_specific_cox(
        to_the_end.assign(margin_group=">=10 mm"), ENDPOINT, MARGIN, covariates=[Covariate("node", "node")]
    )
    cox = cox[(cox["model"] == "adjusted") & (cox["term"] == "node")]
    assert np.exp(ours.coefficients[0]) == pytest.approx(cox["hazard_ratio"].item(), rel=1e-9)


def test_terms_without_estimate_have_a_reason():
    rows = margin_rows().assign(age_days=lambda rows: rows["age"] * 365, constant=1)
    rows.loc[rows["margin_group"] == "<1 mm", "event_code"] *= 2
    rows.loc[(rows["margin_group"] == "<1 mm") & (rows["event_code"] > 2), "event_code"] = 2
    covariates = (*AGE_AND_NODE, Covariate("age in days", "age_days"), Covariate("constant", "constant"))
    ours = fine_gray(rows, ENDPOINT, MARGIN, covariates=covariates)
    ours = ours[ours["model"] == "adjusted"].set_index("term")
    for term, reason in (
        ("margin <1 mm", "infinite hazard ratio"),
        ("age in days", "determined by the other columns"),
        ("constant", "no variation"),
    ):
        assert np.isnan(ours.loc[term, "hazard_ratio"])
        assert reason in ours.loc[term, "warning"]
    assert ours.loc["margin positive", "hazard_ratio"] > 0
    nobody = fine_gray(rows.assign(event_code=0), ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    assert nobody["hazard_ratio"].isna().all()
    assert nobody["warning"].str.contains("no events").all()


def test_missing_and_unresolved_are_left_out_and_counted():
    rows = margin_rows().astype({"age": float})
    rows.loc[:9, "margin_group"] = "unresolved"
    rows.loc[5:14, "age"] = np.nan
    ours = fine_gray(rows, ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    counts = ours.groupby("model")[["n", "n_excluded_missing", "n_excluded_unresolved"]].first()
    assert counts.loc["unadjusted"].tolist() == [490, 0, 10]
    assert counts.loc["adjusted"].tolist() == [485, 5, 10]


def test_without_margin_groups_there_is_only_the_adjusted_model():
    ours = fine_gray(patients("ties"), ENDPOINT, exposure=None, covariates=AGE_AND_NODE)
    assert ours["model"].tolist() == ["adjusted", "adjusted"]
    assert ours["term"].tolist() == ["age", "node"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="margin_group"), "margin_group"),
        (lambda rows: rows.drop(columns="age"), "lacks the column.*age"),
        (lambda rows: rows.assign(time_days=-1), "negative time"),
        (lambda rows: rows.assign(event_code=7), "event_code"),
        (lambda rows: rows.assign(margin_group="wide"), "margin_group: unknown group.*wide"),
        (lambda rows: rows.assign(study_id="P1"), "study_id.*more than one row"),
        (lambda rows: rows.assign(endpoint="overall_survival"), "nobody has 'overall_recurrence'"),
    ],
)
def test_bad_rows_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        fine_gray(change(margin_rows()), ENDPOINT, MARGIN, covariates=AGE_AND_NODE)
    with pytest.raises(ValueError, match="reference"):
        fine_gray(margin_rows(), ENDPOINT, exposure=MARGIN._replace(reference="wide"), covariates=AGE_AND_NODE)
