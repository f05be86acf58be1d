"""All files of a feed that are new or changed since they were last loaded, and the study ids of the patients in them."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.closed_folders import CANNOT_BE_READ, closed_folders, lie_in
from orchestration.ingestion.contract import Hospitals, SourceContract
from orchestration.ingestion.database import Fetch
from orchestration.ingestion.feed_rhythm import feeds_that_stopped
from orchestration.ingestion.interruptions import interruption_behind
from orchestration.ingestion.known_keys import KeysWhileLoading
from orchestration.ingestion.landed_names import name_in_landing
from orchestration.ingestion.landing_folder import is_landed, look_through, size_of
from orchestration.ingestion.ledger_notes import note_without_rows
from orchestration.ingestion.load_file import (
    FileLoad,
    Reading,
    hash_of_file,
    is_loaded,
    landed_files,
    last_loads,
    load_file,
    note_in_ledger,
    read_landed,
    refuse_file,
)
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.ingestion.readers.fhir_export import NDJSON, companions_of, is_damaged
from orchestration.ingestion.remembered_hashes import RememberedHashes

NOTE_SUFFIXES = (".txt", ".md")
READ_AHEAD_BYTES = 64 * 2**20
"""A larger file is read when its turn comes: two of them at once would not fit beside each other."""
UNCLAIMED = "refused: no contract names this file"
REFUSED_CONTRACT = "refused: the contract cannot be used: "
NOT_THE_FILES_FAULT = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
    OSError,
    MemoryError,
)
"""The disk, the memory or DuckDB itself: every other file would fail as well, and the night must say so."""


class OtherStudyIdKey(Exception):
    """The study-id key is not the one that the build file was made with."""


@dataclass(frozen=True)
class WaitingFile:
    """A landed file whose bytes are not in raw yet."""

    path: Path
    contract: SourceContract


def waiting_files(
    connection: duckdb.DuckDBPyConnection, landing_folder: Path, contracts: list[SourceContract]
) -> list[WaitingFile]:
    """The landed files that a refresh would load."""
    create_raw_schema(connection)
    hashes, waiting = RememberedHashes(connection, landing_folder), []
    for contract in contracts:
        loads = last_loads(connection, contract)
        waiting += [
            WaitingFile(path, contract)
            for path in landed_files(landing_folder, contract)
            if not is_loaded(loads.get(name_in_landing(path, landing_folder)), contract, hashes.of(path), path)
        ]
    hashes.keep()
    return waiting


def landed_by_feed(
    connection: duckdb.DuckDBPyConnection, landing_folder: Path, hospitals: Hospitals
) -> list[tuple[str, str, str]]:
    """Hospital, feed and name of every landed file that a contract names.

    A contract that cannot be used names nothing, and in a folder that cannot be read nothing is found; but their files are not
    gone: those that were loaded before still count.
    """
    named = [
        (contract.source_system, contract.feed, name_in_landing(path, landing_folder))
        for contract in hospitals.contracts
        for path in landed_files(landing_folder, contract)
    ]
    refused = {refusal.source_system for refusal in hospitals.refusals}
    closed = closed_folders(landing_folder, hospitals)
    if not refused and not closed:
        return named
    create_raw_schema(connection)
    before = connection.execute(
        """SELECT DISTINCT source_system, feed, source_file FROM raw.ingest_ledger
           WHERE status = 'loaded' AND list_contains(CAST(? AS VARCHAR[]), source_system) AND source_file NOT LIKE '%/'""",
        [sorted(refused | {hospital for hospital, *_ in closed})],
    ).fetchall()
    hidden = [
        file for file in before if (file[0] in refused or lie_in(closed, *file)) and is_landed(landing_folder, file[2])
    ]
    return list(dict.fromkeys([*named, *hidden]))


def load_feed(
    connection: duckdb.DuckDBPyConnection,
    landing_folder: Path,
    contracts: list[SourceContract],
    feed: str,
    run_id: str,
    progress: Callable[[str], None] = lambda message: None,
) -> list[FileLoad]:
    """Load what is waiting for one canonical feed, of all hospitals; returns one entry a file loaded or refused.

    A file on which the loader itself fails is refused too: one hospital's file never stops another's night.
    """
    waiting = waiting_files(connection, landing_folder, [contract for contract in contracts if contract.feed == feed])
    loads: list[FileLoad] = []
    known = KeysWhileLoading(connection, [file.contract for file in waiting])
    for number, (file, read) in enumerate(_with_readings(waiting), start=1):
        try:
            keys = known.of(file.contract)
            loads.append(load_file(connection, file.path, landing_folder, file.contract, run_id, read, keys))
        except NOT_THE_FILES_FAULT:
            raise
        except Exception as error:
            if interruption := interruption_behind(error):
                raise interruption from None
            loads.append(refuse_file(connection, file.path, landing_folder, file.contract, run_id, failure_of(error)))
        progress(f"{feed}: file {number} of {len(waiting)}, {loads[-1].rows_read:,} records")
    return loads


def _with_readings(
    waiting: list[WaitingFile],
) -> Iterator[tuple[WaitingFile, Callable[[Path, SourceContract], Reading]]]:
    """Each file with what gives its reading: a file of moderate size is read while the one before it is stored."""
    with ThreadPoolExecutor(1) as aside:
        ahead: Future[Reading] | None = None
        for place, file in enumerate(waiting):
            of_this = ahead
            following = waiting[place + 1] if place + 1 < len(waiting) else None
            ahead = None
            if following is not None and size_of(following.path) <= READ_AHEAD_BYTES:
                ahead = aside.submit(read_landed, following.path, following.contract)
            yield file, read_landed if of_this is None else lambda *_, of_this=of_this: of_this.result()


def record_fetches(connection: duckdb.DuckDBPyConnection, fetches: list[Fetch], run_id: str) -> list[str]:
    """A ledger row for each source that could not be fetched, and one for the first time that it could again; returns what
    was refused, for a person. What was fetched has the row of its snapshot."""
    create_raw_schema(connection)
    told = []
    for fetch in fetches:
        contract = fetch.contract
        was_refused = connection.execute(
            """SELECT coalesce(arg_max(status, load_number), '') LIKE 'refused%' FROM raw.ingest_ledger
               WHERE source_system = ? AND feed = ? AND system = ? AND source_file = ?""",
            [contract.source_system, contract.feed, contract.system, fetch.name],
        ).fetchall()[0][0]
        if fetch.refusal or was_refused:
            status = f"refused: {fetch.refusal}" if fetch.refusal else "loaded"
            note_in_ledger(connection, contract, fetch.name, status, run_id)
        if fetch.refusal:
            told.append(f"{fetch.name}: {fetch.refusal}")
    return told


def failure_of(error: Exception) -> str:
    """The reason that the ledger keeps of an error nobody thought of: not its message, which may quote the file."""
    return f"the loader failed on this file ({type(error).__name__}); please report it with the file"


def record_hospital_limits(connection: duckdb.DuckDBPyConnection, hospitals: Hospitals) -> None:
    """What each hospital's records cannot tell, as its hospital.yml says today; one that cannot be read: as it said last."""
    limits = [
        (hospital, endpoint, reason)
        for hospital, identity in sorted(hospitals.identities.items())
        for endpoint, reason in sorted(identity.not_derivable.items())
    ]
    unreadable = sorted({refusal.source_system for refusal in hospitals.refusals} - hospitals.identities.keys())
    connection.execute(
        "DELETE FROM raw.not_derivable_endpoints WHERE NOT list_contains(CAST(? AS VARCHAR[]), source_system)",
        [unreadable],
    )
    if limits:
        connection.executemany("INSERT INTO raw.not_derivable_endpoints VALUES (?, ?, ?)", limits)


