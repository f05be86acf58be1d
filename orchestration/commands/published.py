"""Commands that read what is published: numbers, queries, one patient's trace, the report, copies, comparisons."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from orchestration.commands.shared import AsOf, console, fail, print_rows, print_to_fit, published_file
from orchestration.settings import load_settings

commands = typer.Typer()
PANEL = "What is published"


@commands.command(rich_help_panel=PANEL)
def summary(as_of: AsOf = None) -> None:
    """The published study in the terminal: cohort, margin groups, cumulative incidence, hazard ratios, what was set aside."""
    from orchestration.reporting.terminal_summary import print_summary

    print_summary(console, published_file(as_of), None if as_of else load_settings().report_file)


@commands.command(rich_help_panel=PANEL)
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
        frame = ask_published(published_file(as_of), query)
    except duckdb.Error as error:
        raise fail(str(error)) from error
    if parquet:
        frame.to_parquet(parquet, index=False)
        console.print(f"{len(frame):,} rows in {parquet}", soft_wrap=True)
    elif csv:
        typer.echo(frame.to_csv(index=False), nl=False)
    elif json:
        typer.echo(frame.to_json(orient="records", date_format="iso", force_ascii=False))
    else:
        print_to_fit(console, frame)


@commands.command(rich_help_panel=PANEL)
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
    from orchestration.files.problems import WarehouseProblem
    from orchestration.reporting.patient_trace import UnknownPatient, follow_name, trace_patient
    from orchestration.warehouse import open_build_file

    settings = load_settings()
    if not settings.build_file.exists():
        raise fail("there is no build file yet: run `crlm refresh` first")
    try:
        with open_build_file(settings.build_file, read_only=True) as connection:
            named = follow_name(connection, study_id)
            if named is not None:
                print_rows(console, named)
                return
            parts = trace_patient(connection, study_id, with_words=words)
    except (UnknownPatient, WarehouseProblem) as error:
        raise fail(str(error)) from error
    for title, frame in parts.items():
        console.print(f"[bold]{title}[/]" + ("" if len(frame) else ": none"))
        print_rows(console, frame)


@commands.command(rich_help_panel=PANEL)
def report(
    as_of: AsOf = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; default: beside the published warehouse.")
    ] = None,
) -> None:
    """Draw the one-page report, its files and Explore's page anew from the published warehouse and say where they are."""
    from orchestration.comparison.kept import publication_before
    from orchestration.privacy.disclosure import disclosure_rules
    from orchestration.reporting.pages import write_explore, write_report

    published, settings = published_file(as_of), load_settings()
    own = settings.report_file
    file = out or (own.with_name(f"report_{published.stem}.html") if as_of else own)
    before = publication_before(settings.history, published)
    with console.status("Drawing the report"):
        mode, no_explore = settings.published_folder_mode & 0o666, None
        if file == own:
            least_k = disclosure_rules(settings.disclosure_rules).least_k
            no_explore = write_explore(published, settings.explore_file, mode, least_k)
        write_report(published, file, mode, before, file == own and no_explore is None)
    console.print(f"Report: {file}", soft_wrap=True)
    if no_explore:
        console.print(f"No page of Explore: {no_explore}", soft_wrap=True)


@commands.command(rich_help_panel=PANEL)
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
    from orchestration.files.problems import WarehouseProblem

    if not (parquet or postgres or adam or cbioportal):
        raise fail("say at least one form: --parquet, --postgres, --adam or --cbioportal", status=2)
    published = published_file(as_of)
    if shareable:
        published = load_settings().shareable_file
        if as_of or not published.exists():
            raise fail(
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
        raise fail(str(error)) from error
    for form in forms:
        console.print(form, soft_wrap=True, highlight=False)


@commands.command(name="publish-history", rich_help_panel=PANEL)
def publish_history() -> None:
    """Every kept publication, newest first: when, by which run, from which code and data."""
    from orchestration.publication.publish import publish_history as kept_publications

    frame = kept_publications(load_settings().history)
    if frame.empty:
        raise fail("nothing is published yet: run `crlm refresh` first")
    table = Table("published (UTC)", "patients", "data", "code", "run", "file")
    for row in frame.itertuples():
        published_at = f"{row.published_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(published_at, f"{row.n_patients:,}", row.data_hash, row.code_version, row.run_id[:8], row.file)
    console.print(table)


@commands.command(rich_help_panel=PANEL)
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
        raise fail(str(error)) from error
    if as_json:
        typer.echo(whole_comparison(parts))
    else:
        print_comparison(console, parts)
