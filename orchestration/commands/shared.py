"""What every command shares: the application, the console, how a failure and a table are shown."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.files.private_files import be_private
from orchestration.settings import DISTRIBUTION, load_settings

app = typer.Typer(
    name="crlm",
    no_args_is_help=True,
    add_completion=False,
    help="The outcomes warehouse for hepatectomy of colorectal liver metastases: from raw records to published statistics.",
    pretty_exceptions_show_locals=False,
)


console = Console()


def say_version(is_asked: bool) -> None:
    if is_asked:
        console.print(f"crlm {version(DISTRIBUTION)}", highlight=False)
        raise typer.Exit()


@app.callback()
def at_every_command(
    version: Annotated[
        bool, typer.Option("--version", help="Say the release and end.", callback=say_version, is_eager=True)
    ] = False,
) -> None:
    """The outcomes warehouse for hepatectomy of colorectal liver metastases: from raw records to published statistics."""
    be_private()


def fail(message: str, status: int = 1) -> typer.Exit:
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


AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", help="A kept publication instead of the latest: the beginning of its name, such as 2026-11-26."
    ),
]


def published_file(as_of: str | None) -> Path:
    """The publication that a command reads."""
    from orchestration.comparison.kept import UnknownPublication, named_publication

    settings = load_settings()
    if not settings.published_file.exists():
        raise fail("nothing is published yet: run `crlm refresh` first")
    try:
        return named_publication(settings.history, as_of) if as_of else settings.published_file
    except UnknownPublication as error:
        raise fail(str(error)) from error
