"""Letters, large and small, and words that are nearly alike."""

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules.spark_spelling import parsed, spelled

TWO_WHEN_LARGE = "ßŉǰẖẗẘẙẚﬀﬁﬂﬃﬄﬅﬆ"
AS_LARGE = "ẞ" + TWO_WHEN_LARGE[1:]
# no letter of any text, and the same large
STAND_INS = "".join(chr(0xFDD0 + place) for place in range(len(TWO_WHEN_LARGE)))


def letter_case(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """DuckDB changes a letter into a letter. Other engines make SS of ß and FI of a ligature (upper), another letter of Σ at a word's
    end and two of İ (lower). Greek with accents of antiquity and Armenian ligatures are not seen to."""
    if not isinstance(node, exp.Upper | exp.Lower) or isinstance(node.this, exp.Literal):
        return node
    text = spelled(node.this)
    if isinstance(node, exp.Lower):
        return parsed(f"LOWER(TRANSLATE({text}, 'İΣ', 'iσ'))")
    kept_apart = f"TRANSLATE({text}, '{TWO_WHEN_LARGE}', '{STAND_INS}')"
    return parsed(f"TRANSLATE(UPPER({kept_apart}), '{STAND_INS}', '{AS_LARGE}')")


def distance_of_words(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """levenshtein counts bytes in DuckDB: each becomes a letter of its own."""
    if not isinstance(node, exp.Levenshtein):
        return node
    words = (f"DECODE(ENCODE({spelled(word)}, 'UTF-8'), 'ISO-8859-1')" for word in (node.this, node.expression))
    return exp.Anonymous(this="LEVENSHTEIN", expressions=[parsed(word) for word in words])
