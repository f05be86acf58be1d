"""A night that did not publish leaves word in what is published: the last attempt beside the last good night, and why they differ."""

import re
import shutil
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.files.encryption import attach
from orchestration.files.memory import limited
from orchestration.files.sums import both_known, known_sums, sha256_of
from orchestration.nights.night_records import NightRecord
from orchestration.settings import Settings
from quality.privacy import CALENDAR_DATE

LONGEST_REASON = 2000
LEFT_OUT = "- a line that stays in the build area"


def note_last_attempt(settings: Settings, night: NightRecord) -> bool:
    """Write into meta.publication how the last attempt ended; returns whether there was anything to write into.

    The file is replaced by a copy that says so, as a publication replaces the one before: who reads it never sees half of it.
    Its data, its stamp and the kept publications stay as they are. Nothing is written of a night that had published before it failed,
    nor of one that ended before what is published was: a lost night is told of late.
    """
    published = settings.published_file
    if night.is_good or not published.exists():
        return False
    new_file = published.with_suffix(".new")
    try:
        shutil.copyfile(published, new_file)
        is_written = _write(new_file, night)
        if is_written:
            _replace(settings, new_file)
    finally:
        new_file.unlink(missing_ok=True)
    return is_written


def _write(new_file: Path, night: NightRecord) -> bool:
    with limited(duckdb.connect()) as connection:
        attach(connection, new_file, "published")
        columns = connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = 'published' AND table_name = 'publication'"
        ).fetchall()
        is_later = ("last_attempt_outcome",) in columns
        ended = datetime.fromisoformat(night.ended_at).replace(tzinfo=None)
        if is_later:
            is_later = connection.execute(
                "SELECT run_id <> ? AND published_at < ? FROM published.meta.publication", [night.run_id, ended]
            ).fetchall()[0][0]
        if is_later:
            connection.execute(
                """UPDATE published.meta.publication SET last_attempt_at = ?, last_attempt_outcome = ?, last_attempt_step = ?,
                   last_attempt_reason = ?""",
                [ended, night.outcome, night.step, fit_to_publish(night.message)],
            )
        connection.execute("DETACH published")
    return is_later


def _replace(settings: Settings, new_file: Path) -> None:
    published = settings.published_file
    new_file.chmod(settings.published_folder_mode & 0o666)
    with both_known(published.parent, known_sums(published.parent), {published.name: sha256_of(new_file)}):
        new_file.replace(published)


def fit_to_publish(message: str) -> str:
    """The gate's summary without the lines that nobody has looked through: texts of errors, and whatever reads like a date."""
    lines = [
        LEFT_OUT if line.startswith("- error") or re.search(CALENDAR_DATE, line) else line
        for line in message.splitlines()
    ]
    return "\n".join(lines)[:LONGEST_REASON]