def record_origins(connection: duckdb.DuckDBPyConnection, hospitals: Hospitals) -> None:
    """Whether each hospital's patients are simulated, in every row of its ledger, as its hospital.yml says today: a file that was taken
    in under a wrong word is not of simulated patients for ever. One that cannot be read, or is gone: as it said last."""
    told = [(hospital, identity.is_simulated) for hospital, identity in sorted(hospitals.identities.items())]
    for hospital, is_simulated in told:
        connection.execute(
            "UPDATE raw.ingest_ledger SET is_simulated = $2 WHERE source_system = $1 AND is_simulated IS DISTINCT FROM $2",
            [hospital, is_simulated],
        )


def record_refused_contracts(connection: duckdb.DuckDBPyConnection, hospitals: Hospitals, run_id: str) -> None:
    """A ledger row for each contract that cannot be used: what its hospital sent was not loaded this night; and one of status
    'loaded', of no rows, for each that could not be used before and now can, or is gone."""
    rows = {
        (refusal.source_system, refusal.feed, refusal.system, f"{refusal.source_system}/contracts/{refusal.file}"): (
            REFUSED_CONTRACT + refusal.reason,
            refusal.is_simulated,
        )
        for refusal in hospitals.refusals
    }
    before = connection.execute(
        f"""SELECT source_system, feed, system, source_file, any_value(is_simulated) FROM raw.ingest_ledger
            WHERE source_file LIKE '%/contracts/%.yml' GROUP BY source_system, feed, system, source_file
            HAVING starts_with(arg_max(status, loaded_at), '{REFUSED_CONTRACT}')"""
    ).fetchall()
    for *contract, is_simulated in before:
        rows.setdefault(tuple(contract), ("loaded", is_simulated))
    for (hospital, feed, system, file), (status, is_simulated) in rows.items():
        note_without_rows(connection, hospital, feed, system, file, status, run_id, is_simulated)


