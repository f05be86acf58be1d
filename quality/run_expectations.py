"""One suite on one frame by Great Expectations: counts and keys out, never a value of the data.

Great Expectations cannot run on DuckDB through SQLAlchemy, so frames it is. An expectation that raises is an *error*,
which is not the same as a *failure*: nothing is known then, and the gate stays closed.
"""

import logging
import os
from typing import Any

import pandas as pd

from quality.suite_definitions import Check, Suite

MOST_KEYS_KEPT = 200
"""Failing rows listed a check; the check's count is always complete."""
CHECK_COLUMNS = [
    "suite", "table_name", "check_name", "description", "column_name", "severity", "status", "n_checked", "n_failed",
    "share_failed", "threshold", "threshold_reason", "error",
]  # fmt: skip
VIOLATION_COLUMNS = ["suite", "table_name", "check_name", "severity", "row_key", "column_name"]


def run_suite(suite: Suite, frame: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the checks (CHECK_COLUMNS) and the keys of failing rows (VIOLATION_COLUMNS) of one suite."""
    if frame is None:
        return _single_check(suite, "table_is_there", "The table exists", "error", "table missing"), _no_violations()
    if frame.empty:
        status = "passed" if suite.may_be_empty else "failed"
        return _single_check(suite, "table_has_rows", "The table has rows", status, None), _no_violations()
    checks, violations = [], []
    for where in dict.fromkeys(check.where for check in suite.checks):
        members = [check for check in suite.checks if check.where == where]
        try:
            rows = frame.query(where, engine="python") if where else frame
        except Exception as error:  # noqa: BLE001 - whatever the query raises, the checks could not be run
            checks += [_row(suite, check, "error", 0, 0, type(error).__name__) for check in members]
            continue
        if rows.empty:
            checks += [_row(suite, check, "passed", 0, 0, None) for check in members]
            continue
        for check, result in zip(members, _validate(suite, members, rows), strict=True):
            row, keys = _judge(suite, check, result)
            checks.append(row)
            violations += keys
    return pd.DataFrame(checks, columns=CHECK_COLUMNS), pd.DataFrame(violations, columns=VIOLATION_COLUMNS)


def _validate(suite: Suite, checks: list[Check], rows: pd.DataFrame) -> list[dict[str, Any]]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas("frames")
        .add_dataframe_asset(suite.table)
        .add_batch_definition_whole_dataframe("all rows")
        .get_batch({"dataframe": rows.reset_index(drop=True)})
    )
    results: dict[str, dict[str, Any]] = {}
    expectations = []
    for check in checks:
        try:
            kind = getattr(gx.expectations, "".join(part.title() for part in check.expectation.split("_")))
            allowed = {"mostly": 1 - check.threshold} if check.threshold else {}
            expectations.append(kind(**check.arguments, **allowed, meta={"check": check.name}))
        except Exception as error:  # noqa: BLE001 - a check that cannot even be stated is an error of that check alone
            results[check.name] = {"error": type(error).__name__}
    outcome = batch.validate(
        gx.ExpectationSuite(name=suite.table, expectations=expectations),
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": suite.key},
    )
    for result in outcome.results:
        told = result.to_json_dict()
        results[told["expectation_config"]["meta"]["check"]] = told
    return [results.get(check.name, {"error": "NoResult"}) for check in checks]


def _judge(suite: Suite, check: Check, result: dict[str, Any]) -> tuple[list[Any], list[list[Any]]]:
    raised = result.get("exception_info") or {}
    if "raised_exception" not in raised:
        raised = next((info for info in raised.values() if isinstance(info, dict)), {})
    if result.get("error") or raised.get("raised_exception"):
        message = result.get("error") or str(raised.get("exception_message", "")).split(":")[0].split("(")[0][:60]
        return _row(suite, check, "error", 0, 0, message or "exception"), []
    details = result.get("result", {})
    is_table_check = "unexpected_count" not in details
    n_checked = 1 if is_table_check else details["element_count"] - details.get("missing_count", 0)
    n_failed = int(not result["success"]) if is_table_check else details["unexpected_count"]
    status = "passed" if result["success"] else "failed"
    keys = []
    if n_failed and not is_table_check:
        for index in (details.get("unexpected_index_list") or [])[:MOST_KEYS_KEPT]:
            key = ",".join(f"{name}={index.get(name)}" for name in suite.key)
            keys.append([suite.table, suite.table, check.name, check.severity, key, check.arguments.get("column")])
    return _row(suite, check, status, n_checked, n_failed, None), keys


def _row(suite: Suite, check: Check, status: str, n_checked: int, n_failed: int, error: str | None) -> list[Any]:
    return [
        suite.table, suite.table, check.name, check.description, check.arguments.get("column"), check.severity, status,
        n_checked, n_failed, n_failed / n_checked if n_checked else 0.0, check.threshold, check.threshold_reason, error,
    ]  # fmt: skip


def _single_check(suite: Suite, name: str, description: str, status: str, error: str | None) -> pd.DataFrame:
    check = Check(name=name, description=description, expectation="expect_table_row_count_to_be_between")
    failed = int(status != "passed")
    return pd.DataFrame([_row(suite, check, status, 1, failed, error)], columns=CHECK_COLUMNS)


def _no_violations() -> pd.DataFrame:
    return pd.DataFrame(columns=VIOLATION_COLUMNS)
