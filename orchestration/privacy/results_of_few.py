"""What published results tell of few patients, and of groups that a file hides (disclosure.yml), as SQL on a file about to be published."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb

from orchestration.privacy.disclosure import DisclosureRules, FewPatients, quasi_identifiers_in
from orchestration.warehouse import columns_by_table

WITHHELD = "withheld"
"""Stands in a text that is withheld; a number is missing."""
NUMBERS_OF_TABLE_ONE = ("value_text", "n", "n_missing", "max_standardised_difference")
OF_A_TERM = (
    "mean_group", "mean_reference", "weighted_mean_group", "weighted_mean_reference", "standardised_difference",
    "weighted_standardised_difference", "n_in_group", "n_event_in_group",
)  # fmt: skip
"""What results tell of a covariate's level by a count: how many have it, in a group or in all."""


@dataclass(frozen=True)
class Withheld:
    """Rows of a table that tell less than was computed, or are not there, and why."""

    table: str
    n_rows: int
    why: str


def withhold_few(
    connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules, which: str
) -> list[Withheld]:
    """Values of results about fewer than least_k patients, in an attached file that will be the internal or the shareable one."""
    tables = _results(connection, database)
    done = []
    for entry in rules.results_of_few:
        if which in entry.of and entry.table in tables:
            done.append(_withhold_group(connection, database, rules.least_k, entry, tables))
    if which == "shareable":
        done += [
            _withhold_numbers(connection, database, rules, table, kinds) for table, kinds in sorted(tables.items())
        ]
    return _somebody(done)


def withhold_groups_of_blanks(
    connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules
) -> list[Withheld]:
    """Whatever else tells the quasi-identifiers that an attached file has blank for somebody."""
    done = []
    for name in blank_for_somebody(connection, database, rules):
        done += _blank_too(connection, database, rules, name)
        done += _leave_groups_out(connection, database, rules, name)
        done += _withhold_levels(connection, database, rules.least_k, name)
    return _somebody(done)


def may_withhold(rules: DisclosureRules, table: str, columns: Iterable[str]) -> bool:
    """Whether a rule may withhold values of a table of results; to leave rows out changes none."""
    named = {entry.table for entry in rules.results_of_few}
    return table in named or not {*rules.counts_of_patients, "term"}.isdisjoint(columns)


def blank_for_somebody(connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules) -> list[str]:
    """The quasi-identifiers that not every index operation of an attached file has."""
    names = quasi_identifiers_in(connection, database, rules)
    if not names:
        return []
    asked = ", ".join(f"bool_or({name} IS NULL)" for name in names)
    row = connection.execute(f"SELECT {asked} FROM {database}.marts.index_operations").fetchall()[0]
    return [name for name, is_blank in zip(names, row, strict=True) if is_blank]


def _somebody(done: list[Withheld]) -> list[Withheld]:
    return [one for one in done if one.n_rows]


def _results(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, dict[str, str]]:
    """Name of each table of results -> its columns and their types."""
    tables = columns_by_table(connection, database)
    return {table: kinds for (schema, table), kinds in tables.items() if schema == "results"}


def _withhold_group(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    least_k: int,
    entry: FewPatients,
    tables: dict[str, dict[str, str]],
) -> Withheld:
    """What one entry of results_of_few says; nothing where its tables have not its columns."""
    kinds, by = tables[entry.table], [entry.names.get(name, name) for name in entry.by]
    blank = [name for name in entry.blank if name in kinds]
    of_sizes = tables.get(entry.sizes or entry.table, {})
    if not (blank and {*by} <= {*kinds} and {*entry.by, entry.count} <= {*of_sizes}):
        return Withheld(entry.table, 0, entry.why)
    is_few = f"{entry.count} BETWEEN 1 AND {least_k - 1}"
    if entry.sizes:
        hidden = _hidden_groups(connection, database, least_k, entry)
        is_few = f"({', '.join(_quoted(by))}) IN ({hidden})"
    place = f"{database}.results.{entry.table}"
    n = _update(connection, place, blank, kinds, f"{is_few} AND {entry.rows}")
    if n and entry.everywhere:
        _update(connection, place, [name for name in entry.everywhere if name in kinds], kinds, "TRUE")
    return Withheld(f"results.{entry.table}", n, entry.why)


