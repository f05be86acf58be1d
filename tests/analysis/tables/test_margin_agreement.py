"""Cohen's kappa: the textbook's table, and what does not count."""

import pandas as pd
import pytest

from analysis.tables.margin_agreement import cohen_kappa, margin_agreement


def test_kappa_and_its_error_are_those_of_fleiss_cohen_and_everitt():
    # Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions (3rd ed.), table 18.1: kappa 0.676, its error 0.088
    table = pd.DataFrame([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    kappa, error = cohen_kappa(table)
    assert kappa == pytest.approx(0.676, abs=5e-4)
    assert error == pytest.approx(0.088, abs=5e-4)


def answer(patient, reviewer, group, read, is_coherent=True, is_blind=True):
    return {
        "study_id": patient,
        "reviewer_number": reviewer,
        "margin_group": group,
        "is_coherent": is_coherent,
        "is_blind": is_blind,
        "read_margin_group": read,
    }


def test_open_readings_and_contradictory_answers_are_no_pairs():
    rows = margin_agreement(
        pd.DataFrame(
            [
                answer("A", 1, "positive", "positive"),
                answer("B", 1, "1.0-9.9 mm", "1.0-9.9 mm"),
                answer("C", 1, "1.0-9.9 mm", ">=10 mm"),
                answer("D", 1, "positive", "unresolved"),
                answer("D", 2, "<1 mm", "unresolved"),
                answer("E", 1, "positive", "<1 mm", is_coherent=False),
                # had seen what the rules, and the other reviewer, said
                answer("F", 1, "positive", "<1 mm", is_blind=False),
                answer("F", 2, "positive", "<1 mm", is_blind=False),
            ]
        ),
        few_pairs=3,
    ).set_index("comparison")
    assert tuple(rows.loc["rules and reviewer", ["n", "n_agreed"]]) == (3, 2)
    # by hand: agreed 2/3, by chance 1/9 + 2/9, so (2/3 - 1/3) / (1 - 1/3)
    assert rows.loc["rules and reviewer", "kappa"] == pytest.approx(0.5)
    assert tuple(rows.loc["two reviewers", ["n", "n_agreed"]]) == (1, 0)
    # three pairs are not few, one is
    assert rows["warning"].fillna("").tolist() == ["", "fewer than 3 pairs: the limits are rough"]


def test_two_answers_about_one_margin_are_one_pair_with_the_rules():
    rows = margin_agreement(
        pd.DataFrame(
            [
                answer("A", 2, ">=10 mm", "positive"),
                answer("A", 1, "positive", "positive"),
                answer("B", 1, "<1 mm", "<1 mm"),
                answer("B", 2, "<1 mm", "<1 mm"),
                answer("C", 1, "positive", "<1 mm"),
            ]
        ),
        few_pairs=3,
    ).set_index("comparison")
    # the first reviewer's, whichever came first
    assert rows.loc["rules and reviewer", ["n", "n_agreed"]].tolist() == [3, 2]
    assert rows.loc["two reviewers", ["n", "n_agreed"]].tolist() == [2, 1]


def test_without_pairs_or_variety_kappa_is_missing_and_says_why():
    nobody = margin_agreement(pd.DataFrame([answer("A", 1, "positive", "unresolved")]), 30)
    assert nobody["kappa"].isna().all()
    assert set(nobody["warning"]) == {"nobody has judged the same margin twice"}
    same = margin_agreement(
        pd.DataFrame([answer("A", 1, "positive", "positive"), answer("B", 1, "positive", "positive")]), 30
    )
    assert "all say the same" in same["warning"][0]
