"""What a check shows in Dagster: a table a person can read, and numbers that Dagster plots over nights."""

import dagster as dg
import pandas as pd

from quality.gate import SuiteResult

PASSED, ERROR, ACCEPTED = "passed", "error", "accepted"


def page_of_check(key: dg.AssetKey, suite: str, checks: pd.DataFrame, violations: pd.DataFrame) -> dg.AssetCheckResult:
    """A suite's results as Dagster's check result.

    Args:
        checks: the suite's rows of quality.check_results.
        violations: the rows of quality.violations; keys are opaque ids, never values.
    """
    open_points = checks[checks["status"] != PASSED]
    closing = SuiteResult(checks, violations).blocking
    metadata: dict[str, dg.MetadataValue] = {
        "n_checks": dg.MetadataValue.int(len(checks)),
        "n_not_passed": dg.MetadataValue.int(len(open_points)),
        "n_failed": dg.MetadataValue.int(int(checks["n_failed"].fillna(0).sum())),
    }
    if len(open_points):
        metadata["what_is_wrong"] = dg.MetadataValue.md(table_of_checks(open_points, closing, violations))
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=f"expectations_of_{suite}",
        passed=bool((open_points["status"] == ACCEPTED).all()),
        # of a blocking check Dagster stops what comes after where it failed with severity ERROR
        severity=dg.AssetCheckSeverity.WARN if closing.empty else dg.AssetCheckSeverity.ERROR,
        metadata=metadata,
    )


def table_of_checks(open_points: pd.DataFrame, closing: pd.DataFrame, violations: pd.DataFrame) -> str:
    """The checks that did not pass as a Markdown table: what, on what, blocking or not, numerator, denominator, allowed, why, keys.

    Args:
        closing: those of `open_points` that keep the gate closed, by the index of both.
    """
    heading = "| check | what it asks | table | column | stops the night | failed of | allowed | why so much | keys |"
    lines = [heading, "|" + "---|" * 9]
    for check in open_points.assign(is_closing=open_points.index.isin(closing.index)).to_dict("records"):
        named = violations[(violations["suite"] == check["suite"]) & (violations["check_name"] == check["check_name"])]
        keys = ", ".join(named["row_key"].dropna().astype(str).head(5)) + (" ..." if len(named) > 5 else "")
        stops = "yes" if check["is_closing"] else f"no, it {'was accepted' if check['status'] == ACCEPTED else 'warns'}"
        counted = f"could not be run ({check['error']})" if check["status"] == ERROR else _share(check)
        cells = [
            check["check_name"],
            check["description"],
            check["table_name"],
            check["column_name"],
            stops,
            counted,
            f"{check['threshold']:.1%}",
            check["threshold_reason"],
            keys,
        ]
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _share(check: dict) -> str:
    return f"{check['n_failed']:,.0f} of {check['n_checked']:,.0f} ({check['share_failed']:.1%})"


def _cell(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value).replace("|", "/").replace("\n", " ")
