"""Attacks on a file in which nobody may be found: what it tells elsewhere of patients whose quasi-identifiers it has blank, and of few.

None needs the truth: what a file tells of somebody whose value it hides is told, whether somebody looks or not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from orchestration.privacy.disclosure import DisclosureRules
from orchestration.privacy.results_of_few import blank_for_somebody, names_of_variables
from orchestration.warehouse import columns_by_table

Kinds = dict[tuple[str, str], dict[str, str]]


@dataclass(frozen=True)
class BlankAttack:
    """One attempt on one table: of n_tried patients (or values), of how many it told what the file hides."""

    name: str
    description: str
    table: str
    column: str
    n_tried: int
    n_recovered: int
    is_of_patients: bool = True

    @property
    def place(self) -> str:
        return f"{self.table}.{self.column}"


def attacks_on_blanks(
    connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules
) -> list[BlankAttack]:
    """All of them on an attached file."""
    tables = columns_by_table(connection, database)
    found = [*_of_few(connection, database, tables, rules), *_on_moments(connection, database, tables)]
    for name in blank_for_somebody(connection, database, rules):
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE blank_patients AS
                SELECT study_id FROM {database}.marts.index_operations WHERE {name} IS NULL"""
        )
        found += _on_other_columns(connection, database, tables, rules, name)
        found += _on_counts(connection, database, tables, name)
        found += _on_table_one(connection, database, tables, rules, name)
    found += _on_reasons(connection, database, tables)
    return [*found, *_on_strangers(connection, database, tables)]


def _counted(connection: duckdb.DuckDBPyConnection, query: str) -> list[int]:
    return [int(value or 0) for value in connection.execute(query).fetchall()[0]]


def _on_other_columns(
    connection: duckdb.DuckDBPyConnection, database: str, tables: Kinds, rules: DisclosureRules, name: str
) -> Iterator[BlankAttack]:
    """A blank value stands, or is told by another column, in another table of the same patient."""
    places = [place.split(".") for place in rules.blank_too.get(name, [])]
    names = [name, *(other for other, of in rules.also_named.items() if of == name)]
    places += [[schema, table, column] for schema, table in tables for column in names]
    for schema, table, column in places:
        if {"study_id", column} <= tables.get((schema, table), {}).keys():
            counts = _counted(
                connection,
                f"""SELECT count(*), count("{column}") FROM {database}."{schema}"."{table}"
                    WHERE study_id IN (SELECT study_id FROM blank_patients)""",
            )
            yield BlankAttack(
                "no_blank_stands_elsewhere", "What is blank of a patient stands in no other table", f"{schema}.{table}", column, *counts
            )  # fmt: skip


def _on_counts(connection: duckdb.DuckDBPyConnection, database: str, tables: Kinds, name: str) -> Iterator[BlankAttack]:
    """The one group with somebody who leaves on a patient's day is the patient's."""
    times = ("marts", "time_to_event")
    if not {"study_id", "endpoint", "time_days"} <= tables.get(times, {}).keys():
        return
    for (schema, table), kinds in tables.items():
        told = [column for column in ("n_event", "n_competing", "n_censored") if column in kinds]
        needed = {"endpoint", "grouping", "stratum", "time_days"}
        if told and needed <= kinds.keys() and _has_groups_by(connection, f'{database}."{schema}"."{table}"', name):
            n_tried, n_recovered = _counted(
                connection,
                f"""WITH days AS (
                        SELECT endpoint, time_days FROM {database}."{schema}"."{table}"
                        WHERE grouping = '{name}' AND {" + ".join(told)} > 0
                        GROUP BY endpoint, time_days HAVING count(DISTINCT stratum) = 1)
                    SELECT (SELECT count(*) FROM blank_patients), count(DISTINCT study_id)
                    FROM {database}.marts.time_to_event INNER JOIN blank_patients USING (study_id)
                    INNER JOIN days USING (endpoint, time_days)""",
            )
            yield BlankAttack(
                "no_blank_is_told_by_counts", "No group of which one patient leaves on a day tells what is blank of the patient",
                f"{schema}.{table}", name, n_tried, n_recovered,
            )  # fmt: skip


