"""Between an expression and its spelling in Spark's SQL."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from orchestration.engines.spark.rules.untranslatable import Untranslatable


def parsed(sql: str) -> exp.Expression:
    """An expression of Spark's."""
    return sqlglot.parse_one(sql, read="spark")


def spelled(node: exp.Expression) -> str:
    """In Spark's SQL, without comments.

    Raises:
        Untranslatable: sqlglot says that Spark has nothing for a part of it; it would leave that part out, or write it as it was.
    """
    try:
        return node.sql("spark", comments=False, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise Untranslatable(str(error)) from None
