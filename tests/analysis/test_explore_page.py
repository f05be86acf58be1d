"""Explore in a real browser: a subgroup is chosen and the page's numbers are Python's; small groups are refused; nothing is reached."""

import re

import numpy as np
import pandas as pd
import pytest

from analysis.curves.cumulative_incidence import cumulative_incidence
from analysis.curves.group_tests import gray_test
from analysis.curves.landmark_estimates import landmark_estimates
from analysis.explore import ExploreRefused, render_explore
from analysis.explore.page import explore_data
from analysis.patients.collapsed_counts import count_events
from tests.analysis.report_builders import fake_context
from tests.analysis.results.study import operations, times
from tests.analysis.study_plan import PLAN

ENDPOINT = "liver_recurrence_any_time"


@pytest.fixture(scope="module")
def study() -> tuple[pd.DataFrame, pd.DataFrame]:
    """500 patients; four of them in an era of their own."""
    of_patients = operations()
    of_patients.loc[100:103, "era"] = "1991-1998"
    return of_patients, times()


@pytest.fixture(scope="module")
def html(study) -> str:
    return render_explore(*study, PLAN, 5, fake_context())


@pytest.fixture
def page(browser, html, tmp_path):
    file = tmp_path / "explore.html"
    file.write_text(html, encoding="utf-8")
    opened = browser.new_page()
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(file.as_uri())
    yield opened
    assert asked == [file.as_uri()], "the page reached something else"


def in_python(study, era: str) -> tuple[pd.DataFrame, pd.Series]:
    of_patients, of_times = study
    rows = of_times[of_times["endpoint"] == ENDPOINT].merge(of_patients[of_patients["era"] == era], on="study_id")
    counts = count_events(rows, "margin_group")
    estimates = landmark_estimates(cumulative_incidence(counts), "Aalen-Johansen", {"3": 1095.75, "5": 1826.25})
    return estimates.set_index(["stratum", "landmark_label"]), gray_test(counts).iloc[0]


def test_a_chosen_subgroup_has_the_numbers_that_python_computes_to_1e_9(page, study):
    page.select_option("select[name=endpoint]", ENDPOINT)
    page.select_option("select[name=grouping]", "margin_group")
    page.select_option("select[name=era]", label="late")
    estimates, test = in_python(study, "late")
    result = page.evaluate(
        """() => { const {groups, test} = explored(chosen()); return {test, groups: groups.map(group => [group.name, group.n,
           group.landmarks.map(read => [read.risk, read.estimate, read.error, read.low, read.high])])}; }"""
    )
    assert [group[0] for group in result["groups"]] == ["positive", "<1 mm", "1.0-9.9 mm", ">=10 mm", "unresolved"]
    for name, _, landmarks in result["groups"]:
        expected = (
            estimates.loc[name][["n_risk", "estimate", "std_error", "conf_low", "conf_high"]].astype(float).to_numpy()
        )
        ours = np.array(landmarks, dtype=float)
        np.testing.assert_allclose(ours, np.where(np.isnan(expected) & (ours == 0), 0, expected), rtol=1e-9, atol=1e-9)
    assert result["test"]["statistic"] == pytest.approx(test["statistic"], rel=1e-9)
    assert result["test"]["p"] == pytest.approx(test["p_value"], rel=1e-9)
    shown = page.inner_text("#test")
    assert f"chi-square {test['statistic']:.2f} with 3 degrees of freedom" in shown
    assert page.locator("#chart path").count() == 5
    # the choice is in the address
    assert "grouping=margin_group" in page.url and ENDPOINT in page.url


def test_groups_below_the_rule_are_refused_and_stay_out_of_the_test(page):
    page.select_option("select[name=grouping]", "era")
    assert "fewer than 5 patients: refused" in page.inner_text("#numbers")
    assert "of 2 groups" in page.inner_text("#test") and "without 1991-1998" in page.inner_text("#test")
    assert page.locator("#chart path").count() == 2
    page.select_option("select[name=grouping]", "")
    page.select_option("select[name=era]", label="1991-1998")
    assert "Refused" in page.inner_text("#who")
    assert not re.search(r"\d%", page.inner_text("#numbers tbody"))


def test_a_patient_of_whom_a_variable_is_not_known_is_in_a_group_of_that_name(study):
    data = explore_data(*study, PLAN)
    variables = {variable["name"]: variable["levels"] for variable in data["variables"]}
    assert variables["margin_group"] == ["positive", "<1 mm", "1.0-9.9 mm", ">=10 mm", "unresolved"]
    assert variables["clinical_risk_score"] == ["0", "1", "2", "3", "4", "5"]
    assert variables["is_node_positive"][-1] == "not known"
    assert "source_system" not in variables, "one hospital is nothing to choose from"
    assert sum(row[3] for row in data["endpoints"][0]["rows"]) == 500


def test_words_of_the_data_cannot_end_the_script(study):
    of_patients = study[0].assign(era="</script><script>alert(1)</script>")
    of_patients.loc[:200, "era"] = "late"
    html = render_explore(of_patients, study[1], PLAN, 5, fake_context())
    assert html.count("</script>") == 3


def test_nobody_and_too_many_are_refused(study, monkeypatch):
    with pytest.raises(ExploreRefused, match="nobody"):
        explore_data(study[0].iloc[:0], study[1], PLAN)
    monkeypatch.setattr("analysis.explore.page.MOST_ROWS", 10)
    with pytest.raises(ExploreRefused, match="too many"):
        explore_data(*study, PLAN)
