"""What is odd about the records of a file although they can be loaded: for `crlm validate`. Counts only, no key and no value."""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
from rapidfuzz import process

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.load_file import FileLoad
from orchestration.ingestion.readers import UnreadableFile, read_records
from orchestration.ingestion.readers.landed_file import take_landed_file

ALIKE = 60
"""Two names of columns of this likeness (rapidfuzz, 0 to 100) may mean the same."""


@dataclass(frozen=True)
class Finding:
    """Something to look at; `is_serious`: the records would be loaded, but hardly as they were meant."""

    what: str
    n: int | None = None
    is_serious: bool = False


def frame_of(findings: list[Finding], file: str, contract: SourceContract) -> pd.DataFrame:
    """One row a finding: file, feed, what, n."""
    return pd.DataFrame(
        [{"file": file, "feed": contract.feed, "what": one.what, "n": one.n} for one in findings]
    ).astype({"n": "Int64"} if findings else {})


def findings_of_load(
    connection: duckdb.DuckDBPyConnection, path: Path, contract: SourceContract, load: FileLoad, dbt_project: Path
) -> list[Finding]:
    """What the scratch warehouse says of the records that it took in of one file."""
    if load.status != "loaded":
        return _columns_found(path, contract, load)
    findings = [*_filters(path, contract, load), *_keys(connection, contract)]
    if load.rows_loaded + load.rows_duplicate == 0:
        return findings
    findings += [*_dates(contract), *_without_it(connection, contract)]
    if "observations" in canonical_feeds()[contract.feed].columns:
        findings += _report_texts(connection, contract, dbt_project)
    return findings


def findings_of_hospital(contracts: list[SourceContract]) -> list[Finding]:
    """What the contracts of one hospital lack together."""
    feeds = {contract.feed for contract in contracts}
    tell = [
        contract
        for contract in contracts
        for name, column in canonical_feeds()[contract.feed].columns.items()
        if column.tells_of_follow_up and name in contract.fields
    ]
    if "registry" in feeds and not tell:
        return [
            Finding("no contract gives a look, a last contact or a death: every patient would be excluded", None, True)
        ]
    return []


def _columns_found(path: Path, contract: SourceContract, load: FileLoad) -> list[Finding]:
    """Of a missing column, the header that was found; never in the ledger, because a file without one starts with a patient."""
    if "header" not in load.status:
        return []
    try:
        read_records(take_landed_file(path).content, contract, path)
    except UnreadableFile as refusal:
        if not refusal.header:
            return []
        found = [Finding(f"the header that was found: {', '.join(refusal.header)}", len(refusal.header))]
        for name in contract.source_columns:
            best = process.extractOne(
                name, refusal.header, processor=lambda text: str(text).lower(), score_cutoff=ALIKE
            )
            if name not in refusal.header and best:
                found.append(Finding(f"column '{name}' may be '{best[0]}'"))
        return found
    return []


def _filters(path: Path, contract: SourceContract, load: FileLoad) -> list[Finding]:
    filters = {
        "only_rows": bool(contract.only_rows),
        "instrument": bool(contract.instrument),
        "passes_over": bool(contract.passes_over),
        "resource": bool(contract.resource),
        "message_type": contract.format == "hl7_v2",
    }
    if load.rows_read == 0:
        named = [f"`{name}`" for name, is_given in filters.items() if is_given]
        if named and (load.rows_passed_over or contract.format not in ("delimited", "excel", "parquet")):
            return [Finding(f"{' and '.join(named)} of the contract match nothing in this file", 0, True)]
        return [Finding("the file holds no record", 0, True)]
    if not contract.only_rows:
        return []
    records = read_records(take_landed_file(path).content, contract, path)
    findings = []
    for column, values in contract.only_rows.items():
        present = {
            (value or "").strip()
            for value in records[contract.reader_column(column)].cast("string").unique().to_pylist()
        }
        absent = [value for value in values if value not in present]
        if absent:
            what = f"`only_rows` of '{column}' wants {', '.join(map(repr, absent))}, which no row has"
            findings.append(Finding(what, 0, True))
    return findings


