"""The gate: all suites of a stage on the frames as they would be published. It opens when every blocking check passed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from quality.common_checks import common_suite
from quality.derived_tables import DERIVATIONS
from quality.privacy import privacy_checks
from quality.run_expectations import CHECK_COLUMNS, MOST_KEYS_KEPT, VIOLATION_COLUMNS, Row, check_row, judge_frame
from quality.suite_definitions import Check, Severity, Stage, Suite, all_suites, suites_of_stage

NUMBER_TYPES = {"n_checked": "int64", "n_failed": "int64", "share_failed": "float64", "threshold": "float64"}


@dataclass(frozen=True)
class SuiteResult:
    """checks: one row a check (CHECK_COLUMNS) with numerator n_failed and denominator n_checked, the rows that have a value;
    violations: one row a failing row (VIOLATION_COLUMNS), by key only."""

    checks: pd.DataFrame
    violations: pd.DataFrame

    @property
    def blocking(self) -> pd.DataFrame:
        """The checks that keep the gate closed: blocking ones that failed, and any that could not be run."""
        checks = self.checks
        failed = (checks["status"] == "failed") & (checks["severity"] == "blocking")
        return checks[failed | (checks["status"] == "error")]

    @property
    def is_open(self) -> bool:
        """Whether what was judged may be published."""
        return self.blocking.empty

    def summary(self) -> str:
        """Plain text: counts, then one line a check that did not pass, those that close the gate first."""
        counts = self.checks["status"].value_counts()
        lines = [
            f"gate {'open' if self.is_open else 'CLOSED'}: {counts.get('passed', 0)} checks passed, "
            f"{counts.get('failed', 0)} failed, {counts.get('error', 0)} could not be run"
        ]
        not_passed = self.checks[self.checks["status"] != "passed"]
        closing = not_passed.index.isin(self.blocking.index)
        for check in pd.concat([not_passed[closing], not_passed[~closing]]).to_dict("records"):
            judged, description = f"- {check['status']} ({check['severity']})", check["description"]
            if isinstance(check.get("change"), str):
                lines.append(f"{judged} {description}")
                continue
            counted = f"{check['n_failed']:,} of {check['n_checked']:,}, allowed {check['threshold']:.0%}"
            told = check["error"] if check["status"] == "error" else counted
            suite, table = check["suite"], check["table_name"]
            place = suite if suite == table else f"{suite} of {table}"
            columns = f" [{check['column_name']}]" if pd.notna(check["column_name"]) else ""
            lines.append(f"{judged} {place}: {check['check_name']}{columns}: {told} - {description}")
        return "\n".join(lines)


class GateReport(SuiteResult):
    """The same of every suite of a stage."""


def no_violations() -> pd.DataFrame:
    """Of a stage whose checks are of counts, which have no rows of patients to name."""
    return pd.DataFrame(columns=VIOLATION_COLUMNS)


def run_suite(
    suite_name: str,
    frame: pd.DataFrame | dict[str, pd.DataFrame] | None,
    previous: int | None = None,
    most_keys: int = MOST_KEYS_KEPT,
) -> SuiteResult:
    """Judge one table.

    Args:
        suite_name: one of `list_suites`, but for 'privacy', which is of all tables together.
        frame: the suite's table, or tables by name for a suite that compares or looks up (cohort_size, time_to_event,
            count_totals).
        previous: size of the cohort that is published now; None before the first publication. Read by cohort_size only.
        most_keys: failing rows listed a check.
    Raises:
        KeyError: there is no such suite.
    """
    suite = all_suites()[suite_name]
    frames = frame if isinstance(frame, dict) else {} if frame is None else {suite.table: frame}
    return SuiteResult(*as_frames(*_judge_suite(suite, frames, previous, most_keys)))


def run_suites(
    frames: dict[str, pd.DataFrame],
    stage: str,
    previous_n_patients: int | None = None,
    identifiers: Iterable[str] = (),
    most_keys: int = MOST_KEYS_KEPT,
    common: Mapping[str, Sequence[str]] | None = None,
) -> GateReport:
    """Judge the tables of a stage.

    Args:
        frames: table name -> frame as it would be published; a table that a suite wants and that is not here is an error.
            All of them, with a suite or without, pass the privacy checks (but for stage 'staging', which is restricted).
        stage: 'staging', 'marts' or 'results'.
        previous_n_patients: size of the cohort that is published now; None before the first publication.
        identifiers: MRNs, which no published text may be or hold.
        most_keys: failing rows listed a check; counts are always complete.
        common: tables without a suite of their own, which are judged by what holds of a column wherever it stands, and the
            columns of which each combination stands once (empty: not known). Such a table may be empty, not missing.
    Raises:
        ValueError: there is no such stage.
    """
    suites = suites_of_stage(stage)
    if not suites:
        raise ValueError(f"no stage {stage!r}: staging, marts or results")
    checks, violations = empty_cohort(frames) if stage == "marts" else [], []
    for suite in suites:
        suite_checks, suite_violations = _judge_suite(suite, frames, previous_n_patients, most_keys)
        checks += suite_checks
        violations += suite_violations
    for table, key in (common or {}).items():
        table_checks, table_violations = _judge_common(table, key, frames, suites[0].stage, most_keys)
        checks += table_checks
        violations += table_violations
    if stage != "staging":
        checks += privacy_checks(frames, identifiers)
    return GateReport(*as_frames(checks, violations))


def empty_cohort(frames: dict[str, pd.DataFrame]) -> list[Row]:
    """One closing check where no patient is left in the cohort, whose description says which criteria took them."""
    flow = frames.get("cohort_flow")
    if flow is None or flow.empty or not {"step_number", "criterion", "n_remaining", "n_excluded"} <= set(flow.columns):
        return []
    steps = flow.sort_values("step_number")
    n_registered = int(steps["n_remaining"].iloc[0])
    if steps["n_remaining"].iloc[-1] > 0:
        return []
    takers = steps[steps["n_excluded"] > 0].sort_values("n_excluded", ascending=False, kind="stable")
    told = "; ".join(f"'{step.criterion}' took {step.n_excluded:,}" for step in takers.itertuples())
    description = f"No patient is left of {n_registered:,} registered: {told}" if told else "No patient is registered"
    check = Check(
        name="cohort_is_not_empty", description=description, expectation="expect_table_row_count_to_be_between"
    )
    return [check_row(all_suites()["cohort_flow"], check, "failed", n_registered, n_registered)]


def _judge_suite(
    suite: Suite, frames: dict[str, pd.DataFrame], previous: int | None, most_keys: int
) -> tuple[list[Row], list[Row]]:
    derivation = DERIVATIONS.get(suite.name)
    needs = derivation.needs if derivation else {suite.table: ()}
    missing = [table for table in needs if frames.get(table) is None]
    if missing:
        return [table_check(suite, "table_is_there", "error", error=f"MissingTable: {', '.join(missing)}")], []
    if frames[suite.table].empty:
        return [table_check(suite, "table_has_rows", "failed", "warning" if suite.may_be_empty else "blocking")], []
    if derivation is None:
        return judge_frame(suite, frames[suite.table], most_keys)
    lacking = [
        f"{table}.{name}" for table, names in needs.items() for name in names if name not in frames[table].columns
    ]
    if lacking:
        return [table_check(suite, "table_can_be_read", "error", error=f"MissingColumn: {', '.join(lacking)}")], []
    try:
        frame = derivation.make(frames, previous)
    except Exception as error:  # noqa: BLE001 - what cannot be worked out is an error of this suite, not of the night
        return [table_check(suite, "table_can_be_read", "error", error=type(error).__name__)], []
    return judge_frame(suite, frame, most_keys)


def _judge_common(
    table: str, key: Sequence[str], frames: dict[str, pd.DataFrame], stage: Stage, most_keys: int
) -> tuple[list[Row], list[Row]]:
    frame = frames.get(table)
    suite = common_suite(table, [] if frame is None else list(map(str, frame.columns)), stage, key)
    if frame is None:
        return [table_check(suite, "table_is_there", "error", error=f"MissingTable: {table}")], []
    return judge_frame(suite, frame, most_keys)


def table_check(suite: Suite, name: str, status: str, severity: Severity = "blocking", error: str | None = None) -> Row:
    """A row of CHECK_COLUMNS about a table as a whole."""
    description = {
        "table_is_there": "The table exists",
        "table_has_rows": "The table has rows",
        "table_can_be_read": "The table has the columns that its checks rest on",
    }[name]
    check = Check(name=name, description=description, expectation="expect_table_to_exist", severity=severity)
    return check_row(suite, check, status, 1, 1, error)


def as_frames(checks: list[Row], violations: list[Row]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Text stays text and counts stay counts when a column is empty, so that tables have the same types on every night."""
    check_types = {name: NUMBER_TYPES.get(name, "str") for name in CHECK_COLUMNS}
    return (
        pd.DataFrame(checks, columns=CHECK_COLUMNS).astype(check_types),
        pd.DataFrame(violations, columns=VIOLATION_COLUMNS).astype("str"),
    )
