"""What a file would do before it is dropped into the landing folder: `crlm validate`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import duckdb
import pandas as pd
from rapidfuzz import process

from orchestration.hospitals import hospitals_of
from orchestration.ingestion.contract import ContractError, Hospitals, SourceContract
from orchestration.ingestion.interruptions import interruption_behind
from orchestration.ingestion.landed_names import place_by_name, readable_name
from orchestration.ingestion.landing_folder import look_through
from orchestration.ingestion.load_feed import NOT_THE_FILES_FAULT, failure_of
from orchestration.ingestion.load_file import FileLoad, load_file, refuse_file
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.preview.findings import findings_of_hospital, findings_of_load, frame_of
from orchestration.settings import Settings
from orchestration.warehouse import WarehouseBusy, copy_loaded_records, open_scratch_file

NOTHING_REJECTED, SOME_REJECTED, REFUSED = 0, 1, 2
LOADED, REJECTED = "What would be loaded", "What would be rejected, and why"
CODES, NOTICES = "Codes that the contract does not map", "What was not read, or needs a look"
FINDINGS = "What to look at"
TITLES = (LOADED, REJECTED, CODES, NOTICES, FINDINGS)
UNKNOWN_CODES = ("unknown code", "unknown code in the list")


@dataclass
class Preview:
    """Tables for a person, the verdict in words, and an exit status for scripts."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    status: int = NOTHING_REJECTED
    verdict: str = ""
    has_refused_contract: bool = False
    is_misnamed: bool = False
    """The files lie in a folder that a refresh would not look into."""
    is_doubtful: bool = False
    """Something would be loaded, but hardly as it was meant."""


def preview(
    settings: Settings, path: Path, hospital: str | None, progress: Callable[[str], None] = lambda text: None
) -> Preview:
    """Load the files into a scratch warehouse that knows the records loaded so far, and tell what became of them.

    Raises:
        ContractError: there is no folder of contracts.
    """
    hospitals = hospitals_of(settings)
    outcome = Preview()
    _tell_refused_contracts(outcome, hospitals, path, hospital)
    parts: dict[str, list[pd.DataFrame]] = {title: [] for title in TITLES}
    paths = _files_of(path, outcome) if path.is_dir() else [path]
    met: dict[str, list[SourceContract]] = {}
    for number, found in enumerate(paths, start=1):
        progress(f"{readable_name(PurePath(found.name))}: file {number} of {len(paths)}")
        _tell_misnamed_folder(outcome, found, path, hospitals, hospital)
        chosen = contracts_of(found, hospitals.contracts, hospital)
        if not chosen:
            status = "no contract names this file"
            if outcome.has_refused_contract:
                status = "no contract that can be used names this file"
            parts[LOADED].append(pd.DataFrame([{"file": readable_name(PurePath(found.name)), "status": status}]))
        for contract in chosen:
            met.setdefault(contract.source_system, []).append(contract)
            for title, frame in _preview_file(settings, found, contract, outcome).items():
                parts[title].append(frame)
    _tell_of_hospitals(outcome, hospitals, met, path, parts[FINDINGS])
    outcome.tables = {
        title: pd.concat([frame for frame in frames if len(frame)], ignore_index=True)
        if any(map(len, frames))
        else pd.DataFrame()
        for title, frames in parts.items()
    }
    accounts = outcome.tables[LOADED]
    counts = accounts.columns.difference(["file", "hospital", "feed", "system", "status"])
    # a refused file has no counts, which is not the same as counts of nothing
    accounts[counts] = accounts[counts].astype("Int64")
    _judge(outcome, accounts)
    return outcome


def _files_of(folder: Path, outcome: Preview) -> list[Path]:
    landing = look_through(folder)
    outcome.notes += [
        f"A folder cannot be read, and nothing in it would be loaded: {readable_name(closed)} ({why})"
        for closed, why in sorted(landing.unreadable.items())
    ]
    outcome.is_doubtful |= bool(landing.unreadable)
    return sorted(landing.files, key=place_by_name)


def _tell_refused_contracts(outcome: Preview, hospitals: Hospitals, path: Path, hospital: str | None) -> None:
    """The hospital's own contracts that cannot be used are an error; another hospital's are only mentioned."""
    names = {hospital} if hospital else set(path.resolve().parts)
    of_path = any(name in names for name in _names_of(hospitals))
    for refusal in hospitals.refusals:
        is_own = refusal.source_system in names or not of_path
        outcome.notes.append(
            f"{'' if is_own else 'Of another hospital: '}the contract cannot be used: {refusal.reason}"
        )
        outcome.has_refused_contract |= is_own


