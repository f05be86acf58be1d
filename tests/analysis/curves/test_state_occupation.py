"""State occupation against R, by hand, and against what must always hold."""

import numpy as np
import pandas as pd
import pytest

from analysis.curves.state_occupation import (
    OCCUPATION_COLUMNS,
    STATES,
    occupation_by,
    occupation_by_group,
)
from analysis.results.of_counts import half_years_days
from tests.analysis.curves.every_day import occupation_at, state_occupation
from tests.analysis.r_values import FOLDER, assert_equal_to_r
from tests.analysis.r_values_by_method import curves_models_and_weights
from tests.analysis.study_plan import PLAN

MGUS_STATES = ("mgus", "pcm", "death")


def mgus_paths() -> pd.DataFrame:
    """Monoclonal gammopathy, then myeloma or another malignancy, then death; the first 400 patients of mgus2, in months."""
    rows = pd.read_csv(FOLDER / "mgus2_multistate.csv")
    rows = rows[rows["id"] <= 400].rename(columns={"t0": "start_day", "t1": "stop_day"})
    rows["state_to"] = rows["ev"].where(rows["ev"] != "censor")
    return rows.assign(state_from=np.where(rows["id"].duplicated(), "pcm", "mgus"))


@pytest.mark.parametrize("group_column", ["everybody", "male"])
def test_occupation_equals_survfit(group_column):
    of_r = (
        [curves_models_and_weights("multi_state")]
        if group_column == "everybody"
        else curves_models_and_weights("multi_state_by_sex")
    )
    rows = mgus_paths().assign(everybody="all")
    strata = sorted(rows[group_column].unique())
    for stratum, values in zip(strata, of_r, strict=True):
        ours = occupation_by_group(
            rows[rows[group_column] == stratum], values["time"], group_column, MGUS_STATES, "log"
        )
        assert list(ours.columns) == OCCUPATION_COLUMNS
        for column, name in (("estimate", "pstate"), ("std_error", "std_err"), ("n_risk", "n_risk")):
            assert_equal_to_r(by_state(ours, column), values[name])
        has_limits = by_state(ours, "estimate") > 0
        for column, name in (("conf_low", "lower"), ("conf_high", "upper")):
            assert_equal_to_r(by_state(ours, column)[has_limits], np.array(values[name], dtype=float)[has_limits])


def by_state(rows: pd.DataFrame, column: str) -> np.ndarray:
    return rows.pivot(index="time_days", columns="state", values=column)[list(MGUS_STATES)].to_numpy()


def test_the_states_add_up_to_one_and_the_last_is_never_left():
    ours = occupation_by_group(mgus_paths(), np.arange(0.0, 240.0), "male", MGUS_STATES)
    np.testing.assert_allclose(ours.groupby(["stratum", "time_days"])["estimate"].sum(), 1, rtol=1e-12)
    assert ours["estimate"].between(0, 1).all()
    for _, dead in ours[ours["state"] == "death"].groupby("stratum"):
        assert (np.diff(dead["estimate"]) >= -1e-15).all()
    at_start = ours[ours["time_days"] == 0]
    assert at_start["estimate"].tolist() == [1, 0, 0] * ours["stratum"].nunique()


def paths(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "state_from", "state_to", "start_day", "stop_day"])


FOUR_PATIENTS = paths(
    ("A", "resected", "liver recurrence", 0, 100),
    ("A", "liver recurrence", "salvaged disease-free", 100, 150),
    ("A", "salvaged disease-free", None, 150, 900),
    ("B", "resected", "other recurrence", 0, 200),
    ("B", "other recurrence", "dead", 200, 300),
    ("C", "resected", "dead", 0, 250),
    ("D", "resected", None, 0, 800),
)


def occupation(rows: pd.DataFrame, days: list[float]) -> pd.DataFrame:
    return occupation_by_group(rows.assign(group="x"), days, "group")


def test_four_patients_all_followed_are_counted_by_hand():
    """Before the first censoring the probabilities are the shares of the patients."""
    ours = occupation(FOUR_PATIENTS, [50, 120, 200, 220, 400, 5000])
    by_day = ours.pivot(index="time_days", columns="state", values="estimate")[list(STATES)]
    assert by_day.loc[50].tolist() == [1, 0, 0, 0, 0]
    assert by_day.loc[120].tolist() == [0.75, 0.25, 0, 0, 0]
    assert by_day.loc[220].tolist() == [0.5, 0, 0.25, 0.25, 0]
    assert by_day.loc[400].tolist() == pytest.approx([0.25, 0, 0, 0.25, 0.5])
    assert by_day.loc[5000].isna().all()
    at_risk = ours.pivot(index="time_days", columns="state", values="n_risk")[list(STATES)]
    assert at_risk.loc[50].tolist() == [4, 0, 0, 0, 0]
    assert at_risk.loc[200].tolist() == [3, 0, 0, 1, 0]
    assert at_risk.loc[400].tolist() == [1, 0, 0, 1, 0]
    assert at_risk.loc[5000].tolist() == [0, 0, 0, 0, 0]
    # The jackknife error of a share is the binomial one
    resected = ours[(ours["state"] == "resected") & (ours["time_days"] == 200)].iloc[0]
    assert resected["std_error"] == pytest.approx(np.sqrt(0.5 * 0.5 / 4))


