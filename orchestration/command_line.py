"""The `crlm` command line."""

import csv
import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.private_files import be_private
from orchestration.settings import load_settings

app = typer.Typer(
    name="crlm",
    no_args_is_help=True,
    add_completion=False,
    help="The outcomes warehouse for hepatectomy of colorectal liver metastases: from raw records to published statistics.",
    pretty_exceptions_show_locals=False,
)
console = Console()


@app.callback()
def at_every_command() -> None:
    """The outcomes warehouse for hepatectomy of colorectal liver metastases: from raw records to published statistics."""
    be_private()


def _fail(message: str, status: int = 1) -> typer.Exit:
    Console(stderr=True).print(f"[bold red]crlm:[/] {escape(message)}", highlight=False, soft_wrap=True)
    return typer.Exit(status)


def print_frame(target: Console, frame) -> None:
    """A frame as a table of the terminal, missing values blank."""
    table = Table(*(str(name) for name in frame.columns))
    for row in frame.astype(object).where(frame.notna(), "").itertuples(index=False):
        table.add_row(*map(str, row))
    target.print(table)


def print_rows(target: Console, frame) -> None:
    """A wide frame as one paragraph a row, `name: value` of what is known."""
    for row in frame.astype(object).where(frame.notna(), None).to_dict("records"):
        known = [f"[dim]{name}[/] {escape(str(value))}" for name, value in row.items() if value is not None]
        target.print("  - " + " · ".join(known), highlight=False, soft_wrap=True)


def print_to_fit(target: Console, frame) -> None:
    """A table where it fits the terminal, else a paragraph a row."""
    widths = [max([len(str(name)), *frame[name].head(200).astype(str).str.len()]) for name in frame.columns]
    if sum(widths) + 3 * len(widths) + 1 <= target.width:
        print_frame(target, frame)
    else:
        print_rows(target, frame)


@app.command()
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


@app.command()
def refresh(
    force: Annotated[bool, typer.Option(help="Run every step even when nothing is new.")] = False,
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
    from orchestration.file_problems import WarehouseProblem
    from orchestration.ingestion.contract import ContractError
    from orchestration.night_lock import NightUnderWay
    from orchestration.study_id_key import StudyIdKeyProblem

    names, why = accept or [], reasons or []
    if len(names) != len(why) or not all(reason.strip() for reason in why):
        raise _fail(
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
    except (nightly.NothingLanded, ContractError, WarehouseProblem, NightUnderWay, StudyIdKeyProblem) as error:
        raise _fail(str(error)) from error
    if outcome.is_failed:
        raise _fail(
            f"the refresh failed, nothing was published.\n{outcome.message}\nSee `make ui`, run {outcome.run_id}."
        )
    console.print(outcome.message, soft_wrap=True)


AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", help="A kept publication instead of the latest: the beginning of its name, such as 2026-11-26."
    ),
]


def _published_file(as_of: str | None) -> Path:
    """The publication that a command reads."""
    from orchestration.comparison.kept import UnknownPublication, named_publication

    settings = load_settings()
    if not settings.published_file.exists():
        raise _fail("nothing is published yet: run `crlm refresh` first")
    try:
        return named_publication(settings.history, as_of) if as_of else settings.published_file
    except UnknownPublication as error:
        raise _fail(str(error)) from error


@app.command()
def summary(as_of: AsOf = None) -> None:
    """The published study in the terminal: cohort, margin groups, cumulative incidence, hazard ratios, what was set aside."""
    from orchestration.terminal_summary import print_summary

    print_summary(console, _published_file(as_of), None if as_of else load_settings().report_file)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='For example: "SELECT * FROM results.hazard_ratios"')],
    csv: Annotated[bool, typer.Option(help="Print CSV instead of a table.")] = False,
    json: Annotated[bool, typer.Option(help="Print a JSON array of rows.")] = False,
    parquet: Annotated[Path | None, typer.Option(help="Write the rows to this Parquet file.")] = None,
    as_of: AsOf = None,
) -> None:
    """Query the published warehouse. A query can neither write nor reach any other file."""
    import duckdb

    from orchestration.warehouse import ask_published

    try:
        frame = ask_published(_published_file(as_of), query)
    except duckdb.Error as error:
        raise _fail(str(error)) from error
    if parquet:
        frame.to_parquet(parquet, index=False)
        console.print(f"{len(frame):,} rows in {parquet}", soft_wrap=True)
    elif csv:
        typer.echo(frame.to_csv(index=False), nl=False)
    elif json:
        typer.echo(frame.to_json(orient="records", date_format="iso", force_ascii=False))
    else:
        print_to_fit(console, frame)


