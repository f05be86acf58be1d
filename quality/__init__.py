"""The quality gate: Great Expectations suites on frames. Knows nothing of DuckDB, Dagster or the rest of the project."""

from quality.counted_gate import CountedTables, run_suite_counted, run_suites_counted
from quality.gate import GateReport, SuiteResult, no_violations, run_suite, run_suites
from quality.suite_definitions import all_suites, list_suites

__all__ = [
    "CountedTables", "GateReport", "SuiteResult", "all_suites", "list_suites", "no_violations", "run_suite", "run_suites",
    "run_suite_counted", "run_suites_counted",
]  # fmt: skip
