"""The page in a real browser, and what it refuses to everybody else."""

import csv
import json
import signal
from dataclasses import replace
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest

from orchestration.review.questions import write_questions
from tests.review.conftest import start_page


def landed_answers(page) -> list[dict]:
    return [row for path in sorted(page.landed.glob("*.csv")) for row in csv.DictReader(path.open(encoding="utf-8"))]


class TestDoors:
    def test_without_the_token_nothing_is_shown(self, page):
        for path in ("", "questions", "?token=wrong", "?token=%C3%A4"):
            with pytest.raises(HTTPError) as refused:
                urlopen(f"http://127.0.0.1:{page.port}/{path}")
            assert refused.value.code == 403

    def test_a_foreign_host_name_is_refused_even_with_the_token(self, page):
        with pytest.raises(HTTPError) as refused:
            urlopen(Request(page.link, headers={"Host": "evil.example"}))
        assert refused.value.code == 400

    def test_nothing_is_kept_by_the_browser_and_no_other_address_may_be_asked(self, page):
        with build_opener(HTTPCookieProcessor(CookieJar())).open(page.link) as response:
            assert response.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert b"://" not in response.read()


def begin(browser, page, reviewer: str):
    tab = browser.new_context().new_page()
    tab.goto(page.link)
    tab.get_by_label("Your name").fill(reviewer)
    tab.get_by_role("button", name="Begin").click()
    tab.locator("#title").filter(has_text="of").wait_for()
    return tab


