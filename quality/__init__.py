"""The quality gate: Great Expectations suites on frames. Knows nothing of DuckDB, Dagster or the rest of the project."""

from quality.gate import GateReport, run_suites
from quality.suite_definitions import list_suites

__all__ = ["GateReport", "list_suites", "run_suites"]
