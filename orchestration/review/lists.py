"""Lists for whoever looks things up at the hospital: reports to order, looks to settle. All that wait, with MRN and day, in the restricted
build area; the pages ask about the first of them.
"""

from pathlib import Path

import duckdb

from orchestration.ingestion.field_checks import text_literal
from orchestration.review.questions import MRNS_OF_ASKED

MRNS = MRNS_OF_ASKED.format(asked="asked")
REPORTS_TO_ORDER = f"""
    WITH asked AS (SELECT study_id FROM waiting_margins WHERE kind = 'order')
    SELECT array_to_string(patients.mrns, ', ') AS mrn, operations.index_operation_date AS operated, asked.study_id
    FROM asked
    LEFT JOIN ({MRNS}) AS patients USING (study_id)
    LEFT JOIN intermediate.index_operations AS operations USING (study_id)
    ORDER BY asked.study_id"""
LOOKS_TO_SETTLE = f"""
    WITH asked AS (FROM waiting_looks)
    SELECT array_to_string(patients.mrns, ', ') AS mrn, looks.event_date AS day, coalesce(looks.modality, looks.event_type) AS kind,
           if(asked.asks = 'site', 'site not stated', 'clinic statement') AS question,
           array_to_string(looks.sites, ', ') AS sites, looks.unknown_site_words AS words, asked.study_id
    FROM asked
    JOIN intermediate.dated_follow_up_events AS looks ON asked.record_id = looks.record_id
    LEFT JOIN ({MRNS}) AS patients ON patients.study_id = asked.study_id
    ORDER BY question, asked.study_id, day"""
LISTS = {"reports_to_order.csv": REPORTS_TO_ORDER, "looks_to_settle.csv": LOOKS_TO_SETTLE}


def write_lists(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Each list as a CSV of `folder`, readable for its owner only; of what `find_waiting` found."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, query in LISTS.items():
        new_file = folder / f".{name}"
        # what is there keeps its mode
        new_file.touch(mode=0o600)
        connection.execute(f"COPY ({query}) TO {text_literal(new_file)} (FORMAT csv, HEADER, USE_TMP_FILE FALSE)")
        new_file.replace(folder / name)
