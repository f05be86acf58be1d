"""Families computed in processes beside the night: the same tables, and one clear word where a process is ended."""

import io
import os
import pickle
import signal
import threading
import time

import pandas as pd
import pytest

from analysis.results.families import FAMILIES, Family, compute_family
from orchestration.computing import computer
from orchestration.computing.beside import ComputingBeside, ComputingEnded, longest_first
from orchestration.computing.messages import Answer, Work
from tests.analysis.results import study
from tests.analysis.study_plan import PLAN

QUICK = ("hospitals", "stratified_tests")


def answers_to(monkeypatch, **steps) -> list[Answer]:
    """What comes back of families that do these steps; the night lasts until they are done."""
    families = {name: Family(name, name, (), compute) for name, compute in steps.items()}
    monkeypatch.setattr(computer, "BY_NAME", families)
    night, end_of_night = os.pipe()
    answers = TemporaryAnswers()
    with os.fdopen(night, "rb") as messages:
        computer.compute(Work(list(steps), {}, PLAN), messages, answers)
    os.close(end_of_night)
    answers.seek(0)
    return sorted(answers.all(), key=lambda answer: answer.name)


class TemporaryAnswers(io.BytesIO):
    """In place of the standard output; a copy closes what it has of it, so there must be something to close."""

    def fileno(self) -> int:
        return os.open(os.devnull, os.O_WRONLY)

    def all(self):
        while self.tell() < len(self.getbuffer()):
            yield pickle.load(self)


def test_a_family_computed_beside_has_the_same_tables(tmp_path):
    inputs = study.inputs_of(study.times(), study.operations())
    beside = ComputingBeside(tmp_path / "statistics.log")
    try:
        beside.begin(QUICK, inputs.items(), PLAN)
        for family in [family for family in FAMILIES if family.name in QUICK]:
            tables, reasons = beside.result(family.name)
            here, reasons_here = compute_family(family, inputs, PLAN)
            assert list(tables) == list(here)
            for name, table in here.items():
                pd.testing.assert_frame_equal(tables[name], table, rtol=1e-9)
            pd.testing.assert_frame_equal(reasons, reasons_here)
    finally:
        beside.close()


def test_one_that_is_killed_or_fails_leaves_the_others_as_they_are(monkeypatch):
    def killed(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    def failing(*_):
        raise KeyError("endpoint")

    well, fails, was_killed = answers_to(monkeypatch, a_well=lambda *_: None, b_failing=failing, c_killed=killed)
    assert well.result is not None
    assert repr(fails.error) == "KeyError('endpoint')"
    assert was_killed.ended_by == -signal.SIGKILL


def test_when_the_night_ends_what_is_computed_ends_too(monkeypatch):
    begun, tells = os.pipe()

    def endless(*_):
        # of the night's end this copy has one too; only the real thing has none
        os.close(end_of_night)
        os.write(tells, f"{os.getpid()}\n".encode())
        time.sleep(3600)

    night, end_of_night = os.pipe()
    monkeypatch.setattr(computer, "BY_NAME", {"endless": Family("endless", "endless", (), endless)})

    def end_night():
        pids.append(int(os.read(begun, 100)))
        os.close(end_of_night)

    pids: list[int] = []
    threading.Thread(target=end_night).start()
    with os.fdopen(night, "rb") as messages:
        computer.compute(Work(["endless"], {}, PLAN), messages, TemporaryAnswers())
    _, status = os.waitpid(pids[0], 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_the_word_for_a_process_that_was_killed(tmp_path):
    beside = ComputingBeside(tmp_path / "statistics.log")
    beside._process.kill()
    with pytest.raises(ComputingEnded, match="was ended by SIGKILL; most likely the machine ran out of memory"):
        beside.begin(QUICK, [("time_to_event", study.times())], PLAN)
        beside.result("hospitals")
    beside.close()


def test_the_longest_begin_first_and_all_others_in_their_order():
    names = [family.name for family in FAMILIES]
    order = longest_first(names)
    assert order[:2] == ["specifications", "imputation"]
    assert sorted(order) == sorted(names)
    assert order[-2:] == names[-2:]


def test_one_takes_the_longest_and_the_other_what_the_night_asks_for_next():
    waiting = ["specifications", "imputation", "by_width", "table_one", "curves"]
    assert computer.next_family(waiting, is_longest_running=False) == "specifications"
    assert computer.next_family(waiting[1:], is_longest_running=True) == "by_width"
