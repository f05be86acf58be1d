"""What the page of a failing check says."""

import dagster as dg
import pandas as pd

from orchestration.assets.check_pages import page_of_check
from quality.run_expectations import CHECK_COLUMNS, VIOLATION_COLUMNS

KEY = dg.AssetKey(["quality", "marts_gate"])


def checks(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=CHECK_COLUMNS)


SOUND = ("feed", "follow_up", "sites", "Sites are known", "site", "blocking", "passed", 300, 0, 0.0, 0.0, None, None)
WARNED = (
    "feed", "follow_up", "few_are_lost", "Few rows are rejected", "feed", "warning", "failed", 200, 30, 0.15, 0.1,
    "clean | feeds lose 5 %", None,
)  # fmt: skip
KEYS = pd.DataFrame(
    [("feed", "follow_up", "few_are_lost", "warning", f"P{n}", "feed") for n in range(7)], columns=VIOLATION_COLUMNS
)


def test_a_warning_says_how_many_of_how_many_what_is_allowed_why_and_which_keys():
    page = page_of_check(KEY, "feed", checks(SOUND, WARNED), KEYS)
    assert (page.passed, page.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (page.metadata["n_failed"].value, page.metadata["n_not_passed"].value) == (30, 1)
    heading, _, row = page.metadata["what_is_wrong"].value.splitlines()
    cells = dict(zip(heading.split("|")[1:-1], row.split("|")[1:-1], strict=True))
    assert cells[" stops the night "] == " no, it warns "
    assert (cells[" failed of "], cells[" allowed "]) == (" 30 of 200 (15.0%) ", " 10.0% ")
    assert cells[" why so much "] == " clean / feeds lose 5 % "
    assert cells[" keys "] == " P0, P1, P2, P3, P4 ... "


def test_a_blocking_check_is_called_blocking_and_a_sound_suite_has_no_table():
    broken = (*SOUND[:6], "failed", 300, 3, 0.01, *SOUND[10:])
    assert page_of_check(KEY, "feed", checks(broken), KEYS).severity == dg.AssetCheckSeverity.ERROR
    sound = page_of_check(KEY, "feed", checks(SOUND), KEYS)
    assert sound.passed and "what_is_wrong" not in sound.metadata


def test_a_check_that_could_not_be_run_stops_the_night_and_says_so():
    unrun = (*SOUND[:5], "warning", "error", 0, 0, 0.0, 0.0, None, "MissingColumn: site")
    page = page_of_check(KEY, "feed", checks(unrun), KEYS)
    assert page.severity == dg.AssetCheckSeverity.ERROR
    assert "could not be run (MissingColumn: site)" in page.metadata["what_is_wrong"].value


def test_a_change_that_was_accepted_by_name_stops_nothing_and_stays_listed():
    accepted = (*SOUND[:6], "accepted", 300, 3, 0.01, *SOUND[10:])
    page = page_of_check(KEY, "feed", checks(SOUND, accepted), KEYS)
    assert (page.passed, page.severity) == (True, dg.AssetCheckSeverity.WARN)
    assert "| no, it was accepted |" in page.metadata["what_is_wrong"].value
    beside_a_broken_one = page_of_check(
        KEY, "feed", checks(accepted, (*SOUND[:6], "failed", 300, 3, 0.01, *SOUND[10:])), KEYS
    )
    assert (beside_a_broken_one.passed, beside_a_broken_one.severity) == (False, dg.AssetCheckSeverity.ERROR)