@app.command()
def trace(
    study_id: Annotated[
        str,
        typer.Argument(
            help="As in marts.patients, for example P0123456789AB; or what a published table calls a record (R0123456789abcdef) or a"
            " file ('file 17'), to see which one it is."
        ),
    ],
    words: Annotated[
        bool, typer.Option(help="Also show the pathologist's words that the margin was read from (restricted).")
    ] = False,
) -> None:
    """One patient's whole life: source records and versions, what was derived by which rule, endpoints, results.

    Reads the restricted build file; shows no name, MRN or birth date. Exit status 1: no such patient.
    """
    from orchestration.file_problems import WarehouseProblem
    from orchestration.patient_trace import UnknownPatient, follow_name, trace_patient
    from orchestration.warehouse import open_build_file

    settings = load_settings()
    if not settings.build_file.exists():
        raise _fail("there is no build file yet: run `crlm refresh` first")
    try:
        with open_build_file(settings.build_file, read_only=True) as connection:
            named = follow_name(connection, study_id)
            if named is not None:
                print_rows(console, named)
                return
            parts = trace_patient(connection, study_id, with_words=words)
    except (UnknownPatient, WarehouseProblem) as error:
        raise _fail(str(error)) from error
    for title, frame in parts.items():
        console.print(f"[bold]{title}[/]" + ("" if len(frame) else ": none"))
        print_rows(console, frame)


@app.command()
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
    from orchestration.file_preview import preview
    from orchestration.ingestion.contract import ContractError

    if not path.exists():
        raise _fail(f"{path}: there is no such file or folder", status=2)
    try:
        outcome = preview(
            load_settings(), path, hospital, progress=lambda text: Console(stderr=True).print(text, style="dim")
        )
    except ContractError as error:
        raise _fail(str(error), status=2) from error
    for note in outcome.notes:
        console.print(note, soft_wrap=True, style="yellow")
    for title, frame in outcome.tables.items():
        if len(frame):
            console.print(f"[bold]{title}[/]")
            print_rows(console, frame)
    console.print(outcome.verdict, soft_wrap=True)
    raise typer.Exit(outcome.status)


@app.command(name="draft-contract")
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
        raise _fail(f"{path}: there is no such file")
    if out is not None and out.exists():
        raise _fail(f"{out} is there already: a draft replaces no contract")
    try:
        with Console(stderr=True).status(f"Reading {path.name}"):
            draft = draft_contract(path, feed)
    except NothingToDraft as error:
        raise _fail(str(error)) from error
    if out is None:
        typer.echo(draft, nl=False)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draft, encoding="utf-8")
    n_open = sum("# " in line for line in draft.splitlines())
    console.print(f"{out} written: {n_open} line(s) to look at; then `crlm validate {path}`", soft_wrap=True)


@app.command()
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
        raise _fail("no contract names a `source`")
    if any(one.refusal for one in fetches):
        raise typer.Exit(1)


@app.command()
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
        raise _fail(str(error)) from error

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
        raise _fail(f"cannot listen at {host}:{port}: {error.strerror}") from error
    console.print(f"{listener.n_received:,} message(s) received, {listener.n_refused:,} refused", highlight=False)


@app.command(name="contract-schema")
def contract_schema_command(
    hospital: Annotated[bool, typer.Option("--hospital", help="Of hospital.yml instead of a feed's contract.")] = False,
) -> None:
    """The JSON schema of contracts: editors complete and mark with it.

    For example `crlm contract-schema > contracts/contract.schema.json` and, as a contract's first line,
    `# yaml-language-server: $schema=../contract.schema.json`.
    """
    import json

    from orchestration.ingestion.contract.schema import contract_schema, hospital_schema

    typer.echo(json.dumps(hospital_schema() if hospital else contract_schema(), indent=2, ensure_ascii=False))


