"""What befalls any file: one fault a feed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.listing import DATES, FEEDS, add, other_cohort
from tests.fault_study.landed_files import (
    edit,
    every,
    moved,
    path_of,
    shifted,
    shuffled,
    swapped_day_and_month,
    with_column,
)


def _of_every_feed(name: str, what: str, change: Callable[[Path, str], None], feeds: tuple[str, ...] = FEEDS) -> None:
    for feed in feeds:
        add(f"{feed}_{name}", feed, what, lambda folder, feed=feed: change(folder, feed))


def _halved(folder: Path, feed: str) -> None:
    edit(folder, feed, lambda rows: rows.iloc[: len(rows) // 2])


def _of_another_cohort(folder: Path, feed: str) -> None:
    shutil.copy(path_of(other_cohort(), feed), path_of(folder, feed))


def _shuffled(folder: Path, feed: str) -> None:
    edit(folder, feed, lambda rows: with_column(rows, "mrn", shuffled(rows["mrn"], 5)))


def _cut(folder: Path, feed: str) -> None:
    path = path_of(folder, feed)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])


def _dates(change: Callable[[pd.Series, str], pd.Series], nth: int = 1) -> Callable[[Path, str], None]:
    def changed(folder: Path, feed: str) -> None:
        edit(
            folder, feed, lambda rows: with_column(rows, DATES[feed], change(rows[DATES[feed]], feed), every(rows, nth))
        )

    return changed


_of_every_feed("missing", "the file did not come", lambda folder, feed: path_of(folder, feed).unlink())
_of_every_feed("halved", "only the first half of the rows came", _halved)
_of_every_feed("cut", "the transfer broke off in the middle of the file", _cut)
_of_every_feed("empty", "a file without a byte came", lambda folder, feed: path_of(folder, feed).write_bytes(b""))
_of_every_feed(
    "header_only", "the header came without rows", lambda folder, feed: edit(folder, feed, lambda rows: rows.iloc[:0])
)
_of_every_feed(
    "of_another_cohort", "the file is another hospital's, with record ids of the same form", _of_another_cohort
)
_of_every_feed("mrns_shuffled", "the MRN column was sorted by itself", _shuffled)
_of_every_feed("dates_swapped", "day and month changed places in every second row", _dates(swapped_day_and_month, 2))
_of_every_feed(
    "dates_a_year_later", "all dates lie a year later", _dates(lambda dates, feed: shifted(dates, feed, 365))
)
_of_every_feed(
    "dates_a_day_earlier",
    "a time zone moved all dates to the day before",
    _dates(lambda dates, feed: shifted(dates, feed, -1)),
)
_of_every_feed(
    "dates_four_years_earlier",
    "a workbook's dates were read by the 1904 epoch",
    _dates(lambda dates, feed: shifted(dates, feed, -1462)),
)
_of_every_feed(
    "dates_first_of_january", "only years are exported, as first of January",
    _dates(lambda dates, feed: moved(dates, feed, lambda day: day.replace(month=1, day=1))),
)  # fmt: skip
_of_every_feed(
    "dates_first_of_month", "only months are exported, as their first day",
    _dates(lambda dates, feed: moved(dates, feed, lambda day: day.replace(day=1))),
)  # fmt: skip
