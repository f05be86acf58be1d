"""The only door: the de-identified copy is written beside the published file, asked for, and renamed into its place."""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.files.encryption import attach
from orchestration.files.memory import is_large
from orchestration.files.private_files import publish_mode
from orchestration.files.problems import WarehouseProblem
from orchestration.files.sums import both_known, known_sums, sha256_of
from orchestration.privacy.disclosure import (
    DisclosureRules,
    anonymity,
    coarsen,
    disclosure_rules,
    generalise_until_k,
    leave_strangers_out,
)
from orchestration.privacy.of_publication import (
    KNOWN_DAY,
    WHAT_TO_DO_ABOUT_KNOWN_DAYS,
    DateAttacks,
    Looks,
    attacks_on_days,
    describe,
    leaks,
)
from orchestration.privacy.results_of_few import Withheld, may_withhold, withhold_few, withhold_groups_of_blanks
from orchestration.publication.comments import Words, comment_published, words_of_tables
from orchestration.publication.verdicts import PublicationRefused, objections, verdict_runs
from orchestration.settings import load_settings
from orchestration.warehouse import (
    Publication,
    columns_by_table,
    open_build_file,
    published_tables,
    read_publication,
)

TABLES_WITHOUT_DATA_MEANING = {
    "accepted_changes",
    "check_results",
    "gate_verdicts",
    "ingest_ledger",
    "load_notices",
    "rejected_records",
    "stale_feeds",
}
"""Published, but with run times and run ids in them: left out of the hash that tells whether the data changed."""
Tables = frozenset[tuple[str, str]]
"""Schema and name of some tables."""
WHAT_TO_DO = "`crlm refresh --force` makes, judges and publishes everything in one night"


