"""A check as conditions of SQL: of which rows it asks, and which of them fail. Plain SQL; whoever runs it brings the database.

The conditions say of a row what Great Expectations says of a frame's: missing values are not checked (but by the checks that ask for
them), a comparison with a missing value is false, and a number that is not a number is missing.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quality.suite_definitions import Check

FLOATING = {"DOUBLE", "FLOAT"}
COMPARED: Mapping[type[ast.cmpop], str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}
UNIQUE = ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique")
ROW_COUNT = "expect_table_row_count_to_equal"
Arguments = Mapping[str, Any]
"""Of an expectation, as a suite's file has them."""


class NotInSql(Exception):
    """A check or condition that nobody has said in SQL yet."""


@dataclass(frozen=True)
class Conditions:
    """SQL of which rows a check asks, and which of those fail."""

    checked: str
    fails: str


def conditions_of(check: Check, types: Mapping[str, str]) -> Conditions:
    """Of a check that judges each row by itself (all but unique values and numbers of rows).

    Args:
        types: SQL type by name of the table's columns.
    Raises:
        NotInSql: an expectation, or an argument of one, that is not known here.
    """
    of_kind = _KINDS.get(check.expectation)
    if of_kind is None:
        raise NotInSql(check.expectation)
    return of_kind(check.arguments, types)


def value(name: str, types: Mapping[str, str]) -> str:
    """A column, with what is not a number missing."""
    quoted = f'"{name}"'
    return f"(CASE WHEN isnan({quoted}) THEN NULL ELSE {quoted} END)" if types.get(name) in FLOATING else quoted


def literal(given: object) -> str:
    """A value of a YAML file.

    Raises:
        NotInSql: neither text nor a number nor a truth.
    """
    if isinstance(given, bool):
        return str(given).upper()
    if isinstance(given, int | float):
        return repr(given)
    if isinstance(given, str):
        return "'" + given.replace("'", "''") + "'"
    raise NotInSql(type(given).__name__)


def where_in_sql(where: str | None, types: Mapping[str, str]) -> str:
    """A suite's `where`, a query of pandas, as SQL that is true or false of every row.

    Raises:
        NotInSql: a form that is not known here. LookupError: it names a column that the table does not have.
    """
    return "TRUE" if where is None else _condition(ast.parse(where, mode="eval").body, types)


def _known(arguments: Mapping[str, object], *names: str) -> None:
    unknown = set(arguments) - set(names)
    if unknown:
        raise NotInSql(", ".join(sorted(unknown)))


def _not_null(arguments: Arguments, types: Mapping[str, str]) -> Conditions:
    _known(arguments, "column")
    return Conditions("TRUE", f"{value(arguments['column'], types)} IS NULL")


def _null(arguments: Arguments, types: Mapping[str, str]) -> Conditions:
    _known(arguments, "column")
    return Conditions("TRUE", f"{value(arguments['column'], types)} IS NOT NULL")


def _between(arguments: Arguments, types: Mapping[str, str]) -> Conditions:
    _known(arguments, "column", "min_value", "max_value", "strict_min", "strict_max")
    column, sides = value(arguments["column"], types), []
    for bound, strict, sign in (("min_value", "strict_min", ">"), ("max_value", "strict_max", "<")):
        if arguments.get(bound) is not None:
            sides.append(f"{column} {sign}{'' if arguments.get(strict) else '='} {literal(arguments[bound])}")
    return Conditions(f"{column} IS NOT NULL", f"NOT ({' AND '.join(sides)})")


def _in_set(arguments: Arguments, types: Mapping[str, str]) -> Conditions:
    _known(arguments, "column", "value_set")
    column, values = value(arguments["column"], types), ", ".join(map(literal, arguments["value_set"]))
    return Conditions(f"{column} IS NOT NULL", f"{column} NOT IN ({values})")


def _not_in_set(arguments: Arguments, types: Mapping[str, str]) -> Conditions:
    found = _in_set(arguments, types)
    return Conditions(found.checked, f"NOT ({found.fails})")


