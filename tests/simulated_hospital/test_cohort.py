"""The cohort is what STUDY's calibration facts say, the same for the same seed, and never impossible."""

import numpy as np
import pandas as pd
import pytest

from simulated_hospital.cohort import Cohort, draw_cohort, endpoint_times, load_constants
from simulated_hospital.decisions import draw_decisions
from simulated_hospital.disease_course import draw_course
from simulated_hospital.patients import draw_patients

LIVER = ["liver_at_margin", "liver_elsewhere"]


@pytest.fixture(scope="module")
def large() -> Cohort:
    return draw_cohort(50_000, seed=3)


def test_the_same_seed_draws_the_same_cohort_and_another_seed_another():
    first, again, other = draw_cohort(300, 7), draw_cohort(300, 7), draw_cohort(300, 8)
    for name in ("patients", "site_events", "treatments"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))
    assert not first.patients["operation_date"].equals(other.patients["operation_date"])


@pytest.mark.parametrize(
    ("fact", "expected", "tolerance"),
    [
        (lambda p: (p["margin_group"] == "positive").mean(), 0.080, 0.006),
        (lambda p: (p["margin_group"] == "<1 mm").mean(), 0.053, 0.006),
        (lambda p: (p["margin_group"] == "1.0-9.9 mm").mean(), 0.425, 0.010),
        (lambda p: (p["margin_group"] == ">=10 mm").mean(), 0.442, 0.010),
        (lambda p: p["age_years"].median(), 61, 0.5),
        (lambda p: (p["sex"] == "male").mean(), 0.59, 0.01),
        (lambda p: (p["metastasis_count"] > 1).mean(), 0.57, 0.01),
        (lambda p: p["largest_metastasis_cm"].median(), 3.4, 0.1),
        (lambda p: p["is_node_positive"].mean(), 0.56, 0.01),
        (lambda p: p["has_hai_pump"].mean(), 0.33, 0.01),
        (lambda p: (p["cea_ng_ml"] > 200).mean(), 0.08, 0.01),
        (lambda p: ((p["liver_metastasis_date"] - p["primary_resection_date"]).dt.days / 30.4375).median(), 10, 0.5),
        (lambda p: p["has_short_interval"].mean(), 0.50, 0.05),
    ],
)
def test_patients_are_as_the_calibration_facts_say(large, fact, expected, tolerance):
    assert fact(large.patients) == pytest.approx(expected, abs=tolerance)


def test_margin_width_lies_in_its_group_and_worse_tumours_have_narrower_margins(large):
    patients = large.patients
    bounds = {"positive": (0, 0), "<1 mm": (0.1, 0.9), "1.0-9.9 mm": (1.0, 9.9), ">=10 mm": (10.0, 200.0)}
    for group, (low, high) in bounds.items():
        assert patients.loc[patients["margin_group"] == group, "margin_mm"].between(low, high).all()
    positive = patients["margin_group"] == "positive"
    wide = patients["margin_group"] == ">=10 mm"
    assert (
        patients.loc[positive, "has_multiple_metastases"].mean()
        > patients.loc[wide, "has_multiple_metastases"].mean() + 0.1
    )


def test_sites_and_salvage_are_as_the_calibration_facts_say(large):
    patients, sites = large.patients, large.site_events
    first = patients["first_recurrence_days"].reindex(sites["patient_index"]).to_numpy()
    initial = sites[sites["day"] - first <= 30]
    organ = initial["site"].where(~initial["site"].isin(LIVER), "liver")
    organs = organ.groupby(initial["patient_index"]).agg(lambda names: "+".join(sorted(set(names))))
    several = organs.str.contains("+", regex=False)
    assert (organs == "liver").mean() == pytest.approx(0.26, abs=0.015)
    assert (organs == "lung").mean() == pytest.approx(0.28, abs=0.015)
    assert several.mean() == pytest.approx(0.29, abs=0.015)
    assert (~several & ~organs.isin(["liver", "lung"])).mean() == pytest.approx(0.17, abs=0.015)
    recurred = patients[patients["first_recurrence_days"].notna()]
    salvaged = recurred["patient_index"].isin(large.treatments.loc[large.treatments["is_salvage"], "patient_index"])
    by_group = salvaged.groupby(recurred["margin_group"]).mean()
    assert salvaged.mean() == pytest.approx(0.27, abs=0.02)
    assert by_group["positive"] < by_group["<1 mm"] < by_group["1.0-9.9 mm"] < by_group[">=10 mm"]


def test_death_without_recurrence_is_rare_and_commoner_in_the_old(large):
    times = endpoint_times(large).query("endpoint == 'overall_recurrence'").reset_index(drop=True)
    old = large.patients["age_years"] > 70

    def at_five_years(rows):
        counts = pd.crosstab(rows["time_days"], rows["event_code"])
        at_risk = counts.sum(axis=1)[::-1].cumsum()[::-1]
        event_free = (1 - counts[[1, 2]].sum(axis=1) / at_risk).cumprod().shift(fill_value=1)
        return (event_free * counts[2] / at_risk)[: 5 * 365].sum()

    assert at_five_years(times) == pytest.approx(0.02, abs=0.003)
    assert at_five_years(times[old]) > 2 * at_five_years(times[~old])


