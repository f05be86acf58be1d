"""How exact patients' values leave the build file (disclosure.yml), as SQL on a file that is about to be published."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.warehouse import columns_by_table

RULES_FILE = Path(__file__).parent / "disclosure.yml"
COARSENED_SCHEMAS = ("marts", "quality", "meta")
IN_PLACE = {
    "blank": "NULL",
    "at_most": "CASE WHEN {column} > {to} THEN {to} ELSE {column} END",
    "round_up": "round(ceil(round({column} / {to}, 6)) * {to}, 6)",
    "round_down": "round(floor(round({column} / {to}, 6)) * {to}, 6)",
    "significant_digits": """CASE WHEN {column} > 0 THEN round(
        ceil(round({column} / power(10, floor(log10({column})) - {to} + 1), 6)) * power(10, floor(log10({column})) - {to} + 1), 6)
        ELSE {column} END""",
    "quarter": "date_trunc('quarter', {column})",
}

LISTS_OF_STEPS = ("internal", "when_dates_can_be_computed", "shareable", "until_k")
SINCE_COPIES_WERE_MADE = (
    "blank_too", "also_named", "values_of_everybody", "told_of_nobody", "results_of_few", "counts_of_patients",
    "no_counts_of_patients",
)  # fmt: skip


class DisclosureRulesError(Exception):
    """disclosure.yml cannot be used; the message says which entry and why."""


@dataclass(frozen=True)
class Coarsening:
    """One rule: what is done to every column of a name, in every published table of patients."""

    column: str
    rule: str
    to: Any = None
    why: str = ""

    def __str__(self) -> str:
        return f"{self.column}: {self.rule}" + ("" if self.to is None else f" {self.to}")


@dataclass(frozen=True)
class FewPatients:
    """One entry of results_of_few: which values of a table of results are withheld of groups of few patients."""

    table: str
    of: list[str]
    count: str
    blank: list[str]
    why: str
    rows: str = "TRUE"
    sizes: str | None = None
    """The table whose `count` says how large groups are; None: each row's own."""
    sizes_where: str = "TRUE"
    by: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """What the table calls columns of `by`, where not as `sizes` does."""
    total: str | None = None
    """In the last column of `by`, the group that is all of them together."""
    everywhere: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DisclosureRules:
    """All that disclosure.yml says."""

    least_k: int
    quasi_identifiers: list[str]
    internal: list[Coarsening]
    when_dates_can_be_computed: list[Coarsening]
    shareable: list[Coarsening]
    shareable_leaves_out: list[str]
    most_suppressed: float
    until_k: list[Coarsening]
    blank_too: dict[str, list[str]]
    also_named: dict[str, str]
    values_of_everybody: list[str]
    told_of_nobody: list[str]
    results_of_few: list[FewPatients]
    counts_of_patients: list[str]
    no_counts_of_patients: list[str]
    shared_last_contact: str = "refuse"

    @property
    def changed_columns(self) -> set[str]:
        """Names of columns in which a rule may change values, in whatever table."""
        steps = (*self.internal, *self.when_dates_can_be_computed, *self.shareable, *self.until_k)
        told = (place.rpartition(".")[2] for places in self.blank_too.values() for place in places)
        return {*self.quasi_identifiers, *(step.column for step in steps if step.rule != "leave_out"), *told}

    @property
    def allows_known_days(self) -> bool:
        """Whether the readers of the internal file may be able to compute days of operation from a day that they know."""
        return self.shared_last_contact == "internal_only"


def disclosure_rules(path: Path | None = None) -> DisclosureRules:
    """The rules of an installation.

    Raises:
        DisclosureRulesError: an entry is missing, unknown, or has a rule that there is not.
    """
    told = yaml.safe_load((path or RULES_FILE).read_text(encoding="utf-8"))
    ours = yaml.safe_load(RULES_FILE.read_text(encoding="utf-8"))
    try:
        # a copy that was made before there were these rules is as strict as the project's own
        told = {**{name: ours[name] for name in SINCE_COPIES_WERE_MADE}, **told}
        kinds = {**dict.fromkeys(LISTS_OF_STEPS, Coarsening), "results_of_few": FewPatients}
        rules = DisclosureRules(
            **{**told, **{name: [kind(**entry) for entry in told[name]] for name, kind in kinds.items()}}
        )
    except (TypeError, KeyError) as error:
        raise DisclosureRulesError(f"{(path or RULES_FILE).name}: {error}") from None
    if rules.shared_last_contact not in ("refuse", "internal_only"):
        raise DisclosureRulesError(f"{(path or RULES_FILE).name}: shared_last_contact is refuse or internal_only")
    for entry in (*rules.internal, *rules.when_dates_can_be_computed, *rules.shareable, *rules.until_k):
        if entry.rule not in {*IN_PLACE, "withhold", "leave_out"}:
            raise DisclosureRulesError(f"{(path or RULES_FILE).name}: no rule '{entry.rule}' (of {entry.column})")
    return rules


def coarsen(connection: duckdb.DuckDBPyConnection, database: str, steps: list[Coarsening]) -> None:
    """Apply rules, in order, to every table of an attached file that has a column of the name. Results are made of many
    patients and keep their columns; only rows that are to be left out go."""
    columns = columns_by_name(connection, database)
    for step in steps:
        # results have no patients' columns, but groupings
        schemas = (*COARSENED_SCHEMAS, "results") if step.rule == "leave_out" else COARSENED_SCHEMAS
        for schema, table, kind in columns.get(step.column, []):
            if schema not in schemas:
                continue
            place = f'{database}."{schema}"."{table}"'
            if step.rule == "withhold":
                connection.execute(f'ALTER TABLE {place} DROP COLUMN "{step.column}"')
            elif step.rule == "leave_out":
                connection.execute(f'DELETE FROM {place} WHERE "{step.column}" = ?', [step.to])
            else:
                value = IN_PLACE[step.rule].format(column=f'"{step.column}"', to=step.to)
                connection.execute(f'UPDATE {place} SET "{step.column}" = CAST({value} AS {kind})')
        if step.rule == "withhold":
            columns[step.column] = [found for found in columns.get(step.column, []) if found[0] not in schemas]


