"""Rows of a table with a header, whatever file they came from, and the records they become."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.contract.wide_form import NUMBER, is_numbered, numbered_pattern
from orchestration.ingestion.readers.account import Account, Notice, with_account
from orchestration.ingestion.readers.landed_file import UnreadableFile
from orchestration.ingestion.readers.units_row import units_row_notice
from orchestration.ingestion.told_names import told_number

Choices = Sequence[Sequence[str]]
"""For each thing that is wanted the columns that may hold it: one of them must be there."""


@dataclass(frozen=True)
class Rows:
    """A file's rows in order; `columns` are text, one for each name of the `header`."""

    source_line: pa.Array | pa.ChunkedArray
    payload: pa.Array | pa.ChunkedArray
    structure_problem: pa.Array | pa.ChunkedArray
    header: list[str]
    columns: list[pa.ChunkedArray]
    notices: tuple[Notice, ...] = ()
    passed_over: int = 0
    """Rows of the file that belong to other contracts."""

    def __len__(self) -> int:
        return len(self.source_line)

    def column(self, name: str) -> pa.ChunkedArray:
        return self.columns[self.header.index(name)]

    def column_or_nothing(self, name: str) -> pa.ChunkedArray:
        """The column, or one without values where the file has none of this name."""
        return self.column(name) if name in self.header else pa.chunked_array([pa.nulls(len(self), pa.string())])

    def filtered(self, is_wanted: pa.Array | pa.ChunkedArray) -> "Rows":
        """The rows for which `is_wanted` is true."""
        return self._each(lambda column: column.filter(is_wanted))

    def leaving_to_others(self, is_wanted: pa.Array) -> "Rows":
        """The rows for which `is_wanted` is true; the others are counted as passed over."""
        kept = self.filtered(is_wanted)
        return replace(kept, passed_over=self.passed_over + len(self) - len(kept))

    def taken(self, places: np.ndarray) -> "Rows":
        """The rows at these places, in this order; one may be taken more than once."""
        return self._each(lambda column: column.take(pa.array(places, pa.int64())))

    def _each(self, changed) -> "Rows":
        # Arrow cannot yet filter columns that point into the file's bytes
        own = (self.source_line, self.payload.cast(pa.string()), self.structure_problem)
        kept = [changed(column) for column in (*own, *self.columns)]
        return replace(self, source_line=kept[0], payload=kept[1], structure_problem=kept[2], columns=kept[3:])

    def with_column(self, name: str, column: pa.Array | pa.ChunkedArray) -> "Rows":
        """The rows with one more column, or with another in the place of the one of this name."""
        others = [(known, old) for known, old in zip(self.header, self.columns, strict=True) if known != name]
        header, columns = [known for known, _ in others], [old for _, old in others]
        return replace(self, header=[*header, name], columns=[*columns, column])

    def noticed(self, notices: Iterable[Notice]) -> "Rows":
        """The rows, with these notices beside those that they have."""
        return replace(self, notices=(*self.notices, *notices))

    def with_own(self, **own: pa.Array) -> "Rows":
        """The rows with another `payload` or `structure_problem`."""
        return replace(self, **own)

    def with_problems(self, reasons: list[np.ndarray]) -> "Rows":
        """The rows, with these reasons (None where there is none) beside the problems that they have."""
        problem = self.structure_problem
        for reason in reasons:
            problem = pc.coalesce(problem, pa.array(reason, pa.string()))
        return replace(self, structure_problem=problem)

    @staticmethod
    def joined(parts: list["Rows"]) -> "Rows":
        """The rows of several parts of a file one after the other; a column that a part lacks has no values there."""
        if len(parts) == 1:
            return parts[0]
        header = list(dict.fromkeys(name for part in parts for name in part.header))
        return Rows(
            *(
                pa.chunked_array([chunk for part in parts for chunk in _chunks(getattr(part, name))])
                for name in ("source_line", "payload", "structure_problem")
            ),
            header,
            [
                pa.chunked_array(
                    [chunk for part in parts for chunk in part.column_or_nothing(name).chunks], pa.string()
                )
                for name in header
            ],
            tuple(notice for part in parts for notice in part.notices),
        )

    def records(self, contract: SourceContract) -> pa.Table:
        """The reader's own columns, and those of the contract under the names that `reader_column` gives them."""
        own = {
            "source_line": self.source_line,
            "payload": self.payload,
            "structure_problem": self.structure_problem,
        }
        own |= {name: self.column(INTERNAL + name) for name in TOLD_BY_SOURCE if INTERNAL + name in self.header}
        named = {contract.reader_column(name): self.column_or_nothing(name) for name in contract.source_columns}
        return with_account(pa.table({**own, **named}), Account(self.passed_over, list(self.notices)))