@app.command(name="read-margins")
def read_margins(
    texts: Annotated[Path, typer.Argument(help="CSV with the columns phrase_id and report_text.")],
    out: Annotated[
        Path, typer.Argument(help="CSV to write: the same rows with status, width, group, evidence and rule.")
    ],
) -> None:
    """Read the margin of any report texts by exactly the warehouse's rules; what they cannot settle is `unresolved`."""
    from orchestration import read_margins as reading

    try:
        frame = reading.texts_of(texts)
        with console.status(f"Reading {len(frame):,} texts"):
            read = reading.read_margins(frame)
        # every word in quotes: a bare carriage return would end a record where it is not quoted
        read.to_csv(out, index=False, quoting=csv.QUOTE_NONNUMERIC)
    except (reading.UnreadableTexts, reading.MarginReadingFailed, OSError) as error:
        raise _fail(str(error)) from error
    groups = read["margin_group"].value_counts()
    console.print(
        f"{len(read):,} texts read: " + ", ".join(f"{n:,} {group}" for group, n in groups.items()), highlight=False
    )


@app.command()
def report(
    as_of: AsOf = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; default: beside the published warehouse.")
    ] = None,
) -> None:
    """Draw the one-page report, its files and Explore's page anew from the published warehouse and say where they are."""
    from orchestration.assets.publication import write_explore, write_report
    from orchestration.comparison.kept import publication_before
    from orchestration.disclosure import disclosure_rules

    published, settings = _published_file(as_of), load_settings()
    own = settings.report_file
    file = out or (own.with_name(f"report_{published.stem}.html") if as_of else own)
    before = publication_before(settings.history, published)
    with console.status("Drawing the report"):
        mode, is_explore_there = settings.published_folder_mode & 0o666, False
        if file == own:
            least_k = disclosure_rules(settings.disclosure_rules).least_k
            is_explore_there = write_explore(published, settings.explore_file, mode, least_k) is None
        write_report(published, file, mode, before, is_explore_there)
    console.print(f"Report: {file}", soft_wrap=True)


@app.command()
def export(
    parquet: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Every published table as Parquet, with a data dictionary.")
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(
            metavar="CONNECTION",
            help="Every published table into PostgreSQL, exchanged in one transaction: 'host=db dbname=warehouse user=loader'; the password"
            " in PGPASSWORD or a password file.",
        ),
    ] = None,
    reader: Annotated[
        str | None, typer.Option(metavar="ROLE", help="With --postgres: the role that may read the copy.")
    ] = None,
    adam: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="CDISC ADaM: ADSL and ADTTE as Dataset-JSON and SAS transport files."),
    ] = None,
    cbioportal: Annotated[Path | None, typer.Option(metavar="DIR", help="The files of a cBioPortal study.")] = None,
    shareable: Annotated[
        bool,
        typer.Option("--shareable", help="From shareable.duckdb, in which every patient is like at least four others."),
    ] = False,
    as_of: AsOf = None,
) -> None:
    """A publication in the forms that others read (docs/exports.md); several at once. Nothing but published files is read."""
    from orchestration.exports.adam import export_adam
    from orchestration.exports.cbioportal import export_cbioportal
    from orchestration.exports.parquet_folder import export_parquet
    from orchestration.exports.postgres_copy import export_postgres
    from orchestration.file_problems import WarehouseProblem

    if not (parquet or postgres or adam or cbioportal):
        raise _fail("say at least one form: --parquet, --postgres, --adam or --cbioportal", status=2)
    published = _published_file(as_of)
    if shareable:
        published = load_settings().published_file.with_name("shareable.duckdb")
        if as_of or not published.exists():
            raise _fail(
                "there is no shareable.duckdb of that night: the cohort was too small for it, or it is switched off"
            )
    say, forms = Console(stderr=True), []
    try:
        with say.status("Exporting") as status:

            def progress(text: str) -> None:
                status.update(f"Exporting {text}")

            if parquet:
                forms.append(f"{export_parquet(published, parquet, progress)} tables in {parquet}")
            if adam:
                rows = export_adam(published, adam, progress)
                forms.append(", ".join(f"{name} with {n:,} rows" for name, n in rows.items()) + f" in {adam}")
            if cbioportal:
                forms.append(
                    f"a study of {export_cbioportal(published, cbioportal, progress):,} patients in {cbioportal}"
                )
            if postgres:
                forms.append(f"{export_postgres(published, postgres, reader, progress)} tables in PostgreSQL")
    except WarehouseProblem as error:
        raise _fail(str(error)) from error
    for form in forms:
        console.print(form, soft_wrap=True, highlight=False)


