"""The same gate on tables of any size: SQL counts, Great Expectations judges the counts.

A frame of a country's rows takes minutes and gigabytes. Here each table is asked once how many rows each check looked at and how many
failed, and only the keys of failing rows come back. Checks, thresholds, severities and the rows that come out are those of
`run_suites`; a test runs both on the same tables.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

import pandas as pd

from quality.common_checks import common_suite
from quality.derived_sql import SQL_DERIVATIONS
from quality.derived_tables import DERIVATIONS, Frames
from quality.gate import GateReport, SuiteResult, as_frames, empty_cohort, table_check
from quality.privacy import TableContents, privacy_checks_of
from quality.run_expectations import MOST_KEYS_KEPT, Row, check_row, judge_frame
from quality.sql_of_checks import ROW_COUNT, UNIQUE, conditions_of, value, where_in_sql
from quality.suite_definitions import Check, Stage, Suite, all_suites, suites_of_stage

NOT_EXACTLY = 12
"""Digits to which the share that may fail is taken, as for frames."""
Counted = tuple[tuple[int, int], str | None]
"""(looked at, failed) of a check, and the error that kept it from being counted."""


class CountedTables(Protocol):
    """The tables of a stage as they would be published, wherever they are kept."""

    def names(self) -> Iterable[str]:
        """The tables that are there."""
        ...

    def types(self, table: str) -> Mapping[str, str] | None:
        """SQL type by column; None: there is no such table."""
        ...

    def relation(self, table: str) -> str:
        """What stands after FROM."""
        ...

    def ask(self, query: str) -> pd.DataFrame:
        """The answer of a query."""
        ...

    def lend(self, frame: pd.DataFrame) -> AbstractContextManager[str]:
        """What stands after FROM for a frame, as long as it is lent."""
        ...

    def contents(self, table: str, without_opaque_names: bool) -> TableContents:
        """What the privacy checks look through; opaque names may be counted instead where that is asked for."""
        ...


def run_suites_counted(
    tables: CountedTables,
    stage: str,
    previous_n_patients: int | None = None,
    identifiers: Iterable[str] = (),
    most_keys: int = MOST_KEYS_KEPT,
    common: Mapping[str, Sequence[str]] | None = None,
) -> GateReport:
    """Judge the tables of a stage as `run_suites` judges frames; arguments and errors as there."""
    suites = suites_of_stage(stage)
    if not suites:
        raise ValueError(f"no stage {stage!r}: staging, marts or results")
    gate = _CountedGate(tables, previous_n_patients, most_keys)
    checks = (
        empty_cohort({"cohort_flow": gate.frame("cohort_flow")}) if stage == "marts" and gate.has("cohort_flow") else []
    )
    violations: list[Row] = []
    for suite_checks, suite_violations in [
        *(gate.judge_suite(suite) for suite in suites),
        *(gate.judge_common(table, key, suites[0].stage) for table, key in (common or {}).items()),
    ]:
        checks += suite_checks
        violations += suite_violations
    checks = _judged(checks)
    if stage != "staging":
        checks += privacy_checks_of(tables.names(), tables.contents, identifiers)
    return GateReport(*as_frames(checks, violations))


def run_suite_counted(
    suite_name: str, tables: CountedTables, previous: int | None = None, most_keys: int = MOST_KEYS_KEPT
) -> SuiteResult:
    """Judge one table as `run_suite` judges a frame; arguments and errors as there."""
    checks, violations = _CountedGate(tables, previous, most_keys).judge_suite(all_suites()[suite_name])
    return SuiteResult(*as_frames(_judged(checks), violations))


class _CountedGate:
    """Counts, suite by suite; a check's row says how many were looked at and failed, its status is judged of all at once."""

    def __init__(self, tables: CountedTables, previous: int | None, most_keys: int) -> None:
        self.tables, self.previous, self.most_keys = tables, previous, most_keys

    def has(self, table: str) -> bool:
        return self.tables.types(table) is not None

    def frame(self, table: str, columns: Sequence[str] = ()) -> pd.DataFrame:
        selected = ", ".join(f'"{name}"' for name in columns) or "*"
        return self.tables.ask(f"SELECT {selected} FROM {self.tables.relation(table)}")

    def judge_suite(self, suite: Suite) -> tuple[list[Row], list[Row]]:
        derivation, by_sql = DERIVATIONS.get(suite.name), SQL_DERIVATIONS.get(suite.name)
        needs = derivation.needs if derivation else {suite.table: ()}
        missing = [table for table in needs if not self.has(table)]
        if missing:
            return [table_check(suite, "table_is_there", "error", error=f"MissingTable: {', '.join(missing)}")], []
        if self.tables.ask(f"SELECT 1 AS row FROM {self.tables.relation(suite.table)} LIMIT 1").empty:
            return [table_check(suite, "table_has_rows", "failed", "warning" if suite.may_be_empty else "blocking")], []
        lacking = [
            f"{table}.{name}"
            for table, names in needs.items()
            for name in names
            if name not in (self.tables.types(table) or ())
        ]
        if lacking:
            return [table_check(suite, "table_can_be_read", "error", error=f"MissingColumn: {', '.join(lacking)}")], []
        if derivation is None:
            return self.count(suite, self.tables.relation(suite.table), self.tables.types(suite.table) or {})
        try:
            if by_sql is not None:
                relation = f"({by_sql({table: self.tables.relation(table) for table in needs}, self.previous)})"
                return self.count(suite, relation, self._types(relation))
            frames: Frames = {table: self.frame(table) for table in needs}
            derived = derivation.make(frames, self.previous)
        except Exception as error:  # noqa: BLE001 - what cannot be worked out is an error of this suite, not of the night
            return [table_check(suite, "table_can_be_read", "error", error=type(error).__name__)], []
        with self.tables.lend(derived) as relation:
            return self.count(suite, relation, self._types(relation))

    def judge_common(self, table: str, key: Sequence[str], stage: Stage) -> tuple[list[Row], list[Row]]:
        types = self.tables.types(table)
        suite = common_suite(table, list(types or ()), stage, key)
        if types is None:
            return [table_check(suite, "table_is_there", "error", error=f"MissingTable: {table}")], []
        return self.count(suite, self.tables.relation(table), types)

    def _types(self, relation: str) -> dict[str, str]:
        described = self.tables.ask(f"DESCRIBE FROM {relation}")
        return dict(zip(described["column_name"], described["column_type"], strict=True))

    def count(self, suite: Suite, relation: str, types: Mapping[str, str]) -> tuple[list[Row], list[Row]]:
        """Of each check a row with its counts, and the keys of failing rows."""
        counted = _Counted(self.tables.ask, suite, relation, types, self.most_keys)
        counts = counted.of_all()
        rows = [check_row(suite, check, error or "counted", *numbers, error) for check, numbers, error in counts]
        failing = dict.fromkeys(check.where for check in suite.checks)
        keys = [
            key
            for where in failing
            for check, (_, n_failed), error in counts
            if check.where == where and n_failed and not error
            for key in counted.keys_of(check, n_failed)
        ]
        return rows, keys


