"""Numbers: division, wide integers, hexadecimal texts, decimal literals."""

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules.spark_spelling import parsed, spelled

WHITE_SPACE = " \t\n\v\f\r"
WIDE = (exp.DataType.Type.UBIGINT, exp.DataType.Type.INT128, exp.DataType.Type.BIGDECIMAL)


def division(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """`/` is of doubles in DuckDB whatever stands on its sides, and infinite by zero; Spark divides decimals as decimals, and by zero
    gives NULL."""
    if not isinstance(node, exp.Div):
        return node
    dividend, divisor = (f"CAST({spelled(side)} AS DOUBLE)" for side in (node.this, node.expression))
    infinite = f"{dividend} * CAST('Infinity' AS DOUBLE)"
    return parsed(f"CASE WHEN {divisor} = 0 THEN {infinite} ELSE {dividend} / NULLIF({divisor}, 0) END")


def wide_integer(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """UBIGINT, the type of a hash, and HUGEINT, that of a sum of hashes, are decimals without places."""
    if isinstance(node, exp.DataType) and node.this in WIDE:
        return exp.DataType.build("DECIMAL(38,0)")
    return node


def hexadecimal_text(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """cast('0x' || digits as integer)"""
    if not isinstance(node, exp.Cast):
        return node
    inner = node.this.unnest()
    if not isinstance(inner, exp.DPipe) or not isinstance(inner.this, exp.Literal) or inner.this.this != "0x":
        return node
    digits = exp.Anonymous(
        this="CONV", expressions=[inner.expression.copy(), exp.Literal.number(16), exp.Literal.number(10)]
    )
    return exp.cast(digits, node.to)


def decimal_literal(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """On an engine that makes a decimal of a decimal and a double, a literal is a double, as it becomes in DuckDB."""
    is_decimal = isinstance(node, exp.Literal) and not node.is_string and "." in node.this
    return exp.cast(node.copy(), "DOUBLE") if is_decimal and flavour.has_decimals_in_sums else node


def days_between(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """date_diff('day', a, b) counts midnights in DuckDB; of times Spark counts whole days of 24 hours."""
    if isinstance(node, exp.DateDiff):
        for side in ("this", "expression"):
            node.set(side, exp.cast(node.args[side].copy(), "DATE"))
    return node


def number_tried(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """try_cast(text as integer): '2.5' is 3 and '1e2' is 100 in DuckDB, NULL elsewhere; Java reads '1d' as a number. White space
    of ASCII's may stand around it."""
    if not isinstance(node, exp.TryCast) or node.to.this not in exp.DataType.INTEGER_TYPES:
        return node
    text = spelled(node.this)
    number = f"TRY_CAST(CASE WHEN {text} RLIKE '[0-9.][{WHITE_SPACE}]*$' THEN {text} END AS DOUBLE)"
    return parsed(f"TRY_CAST(ROUND({number}) AS {spelled(node.to)})")
