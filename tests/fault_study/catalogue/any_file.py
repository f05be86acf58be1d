"""What befalls any file: one fault a feed."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.listing import DATES, FEEDS, Fault, add, other_cohort
from tests.fault_study.landed_files import (
    FILES,
    Frame,
    edit,
    every,
    moved,
    path_of,
    read,
    shifted,
    shuffled,
    swapped_day_and_month,
    with_column,
)

OfFeed = Callable[[Path, str], None]


def _of_every_feed(name: str, what: str, change: OfFeed, feeds: tuple[str, ...] = FEEDS) -> None:
    for feed in feeds:
        add(f"{feed}_{name}", feed, what, _bound(change, feed))


def _bound(change: OfFeed, feed: str) -> Fault:
    return lambda folder: change(folder, feed)


def _bytes(change: Callable[[bytes], bytes]) -> OfFeed:
    def changed(folder: Path, feed: str) -> None:
        path = path_of(folder, feed)
        path.write_bytes(change(path.read_bytes()))

    return changed


def _rows(change: Callable[[Frame, str], Frame]) -> OfFeed:
    return lambda folder, feed: edit(folder, feed, lambda rows: change(rows, feed))


def _dates(change: Callable[[pd.Series, str], pd.Series], nth: int = 1) -> OfFeed:
    return _rows(lambda rows, feed: with_column(rows, DATES[feed], change(rows[DATES[feed]], feed), every(rows, nth)))


def _days(change: Callable[[date], date], nth: int = 1) -> OfFeed:
    return _dates(lambda dates, feed: moved(dates, feed, change), nth)


def _with_another_cohorts_rows(folder: Path, feed: str) -> None:
    rows, others = read(folder, feed), read(other_cohort(), feed)
    key = rows.columns[0]
    if feed != "vital_status":
        others = others.assign(**{key: others[key].str[0] + "9" + others[key].str[2:]})
    edit(folder, feed, lambda _: pd.concat([rows, others[rows.columns.intersection(others.columns)]]).fillna(""))


_of_every_feed("missing", "the file did not come", lambda folder, feed: path_of(folder, feed).unlink())
_of_every_feed(
    "of_another_cohort",
    "the file is another hospital's, with record ids of the same form",
    lambda folder, feed: shutil.copy(path_of(other_cohort(), feed), path_of(folder, feed)),
)
_of_every_feed(
    "with_another_cohorts_rows",
    "another hospital's rows stand below the own, its patients' numbers are those of own patients",
    _with_another_cohorts_rows,
)
for _name, _what, _change in (
    ("cut", "the transfer broke off in the middle of the file", lambda data: data[: len(data) * 3 // 5]),
    ("empty", "a file without a byte came", lambda data: b""),
):
    _of_every_feed(_name, _what, _bytes(_change))
_of_every_feed(
    "utf_16",
    "the file is in UTF-16",
    _bytes(lambda data: data.decode("utf-8", "replace").encode("utf-16")),
    tuple(FILES),
)
for _name, _what, _change in (
    ("halved", "only the first half of the rows came", lambda rows, feed: rows.iloc[: len(rows) // 2]),
    (
        "older",
        "an older extract came: the last fifth of the rows is not in it",
        lambda rows, feed: rows.iloc[: len(rows) * 4 // 5],
    ),
    ("header_only", "the header came without rows", lambda rows, feed: rows.iloc[:0]),
    ("rows_twice", "every row stands twice", lambda rows, feed: pd.concat([rows, rows])),
    (
        "mrns_shuffled",
        "the MRN column was sorted by itself",
        lambda rows, feed: with_column(rows, "mrn", shuffled(rows["mrn"], 5)),
    ),
    (
        "a_fifth_of_the_next",
        "every fifth row has the MRN of the next",
        lambda rows, feed: with_column(rows, "mrn", rows["mrn"].shift(-1).fillna(rows["mrn"]), every(rows, 5)),
    ),
    ("mrns_lost", "the column of MRNs is no longer sent", lambda rows, feed: rows.drop(columns="mrn")),
):
    _of_every_feed(_name, _what, _rows(_change))
_of_every_feed("dates_swapped", "day and month changed places in every second row", _dates(swapped_day_and_month, 2))
for _name, _what, _day_change in (
    ("dates_a_year_later", "all dates lie a year later", 365),
    ("dates_a_day_earlier", "a time zone moved all dates to the day before", -1),
    ("dates_four_years_earlier", "a workbook's dates were read by the 1904 epoch", -1462),
):
    _of_every_feed(_name, _what, _dates(lambda dates, feed, days=_day_change: shifted(dates, feed, days)))
for _name, _what, _change, _nth in (
    (
        "dates_first_of_january",
        "only years are exported, as first of January",
        lambda day: day.replace(month=1, day=1),
        1,
    ),
    ("dates_first_of_month", "only months are exported, as their first day", lambda day: day.replace(day=1), 1),
    ("dates_of_export", "every third date is the day of the export", lambda day: date(2012, 12, 30), 3),
    (
        "dates_far_future",
        "dates not known are sent as 9999-12-31, in every sixth row",
        lambda day: date(9999, 12, 31),
        6,
    ),
):
    _of_every_feed(_name, _what, _days(_change, _nth))
_of_every_feed(
    "dates_of_another_form",
    "dates are written in another form",
    _rows(
        lambda rows, feed: with_column(
            rows, DATES[feed], rows[DATES[feed]].astype(str).str.replace(r"\D", "-", regex=True) + " 00h"
        )
    ),
)
