"""Which functions and types may be asked of an engine: those of which it is known that it answers as DuckDB does."""

from sqlglot import exp

from orchestration.engines.spark.duckdb_spelling import ELEMENTS
from orchestration.engines.spark.rules.columns import ColumnsOf
from orchestration.engines.spark.rules.untranslatable import Untranslatable

KNOWN_FUNCTIONS = frozenset(
    {
        "abs", "argmax", "argmin", "array", "arrayagg", "arrayconcat", "arraycontains", "arraydistinct", "arrayfilter", "arraymax",
        "arraymin", "arrayoverlaps", "arraysort", "arraytostring", "case", "cast", "chr", "coalesce", "concat", "concatws", "count",
        "datediff", "denserank", "exists", "explode", "extract", "firstvalue", "flatten", "floor", "generate_subscripts", "greatest",
        "groupconcat", "hash", "if", "lag", "lastvalue", "lead", "least", "left", "length", "levenshtein", "list_has_all", "list_slice",
        "logicaland", "logicalor", "lower", "max", "md5", "median", "min", "nullif", "pad", "rank", "read_margin_statements",
        "regexpextract", "regexpfullmatch", "regexplike", "regexpreplace", "regexpsplit", "replace", "round", "rownumber", "split",
        "struct", "substring", "sum", "transform", "trim", "trycast", "unnest", "upper", ELEMENTS.lower(),
    }
)  # fmt: skip
"""As sqlglot calls them, else by the name that is written. Each is asked of both engines in tests/cluster/questions.sql."""

TYPES = exp.DataType.Type
KNOWN_TYPES = frozenset(
    {
        TYPES.VARCHAR, TYPES.TEXT, TYPES.INT, TYPES.BIGINT, TYPES.DOUBLE, TYPES.BOOLEAN, TYPES.DATE, TYPES.TIMESTAMP, TYPES.TIMESTAMPNTZ,
        TYPES.UBIGINT, TYPES.INT128, TYPES.BIGDECIMAL, TYPES.DECIMAL, TYPES.ARRAY, TYPES.LIST, TYPES.UNKNOWN,
    }
)  # fmt: skip
"""sqlglot writes a type that Spark has not as one that is near: a UUID as a text, bits as a truth."""


def functions_of(tree: exp.Expression) -> set[str]:
    """The functions of a query, as KNOWN_FUNCTIONS has them."""
    return {
        (node.name if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc) else node.key).lower()
        for node in tree.find_all(exp.Func)
        if not isinstance(node, exp.Connector)
    }


def only_what_is_known(tree: exp.Expression, columns_of: ColumnsOf) -> exp.Expression:
    """A function of one name need not mean the same elsewhere, and sqlglot hands on what it does not know."""
    if others := {node.this for node in tree.find_all(exp.DataType)} - KNOWN_TYPES:
        raise Untranslatable(f"types that no rule knows: {', '.join(sorted(str(one.value) for one in others))}")
    if unknown := functions_of(tree) - KNOWN_FUNCTIONS:
        raise Untranslatable(f"functions that no rule knows: {', '.join(sorted(unknown))}")
    return tree
