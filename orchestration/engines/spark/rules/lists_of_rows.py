"""Aggregates that make a list of rows, or choose one of them by several keys."""

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules.joined_text import taken_apart
from orchestration.engines.spark.rules.spark_spelling import parsed, spelled
from orchestration.engines.spark.rules.untranslatable import Untranslatable


def list_of_rows(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """list(x): NULL where there is no row, not an empty list; sorted, NULLs last, because no engine promises an order."""
    if isinstance(node, exp.ArrayAgg) and not isinstance(node.parent, exp.Filter | exp.Window):
        return _list(node, None, node.parent)
    if isinstance(node, exp.Filter) and isinstance(node.this, exp.ArrayAgg) and not isinstance(node.parent, exp.Window):
        return _list(node.this, node.expression.this, node.parent)
    if isinstance(node, exp.Window) and isinstance(node.this, exp.ArrayAgg):
        if not isinstance(node.parent, exp.Flatten):
            raise Untranslatable("a list over a window that is not flattened")
        over = node.copy()
        over.set("this", _collected(node.this))
        return _null_if_empty(spelled(over))
    return node


def _list(node: exp.ArrayAgg, condition: exp.Expression | None, parent: exp.Expression | None) -> exp.Expression:
    where = f" FILTER(WHERE {spelled(condition)})" if condition is not None else ""
    collected = _collected(node)
    if isinstance(parent, exp.Flatten):
        # lists that are NULL add nothing, and would make the whole NULL
        return _null_if_empty(spelled(collected) + where)
    (element,) = collected.expressions
    told = f"STRUCT({spelled(element)} IS NULL AS is_null, {spelled(element)} AS element)"
    listed = f"{collected.name}({told}){where}"
    return parsed(f"CASE WHEN SIZE({listed}) > 0 THEN TRANSFORM(SORT_ARRAY({listed}), one -> one.element) END")


def _collected(node: exp.ArrayAgg) -> exp.Expression:
    element, keys, is_distinct = taken_apart(node.this)
    if [key.sql() for key in keys] not in ([], [element.sql()]):
        raise Untranslatable("a list in an order that is not its elements' own")
    return exp.Anonymous(this="COLLECT_SET" if is_distinct else "COLLECT_LIST", expressions=[element.copy()])


def _null_if_empty(collected: str) -> exp.Expression:
    return parsed(f"CASE WHEN SIZE({collected}) > 0 THEN SORT_ARRAY({collected}) END")


def first_of_rows(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """arg_min(x, k), arg_min(x, (a, b)): of the rows in which x is not NULL, which min_by would take; a NULL among several keys is the
    largest of all."""
    if not isinstance(node, exp.ArgMin | exp.ArgMax):
        return node
    several = isinstance(node.expression, exp.Tuple)
    keys = [spelled(key) for key in (node.expression.expressions if several else [node.expression])]
    told = ", ".join(f"{key} IS NULL AS n{place}, {key} AS k{place}" for place, key in enumerate(keys))
    key = f"STRUCT({told})" if several else keys[0]
    node.set("expression", parsed(f"CASE WHEN NOT {spelled(node.this)} IS NULL THEN {key} END"))
    return node
