"""Log-rank, trend and Gray's test against R, by hand, and against what must always hold."""

import io
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from analysis.curves.group_tests import gray_test, logrank_test, trend_test
from analysis.patients.collapsed_counts import count_events
from tests.analysis.r_values import DATASETS, assert_equal_to_r, patients, r_values


@pytest.mark.parametrize("dataset", DATASETS)
def test_logrank_and_trend_equal_survdiff(dataset):
    for of_r, any_event in (("all_causes", True), ("cause_specific", False)):
        event_counts = count_events(patients(dataset, any_event=any_event), "g")
        values = r_values(dataset)["tests"][of_r]
        assert_equal_to_r(logrank_test(event_counts)["statistic"], [values["logrank"]])
        assert_equal_to_r(trend_test(event_counts)["statistic"], [values["trend"]])


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("swap", [False, True])
def test_gray_equals_cuminc(dataset, swap):
    (ours,) = gray_test(count_events(patients(dataset, swap=swap), "g")).to_dict("records")
    statistic, p_value, degrees = r_values(dataset)["tests"]["gray_competing" if swap else "gray_event"]
    assert_equal_to_r([ours["statistic"], ours["p_value"]], [statistic, p_value])
    assert ours["degrees_of_freedom"] == degrees
    assert (ours["n"], ours["hypothesis"]) == (len(patients(dataset)), "equal cumulative incidence")


def two_groups(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["stratum", "time_days", "n_event", "n_competing", "n_censored"])
    return frame.assign(endpoint="overall_survival", grouping="margin_group")


def test_logrank_of_four_patients_by_hand():
    """Positive die on days 1 and 2, wide ones on 3 and 4: O - E of the positive is 2 - (2/4 + 1/3)."""
    event_counts = two_groups(
        ("positive", 1, 1, 0, 0), ("positive", 2, 1, 0, 0), (">=10 mm", 3, 1, 0, 0), (">=10 mm", 4, 1, 0, 0)
    )
    variance = 1 / 2 * 1 / 2 + 1 / 3 * 2 / 3
    expected = (2 - (1 / 2 + 1 / 3)) ** 2 / variance
    (row,) = logrank_test(event_counts).to_dict("records")
    assert row["statistic"] == pytest.approx(expected, rel=1e-12)
    assert (row["degrees_of_freedom"], row["n"], row["n_event"]) == (1, 4, 4)
    assert trend_test(event_counts)["statistic"].item() == pytest.approx(expected, rel=1e-12)


def test_unresolved_margins_are_not_a_group_to_compare():
    known = two_groups(("positive", 1, 5, 0, 1), ("<1 mm", 4, 3, 0, 4), (">=10 mm", 3, 2, 0, 9))
    with_unresolved = pd.concat([known, two_groups(("unresolved", 2, 50, 0, 1))])
    for test in (logrank_test, trend_test, gray_test):
        pd.testing.assert_frame_equal(test(known), test(with_unresolved))


def test_names_of_the_groups_do_not_matter_to_logrank_and_gray_but_their_order_does_to_trend():
    rows = patients("ties")
    renamed = rows.assign(g=rows["g"].map({1: 3, 2: 1, 3: 4, 4: 2}))
    for test in (logrank_test, gray_test):
        statistic = [test(count_events(frame, "g"))["statistic"].item() for frame in (rows, renamed)]
        assert statistic[0] == pytest.approx(statistic[1], rel=1e-10)
    trends = [trend_test(count_events(frame, "g"))["statistic"].item() for frame in (rows, renamed)]
    assert abs(trends[0] - trends[1]) > 1


def test_trend_scores_may_be_shifted_and_stretched():
    event_counts = count_events(patients("pbc"), "g")
    plain, shifted = trend_test(event_counts), trend_test(event_counts, scores=[10, 30, 50, 70])
    np.testing.assert_allclose(plain["statistic"], shifted["statistic"])
    with pytest.raises(ValueError, match="3 scores for the 4 groups"):
        trend_test(event_counts, scores=[1, 2, 3])


def test_two_identical_groups_do_not_differ():
    rows = patients("colon")
    twice = pd.concat([rows.assign(g=1), rows.assign(g=2)])
    assert gray_test(count_events(twice, "g"))["statistic"].item() == pytest.approx(0, abs=1e-20)


def test_no_events_is_said_and_not_tested():
    event_counts = two_groups(("positive", 5, 0, 0, 3), (">=10 mm", 6, 0, 0, 4))
    for test in (logrank_test, trend_test, gray_test):
        (row,) = test(event_counts).to_dict("records")
        assert np.isnan(row["statistic"])
        assert np.isnan(row["p_value"])
        assert row["warning"] == "no events"


def test_one_group_is_nothing_to_test():
    assert len(logrank_test(two_groups(("positive", 5, 1, 0, 3), ("unresolved", 5, 1, 0, 0)))) == 0


def test_a_variance_that_is_not_positive_gives_a_warning_and_no_negative_statistic():
    """cmprsk 2.2: cuminc(c(1, 2, 2, 2), rep(1, 4), c('p', 'p', 'l', 'l'))$Tests is -10.67 with P = 1."""
    rows = pd.DataFrame(
        [(1, "positive"), (2, "positive"), (2, "<1 mm"), (2, "<1 mm")], columns=["time_days", "margin_group"]
    ).assign(endpoint="overall_recurrence", event_code=1)
    row = gray_test(count_events(rows, "margin_group")).iloc[0]
    assert np.isnan(row["statistic"])
    assert np.isnan(row["p_value"])
    assert row["warning"]


FROM_R = """
library(survival)
both <- merge(subset(colon, etype == 1), subset(colon, etype == 2), by = "id")
recurred <- subset(both, status.x == 1)
time <- recurred$time.y - recurred$time.x
cat(survdiff(Surv(time, recurred$status.y) ~ recurred$extent.x)$chisq, "\\n", sep = "")
write.csv(data.frame(time, recurred$status.y, recurred$extent.x), stdout(), row.names = FALSE)
"""


def test_deaths_on_the_day_of_recurrence_count_as_in_r():
    """Survival after recurrence by extent in survival::colon, where seven patients have no day between the two."""
    if not shutil.which("Rscript"):
        pytest.skip("R is not installed (Debian: r-base-core, r-cran-survival), and the data are R's")
    said = subprocess.run(["Rscript", "-e", FROM_R], capture_output=True, text=True, check=False)
    if said.returncode:
        pytest.skip(f"R has no package survival: {said.stderr.strip()[-200:]}")
    of_r, _, table = said.stdout.partition("\n")
    rows = pd.read_csv(io.StringIO(table), names=["time_days", "event_code", "g"], header=0)
    assert (len(rows), (rows["time_days"] == 0).sum()) == (468, 7)
    event_counts = count_events(rows.assign(endpoint="post_recurrence_survival"), "g")
    statistic = logrank_test(event_counts)["statistic"].item()
    assert statistic == pytest.approx(float(of_r), rel=1e-6)
    assert statistic == pytest.approx(5.854, abs=5e-4)
    without = logrank_test(event_counts[event_counts["time_days"] > 0])["statistic"].item()
    assert without == pytest.approx(5.557, abs=5e-4)
