"""The study's table: fault, outcome, message, effect; and whether the bar is held."""

from pathlib import Path

from tests.fault_study.study import HARMLESS_STANDARD_ERRORS, OUTCOMES, Finding

HEAD = """# What the gates say of planted faults

Made by `make fault-study`; not edited by hand. Each fault of `tests/fault_study/catalogue/` was planted overnight on a simulated
hospital of {patients} patients whose last night had been accepted, and taken through ingestion, derivation and the gates, each
in a process of its own. *Effect*: the published number that the fault would have moved farthest had nothing stopped it, in its
standard errors (`--no-effects` leaves out what a gate stopped). `make fault-study FAULTS=file.py` studies another catalogue of the
same form. A feed that is missing, refused or cut leaves its last records in force: nothing moves, and the warning says what is stale.

"""


def summary(findings: list[Finding]) -> tuple[list[str], bool]:
    """Lines that say how the bar is held, and whether it is. A fault that a gate closed for and that was not measured counts as
    one that would have moved a number."""
    said = [finding for finding in findings if finding.outcome != "silent"]
    named = [finding for finding in said if finding.names_feed]
    counts = {outcome: sum(finding.outcome == outcome for finding in findings) for outcome in OUTCOMES}
    lines = [", ".join(f"{n} {OUTCOMES[outcome]}" for outcome, n in counts.items()) + f", of {len(findings)} faults."]
    lines.append(f"The message names the feed in {len(named)} of {len(said)}.")
    harmful = [finding for finding in findings if _is_harmful(finding)]
    seen = [finding for finding in harmful if finding.outcome != "silent"]
    lines.append(
        f"Of {len(harmful)} that move a number by more than its standard error, leave a feed stale or closed a gate, {len(seen)} are seen."
    )
    is_held = len(named) >= 0.9 * len(said) and len(seen) >= 0.95 * len(harmful)
    unmeasured = [finding for finding in findings if finding.standard_errors is None]
    published = [finding.standard_errors or 0.0 for finding in findings if finding.outcome != "blocked"]
    if unmeasured:
        farthest = f"{max(published, default=0.0):.1f} standard errors"
        lines.append(
            f"The farthest that a published one moves a number, of those measured: {farthest}. Not measured, for a gate had closed or"
            f" the feed's last records stay in force: {len(unmeasured)}."
        )
        return lines, is_held and max(published, default=0.0) <= HARMLESS_STANDARD_ERRORS
    worst = sorted(findings, key=lambda finding: -(finding.standard_errors or 0))[:20]
    blocked = [finding for finding in worst if finding.outcome == "blocked"]
    lines.append(f"Of the {len(worst)} worst, {len(blocked)} are blocked.")
    return lines, is_held and len(blocked) == len(worst)


def _is_harmful(finding: Finding) -> bool:
    if finding.standard_errors is None:
        return finding.outcome == "blocked" or finding.stale
    return finding.standard_errors > HARMLESS_STANDARD_ERRORS or finding.stale


def write_report(findings: list[Finding], out: Path | None, patients: int) -> bool:
    """Print the summary, write the table where a file is given; True where the bar is held."""
    lines, is_held = summary(findings)
    print("\n".join(lines))
    if out:
        rows = [
            f"| {finding.feed} | {finding.what} (`{finding.name}`) | {OUTCOMES[finding.outcome]} | {_cell(finding)} | {_effect(finding)} |"
            for finding in findings
        ]
        table = ["| feed | fault | outcome | what is said first | effect |", "|---|---|---|---|---|", *rows]
        out.write_text(
            HEAD.format(patients=patients) + "\n".join(lines) + "\n\n" + "\n".join(table) + "\n", encoding="utf-8"
        )
    return is_held


def _cell(finding: Finding) -> str:
    more = f" (and {finding.n_messages - 1} more)" if finding.n_messages > 1 else ""
    return finding.message.replace("|", "/") + more


def _effect(finding: Finding) -> str:
    if finding.standard_errors is None:
        return "not measured: stopped" if finding.outcome == "blocked" else "not measured"
    return f"{finding.effect}: {finding.standard_errors:.1f} standard errors"
