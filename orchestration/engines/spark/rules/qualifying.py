"""QUALIFY, which neither Spark nor Sail knows."""

from sqlglot import exp

from orchestration.engines.spark.rules.columns import ColumnsOf
from orchestration.engines.spark.rules.untranslatable import Untranslatable

KEPT = "is_kept_row"


def qualified(tree: exp.Expression, columns_of: ColumnsOf) -> exp.Expression:
    """The condition becomes a column of the select, and a select around it keeps the rows in which it is true.

    A select of a star shows that column too: in a subquery it does no harm, in the query's own result it would.
    """
    # innermost first: the copy that is put around is of what is done already
    for select in reversed(list(tree.find_all(exp.Select))):
        condition = select.args.get("qualify")
        if condition is None:
            continue
        if select.is_star and select.parent is None:
            raise Untranslatable("QUALIFY on a star in the query's own result")
        select.set("qualify", None)
        shown = [exp.Star()] if select.is_star else [exp.column(name) for name in select.named_selects]
        inner = select.copy()
        inner.set("with_", None)
        inner.append("expressions", exp.alias_(exp.Paren(this=condition.this.copy()), KEPT))
        outer = exp.select(*shown).from_(inner.subquery("with_condition")).where(exp.column(KEPT))
        if select.args.get("with_") is not None:
            outer.set("with_", select.args["with_"].copy())
        if select is tree:
            tree = outer
        else:
            select.replace(outer)
    return tree
