"""The study's table: fault, outcome, message, effect; and whether the bar is held."""

from pathlib import Path

from tests.fault_study.study import HARMLESS_STANDARD_ERRORS, OUTCOMES, Finding

HEAD = """# What the gates say of planted faults

Made by `make fault-study`; not edited by hand. Each fault of `tests/fault_study/catalogue.py` was planted overnight on a simulated
hospital of {patients} patients whose last night had been accepted, and taken through ingestion, derivation and the gates, each
in a process of its own. *Effect*: the published number that the fault would have moved farthest had nothing stopped it, in its
standard errors (where it was measured, `--effects`). `make fault-study FAULTS=file.py` studies another catalogue of the same form.

"""


def summary(findings: list[Finding]) -> tuple[list[str], bool]:
    """Lines that say how the bar is held, and whether it is."""
    said = [finding for finding in findings if finding.outcome != "silent"]
    measured = [finding for finding in findings if finding.standard_errors is not None]
    harmful = [finding for finding in measured if finding.standard_errors > HARMLESS_STANDARD_ERRORS or finding.stale]
    seen = [finding for finding in harmful if finding.outcome != "silent"]
    worst = sorted(measured, key=lambda finding: -(finding.standard_errors or 0))[:20]
    blocked = [finding for finding in worst if finding.outcome == "blocked"]
    named = [finding for finding in said if finding.names_feed]
    counts = {outcome: sum(finding.outcome == outcome for finding in findings) for outcome in OUTCOMES}
    lines = [", ".join(f"{n} {OUTCOMES[outcome]}" for outcome, n in counts.items()) + f", of {len(findings)} faults."]
    lines.append(f"The message names the feed in {len(named)} of {len(said)}.")
    is_held = len(named) >= 0.9 * len(said)
    if measured:
        lines.append(
            f"Of {len(harmful)} that move a number by more than its standard error or leave a feed stale, {len(seen)} are seen."
        )
        lines.append(f"Of the {len(worst)} worst, {len(blocked)} are blocked.")
        is_held &= len(seen) >= 0.95 * len(harmful) and len(blocked) == len(worst)
    else:
        is_held &= len(said) >= 0.95 * len(findings)
    return lines, is_held


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
        return "not measured" if not finding.effect else finding.effect
    return f"{finding.effect}: {finding.standard_errors:.1f} standard errors"