def _hidden_groups(connection: duckdb.DuckDBPyConnection, database: str, least_k: int, entry: FewPatients) -> str:
    """SQL of the groups of an entry that are too small, and of the totals that would tell them."""
    by = ", ".join(_quoted(entry.by))
    # a table that is changed by its own sizes must not be asked for them meanwhile
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE group_sizes AS SELECT {by}, max({entry.count}) AS size
            FROM {database}.results.{entry.sizes} WHERE {entry.sizes_where} GROUP BY ALL"""
    )
    few = f"SELECT ({by}) FROM group_sizes WHERE size BETWEEN 1 AND {least_k - 1}"
    if entry.total is None:
        return few
    wider = ", ".join(_quoted(entry.by[:-1]))
    total = f"\"{entry.by[-1]}\" = '{entry.total}'"
    return f"""{few} UNION ALL SELECT ({by}) FROM group_sizes WHERE {total} AND ({wider}) IN (
        SELECT ({wider}) FROM group_sizes WHERE NOT {total} AND size < {least_k}
        GROUP BY {wider} HAVING sum(size) BETWEEN 1 AND {least_k - 1})"""


def _withhold_numbers(
    connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules, table: str, kinds: dict[str, str]
) -> Withheld:
    """Numbers that are no counts and no keys, of a table that says of how many patients its rows are."""
    why = f"fewer than {rules.least_k} patients"
    counts = [
        name
        for name in rules.counts_of_patients
        if name in kinds and f"{table}.{name}" not in rules.no_counts_of_patients
    ]
    blank = [name for name, kind in kinds.items() if kind == "DOUBLE" and name not in _keys(table)]
    if not (counts and blank):
        return Withheld(table, 0, why)
    is_few = " OR ".join(f"{name} BETWEEN 1 AND {rules.least_k - 1}" for name in counts)
    n = _update(connection, f"{database}.results.{table}", blank, kinds, f"({is_few})")
    return Withheld(f"results.{table}", n, why)


def _keys(table: str) -> tuple[str, ...]:
    from analysis.results.catalogue import table_named

    return table_named(table).grain


def _blank_too(
    connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules, quasi_identifier: str
) -> Iterator[Withheld]:
    """Columns that tell a quasi-identifier, of the patients of whom it is blank."""
    tables = columns_by_table(connection, database)
    for place in rules.blank_too.get(quasi_identifier, []):
        schema, table, column = place.split(".")
        if {column, "study_id"} <= tables.get((schema, table), {}).keys():
            blanks = f"SELECT study_id FROM {database}.marts.index_operations WHERE {quasi_identifier} IS NULL"
            n = connection.execute(
                f'''UPDATE {database}."{schema}"."{table}" SET "{column}" = NULL
                    WHERE "{column}" IS NOT NULL AND study_id IN ({blanks})'''
            ).fetchall()[0][0]
            yield Withheld(place, n, f"tells {quasi_identifier}, which is blank for these patients")


def _leave_groups_out(
    connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules, quasi_identifier: str
) -> Iterator[Withheld]:
    """Rows of groups by a quasi-identifier, in tables that are not of single patients."""
    names = [quasi_identifier, *(name for name, of in rules.also_named.items() if of == quasi_identifier)]
    everybody = ", ".join(f"'{value}'" for value in ("", *rules.values_of_everybody))
    for (schema, table), kinds in columns_by_table(connection, database).items():
        if schema == "meta" or "study_id" in kinds or f"{schema}.{table}" in rules.told_of_nobody:
            continue
        told = [
            f'("{name}" IS NOT NULL AND CAST("{name}" AS VARCHAR) NOT IN ({everybody}))'
            for name in names
            if name in kinds
        ]
        told += [f"grouping = '{quasi_identifier}'"] if "grouping" in kinds else []
        if told:
            n = connection.execute(f'DELETE FROM {database}."{schema}"."{table}" WHERE {" OR ".join(told)}').fetchall()[
                0
            ][0]
            yield Withheld(f"{schema}.{table}", n, f"rows by {quasi_identifier}, which is blank for somebody")


def _withhold_levels(
    connection: duckdb.DuckDBPyConnection, database: str, least_k: int, quasi_identifier: str
) -> Iterator[Withheld]:
    """How many have each level of a quasi-identifier: less those who are seen to have it, they tell who of the blank ones has it."""
    tables = _results(connection, database)
    why = f"counts by {quasi_identifier}, which is blank for somebody"
    for table, kinds in sorted(tables.items()):
        blank = [name for name in OF_A_TERM if name in kinds]
        if "term" in kinds and blank:
            covariates = f"""SELECT 1 FROM ({names_of_covariates(connection, database, quasi_identifier)}) AS names
                             WHERE term = names.name OR starts_with(term, names.name || ' ')"""
            n = _update(connection, f"{database}.results.{table}", blank, kinds, f"EXISTS ({covariates})")
            yield Withheld(f"results.{table}", n, why)
    kinds = tables.get("table_one", {})
    if {"variable", "level", "grouping", "stratum", *NUMBERS_OF_TABLE_ONE} <= kinds.keys():
        hidden = hidden_levels(connection, database, least_k, quasi_identifier)
        place = f"{database}.results.table_one"
        n = _update(connection, place, NUMBERS_OF_TABLE_ONE, kinds, f"(variable, grouping, stratum) IN ({hidden})")
        yield Withheld("results.table_one", n, why)


def hidden_levels(connection: duckdb.DuckDBPyConnection, database: str, least_k: int, quasi_identifier: str) -> str:
    """SQL of variable, grouping and stratum in Table 1 whose levels would tell a quasi-identifier.

    Of a quasi-identifier that some have and some have not, all of it. Where nobody has it, Table 1 tells it as long as no
    level is so rare that who is known to have it is found by it: in any group, then it is told of all patients together; or among all.
    """
    labels = names_of_variables(connection, database, quasi_identifier)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE told_levels AS SELECT variable, grouping, stratum, n
            FROM {database}.results.table_one WHERE statistic_label = 'n (%)' AND variable IN ({labels})"""
    )
    seen = f"EXISTS (SELECT 1 FROM {database}.marts.index_operations WHERE {quasi_identifier} IS NOT NULL)"
    rare = f"n BETWEEN 1 AND {least_k - 1}"
    return f"""SELECT (variable, grouping, stratum) FROM told_levels
               WHERE {seen} OR (variable, grouping, stratum = 'all') IN (
                   SELECT (variable, grouping, FALSE) FROM told_levels WHERE {rare}
                   UNION ALL SELECT (variable, grouping, TRUE) FROM told_levels WHERE {rare} AND stratum = 'all')"""


