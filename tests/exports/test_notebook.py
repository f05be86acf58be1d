"""A connection that a notebook keeps open says that a newer night is there, once a night, and reopens on request."""

import warnings

import pytest

from orchestration.reporting.notebook import NewerNight, open_published
from tests.exports.conftest import write_publication


def test_a_newer_night_is_said_once_and_read_after_reopening(published, tmp_path):
    with open_published(published) as warehouse:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert warehouse.sql("SELECT run_id FROM meta.publication").fetchall() == [("run-1",)]
        write_publication(tmp_path / "new.duckdb", 2).replace(published)
        assert warehouse.newer_night().isoformat() == "2026-03-03T02:00:00"
        with pytest.warns(NewerNight, match="2026-03-03 02:00"):
            # the night that was opened goes on to be read
            assert warehouse.sql("SELECT run_id FROM meta.publication").fetchall() == [("run-1",)]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warehouse.sql("SELECT 1")
        warehouse.reopen()
        assert warehouse.newer_night() is None
        assert warehouse.sql("SELECT run_id FROM meta.publication").fetchall() == [("run-2",)]