def _names_of(hospitals: Hospitals) -> list[str]:
    return sorted({*hospitals.identities, *(refusal.source_system for refusal in hospitals.refusals)})


def _tell_misnamed_folder(
    outcome: Preview, found: Path, path: Path, hospitals: Hospitals, hospital: str | None
) -> None:
    """A refresh goes by the folder's name; a file tried from elsewhere only wants to be told so."""
    names = _names_of(hospitals)
    if hospital is not None:
        if hospital not in names:
            near = process.extractOne(hospital, names, score_cutoff=60)
            raise ContractError(
                f"no hospital is named '{hospital}'" + _meant(near) + f" (hospitals: {', '.join(names)})"
            )
        return
    if set(names) & set(found.resolve().parts):
        return
    folder = path.resolve() if path.is_dir() else found.resolve().parent
    near = process.extractOne(folder.name, names, score_cutoff=60)
    note = (
        f"No hospital is named after the folder '{folder.name}'{_meant(near)}: in the landing folder a refresh would not take"
        f" these files (hospitals: {', '.join(names)}). They are tried with the only contract that fits their names, if any;"
        " --hospital says whose they are."
    )
    if note not in outcome.notes:
        outcome.notes.append(note)
    outcome.is_misnamed |= path.is_dir()


def _meant(near) -> str:
    return f"; is '{near[0]}' meant?" if near else ""


def _tell_of_hospitals(
    outcome: Preview,
    hospitals: Hospitals,
    met: dict[str, list[SourceContract]],
    path: Path,
    findings: list[pd.DataFrame],
) -> None:
    for name, contracts in met.items():
        own = [contract for contract in hospitals.contracts if contract.source_system == name]
        found = findings_of_hospital(own)
        outcome.is_doubtful |= any(one.is_serious for one in found)
        findings.append(frame_of(found, name, own[0]))
        if path.is_dir() and path.resolve().name == name:
            for contract in own:
                if contract not in contracts:
                    outcome.notes.append(
                        f"No file here for {contract.feed} ({contract.system}): {contract.file_pattern}"
                    )


def contracts_of(path: Path, contracts: list[SourceContract], hospital: str | None) -> list[SourceContract]:
    """The contracts whose pattern names the file: by its folders where they stand, else by its name alone.

    Without `hospital` a folder of the path must be a hospital's, unless only one hospital's contracts fit.
    """
    hospitals = (
        {hospital} if hospital else {contract.source_system for contract in contracts} & set(path.resolve().parts)
    )
    candidates = [contract for contract in contracts if not hospitals or contract.source_system in hospitals]
    name = PurePath(path.resolve().as_posix().removesuffix(".gz").removesuffix(".zip"))
    by_folder = [contract for contract in candidates if name.match(contract.file_pattern)]
    by_name = [contract for contract in candidates if name.match(PurePath(contract.file_pattern).name)]
    chosen = by_folder or by_name
    return chosen if len({contract.source_system for contract in chosen}) <= 1 else []


def _preview_file(
    settings: Settings, path: Path, contract: SourceContract, outcome: Preview
) -> dict[str, pd.DataFrame]:
    with open_scratch_file() as connection:
        create_raw_schema(connection)
        try:
            copy_loaded_records(connection, settings.build_file, contract)
        except WarehouseBusy:
            note = "A refresh is under way: the change against what is loaded cannot be told now."
            if note not in outcome.notes:
                outcome.notes.append(note)
        try:
            load = load_file(connection, path, path.parent, contract, "preview")
        except NOT_THE_FILES_FAULT:
            raise
        except Exception as error:
            if interruption := interruption_behind(error):
                raise interruption from None
            load = refuse_file(connection, path, path.parent, contract, "preview", failure_of(error))
        account = {
            "file": load.source_file,
            "hospital": contract.source_system,
            "feed": contract.feed,
            "system": contract.system,
            "status": load.status,
            "read": load.rows_read,
            "loaded": load.rows_loaded,
            "rejected": load.rows_rejected,
            "twice in the file": load.rows_duplicate,
            "fields missing": load.fields_rejected,
            "passed over": load.rows_passed_over,
        }
        findings = findings_of_load(connection, path, contract, load, settings.dbt_project_dir)
        outcome.is_doubtful |= any(one.is_serious for one in findings)
        return {
            LOADED: pd.DataFrame([account | _change(connection, contract, load)]),
            REJECTED: _reasons(connection, load.source_file),
            CODES: _unknown_codes(connection, load.source_file),
            NOTICES: _notices(connection, load.source_file),
            FINDINGS: frame_of(findings, load.source_file, contract),
        }


