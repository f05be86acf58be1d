"""The published study on one screen: cohort, margin groups, cumulative incidence, hazard ratios, what was set aside."""

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from analysis.patients.exposures import Exposure
from analysis.report.availability import section
from analysis.report.definitions import definitions
from analysis.report.since_sections import drawn_from
from orchestration.reporting.inputs import report_context, report_frames


def print_summary(console: Console, published_file: Path, report_file: Path | None = None) -> None:
    """Print the published study; every number is read from the published warehouse."""
    frames, stamp = report_frames(published_file), report_context(published_file)
    if stamp["is_simulated"]:
        console.print("[bold black on yellow] SIMULATED DATA - no patient is in these numbers [/]")
    console.print(
        f"Published {stamp['published_at']:%Y-%m-%d %H:%M} UTC, data {stamp['data_hash']}, code {stamp['code_version']}"
    )
    if stamp["last_attempt"]:
        attempt = stamp["last_attempt"]
        console.print(
            f"[bold red]The last night, {attempt['ended_at']:%Y-%m-%d %H:%M} UTC, did not publish ({attempt['outcome']}"
            f" at {attempt['step'] or 'its start'}): these are the numbers of the last good night.[/]"
        )
        console.print(attempt["reason"], markup=False)
    if stamp["study"]:
        console.print(stamp["study"]["title"])
    console.print(_cohort(frames["cohort_flow"]))
    exposure = definitions(frames).exposure
    console.print(_groups(frames["margin_groups"], frames["published_comparison"], exposure))
    console.print(_hazard_ratios(frames["published_comparison"], exposure))
    if stamp["is_simulated"]:
        _print_draw(console, frames)
    console.print(_set_aside(frames))
    if report_file is not None:
        console.print(f"Report: {report_file}", soft_wrap=True)


def _print_draw(console: Console, frames: dict[str, pd.DataFrame]) -> None:
    """What a simulated cohort was drawn from, where it came from `crlm simulate`: a draw is not a fault."""
    draw = section(drawn_from, frames)
    if draw["reason"] is None:
        far = [
            f"{line['label']}: drawn from {line['drawn_from']}, came out {line['came_out']}"
            for line in draw["lines"]
            if not line["is_within"]
        ]
        console.print(
            f"Drawn from a model with the published figures: {draw['n_within']} of {draw['n_known']} limits hold the value drawn"
            f" from, about {draw['expected']} should" + (f". Not: {'; '.join(far)}" if far else ""),
            soft_wrap=True,
            highlight=False,
        )


def _interval(estimate: float, low: float, high: float) -> str:
    return "-" if pd.isna(estimate) else f"{estimate:.2f} ({low:.2f}-{high:.2f})"


def _cohort(flow: pd.DataFrame) -> Table:
    table = Table("Cohort", "excluded", "remain", title="Cohort flow", title_justify="left")
    for step in flow.sort_values("step_number").itertuples():
        table.add_row(step.criterion, f"{step.n_excluded:,}", f"{step.n_remaining:,}")
    return table


def _groups(groups: pd.DataFrame, comparison: pd.DataFrame, exposure: Exposure) -> Table:
    table = Table(
        "Margin",
        "patients",
        "share",
        "3-year cumulative incidence of recurrence",
        "published",
        title="Margin groups",
        title_justify="left",
    )
    counted = groups.set_index("margin_group")
    incidence = comparison[comparison["figure"].str.contains("cumulative incidence")].set_index("stratum")
    for group in exposure.strata:
        if group not in counted.index:
            continue
        row = [group, f"{counted.loc[group, 'n']:,.0f}", f"{counted.loc[group, 'share']:.1%}"]
        if group in incidence.index:
            ours = incidence.loc[group]
            row += [
                f"{ours['estimate']:.0%} ({ours['conf_low']:.0%}-{ours['conf_high']:.0%})",
                "" if pd.isna(ours["published_estimate"]) else f"{ours['published_estimate']:.0%}",
            ]
        table.add_row(*row)
    return table


def _hazard_ratios(comparison: pd.DataFrame, exposure: Exposure) -> Table:
    table = Table(
        f"Adjusted hazard ratio (against {exposure.reference})",
        "Margin",
        "here (95 % CI)",
        "published (95 % CI)",
        title="Cause-specific Cox models",
        title_justify="left",
    )
    # the published order of rows is that of their values; a test over all groups has no ratio
    of_groups = comparison[
        comparison["stratum"].isin(exposure.levels) & (comparison["endpoint"] != "overall_recurrence")
    ]
    order = of_groups["stratum"].map({group: number for number, group in enumerate(exposure.levels)})
    ratios = of_groups.assign(order=order).sort_values(["figure", "order"])
    for row in ratios.itertuples():
        table.add_row(
            row.figure,
            row.stratum,
            _interval(row.estimate, row.conf_low, row.conf_high),
            _interval(row.published_estimate, row.published_conf_low, row.published_conf_high),
        )
    return table


def _set_aside(frames: dict[str, pd.DataFrame]) -> Table:
    table = Table("What", "reason", "n", title="Rejected, set aside or unresolved", title_justify="left")
    for row in frames["ingest_by_feed"].itertuples():
        reason = f"{row.rows_loaded:,.0f} loaded of {row.rows_read:,.0f} read; {row.rows_duplicate:,.0f} duplicate"
        table.add_row(f"{row.feed}: records rejected", reason, f"{row.rows_rejected:,.0f}")
    fields = frames["rejected_by_reason"]
    fields = fields[fields["scope"] == "field"]
    table.add_row("single fields taken as missing", "see quality.rejected_records", f"{fields['n'].sum():,.0f}")
    for row in frames["records_set_aside"].itertuples():
        table.add_row(f"{row.source_table}: record set aside", row.reason, f"{row.n:,}")
    for row in frames["unresolved_by_reason"].itertuples():
        table.add_row("margin unresolved", row.reason, f"{row.n:,}")
    for row in frames["stale_feeds"].itertuples():
        table.add_row(f"{row.source_system}: {row.feed} is stale, its last records stay", row.reason, "")
    failed = frames["check_results"]
    failed = failed[failed["status"] != "passed"]
    for row in failed.itertuples():
        table.add_row(
            f"check {row.status} ({row.severity})",
            f"{row.table_name}: {row.check_name}",
            f"{row.n_failed:,.0f}",
        )
    return table