class TestInABrowser:
    def test_a_reviewer_answers_by_keyboard_and_a_second_one_sees_nothing_of_it(self, browser, page):
        tab = begin(browser, page, "A. Reader")
        assert tab.locator("#title").inner_text() == "1 of 4: P00000000000a"
        assert tab.locator("#patient").inner_text() == "MRN 90000a, operated 2004-03-01"
        assert tab.locator("mark").all_inner_texts() == ["Margin negative"]
        assert tab.locator("article.earlier").count() == 1

        # a width that contradicts the group is refused with a word, and nothing is kept
        tab.keyboard.press("1")
        tab.keyboard.press("m")
        tab.keyboard.type("12,5")
        tab.keyboard.press("Enter")
        tab.locator("#problem").filter(has_text="12.5 mm is >=10 mm, not positive").wait_for()
        assert landed_answers(page) == []

        tab.locator("#title").click()
        tab.keyboard.press("4")
        tab.keyboard.press("Enter")
        tab.locator("#title").filter(has_text="P00000000000b").wait_for()
        (kept,) = landed_answers(page)
        assert (kept["margin_group"], kept["margin_mm"], kept["blinding"]) == (">=10 mm", "12.5", "blind")
        assert tab.locator("#count").inner_text() == "1 of 4 answered"

        other = begin(browser, page, "B. Reader")
        assert other.locator("#count").inner_text() == "0 of 4 answered"
        assert other.locator("input[name=group]:checked").count() == 0
        assert other.locator("#width").input_value() == ""

    def test_undo_opens_the_question_again(self, browser, page):
        tab = begin(browser, page, "A. Reader")
        tab.keyboard.press("1")
        tab.keyboard.press("Enter")
        tab.locator("#title").filter(has_text="P00000000000b").wait_for()
        tab.keyboard.press("u")
        tab.locator("#title").filter(has_text="P00000000000a").wait_for()
        assert [row["record_status"] for row in landed_answers(page)] == ["cancelled"]

    def test_words_of_a_report_are_text_and_what_has_no_report_is_a_list_to_order(self, browser, page):
        tab = begin(browser, page, "A. Reader")
        tab.keyboard.press("n")
        assert "<script>alert(1)</script>" in tab.locator("#reports").inner_text()
        tab.get_by_role("button", name="Reports to order").click()
        assert tab.locator("#reports tr").all_inner_texts()[1:] == ["90000c\t2004-03-01\tP00000000000c"]

    def test_sites_not_stated_and_clinic_statements_are_lists_to_look_up_and_to_save(self, browser, page):
        tab = begin(browser, page, "A. Reader")
        tab.get_by_role("button", name="Sites not stated").click()
        assert tab.locator("#reports tr").all_inner_texts()[1:] == [
            "90000d\t2006-01-02\tct\tretroperitoneum\tperitoneum\tP00000000000d"
        ]
        tab.get_by_role("button", name="Clinic statements").click()
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Save as CSV").click()
        assert download.value.suggested_filename == "clinic_statements.csv"
        rows = list(csv.reader(download.value.path().open(encoding="utf-8")))
        assert rows[1] == ["90000e", "2006-01-02", "liver_elsewhere", "P00000000000e"]

    def test_where_more_wait_than_are_asked_tonight_the_page_says_how_many_and_where(
        self, browser, page_folder, questionnaire
    ):
        waiting = [{"kind": "margin", "n": 2, "n_asked": 2}, {"kind": "site", "n": 3, "n_asked": 1}]
        write_questions(vars(replace(questionnaire, waiting=waiting)).items(), page_folder / "build")
        crowded = start_page(page_folder)
        try:
            tab = begin(browser, crowded, "A. Reader")
            assert tab.locator("#count").inner_text() == "0 of 4 answered; 2 more wait until these are settled"
            tab.get_by_role("button", name="Sites not stated").click()
            assert tab.locator("caption").inner_text().startswith("1 of 3 (all: looks_to_settle.csv")
        finally:
            crowded.process.kill()
            crowded.process.wait()

    def test_a_site_and_a_clinic_statement_are_answered_by_keyboard(self, browser, page):
        tab = begin(browser, page, "A. Reader")
        tab.locator("#filter").select_option(label="sites not stated")
        tab.locator("#title").filter(has_text="P00000000000d").wait_for()
        assert "nearest known site: peritoneum" in tab.locator("#reports h3").inner_text()
        assert tab.locator("#day-line").is_hidden()
        tab.locator("#title").click()
        tab.keyboard.press("1")
        tab.keyboard.press("Enter")
        tab.locator("#problem").filter(has_text="a recurrence has a site").wait_for()
        tab.keyboard.press("c")
        tab.keyboard.press("Enter")
        tab.locator("#status").filter(has_text="Saved: P00000000000d").wait_for()

        tab.locator("#filter").select_option(label="clinic statements")
        tab.locator("#title").filter(has_text="P00000000000e").wait_for()
        tab.locator("#title").click()
        tab.keyboard.press("b")
        tab.locator("#day").fill("2004-02-01")
        tab.locator("#day").press("Enter")
        tab.locator("#problem").filter(has_text="the day is not after the operation").wait_for()
        tab.locator("#day").fill("2005-12-20")
        tab.locator("#day").press("Enter")
        tab.locator("#status").filter(has_text="Saved: P00000000000e").wait_for()

        landed = list(csv.DictReader((page.landed.parent / "review_follow_up" / "a_reader.csv").open(encoding="utf-8")))
        assert [(row["answer"], row["sites"], row["evidence_date"]) for row in landed] == [
            ("recurrence", "peritoneum", ""),
            ("recurrence", "lung", "2005-12-20"),
        ]
        assert tab.locator("#count").inner_text() == "2 of 4 answered"
        # undone where it was given
        tab.locator("#title").click()
        tab.keyboard.press("u")
        tab.locator("#status").filter(has_text="Taken back").wait_for()
        assert tab.locator("#title").inner_text().endswith("P00000000000e")
        assert tab.locator("#count").inner_text() == "1 of 4 answered"


def test_no_answer_that_was_confirmed_is_lost_when_the_page_is_killed(page_folder):
    page = start_page(page_folder)
    client = build_opener(HTTPCookieProcessor(CookieJar()))

    def post(path: str, **content) -> dict:
        return json.load(client.open(f"http://127.0.0.1:{page.port}/{path}", json.dumps(content).encode()))

    client.open(page.link)
    post("begin", reviewer="A. Reader")
    confirmed = {}
    for number in range(40):
        asked = "ab"[number % 2]
        post("answers", question_id=f"P00000000000{asked}:12345678", margin_mm=str(number))
        confirmed[asked] = str(number)
    page.process.send_signal(signal.SIGKILL)
    page.process.wait()
    assert {row["study_id"][-1]: row["margin_mm"] for row in landed_answers(page)} == confirmed