def test_nobody_is_heard_of_as_alive_after_their_death_and_every_earlier_death_is_known():
    u = draw_decisions(20_000, seed=11, quasi_random=False)
    course = draw_course(draw_patients(u, load_constants()), u, load_constants())
    patients = draw_cohort(20_000, seed=11).patients
    heard_of_until = course.follow_up_days + np.floor(u["last_contact"] * 90)
    np.testing.assert_array_equal(patients["is_dead"], course.death_days <= heard_of_until)
    assert (patients.loc[~patients["is_dead"], "last_contact_days"] < course.death_days[~patients["is_dead"]]).all()
    assert (patients["last_assessment_days"] <= course.follow_up_days).all()
    assert set(patients.loc[patients["is_dead"], "cause_of_death"]) == {"cancer", "other"}
    assert patients.loc[~patients["is_dead"], ["death_days", "cause_of_death"]].isna().all(axis=None)


def test_operations_are_on_working_days_of_the_study_years_after_the_metastasis_was_found(large):
    patients = large.patients
    assert np.is_busday(patients["operation_date"].to_numpy(dtype="datetime64[D]")).all()
    assert patients["operation_date"].between("1991-01-01", "2012-12-31").all()
    assert (patients["liver_metastasis_date"] < patients["operation_date"]).all()
    assert (patients["primary_resection_date"] <= patients["liver_metastasis_date"]).all()


def test_treatment_names_the_sites_found_at_first_recurrence(large):
    first = large.patients["first_recurrence_days"].reindex(large.site_events["patient_index"]).to_numpy()
    initial = large.site_events[large.site_events["day"] - first <= 30].groupby("patient_index")["site"].agg(set)
    named = large.treatments["sites"].str.split(";").map(set)
    assert (named.to_numpy() == initial.loc[large.treatments["patient_index"]].to_numpy()).all()


def test_nothing_happens_after_death_or_after_the_last_look(large):
    patients = large.patients.set_index("patient_index")
    for events in (large.site_events, large.treatments):
        of_patient = patients.loc[events["patient_index"]]
        assert (events["day"].to_numpy() >= 1).all()
        assert (events["day"].to_numpy() <= of_patient["last_assessment_days"].to_numpy()).all()
        assert not (events["day"].to_numpy() >= of_patient["death_days"].to_numpy()).any()
    assert (patients["last_assessment_days"] <= patients["last_contact_days"]).all()
    assert (
        patients.loc[patients["is_dead"], "last_contact_days"] == patients.loc[patients["is_dead"], "death_days"]
    ).all()


def test_first_recurrence_is_the_first_site_and_no_pattern_hangs_on_the_edge_of_the_window(large):
    patients, sites = large.patients, large.site_events
    first = sites.groupby("patient_index")["day"].min()
    recurred = patients.set_index("patient_index")["first_recurrence_days"].dropna()
    pd.testing.assert_series_equal(first.astype(float), recurred, check_names=False)
    gap = sites["day"] - recurred.loc[sites["patient_index"]].to_numpy()
    assert not gap.between(21, 45).any()


def test_salvage_is_shown_by_a_later_look_before_any_new_site(large):
    salvages = large.treatments[large.treatments["is_salvage"]]
    assert (salvages["residual_disease"] == "none").all()
    assert (salvages["no_evidence_day"] > salvages["day"]).all()
    between = large.site_events.merge(salvages, on="patient_index", suffixes=("_site", ""))
    assert not ((between["day_site"] > between["day"]) & (between["day_site"] <= between["no_evidence_day"])).any()


def test_endpoint_times_count_every_patient_once_and_agree_with_the_sites(large):
    times = endpoint_times(large)
    assert (times.groupby("endpoint")["patient_index"].nunique() == 50_000).all()
    assert (times["time_days"] >= 1).all()
    events = times[times["event_code"] == 1].groupby("endpoint").size()
    assert events["overall_recurrence"] == large.patients["first_recurrence_days"].notna().sum()
    assert events["liver_recurrence_any_time"] == large.site_events.query("site in @LIVER")["patient_index"].nunique()
    assert events["isolated_liver_recurrence"] < events["liver_recurrence_any_time"] < events["overall_recurrence"]


def test_evenly_spread_draws_are_each_still_a_draw_from_the_model():
    cohort = draw_cohort(4096, seed=1, quasi_random=True)
    assert np.isclose((cohort.patients["margin_group"] == "1.0-9.9 mm").mean(), 0.425, atol=0.003)


@pytest.mark.parametrize("n_patients", [1, 2, 3])
def test_the_smallest_cohorts_are_whole_too(n_patients):
    for seed in range(10):
        cohort = draw_cohort(n_patients, seed)
        assert list(cohort.patients["patient_index"]) == list(range(n_patients))
        assert len(endpoint_times(cohort)) == 4 * n_patients


@pytest.mark.parametrize("quasi_random", [False, True])
def test_a_cohort_of_nobody_is_refused(quasi_random):
    with pytest.raises(ValueError, match="at least one patient"):
        draw_cohort(0, seed=1, quasi_random=quasi_random)