def leave_strangers_out(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Rows of patients who are not, or no longer, in marts.patients: whoever is left out there is in no other table."""
    tables = [(schema, table) for schema, table, _ in columns_by_name(connection, database).get("study_id", [])]
    if ("marts", "patients") not in tables:
        return
    for schema, table in tables:
        strangers = f"""{database}."{schema}"."{table}" AS told WHERE study_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM {database}.marts.patients AS known WHERE known.study_id = told.study_id)"""
        # most tables have none, and to look takes half as long as to delete nothing
        if connection.execute(f"SELECT 1 FROM {strangers} LIMIT 1").fetchall():
            connection.execute(f"DELETE FROM {strangers}")


def columns_by_name(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[tuple[str, str, str]]]:
    """Name of a column -> schema, table and type wherever an attached file has one."""
    columns: dict[str, list[tuple[str, str, str]]] = {}
    for (schema, table), kinds in columns_by_table(connection, database).items():
        for name, kind in kinds.items():
            columns.setdefault(name, []).append((schema, table, kind))
    return columns


@dataclass(frozen=True)
class Anonymity:
    """How alike patients are: of n_patients, in n_groups, the smallest group has k; n_below patients are in groups below
    least_k."""

    quasi_identifiers: list[str]
    n_patients: int
    n_groups: int
    k: int
    n_below: int


def anonymity(connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules) -> Anonymity:
    """Of the index operations in an attached file, by the quasi-identifiers that it has."""
    present = quasi_identifiers_in(connection, database, rules)
    group_by = f"GROUP BY {', '.join(present)}" if present else ""
    row = connection.execute(
        f"""SELECT coalesce(sum(n), 0), count(*), coalesce(min(n), 0), coalesce(sum(n) FILTER (n < {rules.least_k}), 0)
            FROM (SELECT count(*) AS n FROM {database}.marts.index_operations {group_by})"""
    ).fetchall()[0]
    return Anonymity(present, *(int(value) for value in row))


def generalise_until_k(connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules) -> list[str]:
    """Make an attached file coarser, step by step, until every patient is like at least least_k - 1 others; returns what was
    done, in words. Where the cohort itself is smaller than that, it cannot be done: `anonymity` then tells a k below."""
    done = []
    for step in rules.until_k:
        reached = anonymity(connection, database, rules)
        if reached.n_below <= rules.most_suppressed * reached.n_patients:
            break
        coarsen(connection, database, [step])
        done.append(str(step))
    n_suppressed = _suppress(connection, database, rules)
    return [*done, f"{n_suppressed} patients' quasi-identifiers left blank"] if n_suppressed else done


def _suppress(connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules) -> int:
    """Blank the quasi-identifiers of patients in small groups, and of the next larger groups until those left blank are enough to
    hide among; returns of how many."""
    present = quasi_identifiers_in(connection, database, rules)
    if not present:
        return 0
    all_blank = " AND ".join(f"{name} IS NULL" for name in present)
    sizes = f"""SELECT study_id, count(*) OVER (PARTITION BY {", ".join(present)}) AS n, {all_blank} AS is_blank,
                       dense_rank() OVER (ORDER BY {", ".join(present)}) AS group_number
                FROM {database}.marts.index_operations"""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE suppressed AS SELECT study_id FROM ({sizes}) WHERE n < {rules.least_k}"
    )
    while 0 < _n_blank(connection, database, all_blank) < rules.least_k:
        added = connection.execute(
            f"""INSERT INTO suppressed
                SELECT study_id FROM ({sizes}) WHERE NOT is_blank AND study_id NOT IN (FROM suppressed)
                QUALIFY dense_rank() OVER (ORDER BY n, group_number) = 1"""
        ).fetchall()[0][0]
        if not added:
            break
    n_suppressed = connection.execute("SELECT count(*) FROM suppressed").fetchall()[0][0]
    columns = columns_by_name(connection, database)
    of_patients = {(schema, table) for schema, table, _ in columns["study_id"]}
    for column in present:
        for schema, table, _ in columns[column]:
            if (schema, table) in of_patients:
                connection.execute(
                    f'UPDATE {database}."{schema}"."{table}" SET "{column}" = NULL WHERE study_id IN (FROM suppressed)'
                )
    connection.execute("DROP TABLE suppressed")
    return n_suppressed


def _n_blank(connection: duckdb.DuckDBPyConnection, database: str, all_blank: str) -> int:
    return connection.execute(
        f"""SELECT count(*) FROM {database}.marts.index_operations WHERE {all_blank} OR study_id IN (FROM suppressed)"""
    ).fetchall()[0][0]


def quasi_identifiers_in(connection: duckdb.DuckDBPyConnection, database: str, rules: DisclosureRules) -> list[str]:
    """Those that the index operations of an attached file have."""
    columns = columns_by_name(connection, database)
    return [
        name
        for name in rules.quasi_identifiers
        if any(place[:2] == ("marts", "index_operations") for place in columns.get(name, []))
    ]
