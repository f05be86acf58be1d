"""A server that stands still and a connection that brings nothing any more close nothing: nobody would ever hear of it."""

import os
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestration.engines.spark import session
from orchestration.engines.spark.session import EngineLost, connect, lost_or
from tests.cluster.sail import sail_server
from tests.patience import PATIENCE_SECONDS

SESSION = "00000000-0000-4000-8000-000000000000"
FOR_HOURS = "SELECT sum(sqrt(a.id * b.id)) FROM range(10000000) AS a CROSS JOIN range(10000000) AS b"


def asked_for_hours(address: str, beside: ThreadPoolExecutor, seconds: float) -> Future:
    """A statement that has been at work for some seconds."""
    engine = connect(address, SESSION)
    asked = beside.submit(lambda: engine.sql(FOR_HOURS).collect())
    with pytest.raises(TimeoutError):
        asked.result(timeout=seconds)
    return asked


def test_a_server_that_stands_still_in_the_middle_of_a_statement_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "KEEPALIVE_MILLISECONDS", 10_000)
    monkeypatch.setattr(session, "KEEPALIVE_ANSWER_MILLISECONDS", 2_000)
    with ThreadPoolExecutor(1) as beside, sail_server(tmp_path / "sail.log") as server:
        asked = asked_for_hours(server.address, beside, 2)
        os.kill(server.process.pid, signal.SIGSTOP)
        error = asked.exception(timeout=PATIENCE_SECONDS)
    assert isinstance(error, Exception)
    assert isinstance(lost_or(error, server.address), EngineLost), error


def test_a_server_that_works_at_a_statement_for_long_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It answers every question after a sign of life, and takes none of them amiss."""
    monkeypatch.setattr(session, "KEEPALIVE_MILLISECONDS", 1_000)
    monkeypatch.setattr(session, "KEEPALIVE_ANSWER_MILLISECONDS", 20_000)
    with ThreadPoolExecutor(1) as beside, sail_server(tmp_path / "sail.log") as server:
        asked = asked_for_hours(server.address, beside, 10)
        server.kill()
        assert asked.exception(timeout=PATIENCE_SECONDS) is not None