class _Counted:
    def __init__(
        self, ask: Callable[[str], pd.DataFrame], suite: Suite, relation: str, types: Mapping[str, str], most_keys: int
    ) -> None:
        self.ask, self.suite, self.relation, self.types, self.most_keys = ask, suite, relation, types, most_keys

    def of_all(self) -> list[tuple[Check, tuple[int, int], str | None]]:
        """Each check with (looked at, failed) and the error that kept it from being counted."""
        sayable: list[tuple[Check, tuple[str, str] | None]] = []
        counts: dict[str, Counted] = {}
        for check in self.suite.checks:
            try:
                self._lacking(check)
                sayable.append((check, self._aggregates(check)))
            except _CannotBeRun as error:
                counts[check.name] = ((0, 0), str(error))
        together = [(check, sums) for check, sums in sayable if sums]
        try:
            counts |= self._asked(together)
        except Exception:  # noqa: BLE001 - one check that cannot be counted must not hide what the others found
            for check, sums in together:
                counts[check.name] = self._alone(partial(self._asked_alone, check, sums))
        for check, sums in sayable:
            if not sums:
                counts[check.name] = self._alone(partial(self._unique_alone, check))
        return [(check, *counts[check.name]) for check in self.suite.checks]

    def _alone(self, work: Callable[[], Counted]) -> Counted:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - as above
            return (0, 0), type(error).__name__

    def _asked_alone(self, check: Check, sums: tuple[str, str]) -> Counted:
        return self._asked([(check, sums)])[check.name]

    def _unique_alone(self, check: Check) -> Counted:
        return self._unique(check), None

    def _lacking(self, check: Check) -> None:
        lacking = [name for name in check.columns if name not in self.types]
        if lacking:
            raise _CannotBeRun(f"MissingColumn: {', '.join(lacking)}")

    def _where(self, check: Check) -> str:
        try:
            return where_in_sql(check.where, self.types)
        except Exception as error:  # noqa: BLE001 - whatever the condition lacks, the check could not be run
            raise _CannotBeRun(type(error).__name__) from None

    def _aggregates(self, check: Check) -> tuple[str, str] | None:
        """SQL of both counts; None where rows are compared with each other."""
        where = self._where(check)
        if check.expectation in UNIQUE:
            return None
        if check.expectation == ROW_COUNT:
            expected = int(check.arguments["value"])
            return f"(count(*) FILTER ({where}) > 0)::INT", (f"(count(*) FILTER ({where}) NOT IN (0, {expected}))::INT")
        try:
            found = conditions_of(check, self.types)
        except Exception as error:  # noqa: BLE001 - a check that cannot even be stated is an error of that check alone
            raise _CannotBeRun(type(error).__name__) from None
        checked = f"count(*) FILTER (({where}) AND {found.checked})"
        return checked, f"count(*) FILTER (({where}) AND {found.checked} AND {found.fails})"

    def _asked(self, together: Sequence[tuple[Check, tuple[str, str]]]) -> dict[str, Counted]:
        if not together:
            return {}
        numbers = ", ".join(f"{checked} AS c{n}, {failed} AS f{n}" for n, (_, (checked, failed)) in enumerate(together))
        row = self.ask(f"SELECT {numbers} FROM {self.relation}").iloc[0]
        return {check.name: ((int(row[f"c{n}"]), int(row[f"f{n}"])), None) for n, (check, _) in enumerate(together)}

    def _unique(self, check: Check) -> tuple[int, int]:
        columns, rows = self._rows_to_be_unique(check)
        # equal rows have equal hashes, which are less to compare than texts: as many hashes as rows, and all are unique
        hashed = self.ask(
            f"""SELECT count(*) AS n_hashes, coalesce(sum(n), 0) AS c
                FROM (SELECT count(*) AS n FROM {self.relation} WHERE {rows} GROUP BY hash({columns}))"""
        ).iloc[0]
        if hashed["n_hashes"] == hashed["c"]:
            return int(hashed["c"]), 0
        row = self.ask(
            f"""SELECT coalesce(sum(n), 0) AS c, coalesce(sum(n) FILTER (n > 1), 0) AS f
                FROM (SELECT count(*) AS n FROM {self.relation} WHERE {rows} GROUP BY {columns})"""
        ).iloc[0]
        return int(row["c"]), int(row["f"])

    def _rows_to_be_unique(self, check: Check) -> tuple[str, str]:
        columns = ", ".join(value(name, self.types) for name in check.columns)
        # one column's missing values are not compared; of several columns a missing value is one like others
        is_one = check.expectation == UNIQUE[0]
        where = self._where(check)
        return columns, f"({where}) AND {columns} IS NOT NULL" if is_one else where

    def keys_of(self, check: Check, n_failed: int) -> list[Row]:
        """Rows of VIOLATION_COLUMNS of a check that failed."""
        if check.expectation == ROW_COUNT:
            return []
        named = [name for name in self.suite.key if name in self.types]
        if not named:
            return [self._violation(check, "")] * min(n_failed, self.most_keys)
        keys = ", ".join(f'"{name}"' for name in named)
        if check.expectation in UNIQUE:
            columns, rows = self._rows_to_be_unique(check)
            query = (
                f"SELECT {keys} FROM {self.relation} WHERE {rows} QUALIFY count(*) OVER (PARTITION BY {columns}) > 1"
            )
        else:
            found = conditions_of(check, self.types)
            query = (
                f"SELECT {keys} FROM {self.relation} WHERE ({self._where(check)}) AND {found.checked} AND {found.fails}"
            )
        failing = self.ask(f"{query} LIMIT {self.most_keys}")
        return [
            self._violation(check, ",".join(f"{name}={_told(given)}" for name, given in zip(named, row, strict=True)))
            for row in failing.itertuples(index=False)
        ]

    def _violation(self, check: Check, row_key: str) -> Row:
        return [self.suite.name, self.suite.table, check.name, check.severity, row_key, ", ".join(check.columns)]


