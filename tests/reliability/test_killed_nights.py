"""A refresh that is killed three times and then left alone publishes what an undisturbed one does (`make kill-test`: 40 times)."""

import os
import shutil
import time

import pytest

from tests.reliability.killed_nights import crlm, killed_after, moments, published_hash

PATIENTS, N_KILLS = 60, 3
pytestmark = pytest.mark.skipif(
    "CRLM_KILL_TEST" not in os.environ, reason="five whole nights: CRLM_KILL_TEST=1, or `make kill-test` for 40 kills"
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A data folder after a night that nobody disturbed, and how long the night took."""
    data = tmp_path_factory.mktemp("undisturbed") / "data"
    simulated = crlm(data, "simulate", "--patients", str(PATIENTS), "--out", str(data))
    assert simulated.returncode == 0, simulated.stderr
    begun = time.monotonic()
    night = crlm(data, "refresh")
    assert night.returncode in (0, 1), night.stderr
    return data, time.monotonic() - begun, night.returncode


def test_killed_nights_leave_nothing_behind_that_a_later_night_stumbles_over(undisturbed, tmp_path):
    data, seconds, status = undisturbed
    disturbed = tmp_path / "data"
    shutil.copytree(data / "landing", disturbed / "landing")
    for moment in moments(N_KILLS, seconds, seed=1):
        kill = killed_after(disturbed, moment)
        assert kill.is_published_whole, kill
        assert not kill.dbt_lived_on, kill
    # not forced: that it has something to do it must find out by itself
    last = crlm(disturbed, "refresh")
    assert last.returncode == status, last.stderr
    assert published_hash(disturbed) == published_hash(data)
    # a night that closed its gate is made again
    assert status or "Nothing new" in crlm(disturbed, "refresh").stdout
    left = [path.name for path in (disturbed / "build").iterdir() if path.name.endswith((".born", ".new", ".suspect"))]
    assert left == []
