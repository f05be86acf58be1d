"""One suite on one frame by Great Expectations: counts and keys out, never a value of the data.

Great Expectations cannot run on DuckDB through SQLAlchemy, so frames it is. An expectation that raises is an *error*,
which is not the same as a *failure*: nothing is known then, and the gate stays closed.
"""

import contextlib
import importlib
import logging
import os
import re
import sys
from collections.abc import Generator
from functools import cache
from types import ModuleType
from typing import Any

import pandas as pd
import scipy

from quality.suite_definitions import Check, Suite

MOST_KEYS_KEPT = 200
"""Failing rows listed a check; the check's count is always complete."""
CHECK_COLUMNS = [
    "suite", "table_name", "check_name", "description", "column_name", "severity", "status", "n_checked", "n_failed",
    "share_failed", "threshold", "threshold_reason", "error",
]  # fmt: skip
VIOLATION_COLUMNS = ["suite", "table_name", "check_name", "severity", "row_key", "column_name"]
EXCEPTION_CLASS = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Z]\w*(?:Error|Exception|Warning))\b", re.MULTILINE)
Row = list[Any]


def judge_frame(suite: Suite, frame: pd.DataFrame, most_keys: int = MOST_KEYS_KEPT) -> tuple[list[Row], list[Row]]:
    """Rows of CHECK_COLUMNS, and rows of VIOLATION_COLUMNS for at most `most_keys` failing rows a check."""
    rows_of_check: dict[str, Row] = {}
    violations: list[Row] = []
    for where in dict.fromkeys(check.where for check in suite.checks):
        members = [check for check in suite.checks if check.where == where]
        for check, result in zip(members, _results(suite, members, where, frame), strict=True):
            rows_of_check[check.name], keys = _judge(suite, check, result, most_keys)
            violations += keys
    return [rows_of_check[check.name] for check in suite.checks], violations


def check_row(suite: Suite, check: Check, status: str, n_checked: int, n_failed: int, error: str | None = None) -> Row:
    """One row of CHECK_COLUMNS."""
    return [
        suite.name,
        suite.table,
        check.name,
        check.description,
        ", ".join(check.columns) or None,
        check.severity,
        status,
        n_checked,
        n_failed,
        n_failed / n_checked if n_checked else 0.0,
        check.threshold,
        check.threshold_reason,
        error,
    ]


def _results(suite: Suite, checks: list[Check], where: str | None, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A result of Great Expectations for each check, or {'error': name}: checks of other columns still get theirs."""
    try:
        rows = frame.query(where, engine="python") if where else frame
    except Exception as error:  # noqa: BLE001 - whatever the query raises, the checks could not be run
        return [{"error": type(error).__name__}] * len(checks)
    lacking = {check.name: [name for name in check.columns if name not in frame.columns] for check in checks}
    results = {name: {"error": f"MissingColumn: {', '.join(columns)}"} for name, columns in lacking.items() if columns}
    runnable = [check for check in checks if not lacking[check.name]]
    if rows.empty:
        no_rows = {"success": True, "result": {"element_count": 0, "unexpected_count": 0}}
        results |= {check.name: no_rows for check in runnable}
    elif runnable:
        try:
            results |= _validate(suite, runnable, rows)
        except Exception as error:  # noqa: BLE001 - one suite that cannot be run must not hide what the others found
            results |= {check.name: {"error": type(error).__name__} for check in runnable}
    return [results.get(check.name, {"error": "NoResult"}) for check in checks]


def _validate(suite: Suite, checks: list[Check], rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    gx, any_frame = load_great_expectations()
    keys = [name for name in suite.key if name in rows.columns]
    # nothing is handed over that no check reads, so nothing else can come back in a result
    columns = list(dict.fromkeys([*keys, *(name for check in checks for name in check.columns)]))
    batch = any_frame.get_batch({"dataframe": rows[columns].reset_index(drop=True)})
    results: dict[str, dict[str, Any]] = {}
    expectations = []
    for check in checks:
        try:
            kind = getattr(gx.expectations, "".join(part.title() for part in check.expectation.split("_")))
            # 1 - 0.58 is a hair more than 0.42, and 42 sound rows of 100 would not do
            allowed = {"mostly": round(1 - check.threshold, 12)} if check.threshold else {}
            expectations.append(kind(**check.arguments, **allowed, meta={"check": check.name}))
        except Exception as error:  # noqa: BLE001 - a check that cannot even be stated is an error of that check alone
            results[check.name] = {"error": type(error).__name__}
    outcome = batch.validate(
        gx.ExpectationSuite(name=suite.name, expectations=expectations),
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": keys},
    )
    for result in outcome.results:
        told = result.to_json_dict()
        results[told["expectation_config"]["meta"]["check"]] = told
    return results


class StatsWhenUsed:
    """scipy.stats to those who ask something of it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("scipy.stats"), name)


@contextlib.contextmanager
def scipy_stats_when_used() -> Generator[None]:
    """Within it `from scipy import stats` imports nothing yet: three expectations, which no suite has, want it, and it takes a quarter
    of the time of Great Expectations' own import."""
    if "scipy.stats" in sys.modules:
        yield
        return
    package: Any = scipy
    package.stats = when_used = StatsWhenUsed()
    try:
        yield
    finally:
        if vars(scipy).get("stats") is when_used:
            del package.stats


@cache
def load_great_expectations() -> tuple[ModuleType, Any]:
    """The module and a batch definition that takes any frame; made once, for both take time (the import, seconds)."""
    # read when the module is imported: nothing is sent anywhere
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    with scipy_stats_when_used():
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return gx, asset.add_batch_definition_whole_dataframe("all rows")


def _judge(suite: Suite, check: Check, result: dict[str, Any], most_keys: int) -> tuple[Row, list[Row]]:
    error = result.get("error") or _exception_class(result.get("exception_info") or {})
    if error:
        return check_row(suite, check, "error", 0, 0, error), []
    details = result.get("result", {})
    is_table_check = "unexpected_count" not in details
    n_checked = 1 if is_table_check else details["element_count"] - details.get("missing_count", 0)
    n_failed = int(not result["success"]) if is_table_check else details["unexpected_count"]
    keys = []
    for index in (details.get("unexpected_index_list") or [])[:most_keys] if n_failed else []:
        # where the key's columns are lacking the list holds row numbers, which name nobody
        named = [f"{name}={index[name]}" for name in suite.key if name in index] if isinstance(index, dict) else []
        row_key, columns = ",".join(named), ", ".join(check.columns)
        keys.append([suite.name, suite.table, check.name, check.severity, row_key, columns])
    return check_row(suite, check, "passed" if result["success"] else "failed", n_checked, n_failed), keys


def _exception_class(exception_info: dict[str, Any]) -> str | None:
    """Class name of what an expectation raised, never its message: messages quote values.

    The information is of the expectation as a whole, or by metric when the computing of a metric raised.
    """
    infos = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    raised = [info for info in infos if isinstance(info, dict) and info.get("raised_exception")]
    if not raised:
        return None
    names = EXCEPTION_CLASS.findall(str(raised[0].get("exception_traceback")))
    return names[-1] if names else "Exception"