def now_utc() -> datetime:
    """The time of this machine, as publications are stamped."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Door:
    """What is published and where to: the restricted build file, the published file, its history, and by which rules."""

    build_file: Path
    published_file: Path
    history: Path
    rules: DisclosureRules
    folder_mode: int = 0o755
    with_shareable: bool = True

    @property
    def draft(self) -> Path:
        """The copy that is made coarser; in the build area, for a database file keeps what was changed in it."""
        return self.build_file.with_name("publication_draft.duckdb")

    @property
    def shareable_file(self) -> Path:
        """The coarser publication, for others."""
        return self.published_file.with_name("shareable.duckdb")


def publish(
    build_file: Path,
    published_file: Path,
    history_folder: Path,
    run_id: str,
    code_version: str,
    rules: DisclosureRules | None = None,
    folder_mode: int = 0o755,
    with_shareable: bool = True,
    when_written: Callable[[Path, bool], None] = lambda new_file, is_changed: None,
) -> tuple[Publication, bool]:
    """Write the de-identified copy beside the published file, look it through, and rename it into place; open readers keep the
    old one.

    Returns the stamp, and whether the data differ from what was published before. An unchanged night replaces the
    file too, so that its stamp tells of the last good run, but adds nothing to the history.

    Args:
        when_written: called with the file that will be published, when it is whole and before it is looked through, and whether its
            data differ. It may be read from then on, also while it is renamed; what is made of it must go where this raises.
    Raises:
        PublicationRefused: a gate is closed, has not judged, or judged something else than what stands in the build file now;
            or the very file that was about to be published holds what may not leave the build area.
    """
    door = Door(build_file, published_file, history_folder, rules or disclosure_rules(), folder_mode, with_shareable)
    before = _stamp_before(published_file)
    published_file.parent.mkdir(parents=True, exist_ok=True)
    new_file, new_shareable = published_file.with_suffix(".new"), door.shareable_file.with_suffix(".shareable.new")
    try:
        stamp, is_changed = _write(door, new_file, new_shareable, run_id, code_version, before, when_written)
        _put_in_place(door, new_file, new_shareable, stamp, is_changed)
    finally:
        for path in (new_file, new_shareable, door.draft):
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    return stamp, is_changed


def _stamp_before(published_file: Path) -> Publication | None:
    """Of what is published now; a file that cannot be read tells nothing, and is about to be replaced."""
    try:
        return read_publication(published_file)
    except (WarehouseProblem, duckdb.Error):
        return None


def _write(
    door: Door,
    new_file: Path,
    new_shareable: Path,
    run_id: str,
    code_version: str,
    before: Publication | None,
    when_written: Callable[[Path, bool], None],
) -> tuple[Publication, bool]:
    for path in (new_file, new_shareable, door.draft):
        path.unlink(missing_ok=True)
    with open_build_file(door.build_file) as connection:
        against = objections(connection, code_version)
        if against:
            raise PublicationRefused(f"not published: {'; '.join(against)}. {WHAT_TO_DO}")
        if not is_large(door.build_file):
            # the file is whole by itself from here on; of a country's that takes half a minute, and its log stays beside it
            connection.execute("CHECKPOINT")
        attach(connection, door.draft, "draft")
        with _stored_as_it_comes(connection, door):
            settled = _make_draft(connection, door.rules)
            coarsened, attacks = _coarsen_for_the_study(connection, door.rules)
            withheld = withhold_few(connection, "draft", door.rules, "internal")
            describe(connection, "draft", "internal", door.rules, coarsened, attacks, withheld)
            stamp = _stamp(connection, run_id, code_version, before)
        is_changed = before is None or before.data_hash != stamp.data_hash
        looks = Looks(connection)
        words = words_of_tables(load_settings().dbt_target / "manifest.json")
        _copy_ordered(connection, new_file, settled, words)
        when_written(new_file, is_changed)
        _look_through(connection, new_file, "internal", looks, attacks, door.rules.allows_known_days)
        lets_dates_be_computed = any(attack.works for attack in attacks.by_known_day)
        # who knows one day could compute others
        if door.with_shareable and not (door.rules.allows_known_days and lets_dates_be_computed):
            _make_shareable(connection, door.rules, new_shareable, coarsened, withheld, settled, words, looks)
        with _stored_as_it_comes(connection, door):
            connection.execute("DETACH draft")
    return stamp, is_changed


@contextmanager
def _stored_as_it_comes(connection: duckdb.DuckDBPyConnection, door: Door) -> Iterator[None]:
    """What is written meanwhile is not compressed, which takes half of the time: the draft is read twice and thrown away. A country's would
    take several times the disk's room, and is."""
    if is_large(door.build_file):
        yield
        return
    connection.execute("SET force_compression = 'uncompressed'")
    try:
        yield
    finally:
        # what ended the block is what is told, not that DuckDB answers no more
        with suppress(duckdb.Error):
            connection.execute("SET force_compression = 'auto'")


def _make_draft(connection: duckdb.DuckDBPyConnection, rules: DisclosureRules) -> Tables:
    """What the gates judged, into the draft. Returns schema and name of the tables whose values no rule changes: their rows are put in
    order here, once for both files (to leave rows out changes no order)."""
    changed = rules.changed_columns
    columns = columns_by_table(connection)
    settled = set()
    for schema in dict.fromkeys(table.schema for table in published_tables()):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS draft.{schema}")
    for table in published_tables():
        names = columns.get((table.source_schema, table.source_name), {}).keys() - {*table.without}
        is_settled = changed.isdisjoint(names) and not (
            table.schema == "results" and may_withhold(rules, table.name, names)
        )
        order = " ORDER BY ALL" if is_settled else ""
        connection.execute(f"CREATE TABLE draft.{table.schema}.{table.name} AS {table.query}{order}")
        if is_settled:
            settled.add((table.schema, table.name))
    return frozenset(settled)


def _coarsen_for_the_study(
    connection: duckdb.DuckDBPyConnection, rules: DisclosureRules
) -> tuple[list[str], DateAttacks]:
    """The draft by the rules of the internal publication, and coarser yet where dates could be computed; what was done, and what the
    attacks find after it."""
    coarsen(connection, "draft", rules.internal)
    done, attacks = list(rules.internal), attacks_on_days(connection, "draft")
    for step in rules.when_dates_can_be_computed:
        if not any(attack.works for attack in attacks.beside_a_period):
            break
        coarsen(connection, "draft", [step])
        done.append(step)
        attacks = attacks_on_days(connection, "draft")
    return [f"{step} ({step.why})" for step in done], attacks


