"""The whole life of one patient in the warehouse: records and their versions, what was derived from them and by which rule,
how each endpoint ended, and in which results the patient stands. Reads the restricted build file; names no person.
"""

import re
from dataclasses import dataclass

import duckdb
import pandas as pd

from orchestration.ingestion.canonical_feeds import canonical_feeds

TABLE_IN_USE_OF_FEED = {
    "registry": "staging.stg_registry_operations",
    "pathology_messages": "staging.stg_pathology_reports",
    "follow_up": "staging.stg_follow_up_events",
    "treatments": "staging.stg_recurrence_treatments",
    "vital_status": "staging.stg_vital_status",
    "margin_adjudications": "intermediate.usable_adjudications",
    "follow_up_adjudications": "intermediate.usable_follow_up_answers",
}
NEVER_SHOWN = (
    "mrn",
    "retired_mrn",
    "last_name",
    "first_name",
    "birth_date",
    "note",
    "observations",
    "reviewer",
    "comment",
)
RECORD_NAME, FILE_NAME = re.compile(r"R[0-9a-f]{16}"), re.compile(r"file \d+")
SURVIVAL_TABLE, INCIDENCE_TABLE = "kaplan_meier", "cumulative_incidence"


class UnknownPatient(Exception):
    """No record of the build file belongs to this study id."""


@dataclass(frozen=True)
class Section:
    """One part of the trace: what it answers, and SQL with the patient's $study_id."""

    title: str
    query: str


MARGIN_SECTIONS = [
    Section(
        "Margin of the index operation: what was read, by which rule",
        """SELECT source_record_id, report_version AS version, section, part AS specimen, lesion_label AS lesion,
                  reading, margin_type, comparator, distance_mm, rule, evidence_text AS words
           FROM intermediate.margin_evidence WHERE study_id = $study_id
           ORDER BY source_record_id, clause_number, reading_number""",
    ),
    Section(
        "Margin of the index operation: the outcome",
        """SELECT margin_status, margin_mm, margin_comparator, margin_type, margin_group, rule, unresolved_reason,
                  source_record_id
           FROM intermediate.operation_margins WHERE study_id = $study_id""",
    ),
]
OUTCOME_SECTIONS = [
    Section(
        "In the cohort, or why not",
        """SELECT source_system, coalesce(exclusion_reason, 'included') AS decision FROM intermediate.cohort_decisions
           WHERE study_id = $study_id""",
    ),
    *MARGIN_SECTIONS,
    Section(
        "Recurrence, site by site",
        """SELECT site, recurrence_days, is_initial_site, evidence, source_record_id FROM marts.recurrences
           WHERE study_id = $study_id ORDER BY recurrence_days, site""",
    ),
    Section(
        "First recurrence",
        """SELECT recurrence_days, initial_pattern, is_isolated_liver, has_margin_site, has_salvage, salvage_days,
                  source_record_id FROM marts.first_recurrences WHERE study_id = $study_id""",
    ),
    Section(
        "Episodes of recurrent disease",
        """SELECT episode_number, start_days, sites, treatments, is_salvaged, is_effective_salvage, end_reason, source_record_ids
           FROM marts.recurrence_episodes WHERE study_id = $study_id ORDER BY episode_number""",
    ),
    Section(
        "Treatments of recurrence",
        """SELECT treatment_days, treatment_type, residual_disease, is_salvage, source_record_id
           FROM marts.recurrence_treatments WHERE study_id = $study_id ORDER BY treatment_days""",
    ),
    Section(
        "How each endpoint ended",
        """SELECT endpoint, time_days, event_code, event_label, end_reason, source_table, source_record_id
           FROM marts.time_to_event WHERE study_id = $study_id ORDER BY endpoint""",
    ),
    Section(
        "Records set aside, and endpoints that cannot be known",
        """SELECT source_record_id AS record, reason FROM intermediate.records_set_aside WHERE study_id = $study_id
           UNION ALL
           SELECT endpoint, reason FROM intermediate.underivable_patient_endpoints WHERE study_id = $study_id
           ORDER BY ALL""",
    ),
    Section(
        "Results in which the patient is counted",
        f"""WITH strata AS (
                UNPIVOT (
                    SELECT study_id, 'all' AS overall, margin_group, coalesce(era, 'unknown') AS era,
                           coalesce(clinical_risk_score::VARCHAR, 'unknown') AS clinical_risk_score
                    FROM marts.index_operations WHERE study_id = $study_id
                ) ON overall, margin_group, era, clinical_risk_score INTO NAME grouping VALUE stratum
            )
            SELECT times.endpoint, strata.grouping, strata.stratum,
                   'results.' || CASE WHEN times.endpoint LIKE '%survival' THEN '{SURVIVAL_TABLE}' ELSE '{INCIDENCE_TABLE}' END
                       AS result_table
            FROM marts.time_to_event AS times INNER JOIN strata USING (study_id) ORDER BY ALL""",
    ),
]


