"""The simulated hospital's landed files as frames of text and as messages, to plant faults in."""

import random
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pandas as pd

FILES = {
    "registry": ("registry/hepatectomy_registry.csv", ","),
    "follow_up": ("follow_up/follow_up.csv", ","),
    "treatments": ("treatments/recurrence_treatments.csv", ";"),
}
WORKBOOK, SHEET = "vital_status/vital_status.xlsx", "vital_status"
DATE_FORMATS = {"registry": "%Y-%m-%d", "follow_up": "%m/%d/%Y", "treatments": "%d.%m.%Y", "vital_status": "%Y-%m-%d"}
Frame = pd.DataFrame
Message = list[str]
"""The segments of one HL7 message."""


def path_of(folder: Path, feed: str) -> Path:
    """The feed's file; pathology has many, see `report_files`."""
    return folder / (WORKBOOK if feed == "vital_status" else FILES[feed][0])


def read(folder: Path, feed: str) -> Frame:
    """The feed's rows, every cell as text; nothing where a workbook's cell is empty."""
    if feed == "vital_status":
        rows = list(openpyxl.load_workbook(folder / WORKBOOK)[SHEET].iter_rows(values_only=True))
        return pd.DataFrame(rows[1:], columns=list(rows[0]), dtype=object)
    name, delimiter = FILES[feed]
    # every byte is a letter of Latin-1, so that what is not touched is written as it was
    return pd.read_csv(folder / name, sep=delimiter, dtype=str, keep_default_na=False, encoding="latin-1")


def write(folder: Path, feed: str, frame: Frame, name: str | None = None, delimiter: str | None = None) -> None:
    """The rows as the feed's file, or as another of the same folder."""
    if feed == "vital_status":
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = SHEET
        for row in [list(frame.columns), *frame.to_numpy(dtype=object).tolist()]:
            sheet.append([None if value is None or value != value else value for value in row])
        book.save((folder / WORKBOOK).with_name(name) if name else folder / WORKBOOK)
        return
    path = folder / FILES[feed][0]
    frame.to_csv(
        path.with_name(name) if name else path, sep=delimiter or FILES[feed][1], index=False, encoding="latin-1"
    )


def edit(folder: Path, feed: str, change: Callable[[Frame], Frame]) -> None:
    """Change the rows of a feed's file."""
    write(folder, feed, change(read(folder, feed)))


def every(frame: Frame, nth: int) -> pd.Series:
    """Which rows are every nth."""
    return pd.Series([number % nth == 0 for number in range(len(frame))], index=frame.index)


def with_column(frame: Frame, column: str, values: pd.Series | str, where: pd.Series | None = None) -> Frame:
    """The frame with other values in a column, in all rows or in some.

    Raises:
        KeyError: the hospital's file has no such column.
    """
    before = frame[column]
    new = values if isinstance(values, pd.Series) else pd.Series([values] * len(frame), index=frame.index, dtype=object)
    return frame.assign(**{column: new if where is None else before.where(~where, new)})


def moved(dates: pd.Series, feed: str, move: Callable[[date], date]) -> pd.Series:
    """Dates of the feed's format, moved; what is no date stays. A workbook's dates stay dates."""
    shape = DATE_FORMATS[feed]

    def one(cell: object) -> object:
        if hasattr(cell, "year"):
            return move(date(cell.year, cell.month, cell.day))
        try:
            day = pd.to_datetime(str(cell), format=shape).date()
        except (ValueError, TypeError):
            return cell
        return move(day).strftime(shape)

    return dates.map(one)


def shifted(dates: pd.Series, feed: str, days: int) -> pd.Series:
    """All dates later (or earlier) by so many days."""
    return moved(dates, feed, lambda day: day + timedelta(days=days))


def swapped_day_and_month(dates: pd.Series, feed: str) -> pd.Series:
    """As a reader of the other convention takes them, where that is a date."""
    return moved(dates, feed, lambda day: day.replace(month=day.day, day=day.month) if day.day <= 12 else day)


def shuffled(values: pd.Series, seed: int) -> pd.Series:
    """The same values in another order, as when one column alone was sorted."""
    order = list(values)
    random.Random(seed).shuffle(order)
    return pd.Series(order, index=values.index, dtype=object)


def swap_codes(
    folder: Path, feed: str, column: str, *codes: str, where: Callable[[Frame], pd.Series] | None = None
) -> None:
    """Each code stands for the next one, the last for the first."""
    meaning = dict(zip(codes, [*codes[1:], codes[0]], strict=True))
    edit(
        folder,
        feed,
        lambda frame: with_column(
            frame, column, frame[column].map(lambda cell: meaning.get(cell, cell)), where(frame) if where else None
        ),
    )


def report_files(folder: Path) -> list[Path]:
    """The pathology files in their order."""
    return sorted((folder / "pathology").glob("*.hl7"))


def messages_of(path: Path) -> list[Message]:
    """The messages of a file, their segments as text (bytes that are no UTF-8 as surrogates)."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    messages = re.split(r"(?:^|(?<=[\r\n]))(?=MSH\|)", text)
    return [
        [segment for segment in re.split(r"[\r\n]+", message) if segment] for message in messages if message.strip()
    ]


def write_messages(path: Path, messages: list[Message]) -> None:
    """Messages one after the other, segments ended by carriage returns."""
    text = "".join("".join(f"{segment}\r" for segment in message) for message in messages)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def edit_messages(folder: Path, change: Callable[[Message, int], Message | None]) -> None:
    """Change every message (or drop it) of every file; the number counts through all files."""
    number = 0
    for path in report_files(folder):
        changed = []
        for message in messages_of(path):
            changed.append(change(message, number))
            number += 1
        write_messages(path, [message for message in changed if message])


def mrn_of(message: Message) -> str:
    """The MRN of the first patient of a message; empty where it names none."""
    return next((line.split("|")[3].split("^")[0] for line in message if line.startswith("PID|")), "")


def with_field(message: Message, segment: str, place: int, change: Callable[[str], str]) -> Message:
    """The message with one field of each segment of a kind changed; fields are counted as HL7 does (MSH-1 is the sign itself)."""
    changed = []
    for line in message:
        if line.startswith(f"{segment}|"):
            fields = line.split("|")
            index = place - 1 if segment == "MSH" else place
            if index < len(fields):
                fields[index] = change(fields[index])
            line = "|".join(fields)
        changed.append(line)
    return changed


def edit_words(folder: Path, change: Callable[[str], str], nth: int = 1) -> None:
    """Change the words of every nth report, line by line."""
    edit_messages(
        folder, lambda message, number: with_field(message, "OBX", 5, change) if number % nth == 0 else message
    )


def edit_mrns(folder: Path, change: Callable[[str], str]) -> None:
    """Change the MRNs of the reports."""
    edit_messages(
        folder,
        lambda message, _: with_field(
            message, "PID", 3, lambda field: "^".join([change(field.split("^")[0]), *field.split("^")[1:]])
        ),
    )
