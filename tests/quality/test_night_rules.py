"""What the rules of the night say of literal counts, and which changes a person may accept by name."""

import pandas as pd
import pytest

from quality.night import judge_night, list_night_suites
from quality.night.compare import judged_numbers
from quality.night.rules import Limit, Rule, rule_books

NOTHING = {
    "hospital": "st_elsewhere", "feed": "registry", "field": None, "value": None, "n": 0.0, "denominator": 100.0,
    "n_before": None, "denominator_before": None, "usual_share": 0.0, "n_nights": 1, "told": None,
}  # fmt: skip


def counts(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame([{**NOTHING, **row} for row in rows]).astype({"n_before": float, "denominator_before": float})


def corrected(field: str, n: float, of: float = 300, **more: object) -> dict:
    return {"measure": "corrected", "field": field, "n": n, "denominator": of, "told": "male to female 20", **more}


def broken(
    frame: pd.DataFrame, stage: str = "landing", accepted: dict[str, str] | None = None
) -> list[tuple[str, str, str]]:
    checks, _ = judge_night(frame, stage, accepted)
    return [(row.check_name, row.severity, row.status) for row in checks.itertuples() if row.status != "passed"]


def test_every_rule_says_why_and_what_to_do():
    rules = [rule for book in rule_books().values() for rule in book.rules]
    assert len(rules) >= 45 and len({rule.id for rule in rules}) == len(rules)
    assert all(len(rule.reason) > 20 and len(rule.when_it_fails) > 20 for rule in rules)
    assert {name for stage in ("landing", "marts", "results") for name in list_night_suites(stage)} == set(rule_books())


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (2, []),
        (4, [("few_records_are_corrected", "warning", "failed")]),
        (16, [("few_records_are_corrected", "blocking", "failed")]),
    ],
)
def test_a_correction_is_one_two_are_chance_one_in_twenty_is_a_code_list(n, expected):
    assert broken(counts(corrected("sex", n))) == expected


def test_the_message_names_place_count_way_and_what_to_do():
    checks, _ = judge_night(counts(corrected("sex", 20)), "landing")
    said = checks.loc[checks["status"] == "failed", "description"].item()
    assert said.startswith("registry.sex of st_elsewhere: 20 of 300 records")
    assert "male to female 20" in said and "--accept feed:registry.sex" in said and "crlm validate" in said


def test_a_few_rows_of_a_small_hospital_do_not_close_the_gate():
    assert broken(counts(corrected("sex", 5, of=40))) == [("few_records_are_corrected", "warning", "failed")]


def test_what_a_hospital_does_every_night_is_no_news_and_twice_as_much_is():
    habit = {"usual_share": 0.06, "n_nights": 8}
    assert broken(counts(corrected("sex", 20, **habit))) == []
    assert broken(counts(corrected("sex", 40, **habit))) == [("few_records_are_corrected", "blocking", "failed")]
    assert broken(counts(corrected("sex", 20, usual_share=0.06, n_nights=4))) != []


@pytest.mark.parametrize(
    "name", ["feed:registry.sex", "feed:registry.sex@st_elsewhere", "feed:registry", "feed:registry@st_elsewhere"]
)
def test_a_change_is_accepted_by_its_name_or_its_feed_s(name):
    checks, accepted = judge_night(counts(corrected("sex", 20)), "landing", {name: "codes of 2026"})
    assert checks.loc[checks["change"].notna(), "status"].tolist() == ["accepted"]
    assert accepted[["change", "reason", "n_checks"]].to_numpy().tolist() == [[name, "codes of 2026", 1]]


@pytest.mark.parametrize(
    "name", ["feed:registry.primary_site", "feed:registry.sex@elsewhere", "feed:follow_up", "cohort:sex"]
)
def test_no_other_name_accepts_it(name):
    checks, accepted = judge_night(counts(corrected("sex", 20)), "landing", {name: "why"})
    assert "failed" in set(checks["status"]) and accepted.empty


