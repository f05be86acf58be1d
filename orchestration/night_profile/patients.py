"""What the patients of the cohort are taken for tonight against the last accepted night: the same patients, and the new ones."""

import duckdb

TRAITS = {
    "margin_group": "margins.margin_group",
    "has_recurred": "CAST(first.study_id IS NOT NULL AS VARCHAR)",
    "initial_pattern": "first.initial_pattern",
    "is_isolated_liver": "CAST(first.is_isolated_liver AS VARCHAR)",
    "has_margin_recurrence": "CAST(first.has_margin_site AS VARCHAR)",
    "has_salvage": "CAST(first.has_salvage AS VARCHAR)",
    "vital_status": "patients.vital_status",
    "cause_of_death": "CASE WHEN patients.vital_status = 'dead' THEN coalesce(patients.cause_of_death, '(missing)') END",
    "sex": "operations.sex",
    "primary_site": "operations.primary_site",
    "procedure_type": "operations.procedure_type",
    "is_node_positive": "CAST(operations.is_node_positive AS VARCHAR)",
    "is_synchronous": "CAST(operations.is_synchronous AS VARCHAR)",
    "has_multiple_metastases": "CAST(operations.has_multiple_metastases AS VARCHAR)",
    "has_large_metastasis": "CAST(operations.has_large_metastasis AS VARCHAR)",
    "has_high_cea": "CAST(operations.has_high_cea AS VARCHAR)",
    "has_extrahepatic_disease": "CAST(operations.has_extrahepatic_disease AS VARCHAR)",
    "has_hai_pump": "CAST(operations.has_hai_pump AS VARCHAR)",
    "had_preoperative_chemotherapy": "CAST(operations.had_preoperative_chemotherapy AS VARCHAR)",
    "is_lost_to_follow_up": "CASE WHEN NOT follow_up.is_dead THEN CAST(follow_up.is_lost_to_follow_up AS VARCHAR) END",
}
LEVELS = {
    "age_at_operation_years": "operations.age_at_operation_years",
    "metastasis_count": "operations.metastasis_count",
    "largest_metastasis_cm": "operations.largest_metastasis_cm",
    "cea_ng_ml": "operations.cea_ng_ml",
    "disease_free_interval_months": "operations.disease_free_interval_months",
    "recurrence_days": "first.recurrence_days",
    "followed_days": "follow_up.followed_days",
    "n_assessments": "follow_up.n_assessments",
}
# What happens to patients in the course of time; anything else is a revision of what was held true.
IN_THE_COURSE_OF_TIME = """
    (trait = 'vital_status' AND after = 'dead') OR (trait = 'has_recurred' AND after = 'true')
    OR (trait = 'has_salvage' AND after = 'true') OR (trait = 'margin_group' AND before = 'unresolved')
    OR trait = 'is_lost_to_follow_up'
"""
COHORT = f"""
    SELECT operations.study_id, operations.source_system AS hospital,
           {", ".join(f"{sql} AS {name}" for name, sql in TRAITS.items())},
           {", ".join(f"CAST({sql} AS DOUBLE) AS {name}" for name, sql in LEVELS.items())}
    FROM marts.index_operations AS operations
    INNER JOIN marts.patients AS patients USING (study_id)
    LEFT JOIN marts.resection_margins AS margins USING (study_id)
    LEFT JOIN marts.first_recurrences AS first USING (study_id)
    LEFT JOIN marts.follow_up AS follow_up USING (study_id)
"""