@app.command(name="publish-history")
def publish_history() -> None:
    """Every kept publication, newest first: when, by which run, from which code and data."""
    from orchestration.publish import publish_history as kept_publications

    frame = kept_publications(load_settings().history)
    if frame.empty:
        raise _fail("nothing is published yet: run `crlm refresh` first")
    table = Table("published (UTC)", "patients", "data", "code", "run", "file")
    for row in frame.itertuples():
        published_at = f"{row.published_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(published_at, f"{row.n_patients:,}", row.data_hash, row.code_version, row.run_id[:8], row.file)
    console.print(table)


@app.command()
def diff(
    before: Annotated[
        str | None,
        typer.Argument(help="A file, or the beginning of a kept publication's name; default: the one before."),
    ] = None,
    after: Annotated[str | None, typer.Argument(help="The same; default: what is published now.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything as JSON instead of the first rows of each table.")
    ] = False,
) -> None:
    """What changed from one publication to another: the cohort, each patient's values and by which record, each headline number."""
    from orchestration.comparison.kept import UnknownPublication, default_pair, named_publication
    from orchestration.comparison.show import as_json as whole_comparison
    from orchestration.comparison.show import compare, print_comparison

    settings = load_settings()
    try:
        first, second = default_pair(settings.history, settings.published_file)
        first = named_publication(settings.history, before) if before else first
        second = named_publication(settings.history, after) if after else second
        parts = compare(first, second)
    except (UnknownPublication, FileNotFoundError) as error:
        raise _fail(str(error)) from error
    if as_json:
        typer.echo(whole_comparison(parts))
    else:
        print_comparison(console, parts)


@app.command()
def review(port: Annotated[int, typer.Option(help="Local port.")] = 3001) -> None:
    """Answer what the rules could not settle, on a page that only this machine can open (restricted: shows reports).

    Each answer is kept at once and lands in the landing folder's `adjudication/review`; it counts from the next refresh.
    """
    from orchestration.review.questions import QUESTIONS_FILE
    from orchestration.review.server import ReviewRoom, serve
    from orchestration.service import port_is_free

    settings = load_settings()
    if not (settings.worklist_folder / QUESTIONS_FILE).exists():
        raise _fail("there are no questions yet: run `crlm refresh` first")
    if not port_is_free(port):
        raise _fail(f"port {port} is taken: give another with --port")
    serve(ReviewRoom(settings.worklist_folder, settings.landing / "adjudication"), port)


def _ready_for_dagster(port: int | None) -> None:
    from orchestration.nightly import prepare_dagster_home
    from orchestration.service import port_is_free

    prepare_dagster_home(load_settings())
    if port is not None and not port_is_free(port):
        raise _fail(f"port {port} is taken: give another with --port")


@app.command()
def ui(port: Annotated[int, typer.Option(help="Local port.")] = 3000) -> None:
    """Open Dagster: lineage, runs, reruns and the nightly schedule, at localhost; foreign names are refused."""
    from orchestration.service import daemon_command, page_command, run_together

    _ready_for_dagster(port)
    console.print(f"Dagster at http://localhost:{port} (Ctrl-C ends it)", highlight=False)
    # the daemon runs the schedule; the page is what people see
    raise typer.Exit(run_together([page_command(port), daemon_command()]))


@app.command()
def serve(
    what: Annotated[str, typer.Argument(help="web: Dagster's page. daemon: nights, queue and notices.")],
    port: Annotated[int, typer.Option(help="Of the page.")] = 3000,
    host: Annotated[
        str, typer.Option(help="Address that the page listens on; a proxy with a login belongs before it.")
    ] = "127.0.0.1",
) -> None:
    """One half of the service in the foreground, for a service manager (docs/deploy.md)."""
    from orchestration.service import become, daemon_command, page_command

    if what not in ("web", "daemon"):
        raise _fail(f"'{what}' is neither web nor daemon", status=2)
    _ready_for_dagster(port if what == "web" else None)
    become(page_command(port, host) if what == "web" else daemon_command())


@app.command()
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


if __name__ == "__main__":
    app()
