"""A file dropped by day starts a night after a quiet period."""

from orchestration.ingestion.landing_folder import Landing, look_through
from orchestration.nights import dropped_files
from orchestration.nights.dropped_files import night_for_dropped_files, state_of_landing


def started_for(known, state, quiet_since, minutes=10):
    return night_for_dropped_files(known, state, latest=1000.0, now=1000.0 + quiet_since, quiet_minutes=minutes)[1]


def test_a_dropped_file_starts_one_night_once_the_folder_is_quiet():
    assert started_for("before", "after", quiet_since=599) is None
    assert started_for("before", "after", quiet_since=600) == "after"
    assert started_for("after", "after", quiet_since=6000) is None


def test_what_lay_there_when_the_sensor_first_looked_waits_for_the_schedule():
    assert started_for(None, "now", quiet_since=6000) is None


def test_another_size_or_a_new_file_is_another_state_and_a_hidden_file_is_none(tmp_path):
    (tmp_path / "hospital").mkdir()
    (tmp_path / "hospital" / "a.csv").write_text("1")
    before, _ = state_of_landing(tmp_path)
    (tmp_path / "hospital" / ".b.csv.part").write_text("half")
    assert state_of_landing(tmp_path)[0] == before
    (tmp_path / "hospital" / "b.csv").write_text("1")
    after, latest = state_of_landing(tmp_path)
    assert after != before and latest > 0


def test_a_file_in_a_linked_folder_is_another_state_and_a_file_that_goes_meanwhile_is_none(tmp_path, monkeypatch):
    landing, elsewhere = tmp_path / "landing", tmp_path / "srv"
    landing.mkdir()
    elsewhere.mkdir()
    (landing / "hospital").symlink_to(elsewhere)
    before, _ = state_of_landing(landing)
    (elsewhere / "a.csv").write_text("1")
    after, latest = state_of_landing(landing)
    assert after != before and latest > 0

    gone = Landing([*look_through(landing).files, landing / "hospital" / "b.csv.filepart"])
    monkeypatch.setattr(dropped_files, "look_through", lambda _: gone)
    assert state_of_landing(landing) == (after, latest)
