"""string_agg: texts of several rows as one."""

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules.spark_spelling import parsed, spelled
from orchestration.engines.spark.rules.untranslatable import Untranslatable


def joined_text(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """A sorted list, joined: Spark's listagg fails with a filter, and beside count(distinct). NULL where there is no text."""
    if isinstance(node, exp.GroupConcat) and not isinstance(node.parent, exp.Filter):
        return _sorted_and_joined(node, None)
    if isinstance(node, exp.Filter) and isinstance(node.this, exp.GroupConcat):
        return _sorted_and_joined(node.this, node.expression.this)
    return node


def _sorted_and_joined(node: exp.GroupConcat, condition: exp.Expression | None) -> exp.Expression:
    if node.args.get("separator") is None:
        raise Untranslatable("string_agg without a separator")
    text, keys, is_distinct = taken_apart(node.this)
    text_sql = spelled(text)
    if is_distinct and [spelled(key) for key in keys] not in ([], [text_sql]):
        raise Untranslatable("string_agg(distinct ...) in an order that is not the text's own")
    wanted = f"NOT {text_sql} IS NULL" + (f" AND ({spelled(condition)})" if condition is not None else "")
    if is_distinct or not keys:
        element = f"STRUCT({text_sql} AS text)"
    else:
        # NULLs last, as everywhere in DuckDB
        told = ", ".join(f"{spelled(key)} IS NULL AS n{i}, {spelled(key)} AS k{i}" for i, key in enumerate(keys))
        element = f"STRUCT({told}, {text_sql} AS text)"
    collect = "COLLECT_SET" if is_distinct else "COLLECT_LIST"
    separator = spelled(node.args["separator"])
    kept = f"CASE WHEN {wanted} THEN {element} END"
    return parsed(
        f"CASE WHEN COUNT(CASE WHEN {wanted} THEN 1 END) > 0"
        f" THEN ARRAY_JOIN(TRANSFORM(SORT_ARRAY({collect}({kept})), x -> x.text), {separator}) END"
    )


def taken_apart(argument: exp.Expression) -> tuple[exp.Expression, list[exp.Expression], bool]:
    """Of an aggregate's argument: what is aggregated, the keys it is ordered by (ascending), whether distinct."""
    keys: list[exp.Expression] = []
    is_distinct = False
    while isinstance(argument, exp.Order | exp.Distinct):
        if isinstance(argument, exp.Order):
            if any(ordered.args.get("desc") for ordered in argument.expressions):
                raise Untranslatable("an aggregate in descending order")
            keys = [ordered.this for ordered in argument.expressions]
            argument = argument.this
        else:
            is_distinct = True
            (argument,) = argument.expressions
    return argument, keys, is_distinct