def names_of_variables(connection: duckdb.DuckDBPyConnection, database: str, column: str) -> str:
    """SQL of what Table 1 calls a column: the label of the plan, or its covariate's name with a capital."""
    query = (
        f"""SELECT upper(left(name, 1)) || substr(name, 2) FROM ({names_of_covariates(connection, database, column)})"""
    )
    if "label" in columns_by_table(connection, database).get(("meta", "table_one_variables"), {}):
        query += f""" UNION ALL SELECT label FROM {database}.meta.table_one_variables
                      WHERE column_name = '{column}' AND label IS NOT NULL"""
    return query


def names_of_covariates(connection: duckdb.DuckDBPyConnection, database: str, column: str) -> str:
    """SQL of the names of the covariates that are made of a column, with which the terms of its levels begin."""
    if "covariate" in columns_by_table(connection, database).get(("meta", "covariates"), {}):
        return f"SELECT covariate AS name FROM {database}.meta.covariates WHERE column_name = '{column}'"
    return "SELECT NULL AS name WHERE FALSE"


def _update(
    connection: duckdb.DuckDBPyConnection,
    place: str,
    blank: list[str] | tuple[str, ...],
    kinds: dict[str, str],
    where: str,
) -> int:
    """Values withheld in rows that tell something; returns how many rows did."""
    instead = {name: f"'{WITHHELD}'" if kinds[name] == "VARCHAR" else "NULL" for name in blank}
    changes = ", ".join(f'"{name}" = {value}' for name, value in instead.items())
    tells = " OR ".join(f'"{name}" IS DISTINCT FROM {value}' for name, value in instead.items())
    return connection.execute(f"UPDATE {place} SET {changes} WHERE {where} AND ({tells})").fetchall()[0][0]


def _quoted(names: list[str] | tuple[str, ...]) -> list[str]:
    return [f'"{name}"' for name in names]
