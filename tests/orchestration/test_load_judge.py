"""Great Expectations is imported beside the loading of files; a gate that comes before it is there waits."""

import threading
from collections.abc import Iterator

import pytest

from orchestration.judging import load_judge as loading
from tests.patience import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def _nothing_is_loaded() -> Iterator[None]:
    loading._load.cache_clear()
    yield
    loading._load.cache_clear()


def test_a_gate_waits_for_what_is_being_loaded_and_nothing_is_loaded_twice(monkeypatch: pytest.MonkeyPatch):
    begun, may_end, loads = threading.Event(), threading.Event(), []

    def load() -> None:
        loads.append("Great Expectations")
        begun.set()
        assert may_end.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(loading, "load_great_expectations", load)
    loading.load_judge_beside()
    assert begun.wait(PATIENCE_SECONDS)
    gate = threading.Thread(target=loading.load_judge)
    gate.start()
    gate.join(0.1)
    assert gate.is_alive()
    may_end.set()
    gate.join(PATIENCE_SECONDS)
    assert not gate.is_alive()
    assert loads == ["Great Expectations"]


def test_what_could_not_be_loaded_beside_is_an_error_of_the_gate(monkeypatch: pytest.MonkeyPatch):
    def load() -> None:
        raise ImportError("no such library")

    monkeypatch.setattr(loading, "load_great_expectations", load)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    loading.load_judge_beside()
    with pytest.raises(ImportError, match="no such library"):
        loading.load_judge()
