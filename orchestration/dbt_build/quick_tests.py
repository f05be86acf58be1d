"""A data test as what it is, one query that counts rows: dbt makes a second set of names for each test, runs two macros with them, opens
a transaction and makes a table of the one row that comes back. Its result, message and status are dbt's own."""

from typing import Any

from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import TestNode
from dbt.task.test import TestResultData, TestRunner

COUNTED_BY_A_QUERY = "duckdb"


def count_by_one_query() -> None:
    """From now on, in this process."""
    own = TestRunner.execute_data_test

    def execute_data_test(self: TestRunner, data_test: TestNode, manifest: Manifest) -> TestResultData:
        config = data_test.config
        if self.adapter.type() != COUNTED_BY_A_QUERY or config.limit or data_test.should_store_failures:
            return own(self, data_test, manifest)
        return counted(self.adapter, str(data_test.compiled_code), config)

    runner: Any = TestRunner
    runner.execute_data_test = execute_data_test


def counted(adapter: Any, failing_rows: str, config: Any) -> TestResultData:
    """How many rows a test's query gives, and what its configuration says of that."""
    failures = config.fail_calc
    _, cursor = adapter.connections.add_select_query(
        f"select {failures}, {failures} {config.warn_if}, {failures} {config.error_if} from (\n{failing_rows}\n) as failing_rows"
    )
    ((n_failures, should_warn, should_error),) = cursor.fetchall()
    return TestResultData(int(n_failures), bool(should_warn), bool(should_error), {"_message": "OK"})