def _keys(connection: duckdb.DuckDBPyConnection, contract: SourceContract) -> list[Finding]:
    key, patient = ", ".join(f'"{name}"' for name in contract.key), f'"{contract.patient_column}"'
    table = f"raw.{contract.feed}"
    repeated, rows, shared = connection.execute(
        f"""SELECT count(*), coalesce(sum(n), 0), count(*) FILTER (patients > 1)
            FROM (SELECT count(*) AS n, count(DISTINCT {patient}) AS patients FROM {table} GROUP BY {key}) WHERE n > 1"""
    ).fetchall()[0]
    same_key = " AND ".join(f'now."{name}" = before."{name}"' for name in contract.key)
    moved = connection.execute(
        f"""SELECT count(*) FROM (
                SELECT DISTINCT {", ".join(f'now."{name}"' for name in contract.key)}
                FROM {table} AS now INNER JOIN loaded.{contract.feed} AS before ON {same_key}
                WHERE now.{patient} <> before.{patient})"""
    ).fetchall()[0][0]
    findings = []
    if repeated:
        what = f"key(s) that repeat in the file, in {rows:,.0f} records with different values: which one counts is for their order"
        findings.append(Finding(what, repeated))
    if shared:
        findings.append(Finding("key(s) that the file uses for more than one patient", shared, True))
    if moved:
        findings.append(Finding("key(s) that belong to another patient in the records loaded so far", moved, True))
    return findings


def _dates(contract: SourceContract) -> list[Finding]:
    """Formats of which not every part of a day is read; dates that read both ways round are among the load's notices."""
    return [
        Finding(f"'{name}' takes {', '.join(partial)}, which tell no day: the first one is assumed")
        for name, field in contract.fields.items()
        if (partial := [text for text in field.formats if not _tells_a_day(text)])
    ]


def _tells_a_day(text: str) -> bool:
    return bool(re.search(r"%-?[dj]|%[cx]", text)) and bool(re.search(r"%-?m|%[bBhcx]|%-?j", text))


def _without_it(connection: duckdb.DuckDBPyConnection, contract: SourceContract) -> list[Finding]:
    """Fields without which every patient would be excluded: not in the contract, or in no record of the file."""
    findings = []
    for name, column in canonical_feeds()[contract.feed].columns.items():
        if not column.without_it:
            continue
        if name not in contract.fields:
            findings.append(Finding(f"the contract has no '{name}': {column.without_it}", None, True))
        elif connection.execute(f'SELECT count("{name}") FROM raw.{contract.feed}').fetchall()[0][0] == 0:
            findings.append(Finding(f"no record has '{name}': {column.without_it}", 0, True))
    return findings


def _report_texts(connection: duckdb.DuckDBPyConnection, contract: SourceContract, dbt_project: Path) -> list[Finding]:
    empty = connection.execute(
        f"""SELECT count(*) FROM raw.{contract.feed}
            WHERE coalesce(len(list_filter(observations, x -> coalesce(trim(x."value"), '') <> '')), 0) = 0"""
    ).fetchall()[0][0]
    findings = [Finding("report(s) without a text", empty, True)] if empty else []
    codes = connection.execute(
        f"""SELECT coalesce(nullif(line.loinc_code, ''), 'no code'), count(*)
            FROM (SELECT unnest(observations) AS line FROM raw.{contract.feed}) GROUP BY 1 ORDER BY 2 DESC, 1"""
    ).fetchall()
    sections = _sections(dbt_project)
    unknown = [(code, n) for code, n in codes if code not in sections]
    findings += [
        Finding(f"lines of OBX-3 (or Observation) code '{code}', which has no section", n) for code, n in unknown[:50]
    ]
    return findings


@cache
def _sections(dbt_project: Path) -> set[str]:
    with (dbt_project / "seeds" / "definitions" / "pathology_sections.csv").open(encoding="utf-8", newline="") as file:
        return {row["loinc_code"] for row in csv.DictReader(file)}
