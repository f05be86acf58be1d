"""Which questions are asked tonight, where more wait than reviewers get through."""

from unittest.mock import patch

import duckdb

from orchestration.review.questions import margins_asked


def test_operations_without_a_report_keep_nobody_from_being_asked():
    with duckdb.connect() as connection:
        connection.execute(
            """CREATE SCHEMA intermediate; CREATE SCHEMA staging;
               CREATE TABLE intermediate.adjudication_worklist AS
               FROM (VALUES ('P1', 'P1:1'), ('P2', 'P2:1'), ('P3', 'P3:1'), ('P4', 'P4:1'), ('P5', 'P5:1')) AS _ (study_id, question_id);
               CREATE TABLE staging.stg_pathology_reports AS
               FROM (VALUES ('P3', 1), ('P3', 2), ('P4', 1), ('P5', 1)) AS _ (study_id, report_version)"""
        )
        with patch("orchestration.review.questions.MOST_ASKED", 2):
            asked = margins_asked(connection)
        assert asked == {"P1:1", "P2:1", "P3:1", "P4:1"}
        assert margins_asked(connection) == {f"P{number}:1" for number in range(1, 6)}
