"""The code that Explore's page runs, against R's values: curves, limits, estimates at landmarks, tests, to 1e-9."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.special import chdtrc

from analysis import explore
from tests.analysis.r_values import DATASETS, assert_equal_to_r, patients, r_values

CODE = Path(explore.__file__).with_name("statistics.js")
CHECK = Path(__file__).with_name("explore_check.js")


@pytest.fixture(scope="module")
def run(request):
    """Runs the page's code on rows: in Node, else in Chromium."""
    node = shutil.which("node")
    if node:

        def in_node(rows: list, landmarks: list) -> dict:
            asked = json.dumps({"rows": rows, "landmarks": landmarks})
            done = subprocess.run([node, CHECK, CODE], input=asked, capture_output=True, text=True, check=True)
            return json.loads(done.stdout)

        yield in_node
        return
    page = request.getfixturevalue("browser").new_page()
    page.set_content("<html></html>")
    page.add_script_tag(content=CODE.read_text() + "; globalThis.survivalStatistics = survivalStatistics;")
    page.add_script_tag(content=CHECK.read_text())
    yield lambda rows, landmarks: json.loads(
        page.evaluate("([rows, landmarks]) => JSON.stringify(resultsOf(rows, landmarks))", [rows, landmarks])
    )


@pytest.fixture(scope="module", params=DATASETS)
def both(request, run) -> tuple[dict, dict]:
    data = patients(request.param)
    rows = data[["g", "time_days", "event_code"]].astype(float).to_numpy().tolist()
    of_r = r_values(request.param)
    return run(rows, of_r["landmarks"]["times"]), of_r


def lined_up(ours: dict, curves: str, values: dict, name: str) -> list:
    """A column of our curves in the order of R's rows."""
    found = {
        (float(group), float(day)): value
        for group, curve in zip(ours["names"], ours[curves], strict=True)
        for day, value in zip(curve["days"], curve[name], strict=True)
    }
    return [found[(float(group), float(day))] for group, day in zip(values["g"], values["time"], strict=True)]


def numbers(values: list) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def test_survival_and_its_limits(both):
    ours, of_r = both
    values = of_r["kaplan_meier"]
    assert_equal_to_r(numbers(lined_up(ours, "survival", values, "estimate")), values["surv"])
    assert lined_up(ours, "survival", values, "risk") == values["n_risk"]
    limits = values["limits"]["log"]
    assert_equal_to_r(numbers(lined_up(ours, "survival", values, "low")), numbers(limits["lower"]))
    assert_equal_to_r(numbers(lined_up(ours, "survival", values, "high")), numbers(limits["upper"]))


def test_cumulative_incidence_and_its_variance(both):
    ours, of_r = both
    values = of_r["aalen_johansen"]
    assert_equal_to_r(numbers(lined_up(ours, "incidence", values, "estimate")), values["cuminc_estimate"])
    errors = numbers(lined_up(ours, "incidence", values, "error"))
    assert_equal_to_r(errors**2, values["cuminc_variance"])


def test_estimates_at_landmarks(both):
    ours, of_r = both
    values = of_r["landmarks"]
    at = {
        (float(group), float(day)): read
        for group, reads in zip(ours["names"], ours["landmarks"], strict=True)
        for day, read in zip(values["times"], reads, strict=True)
    }
    keys = list(zip(map(float, values["g"]), map(float, values["time"]), strict=True))
    for name, of_name in (("estimate", "surv"), ("low", "lower"), ("high", "upper"), ("risk", "n_risk")):
        assert_equal_to_r(numbers([at[key][name] for key in keys]), numbers(values[of_name]))
    # where R has no row nobody is at risk, and neither have we an estimate
    assert all(at[key]["estimate"] is None for key in at if key not in keys)


def test_log_rank_and_grays_test(both):
    ours, of_r = both
    assert_equal_to_r(ours["logrank"]["statistic"], of_r["tests"]["all_causes"]["logrank"])
    gray = ours["gray"]
    statistic, p_value, degrees = of_r["tests"]["gray_event"]
    # in tiny tied cohorts the covariance is not positive definite: cmprsk's statistic is then negative, ours missing
    if statistic > 0:
        assert_equal_to_r([gray["statistic"], gray["p"], gray["degrees"]], [statistic, p_value, degrees])
    else:
        assert gray["statistic"] is None


def test_p_values_from_far_apart_to_alike():
    at = "[1e-6,0.3,1,4,20,90].map(x => s.chiSquareUpper(x, d))"
    script = f"const s = require({json.dumps(str(CODE))}); console.log(JSON.stringify([1,2,3,6,11].map(d => {at})))"
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed (Debian: nodejs)")
    ours = json.loads(subprocess.run([node, "-e", script], capture_output=True, text=True, check=True).stdout)
    expected = [[chdtrc(degrees, x) for x in (1e-6, 0.3, 1, 4, 20, 90)] for degrees in (1, 2, 3, 6, 11)]
    np.testing.assert_allclose(ours, expected, rtol=1e-9)
