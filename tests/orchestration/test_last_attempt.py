"""A night that did not publish says so in the published file and nowhere else: the data, the stamp and the kept files stay."""

import duckdb

from orchestration.files.sums import known_sums, sha256_of
from orchestration.nights.last_attempt import LEFT_OUT, fit_to_publish, note_last_attempt
from orchestration.nights.night_records import NightRecord
from orchestration.settings import Settings
from orchestration.warehouse import read_last_attempt, read_published

CLOSED = NightRecord(
    "run-2", "2026-03-02T02:10:00+00:00", "gate closed", "quality__marts_gate", "1 failed: too few looks"
)


def published(settings: Settings, columns: str = "") -> None:
    settings.prepare_folders()
    with duckdb.connect(str(settings.published_file)) as connection:
        connection.execute("CREATE SCHEMA meta; CREATE SCHEMA marts; CREATE TABLE marts.patients AS SELECT 7 AS n")
        connection.execute(
            f"CREATE TABLE meta.publication AS SELECT TIMESTAMP '2026-03-01 02:09:00' AS published_at, 'run-1' AS run_id{columns}"
        )


NOTED = """, published_at AS last_attempt_at, 'published' AS last_attempt_outcome, '' AS last_attempt_step,
    '' AS last_attempt_reason"""


def test_the_published_file_tells_of_the_night_after_it(tmp_path):
    settings = Settings(data_dir=tmp_path)
    published(settings, NOTED)
    assert read_last_attempt(settings.published_file) is None

    assert note_last_attempt(settings, CLOSED)
    attempt = read_last_attempt(settings.published_file)
    assert (
        f"{attempt.ended_at} {attempt.outcome} {attempt.step}" == "2026-03-02 02:10:00 gate closed quality__marts_gate"
    )
    assert attempt.reason == "1 failed: too few looks"
    stamp = read_published(
        settings.published_file, "SELECT run_id, published_at, n FROM meta.publication, marts.patients"
    )
    assert stamp.astype(str).values.tolist() == [["run-1", "2026-03-01 02:09:00", "7"]]
    # what is published is known by its sum, or the next night would take it for damaged
    assert known_sums(settings.published_file.parent)["warehouse.duckdb"] == {sha256_of(settings.published_file)}


def test_a_night_that_failed_after_it_had_published_leaves_its_own_file_good(tmp_path):
    """No room for the report: the data are tonight's, and "the last night did not publish" would not be true."""
    settings = Settings(data_dir=tmp_path)
    published(settings, NOTED)
    assert not note_last_attempt(settings, NightRecord("run-1", CLOSED.ended_at, "failed", "published__report"))
    assert read_last_attempt(settings.published_file) is None


def test_a_lost_night_that_is_told_of_after_the_next_one_published_does_not_speak_against_it(tmp_path):
    settings = Settings(data_dir=tmp_path)
    published(settings, NOTED)
    assert not note_last_attempt(settings, NightRecord("run-0", "2026-03-01T02:08:59+00:00", "failed"))
    assert read_last_attempt(settings.published_file) is None


def test_a_good_night_nothing_published_and_a_file_of_an_older_version_are_left_alone(tmp_path):
    settings = Settings(data_dir=tmp_path)
    assert not note_last_attempt(settings, CLOSED)
    published(settings)
    before = settings.published_file.read_bytes()
    assert not note_last_attempt(settings, CLOSED)
    assert not note_last_attempt(settings, NightRecord("run-3", CLOSED.ended_at, "published"))
    assert (settings.published_file.read_bytes(), read_last_attempt(settings.published_file)) == (before, None)
    assert [path.name for path in settings.published_file.parent.glob("*.new")] == []


def test_what_nobody_has_looked_through_is_not_published():
    told = "The landing gate is closed\n- failed (blocking) sex: 9 of 10\n- error (blocking) dates: 'Doe'\n- seen 2019-03-04"
    assert fit_to_publish(told).splitlines() == [*told.splitlines()[:2], LEFT_OUT, LEFT_OUT]
