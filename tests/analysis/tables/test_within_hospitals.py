"""Tests of scores within hospitals against R, and two hospitals that differ where their margin groups do not."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.patients.collapsed_counts import count_events
from analysis.patients.model_rows import HOSPITAL_COLUMN
from analysis.results.of_counts import counts_by_hospital
from analysis.tables.follow_up_quality import follow_up_quality
from analysis.tables.salvage_by_margin import salvage_by_margin
from analysis.tables.within_hospitals import association_test, ranks_within, trend_test
from tests.analysis.r_values import FOLDER
from tests.analysis.study_plan import MARGIN

OF_R = json.loads((FOLDER / "proportions.json").read_text(encoding="utf-8"))["within"]
LOST, INTERVAL, HOSPITAL, GROUP = (
    np.array([row[name] for row in OF_R["rows"]]) for name in ("lost", "interval", "hospital", "group")
)
ONE = HOSPITAL == 0


@pytest.mark.parametrize(
    ("ours", "of_r", "degrees"),
    [
        (association_test(LOST, GROUP, HOSPITAL), "association", 3),
        (trend_test(LOST, GROUP, HOSPITAL), "trend", 1),
        (association_test(ranks_within(INTERVAL[ONE], HOSPITAL[ONE]), GROUP[ONE], HOSPITAL[ONE]), "kruskal", 3),
        (association_test(ranks_within(INTERVAL, HOSPITAL), GROUP, HOSPITAL), "ranks", 3),
    ],
    ids=["mantelhaen.test", "clogit's score test", "kruskal.test", "stratified ranks written out"],
)
def test_they_equal_r(ours, of_r, degrees):
    found = [ours.statistic, ours.degrees_of_freedom, ours.p_value]
    np.testing.assert_allclose(found, [OF_R[of_r]["statistic"], degrees, OF_R[of_r]["p_value"]], rtol=1e-9)


def test_where_nothing_varies_or_nobody_is_there_is_no_test():
    nobody, same = np.array([]), np.array([1.0, 1.0, 1.0])
    two = np.array([0, 1, 1])
    for test in (association_test, trend_test):
        assert np.isnan(test(nobody, nobody.astype(int), nobody.astype(int)).p_value)
        assert np.isnan(test(same, two, np.zeros(3, dtype=int)).p_value)
        # each hospital has one group only: nobody to compare anybody with
        assert np.isnan(test(np.array([0.0, 1.0, 1.0]), two, two).p_value)


def two_hospitals() -> pd.DataFrame:
    """A follows nearly all of its 300 patients long and looks often, most of them wide; B loses half of its 300 early, most of them
    positive, looks seldom and salvages few. Within each it is the same for everybody."""
    random = np.random.default_rng(2)
    hospital = np.repeat(["A", "B"], 300)
    is_b = hospital == "B"
    is_positive = random.random(600) < np.where(is_b, 0.8, 0.2)
    followed = np.ceil(random.exponential(np.where(is_b, 500, 1500)))
    return pd.DataFrame(
        {
            "study_id": np.arange(600),
            HOSPITAL_COLUMN: hospital,
            "margin_group": np.where(is_positive, "positive", ">=10 mm"),
            "followed_days": followed,
            "is_dead": random.random(600) < 0.3,
            "potential_days": followed + 100,
            "is_lost_to_follow_up": random.random(600) < np.where(is_b, 0.5, 0.05),
            "median_assessment_interval_days": np.round(random.normal(np.where(is_b, 200, 100), 15)),
            "has_salvage": random.random(600) < np.where(is_b, 0.1, 0.6),
        }
    )


def quality_of(rows: pd.DataFrame) -> pd.Series:
    times = rows.assign(
        endpoint="overall_survival", time_days=rows["followed_days"], event_code=rows["is_dead"].astype(int)
    )
    counts = pd.concat([count_events(times, "margin_group"), count_events(times)], ignore_index=True)
    by_hospital = counts_by_hospital(times, MARGIN) if HOSPITAL_COLUMN in rows.columns else None
    return follow_up_quality(rows, counts, MARGIN, 0.05, by_hospital).set_index("stratum").loc["positive"]


def test_hospitals_that_follow_otherwise_are_no_difference_between_their_margin_groups():
    rows = two_hospitals()
    pooled, within = quality_of(rows.drop(columns=HOSPITAL_COLUMN)), quality_of(rows)
    p_values = ["length_p_value", "loss_p_value", "interval_p_value"]
    assert (pooled[p_values] < 1e-6).all() and pooled["is_informative_difference"]
    assert (within[p_values] > 0.05).all() and not within["is_informative_difference"]
    assert (bool(pooled["is_within_hospitals"]), bool(within["is_within_hospitals"])) == (False, True)
    # what is described is of all patients either way
    assert pooled["share_lost"] == within["share_lost"]


def test_a_hospital_that_salvages_few_makes_no_trend_over_the_margins():
    rows = two_hospitals()
    pooled, within = salvage_by_margin(rows.drop(columns=HOSPITAL_COLUMN), MARGIN), salvage_by_margin(rows, MARGIN)
    assert pooled["trend_p_value"][0] < 1e-6
    assert within["trend_p_value"][0] > 0.05
    assert (set(pooled["is_within_hospitals"]), set(within["is_within_hospitals"])) == ({False}, {True})
    assert pooled["proportion"].equals(within["proportion"])
