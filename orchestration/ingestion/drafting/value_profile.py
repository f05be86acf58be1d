"""What a column's values are: date formats, numbers, codes with their counts, missing values."""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import duckdb

from orchestration.ingestion.drafting.source_table import words

MAX_CODES = 30
SEPARATORS = (";", ",", "|", "/", "+")
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)")
SHARE_OF_TYPE = 0.9
"""A column is of a type when at least this share of its values is."""
DATE_FORMATS = [
    "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%Y/%m/%d", "%d %b %Y", "%d-%b-%Y",
    "%b %d, %Y", "%d %B %Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y",
]  # fmt: skip
TIME_FORMATS = ["{} %H:%M:%S", "{} %H:%M", "{}T%H:%M:%S", "{}T%H:%M", "{}%H%M%S", "{}%H%M"]
TWINS = {"%d/%m/%Y": "%m/%d/%Y", "%d-%m-%Y": "%m-%d-%Y", "%d/%m/%y": "%m/%d/%y"}
ZONE = re.compile(r"([.]\d+)?(Z|[+-]\d{2}:?\d{2})$")


@dataclass
class Profile:
    """The values of one column, trimmed."""

    values: list[str]
    missing: list[str] = field(default_factory=list)
    n: int = 0

    @classmethod
    def of(cls, column: list[str | None]) -> "Profile":
        trimmed = [value.strip() for value in column if value is not None and value.strip()]
        known = {str(one).lower() for one in words()["missing"]}
        missing = sorted({value for value in trimmed if value.lower() in known})
        return cls([value for value in trimmed if value not in missing], missing, len(column))

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.values)

    @property
    def is_empty(self) -> bool:
        return not self.values

    @property
    def is_coded(self) -> bool:
        """Few distinct values that come again."""
        return 0 < len(self.counts) <= MAX_CODES and (len(self.values) >= 2 * len(self.counts) or len(self.counts) <= 6)

    @property
    def is_unique(self) -> bool:
        return len(self.values) == self.n and len(self.counts) == self.n

    @cached_property
    def share_of_numbers(self) -> float:
        return self._share(lambda value: NUMBER.fullmatch(value) is not None)

    @property
    def has_decimal_comma(self) -> bool:
        return self.share_of_numbers >= SHARE_OF_TYPE and any("," in value for value in self.values)

    @cached_property
    def date_formats(self) -> list[str]:
        """The formats that read the values, the most telling first; several where different values need them."""
        left = {ZONE.sub("", value) if "T" in value else value for value in self.counts}
        total, found = len(left), []
        candidates = [*DATE_FORMATS, *(shape.format(one) for one in DATE_FORMATS[:8] for shape in TIME_FORMATS)]
        while left:
            best, read = max(((one, _read_by(one, left)) for one in candidates), key=lambda pair: len(pair[1]))
            is_typing_error = any({best, other} == set(pair) for pair in TWINS.items() for other in found)
            if not read or is_typing_error:
                # a few dates that only read the other way round do not make a second format
                break
            found.append(best)
            left -= read
        return found if total and 1 - len(left) / total >= SHARE_OF_TYPE else []

    @property
    def reads_both_ways(self) -> bool:
        formats = self.date_formats
        return any(
            one in formats and _read_by(twin, set(self.counts)) == _read_by(one, set(self.counts))
            for pair in TWINS.items()
            for one, twin in (pair, pair[::-1])
        )

    @cached_property
    def separator(self) -> str | None:
        """What separates the codes of a list in one field, if anything does."""
        apart = {one: self._parts(one) for one in SEPARATORS if any(one in value for value in self.counts)}
        likely = [one for one, parts in apart.items() if len(parts) < len(self.counts)]
        return min(likely, key=lambda one: len(apart[one]), default=None)

    def _parts(self, separator: str) -> set[str]:
        return {part.strip() for value in self.counts for part in value.split(separator) if part.strip()}

    @property
    def counts_of_parts(self) -> Counter[str]:
        """The codes of lists, each counted wherever it stands."""
        counts: Counter[str] = Counter()
        for value, n in self.counts.items():
            for part in value.split(self.separator) if self.separator else [value]:
                counts[part.strip()] += n
        return counts

    def _share(self, is_it) -> float:
        if not self.values:
            return 0.0
        return sum(n for value, n in self.counts.items() if is_it(value)) / len(self.values)


def _read_by(text: str, values: set[str]) -> set[str]:
    # DuckDB's %Y also takes the year 3, and %Y%m%d reads any digits
    width = r"\d{2}" if "%y" in text else r"\d{4}"
    likely = [value for value in values if re.search(rf"(?<!\d){width}", value) or "%Y" not in text]
    if text.startswith("%Y%m%d"):
        digits = 8 + 2 * (text.count("%H") + text.count("%M") + text.count("%S"))
        likely = [value for value in likely if value.isdigit() and len(value) == digits]
    elif "%Y" in text and not text.startswith("%Y"):
        likely = [value for value in likely if re.search(r"(?<!\d)\d{4}(?!\d)", value)]
    if not likely:
        return set()
    rows = duckdb.execute(
        """SELECT value FROM (SELECT unnest(CAST(? AS VARCHAR[])) AS value) WHERE try_strptime(value, ?)
           BETWEEN TIMESTAMP '1850-01-01' AND TIMESTAMP '2100-01-01'""",
        [likely, text],
    ).fetchall()
    return {value for (value,) in rows}
