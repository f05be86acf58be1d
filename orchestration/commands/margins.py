"""Commands around the margin: reading texts, answering what they leave open."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.shared import console, fail
from orchestration.settings import load_settings

commands = typer.Typer()
PANEL = "Margins"


@commands.command(name="read-margins", rich_help_panel=PANEL)
def read_margins(
    texts: Annotated[Path, typer.Argument(help="CSV with the columns phrase_id and report_text.")],
    out: Annotated[
        Path, typer.Argument(help="CSV to write: the same rows with status, width, group, evidence and rule.")
    ],
) -> None:
    """Read the margin of any report texts by exactly the warehouse's rules; what they cannot settle is `unresolved`."""
    from orchestration.reading import read_margins as reading

    try:
        frame = reading.texts_of(texts)
        with console.status(f"Reading {len(frame):,} texts"):
            read = reading.read_margins(frame)
        # every word in quotes: a bare carriage return would end a record where it is not quoted
        read.to_csv(out, index=False, quoting=csv.QUOTE_NONNUMERIC)
    except (reading.UnreadableTexts, reading.MarginReadingFailed, OSError) as error:
        raise fail(str(error)) from error
    groups = read["margin_group"].value_counts()
    console.print(
        f"{len(read):,} texts read: " + ", ".join(f"{n:,} {group}" for group, n in groups.items()), highlight=False
    )


@commands.command(rich_help_panel=PANEL)
def review(port: Annotated[int, typer.Option(help="Local port.")] = 3001) -> None:
    """Answer what the rules could not settle, on a page that only this machine can open (restricted: shows reports).

    Each answer is kept at once and lands in the landing folder's `adjudication/review`; it counts from the next refresh.
    """
    from orchestration.page.service import port_is_free
    from orchestration.review.questions import QUESTIONS_FILE
    from orchestration.review.server import ReviewRoom, serve

    settings = load_settings()
    if not (settings.worklist_folder / QUESTIONS_FILE).exists():
        raise fail("there are no questions yet: run `crlm refresh` first")
    if not port_is_free(port):
        raise fail(f"port {port} is taken: give another with --port")
    serve(ReviewRoom(settings.worklist_folder, settings.landing / "adjudication"), port)