HAS_DIGITS, HAS_DIGIT = re.compile(r"\d.*\d"), re.compile(r"\d")
KEY_WITHIN_FORMAT = "key_within_format"
"""What a file format itself adds to a record's key (REDCap: event and instance), where it adds something."""
TOLD_BY_SOURCE = (KEY_WITHIN_FORMAT, "source_patient")
INTERNAL = "\0"
"""Stands before the name of a column that the reader adds: no file has such a name."""


def _chunks(column: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def rows_of_lists(
    numbers: Sequence[int], payloads: Sequence[str], problems: Sequence[str | None], header: list[str], rows: list[list]
) -> Rows:
    """Rows held as Python lists; a row of which the shape cannot be read has no values, they may belong to other columns."""
    values = [row if problem is None else [None] * len(header) for row, problem in zip(rows, problems, strict=True)]
    columns = list(zip(*values, strict=True)) if values else [[] for _ in header]
    return Rows(
        pa.array(numbers, pa.int64()),
        pa.array(payloads, pa.string()),
        pa.array(problems, pa.string()),
        header,
        [pa.chunked_array([pa.array(column, pa.string())]) for column in columns],
    )


def header_names(cells: Sequence[str], wanted: Choices) -> list[str]:
    """The names of a header's cells as the contract spells them: without space around them, and a line break within one is
    a space unless the contract has it too."""
    known = {name for choice in wanted for name in choice}
    names = [cell.strip() for cell in cells]
    return [name if name in known else " ".join(name.split()) for name in names]


def holds_columns(cells: Sequence[str], wanted: Choices) -> bool:
    """Whether these cells are a header with all that is wanted."""
    names = header_names(cells, wanted)
    return bool(wanted) and all(any(_is_among(name, names) for name in choice) for choice in wanted)


def check_header(wanted: Choices, found: list[str]) -> None:
    """Raises UnreadableFile naming the contract's columns that the file's header lacks, or names twice."""
    absent = [" or ".join(choice) for choice in wanted if not any(_is_among(name, found) for name in choice)]
    if absent:
        raise UnreadableFile(f"the header lacks the contract's column(s): {', '.join(dict.fromkeys(absent))}", found)
    names = dict.fromkeys(name for choice in wanted for name in choice)
    if twice := [name for name in names if found.count(name) > 1]:
        raise UnreadableFile(f"the header names the contract's column(s) more than once: {', '.join(twice)}", found)


def _is_among(name: str, found: list[str]) -> bool:
    if name == NUMBER:
        return True
    return any(map(numbered_pattern(name).fullmatch, found)) if is_numbered(name) else name in found


def check_above_header(lines: Iterable[Sequence[str]], header: list[str], contract: SourceContract) -> None:
    """Raises UnreadableFile where a line above the header is a record itself, so that it is not passed over as a title."""
    columns = canonical_feeds()[contract.feed].columns
    timed = [
        field
        for name, field in contract.fields.items()
        if columns[name].type in ("date", "timestamp") and field.choices
    ]
    named = timed or [contract.fields[name] for name in contract.key]
    places = [header.index(name) for field in named for name in field.source_columns if name in header]
    patient = [contract.patient_column] if contract.patient_column in contract.fields else []
    own = [contract.fields[name] for name in dict.fromkeys([*contract.key, *patient])]
    identifiers = [header.index(name) for field in own for name in field.source_columns if name in header]
    for cells in lines:
        if len(header) > 1 and sum(bool(cell.strip()) for cell in cells) < 2:
            continue
        is_dated = any(place < len(cells) and HAS_DIGITS.search(cells[place]) for place in places)
        # a label has no number where a patient's and a record's stand
        is_numbered = len(cells) == len(header) and all(HAS_DIGIT.search(cells[place]) for place in identifiers)
        if is_dated or (is_numbered and identifiers):
            raise UnreadableFile(
                "a line above the header has the shape of a record: the lines are out of order, or two files in one"
            )


def notices_above_header(n_lines: int) -> list[Notice]:
    """What stands above the header is listed."""
    reason = "what stands above the header is no record"
    return [Notice("lines above the header", n_lines, reason, 1)] if n_lines else []


def trimmed(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The text without space around it, empty where there is none."""
    return pc.fill_null(pc.utf8_trim_whitespace(column.cast(pa.string())), "")


def without_units_row(rows: Rows, contract: SourceContract) -> Rows:
    if not len(rows) or rows.structure_problem[0].is_valid:
        return rows
    cells = {name: trimmed(rows.column_or_nothing(name)[:1])[0].as_py() for name in contract.source_columns}
    notice = units_row_notice(cells, contract, rows.source_line[0].as_py())
    return rows if notice is None else rows.taken(np.arange(1, len(rows))).noticed([notice])


def in_long_form(rows: Rows, contract: SourceContract) -> Rows:
    """A record for each number that stands in the header for `{n}` and has a value in the row; other tables as they are.

    A row of which the shape cannot be read stays one record.
    """
    templates = [name for name in contract.source_columns if is_numbered(name)]
    if not templates:
        return rows
    numbers = _numbers_in_header(rows.header, templates)
    rows = rows.noticed(_columns_without_a_number(rows.header, templates, contract))
    is_broken = np.asarray(pc.is_valid(rows.structure_problem))
    places, of_number = [np.flatnonzero(is_broken)], [np.full(is_broken.sum(), -1)]
    missing = pa.array(contract.spellings_of_missing())
    for place, number in enumerate(numbers):
        is_there = ~is_broken & np.any(
            [
                ~np.asarray(pc.is_in(trimmed(rows.column(name.replace(NUMBER, number))), missing))
                for name in templates
                if name != NUMBER
            ],
            axis=0,
        )
        places.append(np.flatnonzero(is_there))
        of_number.append(np.full(is_there.sum(), place))
    row, number_of_record = np.concatenate(places), np.concatenate(of_number)
    order = np.lexsort((number_of_record, row))
    row, number_of_record = row[order], number_of_record[order]
    long = rows.taken(row)
    texts = pa.array([*numbers, None], pa.string())
    long = long.with_column(NUMBER, pa.chunked_array([texts.take(pa.array(number_of_record % len(texts)))]))
    for name in templates:
        if name != NUMBER:
            held = [long.column(name.replace(NUMBER, number)).combine_chunks() for number in numbers]
            # all numbers' columns one under the other; a record takes its own
            at = number_of_record * len(long) + np.arange(len(long))
            nothing = pa.nulls(1, pa.string())
            stacked = pa.chunked_array([*held, nothing], pa.string())
            at = np.where(number_of_record < 0, len(stacked) - 1, at)
            long = long.with_column(name, stacked.take(pa.array(at)))
    return long


def _columns_without_a_number(header: list[str], templates: list[str], contract: SourceContract) -> list[Notice]:
    """Columns such as fu_date beside fu_date.1, fu_date.2: a program numbered only the later ones of the same name."""
    bare = [re.sub(r"[-._ ]?\{n\}", "", name) for name in templates if name != NUMBER]
    found = [name for name in dict.fromkeys(bare) if name in header and name not in contract.source_columns]
    reason = f"{', '.join(found)}: named as the numbered ones, without a number; a contract of its own can read them"
    return [Notice("column without a number", len(found), reason)] if found else []


def _numbers_in_header(header: list[str], templates: list[str]) -> list[str]:
    """The numbers that stand for `{n}`, in their order.

    Raises:
        UnreadableFile: a number has some of the contract's numbered columns and lacks others.
    """
    numbers = {
        match[1]: None
        for template in templates
        if template != NUMBER
        for name in header
        if (match := numbered_pattern(template).fullmatch(name))
    }
    absent = [
        name.replace(NUMBER, told_number(number, NUMBER))
        for number in numbers
        for name in templates
        if name != NUMBER and name.replace(NUMBER, number) not in header
    ]
    if absent:
        raise UnreadableFile(f"the header lacks the contract's numbered column(s): {', '.join(absent)}", header)
    return sorted(numbers, key=lambda number: (int(re.sub(r"\D", "", number)), number))
