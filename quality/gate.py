"""The gate: all suites of a stage on the frames as they would be published. It opens when every blocking check passed."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from quality.derived_tables import derived_tables
from quality.privacy import identifying_columns, identifying_values
from quality.run_expectations import CHECK_COLUMNS, VIOLATION_COLUMNS, run_suite
from quality.suite_definitions import all_suites


@dataclass(frozen=True)
class GateReport:
    """checks: one row a check with numerator and denominator; violations: one row a failing row, by key only."""

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
        """Plain text: counts, then one line a check that did not pass."""
        counts = self.checks["status"].value_counts()
        lines = [
            f"gate {'open' if self.is_open else 'CLOSED'}: {counts.get('passed', 0)} checks passed, "
            f"{counts.get('failed', 0)} failed, {counts.get('error', 0)} could not be run"
        ]
        for check in self.checks[self.checks["status"] != "passed"].itertuples():
            told = check.error or f"{check.n_failed} of {check.n_checked} rows, allowed {check.threshold:.1%}"
            lines.append(f"- {check.status} ({check.severity}) {check.table_name}.{check.check_name}: {told}")
        return "\n".join(lines)


def run_suites(
    frames: dict[str, pd.DataFrame],
    stage: str,
    previous_n_patients: int | None = None,
    identifiers: Iterable[str] = (),
) -> GateReport:
    """Judge the tables of a stage.

    Args:
        frames: table name -> frame as it would be published; a table that a suite wants and that is not here is an error.
        stage: 'marts' or 'results'.
        previous_n_patients: size of the cohort that is published now; None before the first publication.
        identifiers: MRNs, which no published text may be or hold.
    """
    everything = {**frames, **derived_tables(frames, previous_n_patients)}
    checks, violations = [], []
    for table, suite in all_suites().items():
        if suite.stage == stage:
            suite_checks, suite_violations = run_suite(suite, everything.get(table))
            checks.append(suite_checks)
            violations.append(suite_violations)
    checks.append(_privacy_checks(frames, set(identifiers)))
    return GateReport(_together(checks, CHECK_COLUMNS), _together(violations, VIOLATION_COLUMNS))


def _together(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [frame for frame in frames if not frame.empty]
    # an all-empty frame keeps text columns, so that the table it becomes has the same types on every night
    return (
        pd.concat(filled, ignore_index=True)
        if filled
        else pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    )


def _privacy_checks(frames: dict[str, pd.DataFrame], identifiers: set[str]) -> pd.DataFrame:
    rows = []
    for table, frame in frames.items():
        columns, values = identifying_columns(frame), identifying_values(frame, identifiers)
        for name, description, hits, n_failed in (
            ("no_identifying_column", "No column holds identifiers or free text", columns, len(columns)),
            ("no_identifying_value", "No text is or holds a medical record number", list(values), sum(values.values())),
        ):
            rows.append(
                ["privacy", table, name, description, ", ".join(hits) or None, "blocking", "failed" if hits else "passed",
                 max(len(frame), 1), n_failed, n_failed / max(len(frame), 1), 0.0, "a rule without exception", None]
            )  # fmt: skip
    return pd.DataFrame(rows, columns=CHECK_COLUMNS)
