"""Functions of lists."""

from sqlglot import exp

from orchestration.engines.spark.duckdb_spelling import ELEMENTS
from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules.spark_spelling import parsed, spelled
from orchestration.engines.spark.rules.untranslatable import Untranslatable


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
        return _has_all(spelled(whole), spelled(parts))
    if isinstance(node, exp.ArrayOverlaps):
        sides = [_without_nulls(node.this), _without_nulls(node.expression)]
        return exp.Anonymous(this="ARRAYS_OVERLAP", expressions=sides)
    if isinstance(node, exp.ArrayContains):
        return exp.Anonymous(this="ARRAY_CONTAINS", expressions=[_without_nulls(node.this), node.expression.copy()])
    # Sail cannot plan a window whose partition is a CASE; there lists of NULLs alone stand with empty ones
    if isinstance(node, exp.ArrayToString) and node.find_ancestor(exp.Window, exp.Select) is node.parent_select:
        return _joined(spelled(node.this), spelled(node.expression))
    if isinstance(node, exp.ArrayConcat):
        return _concatenated([node.this, *node.expressions])
    if isinstance(node, exp.ArrayDistinct) or name == "LIST_DISTINCT":
        of = node.expressions[0] if name else node.this
        return parsed(f"ARRAY_DISTINCT(ARRAY_COMPACT({spelled(of)}))")
    return node


def _without_nulls(of: exp.Expression) -> exp.Expression:
    """A list with a NULL has not 'a' in DuckDB where it has no 'a'; elsewhere nobody knows."""
    return of.copy() if isinstance(of, exp.Array) else exp.Anonymous(this="ARRAY_COMPACT", expressions=[of.copy()])


def _joined(of: str, separator: str) -> exp.Expression:
    """Of a list of NULLs alone the text is NULL, of an empty one it is empty."""
    return parsed(f"CASE WHEN SIZE({of}) = 0 OR SIZE(ARRAY_COMPACT({of})) > 0 THEN ARRAY_JOIN({of}, {separator}) END")


def _concatenated(lists: list[exp.Expression]) -> exp.Expression:
    """A list that is NULL adds nothing."""
    if len(lists) != 2:
        raise Untranslatable("other than two lists put together")
    one, other = (spelled(of) for of in lists)
    return parsed(f"COALESCE(CONCAT({one}, {other}), {one}, {other}, ARRAY())")


def _has_all(whole: str, parts: str) -> exp.Expression:
    """NULL where either list is; array_except would do it but for Sail, to which lists with and without NULLs are of two types."""
    missing = f"FILTER({parts}, part -> NOT COALESCE(ARRAY_CONTAINS({whole}, part), part IS NULL))"
    return parsed(f"CASE WHEN NOT {whole} IS NULL THEN ARRAY_SIZE({missing}) = 0 END")


def _slice_arguments(node: exp.Expression) -> list[exp.Expression]:
    return node.expressions if isinstance(node, exp.Anonymous) else [node.this, node.args["start"], node.args["end"]]


def _slice(of: exp.Expression, first: exp.Expression, last: exp.Expression) -> exp.Expression:
    """Spark's says how many, DuckDB's up to which."""
    from_sql = spelled(first)
    return parsed(f"SLICE({spelled(of)}, {from_sql}, GREATEST(({spelled(last)}) - ({from_sql}) + 1, 0))")


def position_in_list(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """x[3]: NULL beyond the end, where Spark's own raises. sqlglot has counted from 0 already."""
    if not isinstance(node, exp.Bracket) or len(node.expressions) != 1:
        return node
    place = node.expressions[0]
    if isinstance(place, exp.Literal) and place.is_string:
        return node
    if not isinstance(place, exp.Literal) or int(place.name) < 0:
        raise Untranslatable("an element of a list by what is no place from 1 on")
    position = exp.Literal.number(int(place.name) + 1)
    return exp.Anonymous(this="TRY_ELEMENT_AT", expressions=[node.this.copy(), position])


def list_of_literals(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """['a', 'b']: Sail takes a list of literals for one whose elements are never NULL, another type than any other list's."""
    if not flavour.has_types_of_first_branches or not isinstance(node, exp.Array) or not node.expressions:
        return node
    first = node.expressions[0]
    if isinstance(first, exp.Literal) and first.is_string and first.this:
        first.replace(exp.Nullif(this=first.copy(), expression=exp.Literal.string("")))
    return node
