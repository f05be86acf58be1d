"""What reviewers are asked: written by the night as one file of the restricted build area, so that the page needs no database.

The build file may be locked by a night while somebody reviews; the page then goes on with the questions of the last night.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import duckdb

QUESTIONS_FILE = "questions.json"
Question = dict[str, Any]
ROWS_AT_ONCE = 1_000
MOST_ASKED = 2_000
"""Of each kind, in one night: more than reviewers answer until the next one, and as many as a browser takes. Patients stand in the order
of their study ids, which are hashes: no hospital and no reason comes first, and the next follow as these are settled. As many again that
another reviewer answered otherwise."""
# what nobody can answer without a report, and what waits for another reviewer's word, must not keep others from being asked
WAITING_MARGINS = """
    CREATE OR REPLACE TEMP TABLE waiting_margins AS
    SELECT asked.question_id, asked.study_id,
           if(readable.study_id IS NULL, 'order', 'margin') AS kind, coalesce(open_margins.n_reviewers, 0) > 0 AS is_in_dispute
    FROM intermediate.adjudication_worklist AS asked
    LEFT JOIN quality.adjudication_queue AS open_margins ON open_margins.question_id = asked.question_id
    LEFT JOIN (
        SELECT DISTINCT study_id FROM staging.stg_pathology_lines
        WHERE line_text IS NOT NULL AND study_id IN (SELECT study_id FROM intermediate.adjudication_worklist)
    ) AS readable ON readable.study_id = asked.study_id"""
MARGINS_ASKED = """
    SELECT question_id, study_id FROM waiting_margins
    QUALIFY row_number() OVER (PARTITION BY kind, is_in_dispute ORDER BY study_id, question_id) <= $most"""
REPORTS_OF_QUESTIONS = """
    WITH lines AS (
        SELECT record_id, section, coalesce(specimen, '') AS specimen, min(line_sequence) AS position,
               string_agg(line_text, chr(10) ORDER BY line_sequence) AS text
        FROM staging.stg_pathology_lines
        WHERE line_text IS NOT NULL AND record_id IN (
            SELECT record_id FROM staging.stg_pathology_reports
            WHERE study_id IN (SELECT study_id FROM margins_asked))
        GROUP BY ALL
    ),
    paragraphs AS (
        SELECT record_id, list({'section': section, 'specimen': specimen, 'text': text} ORDER BY position) AS paragraphs
        FROM lines GROUP BY record_id
    )
    SELECT reports.study_id,
           list({'accession': accession_number, 'version': report_version, 'status': report_status, 'is_current': is_current,
                 'is_addendum': is_addendum, 'reported': strftime(reported_at, '%Y-%m-%d %H:%M'), 'paragraphs': paragraphs}
                ORDER BY is_current DESC, reported_at DESC) AS reports
    FROM staging.stg_pathology_reports AS reports
    JOIN paragraphs USING (record_id)
    WHERE reports.study_id IN (SELECT study_id FROM margins_asked)
    GROUP BY reports.study_id"""
# of the patients asked about only: those of a whole country need more memory than a night may take
MRNS_OF_ASKED = """
    SELECT study_id, list(DISTINCT mrn ORDER BY mrn) AS mrns FROM raw.patient_identifiers
    WHERE study_id IN (SELECT study_id FROM {asked}) GROUP BY study_id"""
QUESTIONS = f"""
    WITH margins_asked AS ({MARGINS_ASKED})
    SELECT asked.question_id, asked.study_id, asked.is_sample, asked.why, asked.sentences AS words, patients.mrns,
           strftime(operations.index_operation_date, '%Y-%m-%d') AS operation_date,
           coalesce(reports.reports, []) AS reports
    FROM intermediate.adjudication_worklist AS asked
    SEMI JOIN margins_asked USING (question_id)
    LEFT JOIN ({REPORTS_OF_QUESTIONS}) AS reports USING (study_id)
    LEFT JOIN ({MRNS_OF_ASKED.format(asked="margins_asked")}) AS patients USING (study_id)
    LEFT JOIN intermediate.index_operations AS operations USING (study_id)
    ORDER BY asked.is_sample, asked.why, asked.study_id"""
# the first look of each question that no majority has settled
OPEN_LOOKS = """
    CREATE OR REPLACE TEMP TABLE waiting_looks AS
    SELECT asked.question_id, asked.asks, looks.study_id, looks.record_id,
           asked.question_id IN (SELECT question_id FROM intermediate.usable_follow_up_answers) AS is_in_dispute
    FROM intermediate.follow_up_questions AS asked
    JOIN intermediate.dated_follow_up_events AS looks ON asked.record_id = looks.record_id
    LEFT JOIN intermediate.agreed_follow_up_answers AS agreed ON agreed.question_id = asked.question_id
    WHERE looks.problem IS NULL AND agreed.question_id IS NULL
      AND (asked.asks = 'site' OR looks.record_id IN (SELECT source_record_id FROM quality.listed_recurrence_statements))
    QUALIFY row_number() OVER (PARTITION BY asked.question_id ORDER BY looks.event_date, looks.record_id) = 1"""
# beside each look all that is known of looks at the patient
LOOKED_UP = """
    WITH asked_looks AS (
        SELECT asked.question_id, asked.asks, looks.study_id, strftime(looks.index_operation_date, '%Y-%m-%d') AS operation_date,
               strftime(looks.event_date, '%Y-%m-%d') AS event_date, coalesce(looks.modality, looks.event_type) AS kind, {columns}
        FROM (
            FROM waiting_looks WHERE asks = '{asks}'
            QUALIFY row_number() OVER (PARTITION BY is_in_dispute ORDER BY study_id, question_id) <= $most
        ) AS asked
        JOIN intermediate.dated_follow_up_events AS looks ON asked.record_id = looks.record_id
        {joins}
    ),
    identifiers AS ({mrns}),
    known AS (
        SELECT study_id,
               list({{'day': strftime(event_date, '%Y-%m-%d'), 'kind': coalesce(modality, event_type), 'finding': finding,
                     'sites': coalesce(array_to_string(sites, ', '), ''), 'words': coalesce(unknown_site_words, '')}}
                    ORDER BY event_date, record_id) AS looks
        FROM intermediate.dated_follow_up_events
        WHERE study_id IN (SELECT study_id FROM asked_looks) GROUP BY study_id
    )
    SELECT asked_looks.*, identifiers.mrns, coalesce(known.looks, []) AS looks
    FROM asked_looks
    JOIN identifiers USING (study_id)
    LEFT JOIN known USING (study_id)
    ORDER BY asked_looks.study_id, asked_looks.event_date"""
SITES_NOT_STATED = LOOKED_UP.format(
    asks="site",
    mrns=MRNS_OF_ASKED.format(asked="asked_looks"),
    columns="coalesce(looks.unknown_site_words, '') AS words, coalesce(nearest.proposed_site, '') AS proposed",
    joins="LEFT JOIN intermediate.site_words_to_settle AS nearest ON nearest.word = looks.unknown_site_words",
)
CLINIC_STATEMENTS = LOOKED_UP.format(
    asks="statement",
    mrns=MRNS_OF_ASKED.format(asked="asked_looks"),
    columns="coalesce(array_to_string(looks.sites, ', '), '') AS sites",
    joins="",
)
# those without a report count by themselves: they are ordered, not answered
WAITING = """
    SELECT kind, sum(n)::BIGINT AS n, sum(least(n, $most))::BIGINT AS n_asked FROM (
        SELECT kind, is_in_dispute, count(*) AS n FROM (
            SELECT kind, is_in_dispute FROM waiting_margins UNION ALL SELECT asks, is_in_dispute FROM waiting_looks) GROUP BY ALL)
    GROUP BY kind ORDER BY kind"""
SITES = """
    SELECT site AS name, description FROM seeds.recurrence_site_names
    WHERE site <> 'not_stated' AND (organ <> 'pancreas' OR EXISTS (
        FROM intermediate.dated_follow_up_events WHERE list_contains(sites, 'pancreas')))"""
GROUPS = """
    SELECT margin_group AS name, from_mm, is_from_included, to_mm, is_to_included
    FROM seeds.margin_definitions WHERE definition = 'published' ORDER BY group_order"""


@dataclass(frozen=True)
class Questionnaire:
    """The questions asked tonight: of margins, with the groups that an answer may name and the widths that belong to each; and of looks at
    patients, which only the hospital's own records can settle, with the sites that an answer may name."""

    questions: list[Question]
    groups: list[Question]
    sites_not_stated: list[Question] = field(default_factory=list)
    """The first look of each patient and wording whose site is missing or unreadable: question_id, asks ('site'), study_id, mrns,
    operation_date, event_date, kind, looks (all that is known of the patient), words, proposed (the nearest known site)."""
    clinic_statements: list[Question] = field(default_factory=list)
    """Definite statements of a clinic visit that nothing else bears out: the same, asks 'statement', and the sites stated."""
    sites: list[Question] = field(default_factory=list)
    """The sites of recurrence: name and description."""
    waiting: list[Question] = field(default_factory=list)
    """How many there are of each kind: kind ('margin', 'order' for those without a report, 'site', 'statement'), n, n_asked."""

    def question(self, question_id: str) -> Question | None:
        """The question of that id; None when it is not, or no longer, asked."""
        every = (*self.questions, *self.sites_not_stated, *self.clinic_statements)
        return next((asked for asked in every if asked.get("question_id") == question_id), None)


