"""Hashes of rows of values."""

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour


def hash_of_64_bits(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """hash(...) has 64 bits in DuckDB, 32 in Spark, whose xxhash64 has 64; as a decimal, sums of them do not overflow. The numbers
    differ from DuckDB's: they tell rows apart, nothing else. xxhash64 passes over a NULL, so that a value that moved into the next column
    would not be seen: that it is NULL is hashed too."""
    if not isinstance(node, exp.Anonymous) or node.name.upper() != "HASH":
        return node
    told = [
        part
        for one in node.expressions
        for part in ([] if isinstance(one, exp.Literal) else [one.is_(exp.Null())]) + [one.copy()]
    ]
    return exp.cast(exp.Anonymous(this="XXHASH64", expressions=told), "DECIMAL(38,0)")