def _has_groups_by(connection: duckdb.DuckDBPyConnection, place: str, name: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {place} WHERE grouping = ? LIMIT 1", [name]).fetchall())


def _on_table_one(
    connection: duckdb.DuckDBPyConnection, database: str, tables: Kinds, rules: DisclosureRules, name: str
) -> Iterator[BlankAttack]:
    """Table 1's count of a level, less those who are seen to have it, are blank patients who have it."""
    kinds, operations = tables.get(("results", "table_one"), {}), tables.get(("marts", "index_operations"), {})
    if not {"variable", "level", "grouping", "stratum", "n", "statistic_label"} <= kinds.keys():
        return
    groupings = connection.execute(f"SELECT DISTINCT grouping FROM {database}.results.table_one").fetchall()
    groups = [grouping for (grouping,) in groupings if grouping in operations]
    strata = " UNION ALL ".join(
        f"""SELECT '{group}' AS grouping, unnest(['all', CAST({group} AS VARCHAR)]) AS stratum, {name}
            FROM {database}.marts.index_operations"""
        for group in groups
    )
    if not groups:
        return
    n_tried, n_recovered = _counted(
        connection,
        f"""WITH people AS ({strata}),
            levels AS (SELECT variable, grouping, stratum, replace(level, ' ', '_') AS level, n FROM {database}.results.table_one
                       WHERE statistic_label = 'n (%)' AND n IS NOT NULL
                       AND variable IN ({names_of_variables(connection, database, name)})),
            seen AS (SELECT grouping, stratum, replace(CAST({name} AS VARCHAR), ' ', '_') AS level, count(*) AS n_seen FROM people
                     WHERE {name} IS NOT NULL GROUP BY ALL),
            rest AS (SELECT variable, grouping, stratum, sum(n - coalesce(n_seen, 0)) AS n_hidden,
                            max(n - coalesce(n_seen, 0)) AS most, bool_or(n_seen IS NOT NULL) AS is_seen
                     FROM levels LEFT JOIN seen USING (grouping, stratum, level) GROUP BY ALL)
            SELECT sum(n_hidden), sum(n_hidden) FILTER (n_hidden < {rules.least_k} OR most = n_hidden)
            FROM rest WHERE n_hidden > 0 AND is_seen""",
    )
    yield BlankAttack(
        "no_blank_is_told_by_table_one", "No count of Table 1, less the patients who are seen, tells what is blank of the others",
        "results.table_one", name, n_tried, n_recovered,
    )  # fmt: skip


def _of_few(
    connection: duckdb.DuckDBPyConnection, database: str, tables: Kinds, rules: DisclosureRules
) -> Iterator[BlankAttack]:
    """A group of few patients is described, one by one as it were."""
    few = f"BETWEEN 1 AND {rules.least_k - 1}"
    asked = {
        "table_one": (
            {"variable", "grouping", "stratum", "n", "value_text"},
            f"""SELECT sum(sizes.n), sum(sizes.n) FILTER (EXISTS (
                    SELECT 1 FROM {database}.results.table_one AS told WHERE told.variable <> 'Patients'
                    AND (told.grouping, told.stratum) = (sizes.grouping, sizes.stratum)
                    AND (told.n IS NOT NULL OR regexp_matches(told.value_text, '[0-9]'))))
                FROM {database}.results.table_one AS sizes WHERE sizes.variable = 'Patients' AND sizes.n {few}""",
        ),
        "follow_up_quality": (
            {"n", "completeness_index"},
            f"SELECT sum(n), sum(n) FILTER (completeness_index IS NOT NULL) FROM {database}.results.follow_up_quality WHERE n {few}",
        ),
    }
    for table, (needed, query) in asked.items():
        if needed <= tables.get(("results", table), {}).keys():
            yield BlankAttack(
                "no_few_patients_are_described", "No values are told of fewer patients than least_k", f"results.{table}", "n",
                *_counted(connection, query),
            )  # fmt: skip


def _on_reasons(connection: duckdb.DuckDBPyConnection, database: str, tables: Kinds) -> Iterator[BlankAttack]:
    """A hospital's own words for what cannot be derived lead to the hospital whose words they are."""
    needed = {("marts", "endpoints_without_time"): {"study_id", "endpoint", "reason"}}
    needed |= {("marts", "not_derivable_endpoints"): {"source_system", "endpoint", "reason"}}
    needed |= {("marts", "index_operations"): {"study_id", "source_system"}}
    if all(columns <= tables.get(table, {}).keys() for table, columns in needed.items()):
        counts = _counted(
            connection,
            f"""SELECT count(DISTINCT study_id), count(DISTINCT study_id) FILTER (n_hospitals = 1)
                FROM {database}.marts.endpoints_without_time
                INNER JOIN {database}.marts.index_operations AS operations USING (study_id)
                LEFT JOIN (SELECT endpoint, reason, count(DISTINCT source_system) AS n_hospitals
                           FROM {database}.marts.not_derivable_endpoints WHERE source_system IS NOT NULL GROUP BY ALL)
                    USING (endpoint, reason)
                WHERE operations.source_system IS NULL""",
        )
        yield BlankAttack(
            "no_reason_tells_a_hospital", "No hospital's own words stand beside a patient whose hospital is blank",
            "marts.endpoints_without_time", "reason", *counts,
        )  # fmt: skip


def _on_strangers(connection: duckdb.DuckDBPyConnection, database: str, tables: Kinds) -> Iterator[BlankAttack]:
    """A patient who was left out stands in another table."""
    if "study_id" not in tables.get(("marts", "patients"), {}):
        return
    for (schema, table), kinds in tables.items():
        if "study_id" in kinds:
            counts = _counted(
                connection,
                f"""SELECT count(study_id), count(study_id) FILTER (NOT is_known) FROM (
                        SELECT study_id, EXISTS (SELECT 1 FROM {database}.marts.patients AS known
                                                 WHERE known.study_id = told.study_id) AS is_known
                        FROM {database}."{schema}"."{table}" AS told)""",
            )
            yield BlankAttack(
                "nobody_left_out_stands_elsewhere", "Whoever is left out of the patients is in no other table", f"{schema}.{table}",
                "study_id", *counts,
            )  # fmt: skip


def _on_moments(connection: duckdb.DuckDBPyConnection, database: str, tables: Kinds) -> Iterator[BlankAttack]:
    """A moment that is told to more than its quarter."""
    for (schema, table), kinds in tables.items():
        for column, kind in kinds.items():
            if kind.startswith("TIMESTAMP") or kind == "DATE":
                counts = _counted(
                    connection,
                    f"""SELECT count("{column}"), count("{column}") FILTER ("{column}" <> date_trunc('quarter', "{column}"))
                        FROM {database}."{schema}"."{table}\"""",
                )
                yield BlankAttack(
                    "moments_are_quarters", "No moment is told more exactly than its quarter", f"{schema}.{table}", column,
                    *counts, is_of_patients=False,
                )  # fmt: skip