def test_the_order_of_the_rows_does_not_matter():
    shuffled = FOUR_PATIENTS.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(occupation(FOUR_PATIENTS, [120, 400]), occupation(shuffled, [120, 400]))


def test_a_cohort_that_only_stays_where_it_is():
    ours = occupation(paths(("A", "resected", None, 0, 10), ("B", "resected", None, 0, 20)), [0, 5, 15])
    assert ours.loc[ours["state"] == "resected", "estimate"].eq(1).all()
    assert ours.loc[ours["state"] != "resected", "estimate"].eq(0).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (FOUR_PATIENTS.drop(columns="stop_day"), "lacks the column.*stop_day"),
        (paths(("A", "resected", "lost", 0, 10)), "state_to: .*lost"),
        (paths(("A", None, "dead", 0, 10)), "state_from: missing"),
        (paths(("A", "resected", "dead", 10, 10)), "does not end after it begins .*first patient: A"),
        (paths(("A", "resected", "dead", 5, 10)), "does not begin on day 0"),
        (paths(("A", "liver recurrence", "dead", 0, 10)), "first stay not in 'resected'"),
        (
            paths(("A", "resected", "liver recurrence", 0, 10), ("A", "liver recurrence", None, 12, 20)),
            "when the one before",
        ),
        (paths(("A", "resected", "liver recurrence", 0, 10), ("A", "other recurrence", None, 10, 20)), "led to"),
        (paths(("A", "resected", "resected", 0, 10)), "its own state"),
        (paths(("A", "resected", "dead", 0, 10), ("A", "dead", None, 10, 20)), "a stay in 'dead'"),
        (paths(("A", "resected", None, 0, 10), ("A", "resected", None, 10, 20)), "led to"),
        (paths((None, "resected", None, 0, 10)), "id: 1 missing"),
        (paths(("A", "resected", None, 0, np.nan)), "stop_day: 1 missing"),
    ],
)
def test_paths_that_do_not_hold_together_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        occupation(rows, [5])


def test_a_patient_is_in_one_group_only():
    with pytest.raises(ValueError, match="a patient in two groups .*first patient: A"):
        occupation_by_group(FOUR_PATIENTS.assign(era=list("XYXXXXX")), [5], "era")
    with pytest.raises(ValueError, match="era: 7 missing"):
        occupation_by_group(FOUR_PATIENTS.assign(era=None), [5], "era")


def test_occupation_by_margin_adds_up_to_one_at_every_half_year():
    paths = pd.DataFrame(
        [
            ("A", "positive", "resected", "liver recurrence", 0.0, 100.0),
            ("A", "positive", "liver recurrence", "dead", 100.0, 200.0),
            ("B", "positive", "resected", None, 0.0, 400.0),
        ],
        columns=["study_id", "margin_group", "state_from", "state_to", "start_day", "stop_day"],
    )
    read_at = half_years_days(PLAN, "landmark_years")
    occupation = occupation_by(paths, "margin_group", read_at)
    at_first_half_year = occupation[occupation["time_days"] == 182.625].set_index("state")["estimate"]
    assert at_first_half_year["resected"] == pytest.approx(0.5)
    assert at_first_half_year["liver recurrence"] == pytest.approx(0.5)
    at_one_year = occupation[occupation["time_days"] == 365.25].set_index("state")["estimate"]
    assert at_one_year["dead"] == pytest.approx(0.5)
    assert at_one_year.sum() == pytest.approx(1)
    # nobody is followed beyond 400 days
    assert occupation.loc[occupation["time_days"] > 400, "estimate"].isna().all()
    assert occupation_by(paths.iloc[:0], "margin_group", read_at).empty


@pytest.mark.parametrize("conf_type", ["log-log", "log", "plain"])
def test_occupation_on_chosen_days_is_the_whole_curve_read_off_on_them(conf_type):
    months = [0, 1, 12.5, 60, 120, 240, 360, 1000]
    rows = mgus_paths()
    read_off = occupation_at(state_occupation(rows, MGUS_STATES, "male", conf_type), months)
    ours = occupation_by_group(rows, months, "male", MGUS_STATES, conf_type)
    pd.testing.assert_frame_equal(ours, read_off, rtol=1e-12, atol=1e-14)
    assert ours["std_error"].max() > 0.01


def test_a_patient_who_changes_state_twice_and_one_who_leaves_at_the_last_look_weigh_as_in_the_whole_curve():
    read_off = occupation_at(
        state_occupation(FOUR_PATIENTS.assign(group="x"), group_column="group"), [50.0, 120.0, 220.0, 400.0, 5000.0]
    )
    ours = occupation_by_group(FOUR_PATIENTS.assign(group="x"), [50.0, 120.0, 220.0, 400.0, 5000.0], "group")
    pd.testing.assert_frame_equal(ours, read_off, rtol=1e-12, atol=1e-14)
