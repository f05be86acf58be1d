"""What would mean something else without a word, and is used nowhere: refused by name rather than translated."""

from sqlglot import exp

from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules.untranslatable import Untranslatable

ROUNDED = (exp.Round, exp.Floor, exp.Ceil, exp.Count)


def refused(node: exp.Expression, flavour: Flavour) -> exp.Expression:
    """See the messages; what is not among them is left alone."""
    if isinstance(node, exp.Left | exp.Right) and isinstance(node.expression, exp.Neg):
        raise Untranslatable("left or right of a negative number of letters")
    if isinstance(node, exp.Lambda) and len(node.expressions) > 1:
        raise Untranslatable("the place of a list's element counts from 1, on other engines from 0")
    if isinstance(node, exp.TableSample):
        raise Untranslatable("a sample of rows")
    if isinstance(node, exp.Extract) and node.name.upper() in ("DOW", "DAYOFWEEK", "WEEK"):
        raise Untranslatable("days and weeks are numbered otherwise on other engines")
    if isinstance(node, exp.DateDiff) and node.text("unit").upper() not in ("DAY", ""):
        raise Untranslatable("date_diff of another unit than days counts whole ones on other engines")
    if (
        isinstance(node, exp.Substring)
        and isinstance(node.args.get("start"), exp.Literal)
        and node.text("start") == "0"
    ):
        raise Untranslatable("substr from place 0")
    if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast) and node.to.this in exp.DataType.INTEGER_TYPES:
        _no_places_lost(node)
    return node


def _no_places_lost(node: exp.Cast) -> None:
    """A cast to a whole number rounds in DuckDB and cuts off elsewhere. Only what shows that it has places can be seen here; of a
    column the models' convention is that round() or floor() stands within the cast."""
    for found in node.this.find_all(exp.Div, exp.Literal, exp.Avg, exp.Median, exp.Cast):
        within = found.find_ancestor(exp.Cast, *ROUNDED, exp.Predicate, exp.Subquery)
        if within is node and _has_places(found):
            raise Untranslatable("a number with places cast to a whole one: round() or floor() it within the cast")


def _has_places(node: exp.Expression) -> bool:
    if isinstance(node, exp.Literal):
        return not node.is_string and "." in node.name
    return not isinstance(node, exp.Cast) or node.to.this in exp.DataType.REAL_TYPES
