"""Aggregates that make a list of rows, or choose one of them by several keys."""

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules.joined_text import parsed, taken_apart
from orchestration.engines.spark.rules.untranslatable import Untranslatable


def list_of_rows(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """list(x): NULL where there is nothing, not an empty list; sorted, because no engine promises an order. Elements that are NULL are
    left out, which DuckDB keeps."""
    if isinstance(node, exp.ArrayAgg) and not isinstance(node.parent, exp.Filter | exp.Window):
        return _list(_collected(node), None)
    if isinstance(node, exp.Filter) and isinstance(node.this, exp.ArrayAgg) and not isinstance(node.parent, exp.Window):
        return _list(_collected(node.this), node.expression.this)
    if isinstance(node, exp.Window) and isinstance(node.this, exp.ArrayAgg):
        over = node.copy()
        over.set("this", _collected(node.this))
        return _null_if_empty(over.sql("spark"))
    return node


def _collected(node: exp.ArrayAgg) -> exp.Expression:
    element, keys, is_distinct = taken_apart(node.this)
    if [key.sql() for key in keys] not in ([], [element.sql()]):
        raise Untranslatable("a list in an order that is not its elements' own")
    return exp.Anonymous(this="COLLECT_SET" if is_distinct else "COLLECT_LIST", expressions=[element.copy()])


def _list(collected: exp.Expression, condition: exp.Expression | None) -> exp.Expression:
    told = collected.sql("spark") + (f" FILTER(WHERE {condition.sql('spark')})" if condition is not None else "")
    return _null_if_empty(told)


def _null_if_empty(collected: str) -> exp.Expression:
    return parsed(f"CASE WHEN SIZE({collected}) > 0 THEN SORT_ARRAY({collected}) END")


def first_by_several(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """arg_min(x, (a, b)): Spark compares structs."""
    if isinstance(node, exp.ArgMin | exp.ArgMax) and isinstance(node.expression, exp.Tuple):
        keys = [key.copy() for key in node.expression.expressions]
        node.set("expression", exp.Anonymous(this="STRUCT", expressions=keys))
    return node
