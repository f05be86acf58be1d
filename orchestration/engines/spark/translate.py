"""A query in DuckDB's spelling -> the same query for a Spark-compatible engine.

sqlglot knows both grammars; the rules (`rules/`, one topic a file, each with its test) are what it leaves wrong or cannot know. What no
rule covers raises: a query that means something else on another engine is worse than none.
"""

import sys
import threading
from collections.abc import Callable, Mapping

from sqlglot import exp

from orchestration.engines.spark.duckdb_spelling import parsed
from orchestration.engines.spark.flavours import Flavour
from orchestration.engines.spark.rules import NODE_RULES, STATEMENT_RULES
from orchestration.engines.spark.rules.columns import ColumnsOf
from orchestration.engines.spark.rules.spark_spelling import spelled

STACK_BYTES = 512 * 1024 * 1024
DEPTH = 100_000


def no_columns(table: str) -> Mapping[str, str]:
    """For queries that need to know of no table's columns."""
    raise KeyError(f"the columns of {table} are not known")


def to_spark(query: str, flavour: Flavour, columns_of: ColumnsOf = no_columns) -> str:
    """One SELECT, translated.

    Args:
        columns_of: the columns of a table ('schema.table') in their order; asked only where a star is to be taken apart.
    Raises:
        Untranslatable: the query uses what has no counterpart.
        sqlglot.errors.ParseError: the query is no SELECT of DuckDB's.
    """
    return _with_deep_stack(lambda: _translated(query, flavour, columns_of))


def _translated(query: str, flavour: Flavour, columns_of: ColumnsOf) -> str:
    tree = parsed(query)
    for rule in STATEMENT_RULES:
        tree = rule(tree, columns_of)
    for table in tree.find_all(exp.Table):
        # a build file has a name, a Spark schema stands in no database
        table.set("catalog", None)
    # innermost first: what a rule puts in is of translated parts
    for node in reversed(list(tree.walk(bfs=True))):
        for rule in NODE_RULES:
            changed = rule(node, flavour)
            if changed is not node:
                node.replace(changed)
                break
    return spelled(tree)


def _with_deep_stack(work: Callable[[], str]) -> str:
    """Nested replacements nest calls in sqlglot; a thread of its own has the room, and leaves the caller's limits alone."""
    outcome: list[str | Exception] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)

    before, size = sys.getrecursionlimit(), threading.stack_size(STACK_BYTES)
    sys.setrecursionlimit(max(before, DEPTH))
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]
