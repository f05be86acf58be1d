"""A published file of four literal patients, with the comments that publications have."""

from pathlib import Path

import duckdb
import pytest

from tests.databases.conftest import server

__all__ = ["server"]

OPERATIONS = """
    CREATE TABLE marts.index_operations AS FROM (VALUES
        ('P1', 'north', 61, 'male', 'positive', TRUE, 3, 8.5, NULL, 4),
        ('P2', 'north', 85, 'female', '>=10 mm', FALSE, 1, 2.0, 12.0, 0),
        ('P3', 'south', 47, 'female', 'unresolved', NULL, 2, NULL, NULL, NULL),
        ('P4', 'south', NULL, NULL, '<1 mm', TRUE, 1, 5.5, 210.0, 3)
    ) t(study_id, source_system, age_at_operation_years, sex, margin_group, is_node_positive, metastasis_count,
        largest_metastasis_cm, cea_ng_ml, clinical_risk_score);
    -- names that stand in several tables, as they do in publications
    ALTER TABLE marts.index_operations ADD COLUMN source_record_id VARCHAR DEFAULT 'of the operation';
    ALTER TABLE marts.index_operations ADD COLUMN era VARCHAR DEFAULT '2006-2012';
    ALTER TABLE marts.index_operations ADD COLUMN procedure_type VARCHAR DEFAULT 'wedge_resection';
    ALTER TABLE marts.index_operations ADD COLUMN primary_site VARCHAR DEFAULT 'colon';
    ALTER TABLE marts.index_operations ADD COLUMN disease_free_interval_months DOUBLE DEFAULT 11.0;"""
TRUTHS = (
    "has_short_disease_free_interval", "is_synchronous", "has_multiple_metastases", "has_large_metastasis",
    "has_high_cea", "has_extrahepatic_disease", "has_hai_pump", "had_preoperative_chemotherapy",
)  # fmt: skip
TABLES = """
    CREATE TABLE marts.patients AS FROM (VALUES
        ('P1', TRUE, 'dead', 'cancer', 800, 700), ('P2', TRUE, 'alive', NULL, 900, 890),
        ('P3', TRUE, 'alive', NULL, 400, 380), ('P4', TRUE, 'dead', 'other', 200, 150), ('P9', FALSE, 'alive', NULL, 10, 10)
    ) t(study_id, is_in_cohort, vital_status, cause_of_death, last_contact_days, last_disease_assessment_days);
    CREATE TABLE marts.resection_margins AS FROM (VALUES ('P1', 0.0), ('P2', 12.0), ('P3', NULL), ('P4', 0.5)) t(study_id, margin_mm);
    ALTER TABLE marts.resection_margins ADD COLUMN margin_group VARCHAR;
    ALTER TABLE marts.resection_margins ADD COLUMN source_record_id VARCHAR DEFAULT 'of the margin';
    ALTER TABLE marts.patients ADD COLUMN sex VARCHAR;
    ALTER TABLE marts.patients ADD COLUMN source_system VARCHAR;
    CREATE TABLE marts.first_recurrences AS FROM (VALUES ('P1', 'liver only')) t(study_id, initial_pattern);
    CREATE TABLE marts.time_to_event AS FROM (VALUES
        ('P1', 'overall_survival', 800, 1, 'death', 'event: death', 'R1'),
        ('P2', 'overall_survival', 900, 0, 'alive at last contact', 'censor: last contact', 'R2'),
        ('P3', 'overall_survival', 400, 0, 'alive at last contact', 'censor: last contact', 'R3'),
        ('P4', 'overall_survival', 200, 1, 'death', 'event: death', 'R4'),
        ('P1', 'liver_recurrence_any_time', 365, 1, 'liver recurrence', 'event: liver recurrence', 'R5'),
        ('P2', 'liver_recurrence_any_time', 890, 0, 'no liver recurrence at last disease assessment',
         'censor: last disease assessment', 'R6'),
        ('P4', 'liver_recurrence_any_time', 200, 2, 'death without liver recurrence', 'competing: death soon after last assessment', 'R7'),
        ('P1', 'new_endpoint', 0, 1, 'something', 'event: something', 'R8')
    ) t(study_id, endpoint, time_days, event_code, event_label, end_reason, source_record_id);
    CREATE TABLE meta.analysis_endpoints AS FROM (VALUES ('overall_survival', 2, 'Overall survival'),
        ('liver_recurrence_any_time', 7, 'Liver recurrence at any time'),
        ('new_endpoint', 11, 'Something new')) t(endpoint, position, label);
    CREATE TABLE meta.endpoint_definitions AS FROM (VALUES ('overall_survival', 'index_operation'),
        ('liver_recurrence_any_time', 'index_operation'), ('new_endpoint', 'recurrence')) t(endpoint, origin);
    CREATE TABLE meta.analysis_plan AS SELECT 'days_a_year' AS name, '365.25' AS value;
    CREATE TABLE meta.study AS SELECT 'crlm' AS study, 'Surgical margin and recurrence' AS title;
    CREATE TABLE results.hazard_ratios AS SELECT 'overall_survival' AS endpoint, 2.0::DOUBLE AS hazard_ratio, ['a', 'b'] AS words;
    COMMENT ON TABLE marts.patients IS 'One row a registered patient; the cohort''s are marked';
    COMMENT ON COLUMN marts.patients.vital_status IS 'alive or dead at last contact';"""


def write_publication(path: Path, night: int = 1) -> Path:
    """The file; `night` is in its stamp and in every row of quality.night."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for schema in ("marts", "results", "quality", "meta"):
            connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(OPERATIONS)
        for name in TRUTHS:
            connection.execute(f"ALTER TABLE marts.index_operations ADD COLUMN {name} BOOLEAN DEFAULT FALSE")
        connection.execute(TABLES)
        connection.execute(f"CREATE TABLE quality.night AS SELECT {night} AS night FROM range(100)")
        connection.execute(
            f"""CREATE TABLE meta.publication AS SELECT TIMESTAMP '2026-03-01 02:00' + INTERVAL {night} DAY AS published_at,
                'run-{night}' AS run_id, 'v1' AS code_version, 'hash{night}' AS data_hash, 4::BIGINT AS n_patients, TRUE AS is_simulated"""
        )
    return path


@pytest.fixture
def published(tmp_path) -> Path:
    return write_publication(tmp_path / "published" / "warehouse.duckdb")
