"""What the report and the terminal summary show, read from the published file only: nothing restricted can get in."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from orchestration.files.problems import DamagedFile, named_problem
from orchestration.warehouse import (
    published_names,
    read_last_attempt,
    read_many_published,
    read_publication,
    read_published,
)

INGEST_BY_FEED = """
    SELECT feed, count(*) FILTER (status = 'loaded') AS files, count(*) FILTER (status <> 'loaded') AS files_refused,
           sum(rows_read) AS rows_read, sum(rows_loaded) AS rows_loaded, sum(rows_rejected) AS rows_rejected,
           sum(rows_duplicate) AS rows_duplicate, sum(fields_rejected) AS fields_rejected
    FROM quality.ingest_ledger GROUP BY feed ORDER BY feed
"""
REJECTED_BY_REASON = """
    SELECT feed, scope, coalesce(field, 'whole record') AS field, reason, count(*) AS n
    FROM quality.rejected_records GROUP BY ALL ORDER BY n DESC, feed, field, reason
"""
UNRESOLVED_BY_REASON = """
    SELECT unresolved_reason AS reason, count(*) AS n
    FROM quality.adjudication_queue GROUP BY ALL ORDER BY n DESC, reason
"""
SET_ASIDE_BY_REASON = """
    SELECT source_table, reason, count(*) AS n FROM quality.records_set_aside GROUP BY ALL ORDER BY n DESC, reason
"""
MARGIN_GROUPS = """
    SELECT margin_group, count(*) AS n, count(*) / sum(count(*)) OVER () AS share
    FROM marts.index_operations GROUP BY ALL
"""


def since_frames(before: Path, after: Path) -> dict[str, pd.DataFrame]:
    """What changed from one publication to another as counts, for the report: since_publications, _cohort, _patients, _numbers, _notes.

    Nothing of cohorts too large to be compared every night: `crlm diff` does it on request. Nothing where the one before is damaged,
    which `crlm doctor` names: the report lacks this section, not the night its report.

    Raises:
        DamagedFile: the later one is.
    """
    read_publication(after)
    try:
        return _since_frames(before, after)
    except (duckdb.Error, DamagedFile) as error:
        problem = error if isinstance(error, DamagedFile) else named_problem(error, before)
        if isinstance(problem, DamagedFile):
            return {}
        raise


def _since_frames(before: Path, after: Path) -> dict[str, pd.DataFrame]:
    from orchestration.comparison.decomposition import MOST_PATIENTS
    from orchestration.comparison.show import compare

    sizes = [stamp.n_patients for stamp in map(read_publication, (before, after)) if stamp is not None]
    if max(sizes, default=0) > MOST_PATIENTS:
        return {}
    parts = compare(before, after)
    cohort = parts["cohort"].groupby(["change", "before", "after"]).size().rename("n").reset_index()
    patients = parts["patients"].groupby(["what", "due_to"])["study_id"].nunique().rename("n").reset_index()
    frames = {**parts, "cohort": cohort, "patients": patients}
    return {f"since_{name}": frame for name, frame in frames.items()}


def _drawn_from(published_file: Path) -> pd.DataFrame:
    """endpoint, margin_group, value: the figures of the model that `crlm simulate` draws from, where all patients are its."""
    from simulated_hospital.cohort import load_constants
    from simulated_hospital.hospital import HOSPITAL

    systems = read_published(published_file, "SELECT DISTINCT source_system FROM marts.index_operations")
    if set(systems["source_system"]) != {HOSPITAL}:
        return pd.DataFrame(columns=["endpoint", "margin_group", "value"])
    constants = load_constants()
    figures = {
        "overall_recurrence" if name == "three_year_recurrence" else name: values
        for name, values in constants["published"].items()
    }
    return pd.DataFrame(
        [
            (endpoint, group, value)
            for endpoint, values in figures.items()
            for group, value in zip(constants["margin_groups"], values, strict=True)
        ],
        columns=["endpoint", "margin_group", "value"],
    )


def report_frames(published_file: Path) -> dict[str, pd.DataFrame]:
    """Every published table of results, the cohort flow and the quality tables, by table name; plus the summaries."""
    tables = [("results", table) for table in published_names("results")]
    tables += [
        ("marts", "cohort_flow"),
        ("marts", "not_derivable_endpoints"),
        ("quality", "check_results"),
        ("quality", "stale_feeds"),
        ("meta", "clinical_settings"),
        ("meta", "exposures"),
        ("meta", "analysis_endpoints"),
        ("meta", "analysis_plan"),
        ("meta", "event_count_groupings"),
    ]
    queries = {table: f"FROM {schema}.{table}" for schema, table in tables} | {
        "ingest_by_feed": INGEST_BY_FEED,
        "rejected_by_reason": REJECTED_BY_REASON,
        "unresolved_by_reason": UNRESOLVED_BY_REASON,
        "records_set_aside": SET_ASIDE_BY_REASON,
        "margin_groups": MARGIN_GROUPS,
    }
    frames = read_many_published(published_file, queries)
    stamp = read_publication(published_file)
    if stamp is not None and stamp.is_simulated:
        frames["drawn_from"] = _drawn_from(published_file)
    return frames


def report_context(published_file: Path) -> dict[str, Any]:
    """The run stamp, and the last attempt (None where that is what is published)."""
    stamp = read_publication(published_file)
    if stamp is None:
        raise FileNotFoundError("nothing is published yet: run `crlm refresh` first")
    last_attempt = read_last_attempt(published_file)
    told = {**vars(stamp), "last_attempt": None if last_attempt is None else vars(last_attempt)}
    # publications of earlier versions do not say: they were all of colorectal metastases
    tables = read_published(
        published_file, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'meta'"
    )
    if "study" not in set(tables["table_name"]):
        return {**told, "study": None}
    study = read_published(published_file, "FROM meta.study").iloc[0].astype(object)
    return {**told, "study": study.where(study.notna(), None).to_dict()}