def record_stale_feeds(
    connection: duckdb.DuckDBPyConnection, hospitals: Hospitals, landing_folder: Path
) -> list[tuple[str, str, str]]:
    """Into raw.stale_feeds, made anew each night: the feeds of which something that was sent is not in; their last records
    stay in force. A feed counts as stale when its contract, its hospital's hospital.yml, its database or one of its files
    that are still there was refused, when a folder of it cannot be read, when none of its files is there any more, or when it is
    late by its own rhythm.

    Returns hospital, feed and reason of each.
    """
    connection.execute("DELETE FROM raw.stale_feeds")
    refused: list[tuple[str, str | None, str, str]] = [
        (one.source_system, one.feed, one.system, f"the contract cannot be used: {one.reason}")
        for one in hospitals.refusals
    ]
    files: dict[tuple[str, str, str], list[str]] = {}
    folders: dict[tuple[str, str, str], list[str]] = {}
    for hospital, feed, system, file, status in connection.execute(REFUSED_FILES_QUERY).fetchall():
        if file.endswith("/"):
            folders.setdefault((hospital, feed, system), []).append(status.removeprefix(CANNOT_BE_READ))
        elif file.startswith(f"{hospital}/fetched/") or is_landed(landing_folder, file):
            files.setdefault((hospital, feed, system), []).append(status.removeprefix("refused: "))
    refused += [(*feed, f"{len(reasons)} file(s) refused: {reasons[0]}") for feed, reasons in files.items()]
    refused += [(*feed, f"{len(reasons)} folder(s) cannot be read: {reasons[0]}") for feed, reasons in folders.items()]
    refused += feeds_that_stopped(connection, landing_folder)
    columns = "source_system VARCHAR, feed VARCHAR, system VARCHAR, reason VARCHAR"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE refused ({columns})")
    if refused:
        connection.executemany("INSERT INTO refused VALUES (?, ?, ?, ?)", refused)
    connection.execute(STALE_FEEDS_QUERY)
    connection.execute("DROP TABLE refused")
    return connection.execute("SELECT source_system, feed, reason FROM raw.stale_feeds ORDER BY ALL").fetchall()


REFUSED_FILES_QUERY = """
    SELECT source_system, feed, system, source_file, status
    FROM (SELECT DISTINCT ON (source_system, feed, system, source_file) * FROM raw.ingest_ledger
          WHERE feed IS NOT NULL AND source_file NOT LIKE '%/contracts/%.yml'
          ORDER BY source_system, feed, system, source_file, load_number DESC NULLS LAST, loaded_at DESC)
    WHERE status LIKE 'refused: %' ORDER BY ALL
"""
STALE_FEEDS_QUERY = """
    INSERT INTO raw.stale_feeds BY NAME
    WITH last_loads AS (
        SELECT source_system, feed, system, max(loaded_at) FILTER (status = 'loaded') AS last_loaded_at
        FROM raw.ingest_ledger
        WHERE feed IS NOT NULL AND source_file NOT LIKE '%/contracts/%.yml' AND source_file NOT LIKE '%/' GROUP BY ALL
    ),
    stale AS (
        -- a contract that does not say its feed, or a hospital.yml, leaves every feed of the hospital as it was
        SELECT refused.source_system, coalesce(refused.feed, known.feed, 'unknown') AS feed,
               coalesce(if(refused.feed IS NULL, known.system, refused.system), 'main') AS system, refused.reason
        FROM refused
        LEFT JOIN last_loads AS known ON refused.feed IS NULL AND refused.source_system = known.source_system
    )
    SELECT stale.source_system, stale.feed, stale.system, last_loads.last_loaded_at,
           string_agg(stale.reason, '; ' ORDER BY stale.reason) AS reason
    FROM stale LEFT JOIN last_loads USING (source_system, feed, system) GROUP BY ALL
"""