def _pair(arguments: Arguments, types: Mapping[str, str]) -> tuple[str, str, str]:
    first, second = (value(arguments[name], types) for name in ("column_A", "column_B"))
    ignored = arguments.get("ignore_row_if", "both_values_are_missing")
    ways = {"either_value_is_missing": "AND", "both_values_are_missing": "OR"}
    if ignored not in ways:
        raise NotInSql(str(ignored))
    return first, second, f"({first} IS NOT NULL {ways[ignored]} {second} IS NOT NULL)"


def _greater(arguments: Arguments, types: Mapping[str, str]) -> Conditions:
    _known(arguments, "column_A", "column_B", "or_equal", "ignore_row_if")
    first, second, checked = _pair(arguments, types)
    sign = ">=" if arguments.get("or_equal") else ">"
    return Conditions(checked, f"NOT coalesce({first} {sign} {second}, FALSE)")


def _equal(arguments: Arguments, types: Mapping[str, str]) -> Conditions:
    _known(arguments, "column_A", "column_B", "ignore_row_if")
    first, second, checked = _pair(arguments, types)
    return Conditions(checked, f"NOT coalesce({first} = {second}, FALSE)")


_KINDS = {
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_values_to_be_null": _null,
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_not_be_in_set": _not_in_set,
    "expect_column_pair_values_a_to_be_greater_than_b": _greater,
    "expect_column_pair_values_to_be_equal": _equal,
}


def _condition(node: ast.expr, types: Mapping[str, str]) -> str:
    match node:
        case ast.BoolOp(op, values):
            joined = " AND " if isinstance(op, ast.And) else " OR "
            return f"({joined.join(_condition(part, types) for part in values)})"
        case ast.UnaryOp(ast.Not(), operand):
            return f"NOT ({_condition(operand, types)})"
        case ast.Compare(left, [op], [right]):
            return _comparison(_column(left, types), op, right)
        case ast.Name():
            return f"coalesce({_column(node, types)}, FALSE)"
        case ast.Call(ast.Attribute(of, "isna"), []):
            return f"{_column(of, types)} IS NULL"
        case ast.Call(ast.Attribute(of, "notna"), []):
            return f"{_column(of, types)} IS NOT NULL"
        case ast.Call(ast.Attribute(ast.Attribute(of, "str"), "contains"), [ast.Constant(str(pattern))]):
            return f"coalesce(regexp_matches({_text(of, types)}, {literal(pattern)}), FALSE)"
        case _:
            raise NotInSql(ast.unparse(node))


def _comparison(column: str, op: ast.cmpop, right: ast.expr) -> str:
    given = ast.literal_eval(right)
    match op:
        case ast.Eq():
            return f"coalesce({column} = {literal(given)}, FALSE)"
        case ast.NotEq():
            return f"coalesce({column} <> {literal(given)}, TRUE)"
        case ast.In():
            return f"coalesce({column} IN ({', '.join(map(literal, given))}), FALSE)"
        case ast.NotIn():
            return f"coalesce({column} NOT IN ({', '.join(map(literal, given))}), TRUE)"
        case ast.Gt() | ast.GtE() | ast.Lt() | ast.LtE():
            return f"coalesce({column} {COMPARED[type(op)]} {literal(given)}, FALSE)"
        case _:
            raise NotInSql(type(op).__name__)


def _text(node: ast.expr, types: Mapping[str, str]) -> str:
    match node:
        case ast.Call(ast.Attribute(of, "astype"), [ast.Constant("str")]):
            return f"CAST({_column(of, types)} AS VARCHAR)"
        case _:
            return _column(node, types)


def _column(node: ast.expr, types: Mapping[str, str]) -> str:
    if not isinstance(node, ast.Name):
        raise NotInSql(ast.unparse(node))
    if node.id not in types:
        raise LookupError(node.id)
    return value(node.id, types)
