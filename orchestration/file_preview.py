"""What a file would do before it is dropped into the landing folder: `crlm validate`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import duckdb
import pandas as pd

from orchestration.ingestion.contract import SourceContract, load_hospitals
from orchestration.ingestion.landed_names import readable_name
from orchestration.ingestion.load_file import FileLoad, load_file
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.settings import Settings
from orchestration.warehouse import WarehouseBusy, copy_loaded_records, open_scratch_file

NOTHING_REJECTED, SOME_REJECTED, REFUSED = 0, 1, 2
UNKNOWN_CODES = ("unknown code", "unknown code in the list")


@dataclass
class Preview:
    """Tables for a person, the verdict in words, and an exit status for scripts."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    status: int = NOTHING_REJECTED
    verdict: str = ""


def preview(
    settings: Settings, path: Path, hospital: str | None, progress: Callable[[str], None] = lambda text: None
) -> Preview:
    """Load the files into a scratch warehouse that knows the records loaded so far, and tell what became of them.

    Raises:
        ContractError: a contract is wrong.
    """
    contracts = load_hospitals(settings.contracts_dir)
    outcome = Preview()
    files: list[pd.DataFrame] = []
    reasons: list[pd.DataFrame] = []
    codes: list[pd.DataFrame] = []
    paths = sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]
    for number, found in enumerate(paths, start=1):
        chosen = contracts_of(found, contracts, hospital)
        progress(f"{readable_name(PurePath(found.name))}: file {number} of {len(paths)}")
        if not chosen:
            files.append(
                pd.DataFrame([{"file": readable_name(PurePath(found.name)), "status": "no contract names this file"}])
            )
        for contract in chosen:
            account, why, unknown = _preview_file(settings, found, contract, outcome)
            files.append(account)
            reasons.append(why)
            codes.append(unknown)
    accounts = pd.concat(files, ignore_index=True) if files else pd.DataFrame(columns=["file", "status"])
    counts = accounts.columns.difference(["file", "hospital", "feed", "system", "status"])
    # a refused file has no counts, which is not the same as counts of nothing
    accounts[counts] = accounts[counts].astype("Int64")
    outcome.tables = {
        "What would be loaded": accounts,
        "What would be rejected, and why": pd.concat(reasons, ignore_index=True) if reasons else pd.DataFrame(),
        "Codes that the contract does not map": pd.concat(codes, ignore_index=True) if codes else pd.DataFrame(),
    }
    _judge(outcome, accounts)
    return outcome


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
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    with open_scratch_file() as connection:
        create_raw_schema(connection)
        try:
            copy_loaded_records(connection, settings.build_file, contract)
        except WarehouseBusy:
            note = "A refresh is under way: the change against what is loaded cannot be told now."
            if note not in outcome.notes:
                outcome.notes.append(note)
        load = load_file(connection, path, path.parent, contract, "preview")
        account = {
            "file": load.source_file, "hospital": contract.source_system, "feed": contract.feed, "system": contract.system,
            "status": load.status, "read": load.rows_read, "loaded": load.rows_loaded,
            "rejected": load.rows_rejected, "twice in the file": load.rows_duplicate, "fields missing": load.fields_rejected,
            "passed over": load.rows_passed_over,
        }  # fmt: skip
        return (
            pd.DataFrame([account | _change(connection, contract, load)]),
            _reasons(connection, load.source_file),
            _unknown_codes(connection, load.source_file),
        )


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


def _unknown_codes(connection: duckdb.DuckDBPyConnection, name: str) -> pd.DataFrame:
    """The codes themselves: a contract cannot be mended without them. They come from coded columns only, never free text."""
    return connection.execute(
        f"""SELECT ? AS file, field, value AS code, count(*) AS n FROM raw.rejected_records
            WHERE reason IN {UNKNOWN_CODES} GROUP BY ALL ORDER BY n DESC, field, code LIMIT 50""",
        [name],
    ).df()


def _judge(outcome: Preview, accounts: pd.DataFrame) -> None:
    if accounts.empty or (accounts["status"] != "loaded").any():
        outcome.status = REFUSED
        outcome.verdict = "Not every file would be loaded." if len(accounts) else "There is no file here."
        return
    rejected, fields = int(accounts["rejected"].sum()), int(accounts["fields missing"].sum())
    outcome.status = SOME_REJECTED if rejected or fields else NOTHING_REJECTED
    outcome.verdict = (
        f"{rejected:,} record(s) would be rejected, {fields:,} field(s) taken as missing."
        if outcome.status
        else "Everything would be loaded."
    )