def unclaimed_files(landing_folder: Path, hospitals: Hospitals) -> list[Path]:
    """Landed files that no contract names: misnamed, or of a hospital without contracts. Notes to people are not meant.

    Files of a hospital with a contract that cannot be used are not judged: that contract may name them. A hidden file, one
    of Excel's lock files, and what lies beside the feeds' folders with the ending .txt or .md are notes.
    """
    claimed: set[Path] = set()
    exports: dict[Path, Path] = {}
    for contract in hospitals.contracts:
        named = landed_files(landing_folder, contract)
        claimed.update(named)
        # one export is several files, of which a contract names one
        if contract.format == "fhir":
            exports |= {path.parent: path for path in named if path.name.endswith(NDJSON)}
    claimed.update(other for path in exports.values() for other in companions_of(path))
    unjudged = {refusal.source_system for refusal in hospitals.refusals}
    return sorted(
        path
        for path in look_through(landing_folder).files
        if path not in claimed
        and path.relative_to(landing_folder).parts[0] not in unjudged
        and not path.name.startswith((".", "~$"))
        and not (path.suffix in NOTE_SUFFIXES and len(path.relative_to(landing_folder).parts) <= 2)
    )


def record_unclaimed_files(
    connection: duckdb.DuckDBPyConnection, landing_folder: Path, hospitals: Hospitals, run_id: str
) -> list[str]:
    """A ledger row for each landed file that no contract names, so that none is overlooked; returns their names. One that is taken
    away or named otherwise in this moment is no longer meant."""
    names = []
    for path in unclaimed_files(landing_folder, hospitals):
        name, file_hash = name_in_landing(path, landing_folder), hash_of_file(path)
        status = f"{UNCLAIMED}, and it is cut off or damaged" if is_damaged(path) else UNCLAIMED
        if not is_landed(landing_folder, name):
            continue
        names.append(name)
        hospital = name.split("/")[0]
        note_without_rows(connection, hospital, None, None, name, status, run_id, False, file_hash, size_of(path))
    return names


def file_numbers(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """(Hospital, file name) of every file in the ledger -> what it is called where its name may not be read: 'file 17'."""
    rows = connection.execute("SELECT source_system, source_file, file_number FROM restricted.file_numbers").fetchall()
    return {(hospital, name): f"file {number}" for hospital, name, number in rows}


def assign_study_ids(connection: duckdb.DuckDBPyConnection, key: str) -> int:
    """Give every (source_system, mrn) in raw its study id; returns how many are new.

    The id is a keyed hash: the same patient gets the same id on every rebuild, and without the key, which stays in the
    restricted build area, nobody can go from the id to the MRN by trying all MRNs.

    Raises:
        OtherStudyIdKey: the build file's patients have ids that were made with another key.
    """
    _remember_key(connection, key)
    # each feed's for itself: to tell apart the MRNs of all records, of which hardly any is new, takes more than to look them up
    new_mrns = " UNION ".join(
        f"""SELECT source_system, mrn FROM (SELECT source_system, {column} AS mrn FROM raw.{feed})
            ANTI JOIN raw.patient_identifiers USING (source_system, mrn) WHERE mrn IS NOT NULL"""
        for feed, definition in canonical_feeds().items()
        for column in ("mrn", "retired_mrn")
        if column in definition.columns
    )
    rows = connection.execute(
        f"""INSERT INTO raw.patient_identifiers
            SELECT source_system, mrn, 'P' || sha256(concat_ws('|', ?, source_system, mrn, ?))[1:12]
            FROM ({new_mrns}) ORDER BY ALL""",
        [key, key],
    ).fetchall()
    return rows[0][0]


def key_fingerprint(key: str) -> str:
    """What tells one key from another without giving it away."""
    return hashlib.sha256(f"fingerprint|{key}".encode()).hexdigest()[:16]


def _remember_key(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """The key's fingerprint, and a secret that follows from it for opaque names, stay in the build file."""
    known = connection.execute("SELECT key_fingerprint FROM restricted.installation").fetchall()
    if not known:
        secret = hashlib.sha256(f"opaque names|{key}".encode()).hexdigest()
        connection.execute("INSERT INTO restricted.installation VALUES (?, ?)", [key_fingerprint(key), secret])
    elif known != [(key_fingerprint(key),)]:
        raise OtherStudyIdKey(
            "the study-id key is not the one that this build file was made with: every patient would get a second id. Bring the"
            " old key back (CRLM_STUDY_ID_KEY, or study_id.key in the build area); `crlm doctor` says more"
        )
