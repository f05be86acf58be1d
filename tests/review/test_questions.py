"""Which questions are asked tonight, where more wait than reviewers get through, and the lists of all."""

from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest

from orchestration.review.lists import write_lists
from orchestration.review.questions import (
    find_waiting,
    questions_by_kind,
    read_questions,
    write_questions,
)

TONIGHT = """
    CREATE SCHEMA raw; CREATE SCHEMA staging; CREATE SCHEMA intermediate; CREATE SCHEMA quality; CREATE SCHEMA seeds;
    -- P1 and P2 have no line of a report that could be read; over P3 two reviewers disagree
    CREATE TABLE intermediate.adjudication_worklist AS
    SELECT 'P' || n AS study_id, 'P' || n || ':1' AS question_id, FALSE AS is_sample, 'distance not given' AS why, [] AS sentences
    FROM range(1, 8) AS _ (n);
    CREATE TABLE quality.adjudication_queue AS
    SELECT question_id, if(study_id = 'P3', 2, 0) AS n_reviewers FROM intermediate.adjudication_worklist;
    CREATE TABLE staging.stg_pathology_reports AS
    SELECT study_id, 'r' || study_id AS record_id, 'S1' AS accession_number, 1 AS report_version, 'final' AS report_status,
           TRUE AS is_current, FALSE AS is_addendum, TIMESTAMP '2004-03-05' AS reported_at
    FROM intermediate.adjudication_worklist WHERE study_id <> 'P1';
    CREATE TABLE staging.stg_pathology_lines AS
    SELECT study_id, record_id, 'diagnosis' AS section, 'A' AS specimen, 1 AS line_sequence,
           if(study_id = 'P2', NULL, 'Margin clear.') AS line_text
    FROM staging.stg_pathology_reports;
    CREATE TABLE raw.patient_identifiers AS
    SELECT study_id, '90000' || study_id[2:] AS mrn FROM intermediate.adjudication_worklist;
    CREATE TABLE intermediate.index_operations AS
    SELECT study_id, DATE '2004-03-01' AS index_operation_date FROM intermediate.adjudication_worklist;
    -- a site that is missing at each of five patients; over that of P1 two reviewers disagree, that of P5 is settled
    CREATE TABLE intermediate.dated_follow_up_events AS
    SELECT study_id, 'l' || study_id AS record_id, DATE '2004-03-01' AS index_operation_date, DATE '2006-01-02' AS event_date,
           'CT' AS modality, 'imaging' AS event_type, 'definite' AS finding, ['not_stated'] AS sites, NULL::VARCHAR AS unknown_site_words,
           NULL::VARCHAR AS problem
    FROM intermediate.adjudication_worklist WHERE study_id <= 'P5';
    CREATE TABLE intermediate.follow_up_questions AS
    SELECT study_id, record_id, 'site' AS asks, study_id || ':site:1' AS question_id FROM intermediate.dated_follow_up_events;
    CREATE TABLE intermediate.usable_follow_up_answers AS
    FROM (VALUES ('P1:site:1'), ('P1:site:1'), ('P5:site:1')) AS _ (question_id);
    CREATE TABLE intermediate.agreed_follow_up_answers AS FROM (VALUES ('P5:site:1')) AS _ (question_id);
    CREATE TABLE intermediate.site_words_to_settle (word VARCHAR, proposed_site VARCHAR);
    CREATE TABLE quality.listed_recurrence_statements (source_record_id VARCHAR);
    CREATE TABLE seeds.recurrence_site_names (site VARCHAR, description VARCHAR, organ VARCHAR);
    CREATE TABLE seeds.margin_definitions (
        definition VARCHAR, margin_group VARCHAR, from_mm DOUBLE, is_from_included BOOLEAN, to_mm DOUBLE, is_to_included BOOLEAN,
        group_order INTEGER)
"""


@pytest.fixture(scope="module")
def tonight():
    with duckdb.connect() as connection:
        connection.execute(TONIGHT)
        find_waiting(connection)
        yield connection


def asked(tonight, folder: Path, most: int):
    with patch("orchestration.review.questions.MOST_ASKED", most):
        write_questions(questions_by_kind(tonight), folder)
    return read_questions(folder)


def test_what_nobody_can_answer_or_is_in_dispute_keeps_no_other_question_from_being_asked(tonight, tmp_path):
    first = asked(tonight, tmp_path, most=2)
    assert [question["study_id"] for question in first.questions] == ["P1", "P2", "P3", "P4", "P5"]
    assert [bool(question["reports"]) for question in first.questions] == [False, False, True, True, True]
    assert [look["study_id"] for look in first.sites_not_stated] == ["P1", "P2", "P3"]
    assert {one["kind"]: (one["n"], one["n_asked"]) for one in first.waiting} == {
        "order": (2, 2),
        "margin": (5, 3),
        "site": (4, 3),
    }


def test_a_hospital_with_few_questions_is_asked_them_all(tonight, tmp_path):
    every = asked(tonight, tmp_path, most=2000)
    assert [question["study_id"] for question in every.questions] == [f"P{number}" for number in range(1, 8)]
    assert all(one["n"] == one["n_asked"] for one in every.waiting)


def test_reports_to_order_and_looks_to_settle_are_listed_whole_for_their_owner_only(tonight, tmp_path):
    write_lists(tonight, tmp_path)
    assert (tmp_path / "reports_to_order.csv").read_text().splitlines() == [
        "mrn,operated,study_id",
        "900001,2004-03-01,P1",
        "900002,2004-03-01,P2",
    ]
    looks = (tmp_path / "looks_to_settle.csv").read_text().splitlines()
    assert looks[1] == "900001,2006-01-02,CT,site not stated,not_stated,,P1"
    assert [line.rpartition(",")[2] for line in looks[1:]] == ["P1", "P2", "P3", "P4"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
