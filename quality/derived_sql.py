"""The derivations of `derived_tables` that read patients' rows, as SQL: a country's cohort is counted where it lies.

Each takes what stands after FROM for the tables it needs, and the size of the cohort published now; a test holds them to the frames'.
"""

from collections.abc import Callable, Mapping

from quality.derived_tables import FONG_ITEMS, OPERATION, RECURRENCE

Relations = Mapping[str, str]


def _with_fong_items(tables: Relations, _previous: int | None) -> str:
    items = " + ".join(f"{name}::INT" for name in FONG_ITEMS)
    operations = tables["index_operations"]
    return f"""
        SELECT *, ({items})::DOUBLE AS n_score_items, {_is_recorded("clinical_risk_score", operations)} AS hospital_records_score
        FROM {operations}"""


def _with_what_hospitals_record(tables: Relations, _previous: int | None) -> str:
    operations = tables["stg_registry_operations"]
    return f"SELECT *, {_is_recorded('cea_ng_ml', operations)} AS hospital_records_cea FROM {operations}"


def _is_recorded(column: str, table: str) -> str:
    # operations of a hospital that is not named are those of one hospital
    hospital = "coalesce(source_system, chr(0))"
    return f"{hospital} IN (SELECT DISTINCT {hospital} FROM {table} WHERE {column} IS NOT NULL)"


def _cohort_size(tables: Relations, previous: int | None) -> str:
    share = f"n_patients / {previous}::DOUBLE" if previous else "1.0::DOUBLE"
    flow = f"(SELECT arg_max(n_remaining, step_number) FROM {tables['cohort_flow']} WHERE step_number IS NOT NULL)"
    return f"""
        SELECT 'cohort' AS scope, n_patients,
               (SELECT count(*) FILTER (is_in_cohort) FROM {tables["patients"]}) AS n_in_cohort,
               (SELECT count(*) FROM {tables["resection_margins"]}) AS n_margins,
               coalesce({flow}, 0) AS n_after_last_criterion, {share} AS share_of_previous
        FROM (SELECT count(*) AS n_patients FROM {tables["index_operations"]})"""


def _defined(tables: Relations) -> str:
    return f"""(SELECT endpoint, min(origin) AS origin, bool_or(role = 'competing') AS has_competing
                FROM {tables["endpoint_definitions"]} GROUP BY endpoint)"""


def _with_definition(table: str) -> Callable[[Relations, int | None], str]:
    def query(tables: Relations, _previous: int | None) -> str:
        return f"""
            SELECT given.*, CASE WHEN given.endpoint IS NOT NULL THEN defined.endpoint IS NOT NULL END AS is_defined,
                   coalesce(defined.origin, 'not defined') AS origin, coalesce(defined.has_competing, TRUE) AS has_competing
            FROM {tables[table]} AS given LEFT JOIN {_defined(tables)} AS defined ON given.endpoint = defined.endpoint"""

    return query


def _endpoint_coverage(tables: Relations, _previous: int | None) -> str:
    return f"""
        WITH stated AS NOT MATERIALIZED (
            SELECT study_id, endpoint FROM {tables["time_to_event"]}
            UNION ALL SELECT study_id, endpoint FROM {tables["endpoints_without_time"]}
        ),
        recurred AS (SELECT DISTINCT study_id FROM {tables["first_recurrences"]} WHERE study_id IS NOT NULL),
        cohort AS (SELECT DISTINCT study_id FROM {tables["index_operations"]} WHERE study_id IS NOT NULL),
        everybody AS (
            FROM cohort UNION SELECT study_id FROM {tables["time_to_event"]} WHERE study_id IS NOT NULL
        ),
        -- hardly any stands twice: what may is found by its hash, and only that is compared
        numbers_of_several AS (
            SELECT hash(study_id, endpoint) AS number FROM stated GROUP BY ALL HAVING count(*) > 1
        ),
        several AS (
            SELECT study_id, endpoint FROM stated WHERE hash(study_id, endpoint) IN (FROM numbers_of_several)
            GROUP BY ALL HAVING count(*) > 1
        ),
        once AS (
            SELECT study_id, endpoint FROM stated ANTI JOIN several USING (study_id, endpoint)
            WHERE study_id IS NOT NULL AND endpoint IS NOT NULL
        ),
        defined AS (FROM {_defined(tables)}),
        accounted AS (
            SELECT study_id, count(*) AS n FROM once INNER JOIN defined USING (endpoint)
            WHERE origin = '{OPERATION}' OR (origin = '{RECURRENCE}' AND study_id IN (FROM recurred))
            GROUP BY study_id
        ),
        expected AS (
            SELECT count(*) FILTER (origin = '{OPERATION}') AS of_all, count(*) FILTER (origin = '{RECURRENCE}') AS of_recurred FROM defined
        )
        SELECT study_id, coalesce(n, 0) AS n_accounted,
               of_all + CASE WHEN study_id IN (FROM recurred) THEN of_recurred ELSE 0 END AS n_expected,
               study_id IN (FROM cohort) AS has_index_operation
        FROM everybody LEFT JOIN accounted USING (study_id) CROSS JOIN expected ORDER BY study_id"""


def _count_totals(tables: Relations, _previous: int | None) -> str:
    return f"""
        WITH totals AS (
            SELECT endpoint, "grouping", sum(n_event + n_competing + n_censored) AS n_counted
            FROM {tables["event_counts"]} WHERE endpoint IS NOT NULL AND "grouping" IS NOT NULL GROUP BY ALL
        ),
        times AS (SELECT endpoint, count(*) AS n_times FROM {tables["time_to_event"]} GROUP BY ALL)
        SELECT endpoint, "grouping", n_counted, coalesce(n_times, 0) AS n_times
        FROM totals LEFT JOIN times USING (endpoint) ORDER BY endpoint, "grouping" """


SQL_DERIVATIONS: dict[str, Callable[[Relations, int | None], str]] = {
    "index_operations": _with_fong_items,
    "registry_operations": _with_what_hospitals_record,
    "cohort_size": _cohort_size,
    "time_to_event": _with_definition("time_to_event"),
    "event_counts": _with_definition("event_counts"),
    "endpoint_coverage": _endpoint_coverage,
    "count_totals": _count_totals,
}