class _CannotBeRun(Exception):
    """Its text is what stands as the check's error."""


def _told(given: Any) -> Any:
    return None if pd.isna(given) else given


STATUS, N_CHECKED, N_FAILED, THRESHOLD = 6, 7, 8, 10


def _judged(rows: list[Row]) -> list[Row]:
    """The rows with the status that Great Expectations gives their counts: passed, failed, or error."""
    counted = [row for row in rows if row[STATUS] == "counted"]
    shares = [1.0 if not row[N_CHECKED] else (row[N_CHECKED] - row[N_FAILED]) / row[N_CHECKED] for row in counted]
    frame = pd.DataFrame(
        {
            "number": range(len(counted)),
            "share_that_passed": shares,
            # 1 - 0.58 is a hair more than 0.42, and 42 sound rows of 100 would not do
            "share_needed": [round(1 - row[THRESHOLD], NOT_EXACTLY) for row in counted],
        }
    )
    suite = Suite(name="counts", table="counts", stage="marts", key=["number"], checks=[ENOUGH_PASSED])
    outcome, violations = judge_frame(suite, frame, most_keys=len(frame)) if len(frame) else ([], [])
    error = next((row[-1] for row in outcome if row[STATUS] == "error"), None)
    failed = {int(key.removeprefix("number=")) for *_, key, _ in violations}
    statuses = {
        id(row): "error" if error else "failed" if number in failed else "passed" for number, row in enumerate(counted)
    }
    return [
        [*row[:STATUS], statuses[id(row)], *row[STATUS + 1 : -1], error]
        if id(row) in statuses
        else [*row[:STATUS], "error" if row[-1] else row[STATUS], *row[STATUS + 1 :]]
        for row in rows
    ]


ENOUGH_PASSED = Check(
    name="enough_rows_passed",
    description="The share of rows that passed is not below the share that must",
    expectation="expect_column_pair_values_a_to_be_greater_than_b",
    arguments={"column_A": "share_that_passed", "column_B": "share_needed", "or_equal": True},
)
