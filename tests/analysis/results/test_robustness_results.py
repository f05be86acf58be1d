"""The further analyses together: what stands in which table, and that one that fails does not stop the others."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.cause_specific_cox import cause_specific_cox
from analysis.models.fine_gray import fine_gray
from analysis.patients.collapsed_counts import count_events
from analysis.patients.covariates import ADJUSTMENT_COVARIATES
from analysis.patients.names import MARGIN_GROUPS
from analysis.results.robustness_results import MODELLED_ENDPOINTS, compute_further_results
from analysis.results.robustness_tables import FURTHER_TABLES
from analysis.robustness.specification_curve import specification_curve
from tests.analysis.r_values import patients


@pytest.fixture(scope="module")
def patient_rows() -> pd.DataFrame:
    """500 patients of every modelled endpoint: margins and widths, two eras, covariates, some missing."""
    rows, random = patients("ties"), np.random.default_rng(4)
    rows["study_id"] = [f"P{number:04d}" for number in rows.index]
    rows["margin_group"] = np.array([*MARGIN_GROUPS])[rows["g"] - 1]
    rows.loc[:19, "margin_group"] = "unresolved"
    # the ends of each group's widths
    low, high = np.array([0, 0.1, 1, 10]), np.array([0, 0.9, 9.9, 25])
    width = low[rows["g"] - 1] + (high - low)[rows["g"] - 1] * random.random(len(rows))
    is_bounded = (rows["margin_group"] == "unresolved") | (rows.index % 7 == 0)
    rows["margin_mm"] = np.where(is_bounded, np.nan, width)
    rows["era"] = np.where(random.random(len(rows)) < 0.5, "early", "late")
    rows["clinical_risk_score"] = random.integers(0, 6, len(rows)).astype(float)
    rows["age_at_operation_years"] = rows["age"]
    for covariate in ADJUSTMENT_COVARIATES[1:]:
        rows[covariate.column] = (random.random(len(rows)) < 0.4).astype(float)
    rows.loc[20:39, ADJUSTMENT_COVARIATES[1].column] = np.nan
    return pd.concat([rows.assign(endpoint=endpoint) for endpoint in MODELLED_ENDPOINTS], ignore_index=True)


@pytest.fixture(scope="module")
def definitions(patient_rows) -> pd.DataFrame:
    """Two definitions: the published one, and positive against everything else."""
    one = patient_rows.drop_duplicates("study_id")[["study_id", "margin_group"]]
    order = {group: number for number, group in enumerate(MARGIN_GROUPS, start=1)}
    published = one.assign(definition="published", group_order=one["margin_group"].map(order))
    two = published["margin_group"].map(lambda group: group if group in ("positive", "unresolved") else "clear")
    return pd.concat(
        [
            published,
            published.assign(
                definition="involved or clear", margin_group=two, group_order=two.map({"positive": 1, "clear": 2})
            ),
        ],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def results(patient_rows, definitions) -> dict[str, pd.DataFrame]:
    counts = pd.concat([count_events(patient_rows), count_events(patient_rows, "margin_group")])
    ratios = pd.concat([cause_specific_cox(patient_rows, endpoint).hazard_ratios for endpoint in MODELLED_ENDPOINTS])
    return compute_further_results(counts, patient_rows, ratios, definitions)


def test_every_table_is_there_and_nothing_was_left_out(results):
    assert set(results) == set(FURTHER_TABLES)
    assert results["analyses_not_done"].empty
    for table in set(FURTHER_TABLES) - {"analyses_not_done", "restricted_means", "restricted_mean_differences"}:
        assert set(results[table]["endpoint"]) == set(MODELLED_ENDPOINTS), table


def test_the_direct_comparison_is_the_ratio_of_the_two_ratios(results, patient_rows):
    direct = results["pairwise_hazard_ratios"].query("endpoint == 'margin_recurrence' and model == 'adjusted'").iloc[0]
    both = (
        cause_specific_cox(patient_rows, "margin_recurrence")
        .hazard_ratios.query("model == 'adjusted'")
        .set_index("term")
    )
    ratio = both.loc["margin positive", "hazard_ratio"] / both.loc["margin <1 mm", "hazard_ratio"]
    assert direct["reference"] == "<1 mm"
    assert direct["hazard_ratio"] == pytest.approx(ratio, rel=1e-6)


def test_the_curve_of_exact_widths_stands_beside_the_one_with_bounded_widths(results):
    for table in ("dose_response", "dose_response_tests"):
        kinds = results[table].groupby(["endpoint", "model"])["widths"].agg(lambda widths: sorted(set(widths)))
        assert len(kinds) == len(MODELLED_ENDPOINTS) * 2
        assert (kinds.map(tuple) == ("bounded widths imputed", "exact widths only")).all()


def test_each_model_is_split_by_period_or_says_why_not(results):
    table = results["time_varying_hazard_ratios"]
    tests = table[table["term"] == "margin group (proportional hazards)"]
    assert len(tests) == len(MODELLED_ENDPOINTS) * 2
    for row in tests.to_dict("records"):
        ratios = table[
            (table["endpoint"] == row["endpoint"]) & (table["model"] == row["model"]) & table["term"].str.startswith("margin ")
            & ~table["term"].str.contains("group")
        ]  # fmt: skip
        assert len(ratios) == (9 if row["p_value"] < 0.05 else 0)
        assert pd.isna(row["warning"]) == (row["p_value"] < 0.05)


def test_imputation_keeps_every_patient(results):
    imputed = results["imputed_hazard_ratios"].query("model == 'adjusted'")
    assert (imputed["n"] == 500).all()
    assert (imputed["fraction_missing_information"].dropna() >= 0).all()


@pytest.mark.parametrize(
    ("estimand", "model"), [("cause-specific", cause_specific_cox), ("subdistribution", fine_gray)]
)
def test_the_published_specification_is_the_published_model(results, patient_rows, estimand, model):
    curve = results["specification_curve"].query("endpoint == 'margin_recurrence' and estimand == @estimand")
    ours = curve.query("definition == 'published' and era == 'all eras' and covariate_set == 'all covariates'").iloc[0]
    fitted = model(patient_rows, "margin_recurrence")
    ratios = fitted.hazard_ratios if estimand == "cause-specific" else fitted
    positive = ratios.query("model == 'adjusted'").set_index("term").loc["margin positive"]
    for column in ("hazard_ratio", "conf_low", "conf_high", "p_value"):
        assert ours[column] == pytest.approx(positive[column], rel=1e-9)
    assert (ours["n_excluded_unresolved"], ours["n_excluded_missing"]) == (20, 20)
    assert curve.sort_values("rank")["hazard_ratio"].dropna().is_monotonic_increasing


def test_specifications_are_endpoints_by_definitions_by_eras_by_covariates_and_models(results):
    curve = results["specification_curve"]
    n_cause_specific, n_fine_gray = 2 * 3 * 3, 2 * 1 * 3
    assert (curve.groupby("endpoint").size() == n_cause_specific + n_fine_gray).all()
    assert set(curve.loc[curve["model"] == "Fine-Gray", "era"]) == {"all eras"}
    assert curve["synchronous_window_days"].isna().all()


def test_rows_under_other_synchronous_windows_are_further_specifications(patient_rows, definitions):
    """Under a window of 90 days fewer first patterns are of the margin alone: here every other event competes."""
    of_one = patient_rows[patient_rows["endpoint"] == "margin_recurrence"]
    is_other = (of_one["event_code"] == 1) & (of_one.index % 2 == 0)
    wider = of_one.assign(event_code=of_one["event_code"].mask(is_other, 2), synchronous_window_days=90)
    windows = pd.concat([of_one.assign(synchronous_window_days=30), wider])
    curve = specification_curve(patient_rows, definitions, ["margin_recurrence"], window_rows=windows)
    chosen = curve.query(
        "model == 'cause-specific Cox' and definition == 'published' and covariate_set == 'unadjusted'"
    )
    chosen = chosen.query("era == 'all eras'")
    by_window = dict(zip(chosen["synchronous_window_days"].fillna(0), chosen["n_event"], strict=True))
    n_event = int((of_one.loc[of_one["margin_group"] != "unresolved", "event_code"] == 1).sum())
    assert by_window[0.0] == by_window[30.0] == n_event
    assert by_window[90.0] == n_event - int((is_other & (of_one["margin_group"] != "unresolved")).sum())
    of_windows = curve[curve["synchronous_window_days"].notna()]
    assert len(of_windows) == 2 * 2 * 3 * 2
    assert set(of_windows["era"]) == {"all eras"}
    with pytest.raises(ValueError, match="synchronous_window_days"):
        specification_curve(patient_rows, definitions, ["margin_recurrence"], window_rows=of_one)


def test_a_specification_whose_narrowest_group_has_no_event_is_firths(patient_rows, definitions):
    is_positive = (patient_rows["margin_group"] == "positive") & (patient_rows["event_code"] == 1)
    curve = specification_curve(
        patient_rows.assign(event_code=patient_rows["event_code"].mask(is_positive, 0)),
        definitions,
        ["margin_recurrence"],
    )
    cox = curve[curve["model"] == "cause-specific Cox"]
    assert set(cox["method"]) == {"Firth"}
    assert cox["hazard_ratio"].between(0.0001, 1).all()
    assert (
        cox["warning"]
        .str.startswith("Firth penalised likelihood: the events separate the groups; rests on 0 events")
        .all()
    )
    assert curve.loc[curve["model"] == "Fine-Gray", "hazard_ratio"].isna().all()


def test_a_specification_without_events_says_so(patient_rows, definitions):
    nobody = patient_rows.assign(event_code=0)
    curve = specification_curve(nobody, definitions, ["margin_recurrence"])
    assert curve["hazard_ratio"].isna().all()
    assert curve["rank"].isna().all()
    assert curve["warning"].notna().all()


def test_an_analysis_that_the_data_do_not_allow_leaves_its_reason(patient_rows, definitions):
    without_eras = patient_rows.assign(era=None, margin_mm=np.nan)
    counts = count_events(without_eras, "margin_group")
    ratios = pd.concat([cause_specific_cox(without_eras, endpoint).hazard_ratios for endpoint in MODELLED_ENDPOINTS])
    results = compute_further_results(counts, without_eras, ratios, definitions)
    reasons = results["analyses_not_done"].set_index("table")["reason"]
    assert reasons["stratified_tests"] == "no patient has an era of operation"
    assert "dose_response" in reasons.index
    assert not results["analyses_not_done"].duplicated().any()
    assert len(results["weighted_hazard_ratios"]) > 0