def _make_shareable(
    connection: duckdb.DuckDBPyConnection,
    rules: DisclosureRules,
    new_file: Path,
    coarsened: list[str],
    withheld: list[Withheld],
    settled: Tables,
    words: Words,
    looks: Looks,
) -> None:
    """The shareable file; none where the cohort is too small for it."""
    coarsen(connection, "draft", rules.shareable)
    leave_strangers_out(connection, "draft")
    for name in rules.shareable_leaves_out:
        connection.execute(f"DROP TABLE IF EXISTS draft.{name}")
    done = [*coarsened, *(f"{step} ({step.why})" for step in rules.shareable)]
    done += generalise_until_k(connection, "draft", rules)
    if anonymity(connection, "draft", rules).k >= rules.least_k:
        withheld = [
            *withheld,
            *withhold_groups_of_blanks(connection, "draft", rules),
            *withhold_few(connection, "draft", rules, "shareable"),
        ]
        attacks = attacks_on_days(connection, "draft")
        describe(connection, "draft", "shareable", rules, done, attacks, withheld)
        _copy_ordered(connection, new_file, settled, words)
        _look_through(connection, new_file, "shareable", looks, attacks, rules=rules)


def _copy_ordered(connection: duckdb.DuckDBPyConnection, new_file: Path, settled: Tables, words: Words) -> None:
    """The draft's tables into a new file that never held anything else, their rows by value: the order in which records came
    tells their dates."""
    attach(connection, new_file, "published")
    tables = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'draft' ORDER BY ALL"
    ).fetchall()
    for schema in dict.fromkeys(schema for schema, _ in tables):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS published.{schema}")
    for schema, table in tables:
        order = "" if (schema, table) in settled else " ORDER BY ALL"
        connection.execute(f"CREATE TABLE published.{schema}.{table} AS FROM draft.{schema}.{table}{order}")
    comment_published(connection, "published", words)
    connection.execute("DETACH published")


def _look_through(
    connection: duckdb.DuckDBPyConnection,
    new_file: Path,
    which: str,
    looks: Looks,
    attacks: DateAttacks,
    allows_known_days: bool = False,
    rules: DisclosureRules | None = None,
) -> None:
    """The file as whoever opens it would see it; others may read it meanwhile.

    Args:
        attacks: what they find on the draft that the file was made of.
        rules: of a file in which nobody may be found by what is blank of them: what is told of it elsewhere is tried as well.
    Raises:
        PublicationRefused: it holds what may not leave the build area.
    """
    attach(connection, new_file, "published", read_only=True)
    found = leaks(connection, "published", which, allows_known_days, looks, ("draft", attacks), rules)
    connection.execute("DETACH published")
    if found:
        raise PublicationRefused(
            f"not published: the {which} file that was about to be published holds what may not leave the build area:"
            f" {'; '.join(found)}. quality.check_results in the build file, stage 'publication', lists the checks"
            + (f". {KNOWN_DAY}: {WHAT_TO_DO_ABOUT_KNOWN_DAYS}" if KNOWN_DAY in " ".join(found) else "")
        )


def _put_in_place(door: Door, new_file: Path, new_shareable: Path, stamp: Publication, is_changed: bool) -> None:
    folder, sums = door.published_file.parent, known_sums(door.published_file.parent)
    renamed = {door.published_file.name: new_file, door.shareable_file.name: new_shareable}
    digests = {name: sha256_of(path) for name, path in renamed.items() if path.exists()}
    for path in renamed.values():
        if path.exists():
            _flush_to_disk(path)
            path.chmod(door.folder_mode & 0o666)
    if is_changed:
        kept = _keep(door, new_file, stamp)
        sums[f"{door.history.name}/{kept.name}"] = {digests[door.published_file.name]}
    with both_known(folder, sums, digests):
        new_file.replace(door.published_file)
        if new_shareable.exists():
            new_shareable.replace(door.shareable_file)
        else:
            door.shareable_file.unlink(missing_ok=True)
            sums.pop(door.shareable_file.name, None)
    publish_mode(folder, door.folder_mode, but=door.history)


