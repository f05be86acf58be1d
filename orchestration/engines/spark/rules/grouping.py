"""GROUP BY ALL."""

from sqlglot import exp

from orchestration.engines.spark.rules.columns import ColumnsOf


def group_by_all(tree: exp.Expression, columns_of: ColumnsOf) -> exp.Expression:
    """Written out: Sail does not know it. Stars are written out before."""
    for select in list(tree.find_all(exp.Select)):
        group = select.args.get("group")
        if group is None or not group.args.get("all"):
            continue
        keys = [one.unalias().copy() for one in select.expressions if not one.find(exp.AggFunc)]
        select.set("group", exp.Group(expressions=[key for key in keys if not isinstance(key, exp.Literal)]))
    return tree
