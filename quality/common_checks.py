"""Suites of the tables that have none of their own: what holds of a column wherever it stands, from common_columns.yml."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from quality.suite_definitions import Check, Stage, Suite

COMMON_COLUMNS = Path(__file__).parent / "common_columns.yml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ColumnCheck(_Strict):
    """One expectation of every column whose name is like one of the patterns; `but_in`: table.column where it need not hold."""

    name: str
    description: str
    columns: list[str]
    but: list[str] = []
    but_in: list[str] = []
    expectation: str
    arguments: dict[str, Any]


class PairCheck(_Strict):
    """One column is not greater than another."""

    name: str
    low: str
    high: str
    description: str


class ReasonCheck(_Strict):
    """Where none of the numbers stands, the reason does."""

    name: str
    numbers: list[str]
    reason: str
    description: str


class CommonColumns(_Strict):
    """The file as a whole; `keys`: by table, the columns of which each combination stands once."""

    checks: list[ColumnCheck]
    pairs: list[PairCheck]
    reasons: list[ReasonCheck]
    keys: dict[str, list[str]]


@cache
def common_columns() -> CommonColumns:
    """Raises pydantic.ValidationError where the file is not of its form."""
    return CommonColumns(**yaml.safe_load(COMMON_COLUMNS.read_text(encoding="utf-8")))


def common_suite(table: str, columns: Sequence[str], stage: Stage, key: Sequence[str] = ()) -> Suite:
    """The suite of a table of these columns.

    Args:
        key: columns of which each combination stands once; default: those of common_columns.yml.
    """
    common, present = common_columns(), set(columns)
    unique = [name for name in (key or common.keys.get(table, ())) if name in present]
    checks = [_unique(unique)] if unique else []
    for check in common.checks:
        named = [
            name
            for name in columns
            if _is_like(name, check.columns) and not _is_like(name, check.but) and f"{table}.{name}" not in check.but_in
        ]
        checks += [_of_column(check, name, is_only=len(named) == 1) for name in named]
    checks += [_of_pair(pair) for pair in common.pairs if {pair.low, pair.high} <= present]
    checks += [_of_reason(reason) for reason in common.reasons if {*reason.numbers, reason.reason} <= present]
    return Suite(name=table, table=table, stage=stage, key=unique or _naming(columns), checks=checks)


def _is_like(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _naming(columns: Sequence[str]) -> list[str]:
    """Columns that name a row where no key is known; none of them holds a value of a patient."""
    named = (
        "study_id",
        "endpoint",
        "grouping",
        "stratum",
        "model",
        "term",
        "test",
        "pattern",
        "definition",
        "source_record_id",
    )
    return [name for name in named if name in columns]


def _unique(key: list[str]) -> Check:
    if len(key) == 1:
        expectation, arguments = "expect_column_values_to_be_unique", {"column": key[0]}
    else:
        expectation, arguments = "expect_compound_columns_to_be_unique", {"column_list": key}
    return Check(
        name="one_row_a_key",
        description=f"Each combination of {', '.join(key)} stands once",
        expectation=expectation,
        arguments=arguments,
    )


def _of_column(check: ColumnCheck, column: str, *, is_only: bool) -> Check:
    name = check.name if is_only else f"{check.name}_{column}"
    return Check(
        name=name,
        description=check.description,
        expectation=check.expectation,
        arguments={"column": column, **check.arguments},
    )


def _of_pair(pair: PairCheck) -> Check:
    return Check(
        name=pair.name,
        description=pair.description,
        expectation="expect_column_pair_values_a_to_be_greater_than_b",
        arguments={
            "column_A": pair.high,
            "column_B": pair.low,
            "or_equal": True,
            "ignore_row_if": "either_value_is_missing",
        },
    )


def _of_reason(reason: ReasonCheck) -> Check:
    where = " and ".join(f"{name}.isna()" for name in reason.numbers)
    return Check(
        name=reason.name,
        description=reason.description,
        expectation="expect_column_values_to_not_be_null",
        arguments={"column": reason.reason},
        where=where,
        severity="warning",
    )
