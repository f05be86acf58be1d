"""Stars with columns left out or replaced, and unions by name: written out, for which the tables' columns must be known."""

from collections.abc import Callable, Mapping

from sqlglot import exp

from orchestration.engines.spark.rules.untranslatable import Untranslatable

ColumnsOf = Callable[[str], Mapping[str, str]]
"""'schema.table' -> its columns and their types, in their order."""


def stars_and_names(tree: exp.Expression, columns_of: ColumnsOf) -> exp.Expression:
    """`* exclude (...)`, `* replace (...)`, `union all by name`, and a star that is grouped by ALL."""
    if not any(_is_special(node) for node in tree.find_all(exp.Star, exp.SetOperation, exp.Group)):
        return tree
    from sqlglot.optimizer.qualify import qualify

    of_tables = {table for table in tree.find_all(exp.Table) if table.db}
    schema: dict[str, dict[str, Mapping[str, str]]] = {}
    for table in of_tables:
        schema.setdefault(table.db, {})[table.name] = columns_of(f"{table.db}.{table.name}")
        # the schema's depth is one for all tables, and a build file's name is none of it
        table.set("catalog", None)
    tree = qualify(
        tree,
        schema=schema,
        dialect="duckdb",
        validate_qualify_columns=False,
        quote_identifiers=False,
        identify=False,
        allow_partial_qualification=True,
    )
    for union in list(tree.find_all(exp.SetOperation)):
        if union.args.get("by_name"):
            _in_order(union)
    return tree


def _is_special(node: exp.Expression) -> bool:
    if isinstance(node, exp.Group):
        return bool(node.args.get("all")) and any(one.is_star for one in node.parent.selects)
    return bool(node.args.get("replace") or node.args.get("except_") or node.args.get("by_name"))


def _in_order(union: exp.SetOperation) -> None:
    by_name = {one.alias_or_name: one for one in union.right.selects}
    names = union.left.named_selects
    if set(by_name) != set(names):
        raise Untranslatable(f"a union by name of different columns: {sorted(set(by_name) ^ set(names))}")
    union.right.set("expressions", [by_name[name] for name in names])
    for told in ("by_name", "side", "kind"):
        union.set(told, None)
