"""Functions of lists."""

from sqlglot import exp

from orchestration.engines.spark.duckdb_spelling import ELEMENTS
from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules.joined_text import parsed


def list_function(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """What is named otherwise in Spark, or means a little else: NULL for NULL, and no element that is NULL among the distinct ones."""
    name = node.name.upper() if isinstance(node, exp.Anonymous) else ""
    if name == ELEMENTS:
        return exp.Anonymous(this="ARRAY_SIZE", expressions=node.expressions)
    if name in ("LIST_MIN", "LIST_MAX"):
        return exp.Anonymous(this=f"ARRAY{name[4:]}", expressions=node.expressions)
    if name == "LIST_SLICE" or isinstance(node, exp.ArraySlice):
        return _slice(*_slice_arguments(node))
    if isinstance(node, exp.ArrayContainsAll) or name in ("LIST_HAS_ALL", "ARRAY_HAS_ALL"):
        whole, parts = node.expressions if name else (node.this, node.expression)
        return _has_all(whole.sql("spark"), parts.sql("spark"))
    if isinstance(node, exp.ArrayOverlaps):
        return exp.Anonymous(this="ARRAYS_OVERLAP", expressions=[node.this.copy(), node.expression.copy()])
    if isinstance(node, exp.ArrayDistinct) or name == "LIST_DISTINCT":
        of = node.expressions[0] if name else node.this
        return parsed(f"ARRAY_DISTINCT(ARRAY_COMPACT({of.sql('spark')}))")
    return node


def _has_all(whole: str, parts: str) -> exp.Expression:
    """NULL where either list is; array_except would do it but for Sail, to which lists with and without NULLs are of two types."""
    missing = f"FILTER({parts}, part -> NOT ARRAY_CONTAINS({whole}, part))"
    return parsed(f"CASE WHEN NOT {whole} IS NULL THEN ARRAY_SIZE({missing}) = 0 END")


def _slice_arguments(node: exp.Expression) -> list[exp.Expression]:
    return node.expressions if isinstance(node, exp.Anonymous) else [node.this, node.args["start"], node.args["end"]]


def _slice(of: exp.Expression, first: exp.Expression, last: exp.Expression) -> exp.Expression:
    """Spark's says how many, DuckDB's up to which."""
    from_sql = first.sql("spark")
    return parsed(f"SLICE({of.sql('spark')}, {from_sql}, GREATEST(({last.sql('spark')}) - ({from_sql}) + 1, 0))")


def position_in_list(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """x[3]: NULL beyond the end, where Spark's own raises. sqlglot has counted from 0 already."""
    if (
        not isinstance(node, exp.Bracket)
        or len(node.expressions) != 1
        or not isinstance(node.expressions[0], exp.Literal)
    ):
        return node
    position = exp.Literal.number(int(node.expressions[0].name) + 1)
    return exp.Anonymous(this="TRY_ELEMENT_AT", expressions=[node.this.copy(), position])


def list_of_literals(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """['a', 'b']: Sail takes a list of literals for one whose elements are never NULL, another type than any other list's."""
    if not flavour.has_types_of_first_branches or not isinstance(node, exp.Array) or not node.expressions:
        return node
    first = node.expressions[0]
    if isinstance(first, exp.Literal) and first.is_string and first.this:
        first.replace(exp.Nullif(this=first.copy(), expression=exp.Literal.string("")))
    return node