def test_a_share_must_differ_by_more_than_chance_and_by_more_than_the_limit():
    rule = Rule(
        id="r", measure="m", compare="rise", z=4, warning=Limit(above=0.1), message="", reason="", when_it_fails=""
    )
    before = {"measure": "m", "n_before": 10, "denominator_before": 100}
    judged = judged_numbers(
        rule, counts({**before, "n": 20}, {**before, "n": 60}, {**before, "n": 0}, {"measure": "m", "n": 60})
    )
    # 20 of 100 against 10 of 100 may be chance; a fall is no rise; without a night before nothing is judged
    assert judged.tolist() == [0.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize(
    ("value", "n", "expected"),
    [("dead", 1, "warning"), ("dead", 6, "blocking"), ("alive", 6, None)],
)
def test_the_dead_stay_dead(value, n, expected):
    frame = counts({"measure": "code_recoded", "feed": "vital_status", "field": "vital_status", "value": value, "n": n})
    assert [severity for name, severity, _ in broken(frame) if name == "the_dead_stay_dead"] == (
        [expected] if expected else []
    )


def test_a_range_that_is_left_is_told_once():
    dead = {
        "measure": "code_share",
        "feed": "vital_status",
        "field": "vital_status",
        "value": "dead",
        "n": 0,
        "denominator": 400,
    }
    assert broken(counts(dead)) == [("somebody_died", "warning", "failed")]
    assert broken(counts({**dead, "n_before": 120, "denominator_before": 390})) == [
        ("somebody_died", "warning", "failed")
    ]
    assert broken(counts({**dead, "n_before": 0, "denominator_before": 390})) == []
    # of 60 patients of a new hospital nobody may have died
    assert broken(counts({**dead, "denominator": 60})) == []


def test_no_message_holds_a_date():
    rejected = {
        "measure": "rejected",
        "field": "operation_date",
        "value": "record: before 1980-01-01",
        "n": 50,
        "denominator": 300,
    }
    checks, _ = judge_night(counts({**rejected, "n_before": 0, "denominator_before": 300}), "landing")
    said = checks.loc[checks["status"] == "failed", "description"].item()
    assert "1980" not in said and "operation_date" in said


def estimate(value: str, now: float, before: float, error: float = 0.03, error_before: float = 0.03) -> dict:
    return {
        "measure": "estimate", "hospital": "all hospitals", "feed": "results", "field": "overall_recurrence", "value": value,
        "n": now, "denominator": error, "n_before": before, "denominator_before": error_before, "told": "registry.sex 31 corrected",
    }  # fmt: skip


def test_an_estimate_that_moves_by_more_than_its_error_is_told_once_an_endpoint_with_the_feeds_that_changed():
    checks, _ = judge_night(
        counts(
            estimate("3 years, all", 0.62, 0.57),
            estimate("5 years, all", 0.70, 0.62),
            estimate("1 year, all", 0.31, 0.30),
        ),
        "results",
    )
    (said,) = checks.loc[checks["status"] == "failed", "description"]
    assert "5 years, all moved from 0.62 to 0.7" in said and "1 more" in said and "registry.sex 31 corrected" in said
    assert checks.loc[checks["status"] == "failed", "severity"].tolist() == ["warning"]


@pytest.mark.parametrize(
    ("error_now", "is_told"),
    [
        (0.030, True),  # nobody joined: two standard errors are no chance
        (0.020, False),  # twice the patients: 0.03 * sqrt(1 - 4/9) = 0.022 is one standard deviation of the difference
    ],
)
def test_patients_who_join_may_move_an_estimate_by_what_its_error_narrows(error_now, is_told):
    assert bool(broken(counts(estimate("3 years, all", 0.63, 0.57, error=error_now)), "results")) == is_told


def test_an_estimate_that_is_no_longer_made_has_not_moved():
    assert broken(counts(estimate("10 years, positive", 0.0, 0.57) | {"told": None}), "results") == []
