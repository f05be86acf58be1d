"""The attack finds dates where they can be found, and nothing where they cannot."""

import numpy as np
import pandas as pd
import pytest

from quality.date_attack import _ranks, try_known_days, try_order, try_shared_days

END_OF_RECORDS = 16_000
YEAR = 365.25
SOURCE = "patients.last_contact_days"


def published(n: int, last_contact: np.ndarray, period_years: float) -> pd.DataFrame:
    """n patients operated on evenly over twenty years before, the period that each operation lies in published beside the days."""
    operated = np.linspace(END_OF_RECORDS - 20 * YEAR, END_OF_RECORDS - YEAR, n).astype(int)
    first = np.floor(operated / (YEAR * period_years)) * YEAR * period_years
    return pd.DataFrame(
        {
            "hospital": "h",
            "days": last_contact - operated,
            "first_day": np.ceil(first),
            "last_day": np.ceil(first + YEAR * period_years) - 1,
            "operation_day": operated,
        }
    )


@pytest.mark.parametrize(("n", "period_years"), [(300, 1), (1000, 7)])
def test_one_day_shared_by_all_is_found_from_the_year_and_in_a_large_cohort_from_the_era(n, period_years):
    attack = try_shared_days(SOURCE, published(n, np.full(n, END_OF_RECORDS), period_years))
    assert attack.works
    assert attack.n_recovered == n


def test_patients_who_share_a_day_among_others_are_found(n=600):
    contacts = END_OF_RECORDS - np.arange(n) * 7 % 700
    contacts[::4] = END_OF_RECORDS
    attack = try_shared_days(SOURCE, published(n, contacts, 1))
    assert attack.works


def test_contacts_spread_over_two_years_beside_an_era_tell_no_date(n=600):
    attack = try_shared_days(SOURCE, published(n, END_OF_RECORDS - np.arange(n) * 7 % 700, 7))
    assert not attack.works


def test_two_hospitals_with_an_end_of_their_own_are_attacked_apart():
    ours = published(300, np.full(300, END_OF_RECORDS), 1)
    theirs = published(300, np.full(300, END_OF_RECORDS), 1).assign(hospital="other")
    theirs[["first_day", "last_day", "operation_day"]] -= 143
    attack = try_shared_days(SOURCE, pd.concat([ours, theirs]))
    assert attack.works
    assert attack.n_recovered == 300


def test_row_numbers_in_order_of_operation_are_found_and_shuffled_ones_are_not():
    operated = pd.Series(range(200)) * 11
    shuffled = operated.sample(frac=1, random_state=7).reset_index(drop=True)
    works = [
        try_order(source, pd.DataFrame({"place": range(200), "operation_day": days})).works
        for source, days in (("in order", operated), ("shuffled", shuffled))
    ]
    assert works == [True, False]


def test_nobody_is_not_attacked():
    nobody = published(300, np.full(300, END_OF_RECORDS), 1).iloc[:0]
    assert try_shared_days(SOURCE, nobody) is None
    assert try_known_days(SOURCE, nobody) is None
    assert try_order(SOURCE, nobody.rename(columns={"days": "place"})) is None


@pytest.mark.parametrize("values", [[5, 1, 5, 9], [5.0, 1.0, 5.0, 9.5], [5, -1, 5, 9_000_000_000]])
def test_equal_places_have_the_mean_of_their_ranks(values):
    ranks, n_different = _ranks(np.array(values))
    assert (ranks.tolist(), n_different) == ([2.5, 1.0, 2.5, 4.0], 3)


def test_whoever_knows_the_day_of_the_extract_needs_no_period_beside_the_days():
    of_one_day = published(300, np.full(300, END_OF_RECORDS), 100).drop(columns=["first_day", "last_day"])
    attack = try_known_days(SOURCE, of_one_day)
    assert attack.works
    assert attack.n_recovered == 300


def test_a_day_that_few_share_is_no_extract():
    contacts = END_OF_RECORDS - np.arange(300) * 7 % 700
    contacts[:9] = END_OF_RECORDS
    assert not try_known_days(SOURCE, published(300, contacts, 100)).works
    contacts[:16] = END_OF_RECORDS
    assert try_known_days(SOURCE, published(300, contacts, 100)).works
