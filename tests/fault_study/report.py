"""The study's table: fault, outcome, message, effect; and whether the bar is held."""

from collections.abc import Sequence
from pathlib import Path

from tests.fault_study.study import HARMLESS_STANDARD_ERRORS, OUTCOMES, Finding

LEAST_SEEN, LEAST_NAMED, WORST = 0.95, 0.9, 20
HEAD = """# What the gates say of planted faults

Made by `make fault-study`; not edited by hand. Each fault of `tests/fault_study/catalogue/` was planted overnight on a simulated
hospital of {patients} patients whose last night had been accepted, and taken through ingestion and the landing gate, derivation, the rules
of the cohort and the estimates that readers quote: many faults in one night, each at a hospital of its own, a copy of the accepted one.
What nothing was said of there went through a whole night of its own, with all suites, dbt's tests and the rules of the estimates.
*Effect*: the published number that the fault would have moved farthest had nothing stopped
it, in its standard errors; what a gate stopped is derived all the same to see it. *Stale*: records did not come that came before (rows,
files, or a file that cannot be read): their last versions stay in force, nothing moves yet, and the warning says so. *Names the cause*: a
message is of the feed that was changed and of a field that differs from the night before, or of its delivery where that differs.
`make fault-study FAULTS=file.py` studies another catalogue of the same form.

"""
SECOND_HEAD = """
## The same faults at the second of two hospitals

Two hospitals of {patients} patients each; the faults befall the second, and the first is as it was. The landing gate only, which most
faults meet first; what this hospital's registry does not keep is left out.

"""


def is_harmful(finding: Finding) -> bool:
    """Whether a fault moves a published number by more than its standard error, or leaves a feed stale. One that a gate closed for and
    that was not measured counts."""
    if finding.standard_errors is None:
        return finding.outcome == "blocked" or finding.stale
    return finding.standard_errors > HARMLESS_STANDARD_ERRORS or finding.stale


def summary(findings: Sequence[Finding]) -> tuple[list[str], bool]:
    """Lines that say how the bar is held, and whether it is."""
    harmful = [finding for finding in findings if is_harmful(finding)]
    seen = [finding for finding in harmful if finding.outcome != "silent"]
    named = [finding for finding in seen if finding.names_feed and finding.names_cause]
    counts = {outcome: sum(finding.outcome == outcome for finding in findings) for outcome in OUTCOMES}
    moving = sum((finding.standard_errors or 0.0) > HARMLESS_STANDARD_ERRORS for finding in findings)
    unmeasured = sum(finding.standard_errors is None for finding in findings)
    lines = [
        ", ".join(f"{n} {OUTCOMES[outcome]}" for outcome, n in counts.items()) + f", of {len(findings)} faults.",
        f"Of {len(harmful)} that move a published number by more than its standard error ({moving}) or leave a feed stale, "
        f"{len(seen)} are blocked or newly warned of: {_share(seen, harmful)} (bar: 95 %).",
        f"The message names the feed and the cause in {len(named)} of these {len(seen)}: {_share(named, seen)} (bar: 90 %).",
    ]
    is_held = len(seen) >= LEAST_SEEN * len(harmful) and len(named) >= LEAST_NAMED * len(seen)
    if unmeasured:
        lines.append(f"{unmeasured} effects were not measured.")
    worst = worst_of(findings)
    blocked = [finding for finding in worst if finding.outcome == "blocked"]
    if worst:
        lines.append(f"Of the {len(worst)} that move a number farthest, {len(blocked)} are blocked (bar: all).")
    missed = [finding.name for finding in harmful if finding.outcome == "silent"]
    if missed:
        lines.append("Missed: " + ", ".join(f"`{name}`" for name in missed) + ".")
    return lines, is_held and len(blocked) == len(worst)


def _share(some: Sequence[Finding], of: Sequence[Finding]) -> str:
    return f"{len(some) / len(of):.1%}" if of else "none"


def worst_of(findings: Sequence[Finding]) -> list[Finding]:
    """Those that move a number farthest, of those measured."""
    moving = [
        finding
        for finding in findings
        if finding.standard_errors is not None and finding.standard_errors > HARMLESS_STANDARD_ERRORS
    ]
    return sorted(moving, key=lambda finding: -(finding.standard_errors or 0.0))[:WORST]


def write_report(findings: Sequence[Finding], second: Sequence[Finding], out: Path | None, patients: int) -> bool:
    """Print the summaries, write the tables where a file is given; True where the bar is held.

    Args:
        findings: of the one hospital.
        second: of the second of two hospitals, at the landing gate; none where it was not studied.
    """
    lines, is_held = summary(findings)
    print("\n".join(lines))
    text = [HEAD.format(patients=patients), *(f"- {line}\n" for line in lines)]
    text += ["\n## The worst\n\n", *_ranking(worst_of(findings)), "\n## All faults\n\n", *_table(findings)]
    if second:
        told = second_lines(findings, second)
        print("At the second of two hospitals:", *told, sep="\n")
        text += [SECOND_HEAD.format(patients=patients), *(f"- {line}\n" for line in told)]
    if out:
        out.write_text("".join(text), encoding="utf-8")
    return is_held


def second_lines(findings: Sequence[Finding], second: Sequence[Finding]) -> list[str]:
    """What the landing gate says at the second hospital, beside what the whole night says at the one."""
    of_one = {finding.name: finding for finding in findings}
    unseen = [
        finding.name
        for finding in second
        if finding.outcome == "silent" and finding.name in of_one and is_harmful(of_one[finding.name])
    ]
    counts = {outcome: sum(finding.outcome == outcome for finding in second) for outcome in OUTCOMES}
    said = [finding for finding in second if finding.outcome != "silent"]
    named = [finding for finding in said if finding.names_feed and finding.names_cause]
    return [
        ", ".join(f"{n} {OUTCOMES[outcome].replace('published', 'let through')}" for outcome, n in counts.items())
        + f", of {len(second)} faults.",
        f"The message names the feed and the cause in {len(named)} of {len(said)}: {_share(named, said)}.",
        "Of those that do harm at the one hospital, the landing gate says nothing of: "
        + (", ".join(f"`{name}`" for name in unseen) or "none")
        + ".",
    ]


def _ranking(worst: Sequence[Finding]) -> list[str]:
    rows = [
        f"| {place} | {finding.feed} | {finding.what} (`{finding.name}`) | {_effect(finding)} | {OUTCOMES[finding.outcome]} |\n"
        for place, finding in enumerate(worst, start=1)
    ]
    return ["| | feed | fault | effect | outcome |\n", "|---|---|---|---|---|\n", *rows]


def _table(findings: Sequence[Finding]) -> list[str]:
    rows = [
        f"| {finding.feed} | {finding.what} (`{finding.name}`) | {OUTCOMES[finding.outcome]} | {_cell(finding)} | {_effect(finding)} |\n"
        for finding in findings
    ]
    return ["| feed | fault | outcome | what is said first | effect |\n", "|---|---|---|---|---|\n", *rows]


def _cell(finding: Finding) -> str:
    more = f" (and {finding.n_messages - 1} more)" if finding.n_messages > 1 else ""
    return finding.message.replace("|", "/") + more


def _effect(finding: Finding) -> str:
    stale = "; stale" if finding.stale else ""
    if finding.standard_errors is None:
        return f"not measured{stale}"
    if finding.standard_errors == float("inf"):
        return finding.effect + stale
    return (
        f"{finding.effect}: {finding.standard_errors:.1f} standard errors{stale}"
        if finding.standard_errors
        else f"none{stale}"
    )