def profile_patients(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace the rows of stage `marts` in quality.night_profile, and keep what the patients are taken for in
    quality.night_patients."""
    connection.execute("DELETE FROM quality.night_profile WHERE stage = 'marts' OR stage IS NULL")
    connection.execute(f"CREATE OR REPLACE TABLE quality.night_patients AS {COHORT}")
    is_compared = connection.execute(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'quality' AND table_name = 'accepted_patients'"
    ).fetchall()[0][0]
    if not is_compared:
        # the first night: everybody is new, and there is nobody to compare them with
        connection.execute("CREATE TABLE quality.accepted_patients AS SELECT * FROM quality.night_patients LIMIT 0")
    _add_traits(connection)
    _same_patients(connection)
    _shares(connection)
    _levels(connection)
    connection.execute("UPDATE quality.night_profile SET stage = 'marts' WHERE stage IS NULL")


def _add_traits(connection: duckdb.DuckDBPyConnection) -> None:
    """A build file whose last accepted night knew fewer traits: the new ones are not known of that night."""
    for name in TRAITS:
        connection.execute(f"ALTER TABLE quality.accepted_patients ADD COLUMN IF NOT EXISTS {name} VARCHAR")
    for name in LEVELS:
        connection.execute(f"ALTER TABLE quality.accepted_patients ADD COLUMN IF NOT EXISTS {name} DOUBLE")


def _same_patients(connection: duckdb.DuckDBPyConnection) -> None:
    """`patients_revised`, `patients_moved_on`, by trait; `patients_gone`, `patients_new`.

    How many had a trait is counted column by column, and only patients of whom something differs are unfolded to a row a trait: of a
    country's patients that is one in a thousand.
    """
    compared = [*TRAITS, *(name for name in LEVELS if name not in ("followed_days", "n_assessments"))]
    pairs = ", ".join(
        f"{{'trait': '{name}', 'before': CAST(before.{name} AS VARCHAR), 'after': CAST(after.{name} AS VARCHAR)}}"
        for name in compared
    )
    differs = " OR ".join(f"before.{name} IS DISTINCT FROM after.{name}" for name in compared)
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH known AS (
                SELECT hospital, unnest($traits) AS trait, unnest(counts) AS n FROM (
                    SELECT after.hospital, [{", ".join(f"count(before.{name})" for name in compared)}] AS counts
                    FROM quality.accepted_patients AS before INNER JOIN quality.night_patients AS after USING (study_id) GROUP BY ALL)
            ),
            both_nights AS (
                SELECT after.hospital, unnest(list_filter([{pairs}], x -> x.before IS NOT NULL), recursive := TRUE)
                FROM quality.accepted_patients AS before INNER JOIN quality.night_patients AS after USING (study_id)
                WHERE {differs}
            ),
            changed AS (
                SELECT hospital, trait, coalesce({IN_THE_COURSE_OF_TIME}, FALSE) AS is_natural,
                       CASE WHEN trait IN ({", ".join(f"'{name}'" for name in LEVELS)}) THEN
                           CASE WHEN after IS NULL THEN 'emptied'
                                WHEN CAST(after AS DOUBLE) > CAST(before AS DOUBLE) THEN 'higher' ELSE 'lower' END
                            ELSE before || ' to ' || coalesce(after, 'nothing') END AS way, count(*) AS n
                FROM both_nights WHERE before IS DISTINCT FROM after GROUP BY ALL
            )
            SELECT CASE WHEN is_natural THEN 'patients_moved_on' ELSE 'patients_revised' END AS measure, hospital, 'cohort' AS feed,
                   trait AS field, sum(changed.n) AS n, any_value(known.n) AS denominator,
                   array_to_string(list(way || ' ' || format('{{:,}}', changed.n) ORDER BY changed.n DESC, way)[:3], ', ') AS told
            FROM changed INNER JOIN known USING (hospital, trait) GROUP BY ALL
            UNION ALL
            SELECT 'patients_gone', before.hospital, 'cohort', 'size', count(*) FILTER (WHERE after.study_id IS NULL), count(*), NULL
            FROM quality.accepted_patients AS before LEFT JOIN quality.night_patients AS after USING (study_id) GROUP BY ALL
            UNION ALL
            SELECT 'patients_new', after.hospital, 'cohort', 'size', count(*) FILTER (WHERE before.study_id IS NULL),
                   count(before.study_id), NULL
            FROM quality.night_patients AS after LEFT JOIN quality.accepted_patients AS before USING (study_id) GROUP BY ALL""",
        {"traits": compared},
    )


def _shares(connection: duckdb.DuckDBPyConnection) -> None:
    """`share` of each trait's words tonight, and `new_share` among the new patients with the others as reference."""
    is_new = _is_new(connection)
    counted = " UNION ALL ".join(
        f"""SELECT hospital, '{name}' AS trait, {name} AS word, count(*) AS n_all, count(*) FILTER (WHERE {is_new}) AS n_new
            FROM quality.night_patients WHERE {name} IS NOT NULL GROUP BY ALL"""
        for name in TRAITS
    )
    connection.execute(
        f"""INSERT INTO quality.night_profile BY NAME
            WITH counts AS (SELECT *, n_all - n_new AS n_old FROM ({counted})),
            totals AS (
                SELECT *, sum(n_all) OVER t AS d_all, sum(n_new) OVER t AS d_new, sum(n_old) OVER t AS d_old
                FROM counts WINDOW t AS (PARTITION BY hospital, trait)
            )
            SELECT 'share' AS measure, hospital, 'cohort' AS feed, trait AS field, word AS value, n_all AS n, d_all AS denominator,
                   NULL AS n_reference, NULL AS denominator_reference FROM totals
            UNION ALL
            SELECT 'new_share', hospital, 'cohort', trait, word, n_new, d_new, n_old, d_old FROM totals WHERE d_new > 0 AND d_old > 0"""
    )
    connection.execute("DROP TABLE temp.new_patients")


def _is_new(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL of a row's of night_patients being a patient whom the last accepted night did not have; the few are looked up once, in the
    temporary table new_patients."""
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE new_patients AS
           SELECT rowid AS row FROM quality.night_patients
           WHERE NOT EXISTS (SELECT 1 FROM quality.accepted_patients AS before WHERE before.study_id = night_patients.study_id)"""
    )
    n_new, n_all = connection.execute(
        "SELECT (SELECT count(*) FROM new_patients), (SELECT count(*) FROM quality.night_patients)"
    ).fetchall()[0]
    return {0: "FALSE", n_all: "TRUE"}.get(n_new, "(rowid IN (FROM new_patients))")


def _levels(connection: duckdb.DuckDBPyConnection) -> None:
    for name in LEVELS:
        connection.execute(
            f"""INSERT INTO quality.night_profile BY NAME
                SELECT 'level' AS measure, hospital, 'cohort' AS feed, '{name}' AS field, median({name}) AS n,
                       count({name}) AS denominator
                FROM quality.night_patients GROUP BY ALL HAVING count({name}) > 0"""
        )
