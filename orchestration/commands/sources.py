"""Commands for whoever connects a hospital: contracts, a look at a file, databases, messages over the network."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestration.commands.shared import console, fail, print_rows
from orchestration.settings import load_settings

commands = typer.Typer()
PANEL = "A hospital's records"


@commands.command(rich_help_panel=PANEL)
def validate(
    path: Annotated[Path, typer.Argument(help="A file, or a folder of files, before it goes into the landing folder.")],
    hospital: Annotated[
        str | None, typer.Option(help="The hospital's contract folder, where the path does not name it.")
    ] = None,
) -> None:
    """What a refresh would load and reject of these files, and what would change against the records already loaded.

    Exit status 0: everything would be loaded; 1: some records or fields would be rejected, or loaded otherwise than meant (a key
    of two patients, filters that match nothing, no field that everybody needs); 2: a file would be refused, or no contract or
    hospital names it, or a contract is wrong.
    """
    from orchestration.ingestion.contract import ContractError
    from orchestration.preview.file_preview import preview

    if not path.exists():
        raise fail(f"{path}: there is no such file or folder", status=2)
    try:
        outcome = preview(
            load_settings(), path, hospital, progress=lambda text: Console(stderr=True).print(text, style="dim")
        )
    except ContractError as error:
        raise fail(str(error), status=2) from error
    for note in outcome.notes:
        console.print(note, soft_wrap=True, style="yellow")
    for title, frame in outcome.tables.items():
        if len(frame):
            console.print(f"[bold]{title}[/]")
            print_rows(console, frame)
    console.print(outcome.verdict, soft_wrap=True)
    raise typer.Exit(outcome.status)


@commands.command(name="draft-contract", rich_help_panel=PANEL)
def draft_contract_command(
    path: Annotated[Path, typer.Argument(help="A file as the hospital sends it.")],
    feed: Annotated[
        str, typer.Option(help="What its records are: registry, pathology_messages, follow_up, treatments, ...")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write the contract (contracts/HOSPITAL/FEED.yml); default: the terminal."),
    ] = None,
) -> None:
    """Write a first contract from a file: columns by name and values, formats, codes with their counts.

    What is not sure stands as a comment on its line; a `?` is a question that the contract is refused for until it is answered.
    No value of the file is shown but the codes of coded columns. Exit status 1: nothing to draft from, or OUT is there already.
    """
    from orchestration.ingestion.drafting import NothingToDraft, draft_contract

    if not path.is_file():
        raise fail(f"{path}: there is no such file")
    if out is not None and out.exists():
        raise fail(f"{out} is there already: a draft replaces no contract")
    try:
        with Console(stderr=True).status(f"Reading {path.name}"):
            draft = draft_contract(path, feed)
    except NothingToDraft as error:
        raise fail(str(error)) from error
    if out is None:
        typer.echo(draft, nl=False)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draft, encoding="utf-8")
    n_open = sum("# " in line for line in draft.splitlines())
    console.print(f"{out} written: {n_open} line(s) to look at; then `crlm validate {path}`", soft_wrap=True)


@commands.command(rich_help_panel=PANEL)
def fetch(
    hospital: Annotated[str | None, typer.Option(help="Only this hospital's sources.")] = None,
) -> None:
    """Fetch what is new from the databases that contracts name as `source` into the landing folder, as a refresh does.

    `crlm validate` on the new snapshot says what would be loaded of it. Exit status 1: a source could not be fetched.
    """
    from orchestration.hospitals import hospitals_of
    from orchestration.ingestion.database import fetch_sources

    settings = load_settings()
    contracts = [one for one in hospitals_of(settings).contracts if hospital in (None, one.source_system)]
    with console.status("Asking the databases"):
        fetches = fetch_sources(settings.landing, contracts, again=True)
    for one in fetches:
        what = one.refusal or (
            f"{one.rows:,} row(s), {one.withdrawn:,} withdrawn: {one.path}" if one.path else "nothing new"
        )
        console.print(f"{one.name}: {what}", highlight=False, soft_wrap=True)
    if not fetches:
        raise fail("no contract names a `source`")
    if any(one.refusal for one in fetches):
        raise typer.Exit(1)


@commands.command(rich_help_panel=PANEL)
def listen(
    hospital: Annotated[str, typer.Option(help="Whose messages these are: the name of its contract folder.")],
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for every network of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 2575 is that of HL7. 0: any free one.")] = 2575,
    certificate: Annotated[Path | None, typer.Option(help="PEM file: with it, TLS only.")] = None,
    key: Annotated[
        Path | None, typer.Option(help="PEM file of the certificate's key, where it is not in the same one.")
    ] = None,
    client_ca: Annotated[
        Path | None, typer.Option(help="PEM file: only clients with a certificate of this authority.")
    ] = None,
) -> None:
    """Receive HL7 v2 messages (MLLP) into the landing folder, until stopped (Ctrl-C or SIGTERM).

    A message is acknowledged (AA) when it is on the disk. AR: none that a contract of the hospital takes; AE: it cannot be stored
    now. What was received lands as files of up to 5,000 messages, at the latest after a minute; a refresh loads them.
    """
    import asyncio
    import contextlib
    import signal

    from orchestration.hospitals import hospitals_of
    from orchestration.ingestion.listener import AlreadyListening, NothingToListenFor, listener_for, tls_context

    settings = load_settings()
    say = Console(stderr=True)
    try:
        tls = tls_context(certificate, key, client_ca)
        listener = listener_for(
            hospital, settings.landing, hospitals_of(settings).contracts, lambda text: say.print(text, highlight=False)
        )
    except (NothingToListenFor, AlreadyListening, OSError) as error:
        raise fail(str(error)) from error

    async def until_stopped() -> None:
        serving = asyncio.create_task(
            listener.serve(
                host, port, tls, lambda at: say.print(f"listening at {host}:{at} for {hospital}", highlight=False)
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    try:
        asyncio.run(until_stopped())
    except OSError as error:
        raise fail(f"cannot listen at {host}:{port}: {error.strerror}") from error
    console.print(f"{listener.n_received:,} message(s) received, {listener.n_refused:,} refused", highlight=False)


@commands.command(name="contract-schema", rich_help_panel=PANEL)
def contract_schema_command(
    hospital: Annotated[bool, typer.Option("--hospital", help="Of hospital.yml instead of a feed's contract.")] = False,
) -> None:
    """The JSON schema of contracts: editors complete and mark with it.

    For example `crlm contract-schema > contracts/contract.schema.json` and, as a contract's first line,
    `# yaml-language-server: $schema=../contract.schema.json`.
    """

    from orchestration.ingestion.contract.schema import contract_schema, hospital_schema

    typer.echo(json.dumps(hospital_schema() if hospital else contract_schema(), indent=2, ensure_ascii=False))
