"""What an answer may be, and what is on the disk when it has been given."""

from datetime import datetime

import duckdb
import pytest

from orchestration.ingestion.contract import load_hospitals
from orchestration.ingestion.load_feed import load_feed
from orchestration.review.answers import (
    OF_MARGINS,
    AnswerBook,
    RefusedAnswer,
    checked_answer,
    checked_answer_of_look,
    width_of,
)
from orchestration.settings import PROJECT_ROOT
from tests.review.conftest import GROUPS

A, B = "P00000000000a:12345678", "P00000000000b:12345678"
NOON = datetime(2013, 2, 1, 12, 0)


@pytest.mark.parametrize(
    ("written", "width"), [("12", 12), ("12,5", 12.5), ("12.5", 12.5), (" 0,4 mm ", 0.4), ("", None)]
)
def test_a_width_is_read_as_people_of_any_country_write_it(written, width):
    assert width_of(written) == width


@pytest.mark.parametrize("written", ["-1", "1.2.3", "1,000.5", "l2", "0. 8", "5 cm", "1e3", "12 5", "2000"])
def test_what_is_no_width_is_refused_and_never_becomes_another_number(written):
    with pytest.raises(RefusedAnswer):
        width_of(written)


def decide(questionnaire, group="", width="", question=A, reviewer="A. Reader"):
    return checked_answer(questionnaire, reviewer, question, group, width, " seen,\n measured ", NOON)


def test_a_width_alone_says_its_group(questionnaire):
    for width, group in [
        ("0", "positive"),
        ("0,9", "<1 mm"),
        ("1", "1.0-9.9 mm"),
        ("9.9", "1.0-9.9 mm"),
        ("10", ">=10 mm"),
    ]:
        assert decide(questionnaire, width=width).margin_group == group
    assert decide(questionnaire, width="4").comment == "seen, measured"


@pytest.mark.parametrize(
    ("group", "width", "said"),
    [
        ("positive", "4", "4 mm is 1.0-9.9 mm, not positive"),
        ("not_assessable", "4", "assessable"),
        ("", "", "choose a group"),
        ("wide", "", "none of"),
    ],
)
def test_an_answer_that_contradicts_itself_is_refused_with_a_word(questionnaire, group, width, said):
    with pytest.raises(RefusedAnswer, match=said):
        decide(questionnaire, group, width)


def test_a_question_that_is_no_longer_asked_is_refused(questionnaire):
    with pytest.raises(RefusedAnswer, match="no longer asked"):
        decide(questionnaire, "positive", question="P00000000000a:00000000")


@pytest.fixture
def book(tmp_path):
    return AnswerBook("A. Reader", tmp_path / "build", tmp_path / "landing" / "adjudication")


def loaded(tmp_path, feed="margin_adjudications", columns="margin_group, margin_mm") -> list[tuple]:
    """What the next night has of the landed answers."""
    contracts = [c for c in load_hospitals(PROJECT_ROOT / "orchestration/ingestion/contracts") if c.feed == feed]
    with duckdb.connect() as connection:
        loads = load_feed(connection, tmp_path / "landing", contracts, feed, "night")
        assert all(load.status == "loaded" and load.rows_rejected == load.fields_rejected == 0 for load in loads), loads
        return connection.execute(
            f"SELECT question_id, reviewer, {columns}, blinding, record_status FROM raw.{feed} ORDER BY ALL"
        ).fetchall()


SITE, STATEMENT = "P00000000000d:site:12345678", "P00000000000e:statement:12345678"


