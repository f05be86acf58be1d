"""Functions of regular expressions, and texts split at a text."""

import re

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules.untranslatable import Untranslatable

OF_ALL = "g"
UNDERSTOOD = ("this", "expression", "group", "replacement", "modifiers", "single_replace", "null_if_pos_overflow")


def pattern_function(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """Patterns and replacements in the engine's own spelling; what is extracted without a group is the whole match."""
    if not isinstance(
        node, exp.RegexpLike | exp.RegexpFullMatch | exp.RegexpExtract | exp.RegexpReplace | exp.RegexpSplit
    ):
        return node
    pattern = node.expression
    if not isinstance(pattern, exp.Literal):
        raise Untranslatable(f"a pattern that is no literal: {node.sql('duckdb')[:120]}")
    if others := sorted(name for name, told in node.args.items() if told is not None and name not in UNDERSTOOD):
        raise Untranslatable(
            f"a regular expression with options ({', '.join(others)}): write them as (?i) or (?s) into it"
        )
    node.set("expression", exp.Literal.string(flavour.pattern(pattern.this)))
    if isinstance(node, exp.RegexpFullMatch):
        return exp.RegexpLike(this=node.this, expression=exp.Literal.string(flavour.pattern(f"^(?:{pattern.this})$")))
    if isinstance(node, exp.RegexpReplace):
        if _matches_nothing(pattern.this):
            raise Untranslatable("regexp_replace by a pattern that matches nothing at all: engines differ in where")
        _replace_all(node, flavour)
    elif isinstance(node, exp.RegexpExtract) and node.args.get("group") is None:
        node.set("group", exp.Literal.number(0))
    return node


def _matches_nothing(pattern: str) -> bool:
    try:
        return re.search(pattern, "") is not None
    except re.error:
        # RE2's own; what Python does not know is not looked at
        return False


def _replace_all(node: exp.RegexpReplace, flavour: Flavour) -> None:
    options = node.args.get("modifiers")
    if options is None or options.this != OF_ALL:
        raise Untranslatable("regexp_replace without the option 'g' replaces once in DuckDB, everywhere in Spark")
    replacement = node.args["replacement"]
    if not isinstance(replacement, exp.Literal):
        raise Untranslatable("regexp_replace by what is no literal")
    node.set("replacement", exp.Literal.string(flavour.replacement(replacement.this)))
    for option in ("modifiers", "single_replace", "null_if_pos_overflow"):
        node.set(option, None)


def split_text(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """Spark splits at a pattern: the text that DuckDB splits at is escaped."""
    if not isinstance(node, exp.Split):
        return node
    if not isinstance(node.expression, exp.Literal):
        raise Untranslatable("a text split at what is no literal")
    separator = re.sub(r"([\\.|*+?^$(){}\[\]])", r"\\\1", node.expression.this)
    return exp.Anonymous(this="SPLIT", expressions=[node.this, exp.Literal.string(separator)])


def like(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """A backslash in a pattern of LIKE is a letter like others in DuckDB, and takes the next one's meaning away in Spark."""
    if not isinstance(node, exp.Like | exp.ILike):
        return node
    if not isinstance(node.expression, exp.Literal) or isinstance(node.parent, exp.Escape):
        raise Untranslatable("LIKE with a pattern that is no literal, or with ESCAPE")
    node.set("expression", exp.Literal.string(node.expression.this.replace("\\", "\\\\")))
    return node