def follow_name(connection: duckdb.DuckDBPyConnection, name: str) -> pd.DataFrame | None:
    """Where an opaque name of the published warehouse leads: a record (`R` and sixteen hexadecimal digits) to its feed, file, line and
    patient, a file (`file 17`) to its name and loads; None for what is neither.

    Raises:
        UnknownPatient: no record or file has the name.
    """
    if RECORD_NAME.fullmatch(name):
        queries = [_record_named(feed, definition.patient_column) for feed, definition in canonical_feeds().items()]
        found = connection.execute(" UNION ALL ".join(queries), {"name": name}).df()
    elif FILE_NAME.fullmatch(name):
        found = connection.execute(
            """SELECT ledger.source_system AS hospital, ledger.source_file, ledger.feed, ledger.status, ledger.loaded_at
               FROM raw.ingest_ledger AS ledger
               INNER JOIN restricted.file_numbers AS numbers
                   ON ledger.source_system IS NOT DISTINCT FROM numbers.source_system AND ledger.source_file = numbers.source_file
               WHERE 'file ' || numbers.file_number = $name ORDER BY loaded_at""",
            {"name": name},
        ).df()
    else:
        return None
    if found.empty:
        raise UnknownPatient(f"no record and no file is published as {name}")
    return found


def _record_named(feed: str, patient_column: str) -> str:
    of_patient = "LEFT JOIN staging.stg_patient_identities AS identities USING (source_system, mrn)"
    study_id = "identities.study_id"
    if patient_column == "study_id":
        of_patient, study_id = "", "records.study_id"
    return f"""SELECT '{feed}' AS feed, source_system AS hospital, source_file, source_line AS line, record_id,
                      {study_id} AS study_id
               FROM raw.{feed} AS records {of_patient} WHERE restricted.opaque_record(record_id) = $name"""


def trace_patient(
    connection: duckdb.DuckDBPyConnection, study_id: str, with_words: bool = False
) -> dict[str, pd.DataFrame]:
    """Title of each part of the trace -> its rows, in the order of the road from landing to results.

    `with_words` adds the pathologist's words that a margin was read from: they are free text and restricted.

    Raises:
        UnknownPatient: the study id belongs to no record.
    """
    records = _records(connection, study_id)
    if records.empty:
        raise UnknownPatient(f"no record belongs to study id {study_id}")
    parts = {
        "Records as they landed, every version": records,
        "Records and fields rejected": _rejected(connection, study_id),
    }
    for section in OUTCOME_SECTIONS:
        frame = connection.execute(section.query, {"study_id": study_id}).df()
        parts[section.title] = frame if with_words else frame.drop(columns="words", errors="ignore")
    return parts


def _records(connection: duckdb.DuckDBPyConnection, study_id: str) -> pd.DataFrame:
    """One row a version of a source record, of all MRNs that lead to the patient, in the order of loading."""
    queries = [_versions_of_feed(feed) for feed in canonical_feeds()]
    return connection.execute(
        f"""WITH identities AS (SELECT source_system, mrn FROM staging.stg_patient_identities WHERE study_id = $study_id)
            {" UNION ALL ".join(queries)} ORDER BY loaded_at, source_file, line""",
        {"study_id": study_id},
    ).df()


def _versions_of_feed(feed: str) -> str:
    columns = [name for name in canonical_feeds()[feed].columns if name not in NEVER_SHOWN]
    entries = ", ".join(f"['{name}', records.{name}::VARCHAR]" for name in columns)
    table = TABLE_IN_USE_OF_FEED.get(feed)
    in_use = f"records.record_id IN (SELECT record_id FROM {table})" if table else "TRUE"
    of_patient = "INNER JOIN identities USING (source_system, mrn)"
    if canonical_feeds()[feed].patient_column == "study_id":
        of_patient = "WHERE records.study_id = $study_id"
    if feed == "pathology_messages":
        in_use = f"records.record_id IN (SELECT record_id FROM {table} WHERE is_current)"
    return f"""SELECT '{feed}' AS feed, records.source_system AS hospital, records.system, records.source_file,
                      records.source_line AS line, records.record_id, {in_use} AS is_in_use,
                      array_to_string(list_transform(list_filter([{entries}], x -> x[2] IS NOT NULL),
                          x -> x[1] || ': ' || x[2]), '; ') AS content,
                      records.contract_version AS contract, records.loaded_at, records.run_id
               FROM raw.{feed} AS records {of_patient}"""


def _rejected(connection: duckdb.DuckDBPyConnection, study_id: str) -> pd.DataFrame:
    return connection.execute(
        """SELECT rejected.feed, rejected.source_file, rejected.source_line AS line, rejected.scope, rejected.field,
                  rejected.reason, rejected.rejected_at
           FROM raw.rejected_records AS rejected
           INNER JOIN staging.stg_patient_identities AS identities USING (source_system, mrn)
           WHERE identities.study_id = $study_id ORDER BY rejected_at, source_file, line""",
        {"study_id": study_id},
    ).df()
