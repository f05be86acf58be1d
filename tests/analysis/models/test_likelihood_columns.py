"""Patients who have the same in every column are counted together: the likelihood, and all that follows from it, is what it is patient by
patient."""

import numpy as np
import pytest

from analysis.models import likelihood_columns
from analysis.models.cox_fit import spread_of
from analysis.models.likelihood_columns import likelihood_columns as columns_of
from analysis.models.likelihood_columns import pattern_codes
from analysis.models.partial_likelihood import PartialLikelihood
from tests.analysis.models.conftest import count_by_pattern

# node positive, multiple metastases, decades of age: patients 0, 2 and 4 have the same, as 1 and 5 have
COLUMNS = [np.array(values) for values in ([1.0, 0, 1, 1, 1, 0], [0.0, 1, 0, 1, 0, 1], [6.0, 7, 6, 7, 6, 7])]
EVERYBODY = np.arange(6)


def test_patients_with_the_same_columns_are_of_one_pattern(monkeypatch):
    count_by_pattern(monkeypatch)
    codes = pattern_codes(COLUMNS, 6)
    assert codes is not None
    assert codes[0] == codes[2] == codes[4] and codes[1] == codes[5]
    assert len({codes[0], codes[1], codes[3]}) == 3
    by_pattern = columns_of(COLUMNS, EVERYBODY, codes)
    assert by_pattern.x.shape == (3, 4)
    # 4 of 6 are node positive, the mean decade is 6.5
    np.testing.assert_allclose(
        by_pattern.of_patients(by_pattern.x)[[0, 1, 3], 1:],
        [[1 / 3, -0.5, -0.5], [-2 / 3, 0.5, 0.5], [1 / 3, 0.5, 0.5]],
    )


@pytest.mark.parametrize("is_counted", [True, False], ids=["by pattern", "by patient"])
def test_sums_over_groups_and_what_each_pattern_meets_of_them(monkeypatch, is_counted):
    """Patients 0 and 1 are of the first group, 2, 4 and 5 of the second, 3 of none; 5 counts half."""
    count_by_pattern(monkeypatch)
    columns = columns_of(COLUMNS, EVERYBODY, pattern_codes(COLUMNS, 6) if is_counted else None)
    values = columns.x.copy()
    values[:, 1:] += 1  # so that the ones are no sum of the others by chance
    sums = columns.sums(np.array([0, 0, 1, -1, 1, 1]), 2, np.array([1, 1, 1, 1, 1, 0.5]))
    np.testing.assert_allclose(sums.of(values)[:, 0], [2, 2.5])
    risk = np.array([10.0, 20, 10, 40, 10, 20])
    by_pattern = np.zeros(len(columns.x))
    by_pattern[slice(None) if columns.pattern is None else columns.pattern] = risk
    np.testing.assert_allclose(sums.of(values, by_pattern)[:, 0], [30, 30])
    met = sums.met(np.array([100.0, 1.0]))(slice(None))
    # node positive without multiple metastases: patient 0 meets 100, 2 and 4 meet 1 each; the pattern of 1 and 5: 100 and half of 1
    if is_counted:
        np.testing.assert_allclose(sorted(met), [0, 100.5, 102])
    else:
        np.testing.assert_allclose(met, [100, 100, 1, 0, 1, 0.5])


def test_columns_in_which_hardly_anybody_is_like_another_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(likelihood_columns, "MANY_PATIENTS", 1)
    random = np.random.default_rng(1)
    yes_or_no, widths = random.integers(0, 2, 5000).astype(float), random.normal(size=5000)
    assert pattern_codes([yes_or_no, widths], 5000) is None
    assert pattern_codes([yes_or_no, np.round(widths)], 5000) is not None


def test_many_columns_are_numbered_anew_on_the_way():
    """Fourteen columns of yes or no could have more patterns than there are patients; patients are alike where all columns are."""
    random = np.random.default_rng(3)
    kinds = random.integers(0, 2, (40, 14)).astype(float)
    of_patient = random.integers(0, 40, 5000)
    codes = pattern_codes([*kinds[of_patient].T], 5000)
    assert codes is not None
    _, expected = np.unique(kinds[of_patient], axis=0, return_inverse=True)
    assert (
        len({*zip(codes.tolist(), expected.tolist(), strict=True)})
        == len({*codes.tolist()})
        == len({*expected.tolist()})
    )


def test_two_codes_that_are_left_are_numbers_still(monkeypatch):
    """Three columns that say the same of four patients: more combinations than may be, until they are numbered anew."""
    monkeypatch.setattr(likelihood_columns, "MANY_PATIENTS", 1)
    column = np.array([1.0, 0, 1, 0])
    codes = pattern_codes([column, 1 - column, column], 4)
    assert codes is not None and codes.dtype == np.int64
    assert columns_of([column], np.arange(4), codes).pattern is not None


def test_the_spread_of_rows_that_stand_for_many_is_that_of_the_patients():
    """Three patients without and one with it: two rows."""
    assert spread_of(np.array([0.0, 1.0]), np.array([3, 1])) == pytest.approx(np.std([0, 0, 0, 1]), rel=1e-15)


def a_study() -> dict[str, np.ndarray]:
    """400 patients on few days, so that there are ties, with yes-or-no columns and ages in whole decades."""
    random = np.random.default_rng(7)
    n = 400
    return {
        "times": random.integers(1, 60, n).astype(float),
        "code": random.choice([0, 1, 1, 2], n),
        "strata": random.integers(0, 3, n),
        "positive": random.integers(0, 2, n).astype(float),
        "node": random.integers(0, 2, n).astype(float),
        "decades": random.integers(4, 9, n).astype(float),
    }


@pytest.mark.parametrize("case", ["cause-specific", "Breslow's ties", "late entry", "subdistribution"])
def test_likelihood_and_what_follows_from_it_are_those_of_the_patients(monkeypatch, case):
    study = a_study()
    columns = [study[name] for name in ("positive", "node", "decades")]
    code = study["code"] if case == "subdistribution" else (study["code"] == 1).astype(int)
    entry = study["times"] - 1 - np.arange(400) % 17 if case == "late entry" else None

    def likelihood():
        return PartialLikelihood(study["times"], code, columns, study["strata"], entry, case != "Breslow's ties")

    by_patient = likelihood()
    monkeypatch.setattr(likelihood_columns, "MANY_PATIENTS", 1)
    by_pattern = likelihood()
    assert all(stratum.columns.pattern is None for stratum in by_patient.strata)
    assert all(len(stratum.x) <= 20 for stratum in by_pattern.strata)
    at = np.array([0.5, -0.3, 0.1])
    found = []
    for of in (by_patient, by_pattern):
        points = of.points(at)
        information = of.information(points)
        inverse = np.linalg.inv(information)
        by_event = [np.linspace(-1, 1, len(days)) for days in of.event_times]
        found.append(
            [
                np.array([point.value for point in points]),
                of.score(points),
                information,
                of.influence(points, inverse),
                *of.over_time(points, by_event),
                *([] if case == "subdistribution" else [of.third_moments(points, inverse)]),
                of.maximum()[0].coefficients,
            ]
        )
    for patient, pattern in zip(*found, strict=True):
        np.testing.assert_allclose(pattern, patient, rtol=1e-10, atol=1e-12)