def _keep(door: Door, new_file: Path, stamp: Publication) -> Path:
    """A copy of a publication in the history, whole or not at all; returns where it is."""
    door.history.mkdir(parents=True, exist_ok=True)
    kept = door.history / f"{stamp.published_at:%Y%m%dT%H%M%S%f}Z.duckdb"
    new = kept.with_suffix(".new")
    try:
        # copied, not linked: what damages the one must not damage the other
        shutil.copyfile(new_file, new)
        # who may enter the folder may read what is in it, and nobody else
        new.chmod(stat.S_IMODE(door.history.stat().st_mode) & 0o666)
        _flush_to_disk(new)
        new.replace(kept)
    finally:
        new.unlink(missing_ok=True)
    return kept


def _stamp(
    connection: duckdb.DuckDBPyConnection, run_id: str, code_version: str, before: Publication | None
) -> Publication:
    n_patients = connection.execute("SELECT count(*) FROM draft.marts.index_operations").fetchall()[0][0]
    is_simulated = connection.execute(
        "SELECT coalesce(bool_or(is_simulated), FALSE) FROM raw.ingest_ledger"
    ).fetchall()[0][0]
    stamp = Publication(
        _later_than(before),
        run_id,
        code_version,
        _data_hash(connection),
        n_patients,
        is_simulated,
    )
    connection.execute("CREATE SCHEMA IF NOT EXISTS draft.meta")
    connection.execute(
        """CREATE TABLE draft.meta.publication AS
           SELECT ?::TIMESTAMP AS published_at, ? AS run_id, ? AS code_version, ? AS data_hash,
                  ?::BIGINT AS n_patients, ?::BOOLEAN AS is_simulated, ? AS judged_in_runs,
                  published_at AS last_attempt_at, 'published' AS last_attempt_outcome, '' AS last_attempt_step,
                  '' AS last_attempt_reason""",
        [stamp.published_at, run_id, code_version, stamp.data_hash, n_patients, is_simulated, verdict_runs(connection)],
    )
    return stamp


def _later_than(before: Publication | None) -> datetime:
    """Now; a moment after the publication before where the clock has gone back, so that the latest stays the latest."""
    now = now_utc()
    return now if before is None else max(now, before.published_at + timedelta(microseconds=1))


def _data_hash(connection: duckdb.DuckDBPyConnection) -> str:
    """A digest of all published rows, whatever their order: per table the count, the sum and the exclusive or of DuckDB's hashes of the
    rows. Another version of DuckDB may hash otherwise: the data then count as changed once."""
    digest = hashlib.sha256()
    for table in published_tables():
        if table.name not in TABLES_WITHOUT_DATA_MEANING:
            rows = connection.execute(
                f"""SELECT count(*), sum(hash(t)::HUGEINT), bit_xor(hash(t))
                    FROM draft.{table.schema}.{table.name} AS t"""
            ).fetchall()
            digest.update(f"{table.schema}.{table.name}:{rows[0]}".encode())
    return digest.hexdigest()[:16]


def _flush_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def publish_history(history_folder: Path) -> pd.DataFrame:
    """One row a kept publication that can be read (`crlm doctor` names the others), newest first: file, published_at, run_id,
    code_version, data_hash, n_patients."""
    rows = []
    for path in history_folder.glob("*.duckdb"):
        stamp = _stamp_before(path)
        if stamp:
            rows.append({"file": path.name, **vars(stamp)})
    columns = ["file", *Publication.__dataclass_fields__]
    return pd.DataFrame(rows, columns=columns).sort_values(["published_at", "file"], ascending=False, ignore_index=True)
