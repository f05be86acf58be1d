"""Commands of the night: a simulated hospital, the refresh, what is wrong with an installation."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from orchestration.commands.shared import console, fail
from orchestration.settings import load_settings

commands = typer.Typer()
PANEL = "The night"


@commands.command(rich_help_panel=PANEL)
def simulate(
    patients: Annotated[
        int, typer.Option(min=1, help="Patients eligible for the cohort; about 4 % more are not.")
    ] = 1776,
    seed: Annotated[int, typer.Option(help="The same seed writes the same files, byte for byte.")] = 2012,
    out: Annotated[Path | None, typer.Option(help="Gets landing/ and truth/; default: the data folder.")] = None,
    hospitals: Annotated[
        int,
        typer.Option(
            min=1,
            max=2,
            help="2: a second hospital beside it, with another baseline hazard, other margins, fewer covariates.",
        ),
    ] = 1,
) -> None:
    """Draw a simulated cohort and write the raw files that a hospital's systems would (all labelled simulated)."""
    from rich.progress import Progress

    from simulated_hospital.hospital import simulate as simulate_hospital

    folder = out or load_settings().data_dir
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Writing the simulated hospital's files", total=1.0)
        simulate_hospital(
            patients,
            seed,
            folder,
            progress=lambda share, what: bar.update(task, completed=share, description=what),
            hospitals=hospitals,
        )
    each = " at each of two hospitals" if hospitals == 2 else ""
    console.print(
        f"{patients:,} simulated patients{each} (seed {seed}) landed in {folder / 'landing'}; the truth is in {folder / 'truth'}",
        soft_wrap=True,
    )


@commands.command(rich_help_panel=PANEL)
def refresh(
    force: Annotated[
        bool, typer.Option(help="Run every step even when nothing is new, and compute all statistics anew.")
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANGE",
            help="A change that is right although the gate stops it, by the name it gave, followed by why: "
            '--accept feed:registry.sex "new code list since May". For this night; may be repeated; is recorded.',
        ),
    ] = None,
    reasons: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REASON]...", help="Why each accepted change is right, in their order."),
    ] = None,
    verbose: Annotated[bool, typer.Option(help="Show Dagster's whole log instead of one line a step.")] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait for a refresh under way (CRLM_WAIT_FOR_NIGHT_MINUTES); else be refused at once.")
    ] = True,
) -> None:
    """Load what is new in the landing folder, derive, validate, analyse, publish. Exit status 1: nothing was published."""
    from orchestration import nightly
    from orchestration.files.problems import WarehouseProblem
    from orchestration.ingestion.contract import ContractError
    from orchestration.nights.lock import NightUnderWay
    from orchestration.page.storage import StorageAway
    from orchestration.privacy.study_id_key import StudyIdKeyProblem

    names, why = accept or [], reasons or []
    if len(names) != len(why) or not all(reason.strip() for reason in why):
        raise fail(
            f'{len(names)} change(s) to accept, {len(why)} reason(s): say why after each, --accept NAME "why"', status=2
        )
    if names:
        # the steps of the job load their own settings, so it is said the way every setting is
        os.environ["CRLM_ACCEPTED_CHANGES"] = json.dumps(dict(zip(names, why, strict=True)))
    settings = load_settings()
    if not wait:
        settings.wait_for_night_minutes = 0
    try:
        outcome = nightly.refresh(
            settings,
            force=force,
            verbose=verbose,
            say=lambda text: Console(stderr=True).print(f"crlm: {escape(text)}", highlight=False, soft_wrap=True),
        )
    except (
        nightly.NothingLanded,
        ContractError,
        WarehouseProblem,
        NightUnderWay,
        StudyIdKeyProblem,
        StorageAway,
    ) as error:
        raise fail(str(error)) from error
    if outcome.is_failed:
        raise fail(f"the refresh failed: {outcome.message}\nSee `make ui`, run {outcome.run_id}.")
    console.print(outcome.message, soft_wrap=True)


@commands.command(rich_help_panel=PANEL)
def doctor() -> None:
    """What is wrong with this installation, and what to do: key, room, contracts, files, gates, modes. Changes nothing.

    Exit status 1: something is ill and the next night would not heal it by itself, or somebody should know.
    """
    from orchestration.doctor import ILL, WELL, examine

    signs = {WELL: "[green]✓[/]", ILL: "[bold red]✗[/]"}
    findings = examine(load_settings())
    for finding in findings:
        console.print(
            f"{signs.get(finding.state, '[yellow]·[/]')} [bold]{finding.what}[/]: {escape(finding.told)}",
            highlight=False,
            soft_wrap=True,
        )
        if finding.to_do:
            console.print(f"    {escape(finding.to_do)}", highlight=False, soft_wrap=True, style="dim")
    raise typer.Exit(int(any(finding.state == ILL for finding in findings)))