def find_waiting(connection: duckdb.DuckDBPyConnection) -> None:
    """Find what waits for an answer tonight, once for all that is asked of it: in the connection's temporary tables waiting_margins and
    waiting_looks, which everything else here, and the lists, read."""
    connection.execute(WAITING_MARGINS)
    connection.execute(OPEN_LOOKS)


def questions_by_kind(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Iterator[Question]]]:
    """The questions of tonight with the words of every version of the reports (restricted), by the fields of a Questionnaire; each kind is
    to be gone through before the next."""
    yield "questions", _asked(connection, QUESTIONS, most=MOST_ASKED)
    yield "groups", _asked(connection, GROUPS)
    yield "sites_not_stated", _asked(connection, SITES_NOT_STATED, most=MOST_ASKED)
    yield "clinic_statements", _asked(connection, CLINIC_STATEMENTS, most=MOST_ASKED)
    yield "sites", _asked(connection, SITES)
    yield "waiting", _asked(connection, WAITING, most=MOST_ASKED)


def margins_asked(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The ids of the questions of margins that are asked tonight."""
    rows = connection.execute(MARGINS_ASKED, {"most": MOST_ASKED}).fetchall()
    return {question_id for question_id, _ in rows}


def _asked(connection: duckdb.DuckDBPyConnection, query: str, **told: int) -> Iterator[Question]:
    result = connection.execute(query, told)
    names = [column[0] for column in result.description]
    while rows := result.fetchmany(ROWS_AT_ONCE):
        yield from (dict(zip(names, row, strict=True)) for row in rows)


def write_questions(by_kind: Iterable[tuple[str, Iterable[Question]]], folder: Path) -> None:
    """Replace the file that the page reads by the questions of each field of a Questionnaire; readable for its owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    new_file = folder / f".{QUESTIONS_FILE}.new"
    with os.fdopen(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        # question by question: all at once the library writes a few letters at a time, or needs the whole text in memory
        for number, (name, questions) in enumerate(by_kind):
            file.write(f"{', ' if number else '{'}{json.dumps(name)}: [")
            for place, question in enumerate(questions):
                file.write((", " if place else "") + json.dumps(question, ensure_ascii=False))
            file.write("]")
        file.write("}")
    new_file.replace(folder / QUESTIONS_FILE)


def read_questions(folder: Path) -> Questionnaire:
    """The questions of the last night.

    Raises:
        FileNotFoundError: no night has written any.
    """
    content = json.loads((folder / QUESTIONS_FILE).read_text(encoding="utf-8"))
    # a file of an earlier version lacks some lists, one of a later version has more
    known = {one.name for one in fields(Questionnaire)}
    return Questionnaire(**{name: asked for name, asked in content.items() if name in known})
