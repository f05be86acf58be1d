"""What the study says of its findings: the bar is held only where what moves a number is seen, and what is worst is blocked."""

import shutil
from dataclasses import replace

import pandas as pd

from orchestration.ingestion.contract.loading import CONTRACTS_FOLDER
from simulated_hospital.hospital import HOSPITAL, simulate
from tests.fault_study.catalogue import FAULTS
from tests.fault_study.causes import DELIVERY, Change, changes_of, names_cause
from tests.fault_study.nights import moved_numbers
from tests.fault_study.report import summary
from tests.fault_study.study import Finding


def finding(outcome: str, standard_errors: float | None, stale: bool = False) -> Finding:
    names_feed = outcome != "silent"
    return Finding(
        "f",
        "registry",
        "what",
        outcome,
        names_feed,
        names_feed,
        "registry: ...",
        int(names_feed),
        "x",
        standard_errors,
        stale,
    )


def test_a_harmful_fault_that_nobody_told_of_breaks_the_bar_and_a_harmless_one_does_not():
    blocked = [finding("blocked", 20.0)] * 20
    assert summary([*blocked, finding("silent", 0.4), finding("warned", 0.0, stale=True)])[1]
    assert not summary([*blocked[:10], finding("silent", 3.0)])[1]


def test_one_of_the_worst_that_is_only_warned_of_breaks_the_bar():
    lines, is_held = summary([*[finding("blocked", 2.0)] * 20, finding("warned", 9.0)])
    assert not is_held
    assert "Of the 20 that move a number farthest, 19 are blocked (bar: all)." in lines


def test_a_message_that_does_not_name_the_cause_is_no_help():
    vague = replace(finding("blocked", 2.0), names_cause=False)
    assert not summary([vague] * 3)[1]


def test_what_was_stopped_and_not_measured_counts_as_seen():
    lines, is_held = summary([*[finding("blocked", None)] * 3, finding("warned", 0.8)])
    assert is_held
    assert any("3 are blocked or newly warned of: 100.0%" in line for line in lines)


def test_what_a_fault_did_is_found_in_the_files(tmp_path):
    before, after = tmp_path / "before", tmp_path / "after"
    simulate(10, 3, tmp_path / "hospital")
    for folder in (before, after):
        shutil.copytree(tmp_path / "hospital" / "landing" / HOSPITAL, folder)
    for name in ("registry_sex_recoded", "follow_up_halved", "treatments_mrns_lost", "pathology_sexes_flipped"):
        FAULTS[name][2](after)
    found = changes_of(before, after, CONTRACTS_FOLDER / HOSPITAL)
    assert found == {
        "registry": Change(frozenset({"sex"}), False),
        "follow_up": Change(frozenset({DELIVERY}), True),
        "treatments": Change(frozenset({DELIVERY}), True),
        "pathology_messages": Change(frozenset({"sex"}), False),
    }
    told = pd.DataFrame(
        {"suite": ["landing", "people"], "table_name": ["registry", "registry"], "column_name": ["sex", "mrn"]}
    )
    assert names_cause(told[:1], found)
    assert not names_cause(told[1:], found)


def test_numbers_move_by_their_standard_errors_and_estimates_that_are_no_longer_made_do_not():
    before = {"patients": (300.0, 10.0), "sex male": (0.6, 0.03), "overall_recurrence, 10 years, all": (0.6, 0.03)}
    moved = moved_numbers(before, {"patients": (305.0, 10.0)})
    assert moved[["number", "standard_errors"]].to_numpy().tolist() == [["sex male", 20.0], ["patients", 0.5]]
