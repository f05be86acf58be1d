"""What is wrong with an installation, and what to do about it: `crlm doctor`. Looks, and changes nothing."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.files.private_files import open_to_others
from orchestration.files.problems import (
    MORE_MEMORY_ADVICE,
    DamagedFile,
    NotLookedThrough,
    WarehouseBusy,
    WarehouseProblem,
    is_out_of_memory,
)
from orchestration.hospitals import hospitals_of
from orchestration.ingestion.contract import ContractError
from orchestration.ingestion.landed_names import name_in_landing, readable_name
from orchestration.ingestion.landing_folder import look_through
from orchestration.ingestion.load_feed import unclaimed_files
from orchestration.nights.finished import not_as_published
from orchestration.nights.healing import LEAST_FREE_BYTES, check_whole, damaged_history, lack_of_room
from orchestration.nights.lock import holder_of
from orchestration.page.storage import problem_of_database
from orchestration.privacy.study_id_key import StudyIdKeyProblem, study_id_key
from orchestration.publication.verdicts import objections
from orchestration.settings import Settings
from orchestration.warehouse import connect_read_only, is_born, open_build_file, read_publication

WELL, NOTE, ILL = "well", "note", "ill"
MOST_NAMED = 10


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is, and what to do where it is not well."""

    what: str
    state: str
    told: str
    to_do: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Everything that a night needs, in the order in which it needs it; each look stands for itself, whatever the others find."""
    findings = []
    for what, look in LOOKS.items():
        try:
            findings += [Finding(what, *found) for found in look(settings)]
        except WarehouseBusy as busy:
            findings.append(Finding(what, NOTE, str(busy), "look again when it has ended"))
        except Exception as error:  # noqa: BLE001 - a look that fails is a finding, and the others go on
            if is_out_of_memory(str(error)):
                findings.append(Finding(what, ILL, "could not be looked at", MORE_MEMORY_ADVICE))
                continue
            findings.append(
                Finding(what, ILL, f"could not be looked at: {type(error).__name__}", "say so to your data engineer")
            )
    return findings


Found = Iterator[tuple[str, ...]]


def _room(settings: Settings) -> Found:
    free = shutil.disk_usage(settings.build_file.parent).free
    build = settings.build_file.stat().st_size if settings.build_file.exists() else 0
    told = f"{free // 2**20:,} MiB free, the build file has {build // 2**20:,}"
    lack = list(lack_of_room(settings))
    if free < LEAST_FREE_BYTES + build:
        yield ILL, told, "make room: a night may write as much again as the build file has"
    elif lack:
        yield ILL, "; ".join(lack), "make room there: a night does not begin without it"
    else:
        yield WELL, told


def _night(settings: Settings) -> Found:
    holder = holder_of(settings.build_file.parent)
    if holder:
        yield NOTE, f"a refresh is under way: {holder}", "wait, or end that process: the next refresh makes up for it"
    else:
        yield WELL, "no refresh is under way"


def _last_night(settings: Settings) -> Found:
    stamp = read_publication(settings.published_file)
    if stamp is None:
        yield NOTE, "no night has published yet", "`crlm refresh`"
    elif other := not_as_published(settings, stamp):
        yield NOTE, other, "`crlm refresh` makes a whole night"
    else:
        yield WELL, "came to its end, with the settings, contracts and libraries of today"


def _key(settings: Settings) -> Found:
    try:
        study_id_key(settings.build_file.parent, make=False)
    except StudyIdKeyProblem as problem:
        is_new = "not yet" in str(problem) or "no study-id key yet" in str(problem)
        yield (
            (NOTE if is_new else ILL),
            str(problem),
            "" if is_new else "see there; keep a copy of the key where the backups are",
        )
        return
    where = (
        "given as CRLM_STUDY_ID_KEY"
        if os.environ.get("CRLM_STUDY_ID_KEY")
        else "in the build area: keep a copy of it elsewhere"
    )
    yield WELL, f"is there and is the one that the study ids were made with ({where})"


def _file(path_of: Callable[[Settings], Path], made_anew: str) -> Callable[[Settings], Found]:
    def look(settings: Settings) -> Found:
        path = path_of(settings)
        if not path.exists():
            yield NOTE, f"there is none yet at {path}", "`crlm refresh` makes it"
        elif not is_born(path):
            yield ILL, f"{path} has no byte in it", made_anew
        else:
            try:
                check_whole(settings, path)
                with connect_read_only(path) as connection:
                    n_tables = connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall()[0][0]
                yield WELL, f"{path.name}: {path.stat().st_size // 2**20:,} MiB, {n_tables} tables"
            except DamagedFile:
                yield ILL, f"{path} is damaged: cut short, overwritten or no DuckDB file", made_anew
            except NotLookedThrough as problem:
                yield ILL, str(problem), "raise CRLM_MEMORY_LIMIT; whether it is whole shows where it is read"
            except WarehouseProblem as problem:
                yield NOTE, str(problem), "look again when it has ended"

    return look


def _history(settings: Settings) -> Found:
    kept, damaged = len(list(settings.history.glob("*.duckdb"))), damaged_history(settings.history)
    for name in damaged[:MOST_NAMED]:
        yield ILL, f"{name} is damaged", "bring it back from a backup, or delete it; nights do not read it"
    if not damaged:
        yield WELL, f"{kept} kept publication(s), all as they were published"


def _verdicts(settings: Settings) -> Found:
    if not is_born(settings.build_file):
        yield NOTE, "nothing is built yet", "`crlm refresh`"
        return
    with open_build_file(settings.build_file, read_only=True) as connection:
        against = objections(connection, settings.code_version)
    if against:
        yield (
            NOTE,
            f"what stands in the build file would not be published: {'; '.join(against)}",
            "`crlm refresh --force`",
        )
    else:
        yield WELL, "the gates are open for what stands in the build file"


def _contracts(settings: Settings) -> Found:
    try:
        hospitals = hospitals_of(settings)
    except ContractError as error:
        yield ILL, str(error), "mend the contract; docs/add_a_source.md"
        return
    for refusal in hospitals.refusals:
        yield ILL, refusal.reason, "mend the contract; docs/add_a_source.md"
    yield WELL, f"{len(hospitals.contracts)} contract(s) in {settings.contracts_dir}"
    for folder, why in sorted(look_through(settings.landing).unreadable.items())[:MOST_NAMED]:
        yield (
            ILL,
            f"{readable_name(folder)} cannot be read ({why}): what lies there is not taken in",
            "give the user of the warehouse the right to read and to enter it, and what is below it",
        )
    strays = unclaimed_files(settings.landing, hospitals)
    if strays:
        names = ", ".join(name_in_landing(path, settings.landing) for path in strays[:MOST_NAMED])
        rest = f" and {len(strays) - MOST_NAMED} more" if len(strays) > MOST_NAMED else ""
        yield (
            NOTE,
            f"{len(strays)} landed file(s) that no contract names: {names}{rest}",
            "`crlm validate` on one says why",
        )


def _modes(settings: Settings) -> Found:
    private = [settings.build_file.parent, settings.dagster_home]
    if settings.landing_dir is None:
        private.append(settings.landing)
    wide = [folder for folder in private if open_to_others(folder)]
    wide += [path for folder in private[:2] for path in folder.rglob("*") if open_to_others(path)]
    for path in wide[:MOST_NAMED]:
        yield ILL, f"{path} can be read by others", f"chmod go= {path} (the next refresh does it, if the file is yours)"
    if not wide:
        yield (
            WELL,
            f"build area, landing folder and Dagster's are their owner's only; published: {settings.published_mode}",
        )


def _dagster(settings: Settings) -> Found:
    if settings.dagster_postgres_url and (problem := problem_of_database(settings.dagster_postgres_url)):
        yield ILL, problem, "start the database; `crlm refresh`, page and daemon need it"
        return
    for path in settings.dagster_home.rglob("*.db"):
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
                connection.execute("PRAGMA schema_version").fetchall()
        except sqlite3.DatabaseError:
            yield ILL, f"{path} is damaged", "move it away: Dagster makes a new one; only the runs' history is lost"
            return
    yield WELL, "Dagster's run history can be read"


def _set_aside(settings: Settings) -> Found:
    kept = sorted(settings.set_aside_folder.glob("*")) if settings.set_aside_folder.exists() else []
    if kept:
        size = sum(path.stat().st_size for path in kept if path.is_file()) // 2**20
        yield (
            NOTE,
            f"{len(kept)} damaged file(s) put aside in {settings.set_aside_folder} ({size:,} MiB)",
            "delete them when nobody wants to look",
        )
    else:
        yield WELL, "no damaged file was put aside"


LANDED_IS_TRUTH = "the next `crlm refresh` puts it aside and makes it anew from the landing folder, which is the truth"
LOOKS: dict[str, Callable[[Settings], Found]] = {
    "room on the disk": _room,
    "night": _night,
    "study-id key": _key,
    "contracts and landed files": _contracts,
    "build file": _file(lambda settings: settings.build_file, LANDED_IS_TRUTH),
    "gates": _verdicts,
    "published file": _file(lambda settings: settings.published_file, LANDED_IS_TRUTH),
    "last night": _last_night,
    "history": _history,
    "who may read what": _modes,
    "Dagster's store": _dagster,
    "put aside": _set_aside,
}