def _change(connection: duckdb.DuckDBPyConnection, contract: SourceContract, load: FileLoad) -> dict[str, int]:
    """Against the records loaded so far: new, corrected and unchanged ones, and patients that a file of this name held and
    this one does not."""
    if load.status != "loaded":
        return {}
    patient = contract.patient_column
    identity = list(dict.fromkeys(["record_key", *contract.key, patient]))
    key = ", ".join(f'"{name}"' for name in identity)
    same_key = " AND ".join(f'now."{name}" = before."{name}"' for name in identity)
    new, corrected, unchanged, vanished = connection.execute(
        f"""WITH now AS (
                SELECT DISTINCT ON ({key}) * FROM raw.{contract.feed} ORDER BY {key}, record_number DESC
            ),
            compared AS (
                SELECT before.record_hash AS hash_before, now.record_hash
                FROM now LEFT JOIN loaded.{contract.feed} AS before ON {same_key}
            )
            SELECT count(*) FILTER (hash_before IS NULL), count(*) FILTER (hash_before <> record_hash),
                   count(*) FILTER (hash_before = record_hash),
                   (SELECT count(DISTINCT {patient}) FROM loaded.{contract.feed}
                    WHERE file_name = ? AND {patient} NOT IN (SELECT {patient} FROM now))
            FROM compared""",
        [load.source_file],
    ).fetchall()[0]
    return {"new": new, "corrected": corrected, "unchanged": unchanged, "vanished patients": vanished}


def _reasons(connection: duckdb.DuckDBPyConnection, name: str) -> pd.DataFrame:
    return connection.execute(
        """SELECT ? AS file, scope, coalesce(field, 'whole record') AS field, reason, count(*) AS n,
                  min(source_line) AS "first line"
           FROM raw.rejected_records GROUP BY ALL ORDER BY n DESC, field, reason""",
        [name],
    ).df()


def _notices(connection: duckdb.DuckDBPyConnection, name: str) -> pd.DataFrame:
    return connection.execute(
        """SELECT ? AS file, kind, what, reason, sum(n) AS n, min(source_line) AS "first line"
           FROM raw.load_notices GROUP BY ALL ORDER BY n DESC, kind, what""",
        [name],
    ).df()


def _unknown_codes(connection: duckdb.DuckDBPyConnection, name: str) -> pd.DataFrame:
    """The codes themselves: a contract cannot be mended without them. They come from coded columns only, never free text."""
    return connection.execute(
        f"""SELECT ? AS file, field, value AS code, count(*) AS n FROM raw.rejected_records
            WHERE reason IN {UNKNOWN_CODES} GROUP BY ALL ORDER BY n DESC, field, code LIMIT 50""",
        [name],
    ).df()


def _judge(outcome: Preview, accounts: pd.DataFrame) -> None:
    if outcome.has_refused_contract:
        outcome.status = REFUSED
        outcome.verdict = "A contract cannot be used: nothing of its feed would be loaded."
        return
    if accounts.empty or (accounts["status"] != "loaded").any():
        outcome.status = REFUSED
        outcome.verdict = "Not every file would be loaded." if len(accounts) else "There is no file here."
        return
    if outcome.is_misnamed:
        outcome.status = REFUSED
        outcome.verdict = "Nothing would be loaded from a folder of this name."
        return
    rejected, fields = int(accounts["rejected"].sum()), int(accounts["fields missing"].sum())
    if rejected or fields:
        outcome.verdict = f"{rejected:,} record(s) would be rejected, {fields:,} field(s) taken as missing."
    elif outcome.is_doubtful:
        outcome.verdict = "The files would be loaded, but not as they are meant: see what to look at."
    else:
        outcome.verdict = "Everything would be loaded."
    outcome.status = SOME_REJECTED if rejected or fields or outcome.is_doubtful else NOTHING_REJECTED