def decide_look(questionnaire, question=SITE, answer="recurrence", sites=("lung",), day="", comment=""):
    return checked_answer_of_look(questionnaire, "A. Reader", question, answer, list(sites), day, comment, NOON)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"sites": ()}, "a recurrence has a site"),
        ({"sites": ("spleen",)}, "'spleen' is none of liver, lung, peritoneum"),
        ({"answer": ""}, "choose one of recurrence, not_assessable"),
        ({"answer": "no_recurrence", "sites": ()}, "choose one of recurrence, not_assessable"),
        ({"answer": "not_assessable"}, "sites and a day belong to a recurrence"),
        ({"day": "2006-02-01"}, "the look has its own day"),
        ({"question": STATEMENT, "day": "1/2/2006"}, "year-month-day"),
        ({"question": STATEMENT, "day": "2031-01-01"}, "in the future"),
        ({"question": STATEMENT, "day": "2004-03-01"}, "not after the operation"),
        ({"question": "P00000000000d:site:00000000"}, "no longer asked"),
        ({"question": A}, "no longer asked"),
    ],
)
def test_an_answer_about_a_look_that_contradicts_itself_is_refused_with_a_word(questionnaire, given, problem):
    with pytest.raises(RefusedAnswer, match=problem):
        decide_look(questionnaire, **given)


def test_answers_about_looks_land_beside_those_about_margins_and_the_next_night_loads_both(
    book, questionnaire, tmp_path
):
    book.keep(decide(questionnaire, width="4"))
    book.keep(decide_look(questionnaire, sites=("peritoneum", "lung")))
    book.keep(decide_look(questionnaire, question=STATEMENT, day="2005-12-20"))
    book.keep(decide_look(questionnaire, question=STATEMENT, answer="no_recurrence", sites=()))
    assert [row[0] for row in loaded(tmp_path)] == [A]
    assert loaded(tmp_path, "follow_up_adjudications", "answer, sites, evidence_date") == [
        (SITE, "A. Reader", "recurrence", "lung;peritoneum", None, "blind", "active"),
        (STATEMENT, "A. Reader", "no_recurrence", None, None, "blind", "active"),
    ]


def test_answers_land_as_records_that_the_next_night_loads_and_one_taken_back_is_cancelled(
    book, questionnaire, tmp_path
):
    book.keep(decide(questionnaire, width="4"))
    book.keep(decide(questionnaire, group="not_assessable", question=B))
    assert book.undo(NOON).question_id == B
    rows = [tuple(None if value is None else str(value) for value in row) for row in loaded(tmp_path)]
    assert rows == [
        (A, "A. Reader", "1.0-9.9 mm", "4.0", "blind", "active"),
        (B, "A. Reader", "not_assessable", None, "blind", "cancelled"),
    ]
    assert set(book.current()) == {A}


def test_undo_takes_back_one_answer_after_the_other_and_then_nothing(book, questionnaire):
    book.keep(decide(questionnaire, width="4"))
    book.keep(decide(questionnaire, width="5", question=B))
    assert [book.undo(NOON).question_id, book.undo(NOON).question_id, book.undo(NOON)] == [B, A, None]


def test_a_reviewer_comes_back_to_the_own_answers_whatever_the_capitals_and_nobody_else_sees_them(
    book, questionnaire, tmp_path
):
    book.keep(decide(questionnaire, width="4"))
    again = AnswerBook("a reader", tmp_path / "build", tmp_path / "landing" / "adjudication")
    assert (again.reviewer, set(again.current())) == ("A. Reader", {A})
    assert AnswerBook("B. Reader", tmp_path / "build", tmp_path / "landing" / "adjudication").current() == {}


def test_a_line_that_a_kill_cut_short_is_gone_and_the_landed_file_is_written_again(book, questionnaire, tmp_path):
    book.keep(decide(questionnaire, width="4"))
    book.journal.write_bytes(book.journal.read_bytes() + b'{"question_id": "P0000')
    book.landed[OF_MARGINS].unlink()
    again = AnswerBook("A. Reader", tmp_path / "build", tmp_path / "landing" / "adjudication")
    again.keep(decide(questionnaire, width="5", question=B))
    assert [row[0] for row in loaded(tmp_path)] == [A, B]


def test_the_groups_of_these_tests_are_the_published_ones():
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""SELECT margin_group, from_mm, to_mm FROM read_csv('{PROJECT_ROOT}/dbt_project/seeds/margins/margin_definitions.csv')
                WHERE definition = 'published' ORDER BY group_order"""
        ).fetchall()
    assert rows == [(group["name"], group["from_mm"], group["to_mm"]) for group in GROUPS]
