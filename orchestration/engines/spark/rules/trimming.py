"""Spaces at the ends of a text."""

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour

SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""Unicode's category Zs: no tab, no line's end."""


def trimmed(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """trim(x), ltrim(x), rtrim(x): DuckDB takes away every space that Unicode has, others take U+0020 alone, or more."""
    if isinstance(node, exp.Trim) and node.expression is None:
        node.set("expression", exp.Literal.string(SPACES))
    return node
