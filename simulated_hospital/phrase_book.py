"""The pathologists' phrases: kept as CSV beside this file, chosen by kind, style and margin width, filled with numbers."""

import csv
import random
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PHRASES = Path(__file__).parent / "phrases"
NUMBER_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
# only a whole number of millimetres is written as a word or as the lower end of a range
NEEDS_WHOLE_MM = re.compile(r"\{(mm_words|mm_words_uk|range_mm|range_and)\}")
RANGE = re.compile(r"\{range_(mm|and)\}")
# a range is at most so wide
RANGE_WIDTH_MM = 2
WIDE_MARGIN_MM = 10
# a pathologist mostly keeps to one manner of writing, not always
OWN_STYLE_SHARE = 0.7


@dataclass(frozen=True)
class MarginPhrase:
    """One way of writing a margin: `kind` says what it states, [min_mm, max_mm] the widths that it may be written for."""

    template_id: str
    kind: str
    style: str
    section: str
    min_mm: float
    max_mm: float
    text: str

    def can_state(self, margin_mm: float) -> bool:
        """Whether a margin of `margin_mm` (millimetres) may be written with this phrase."""
        is_whole = margin_mm == int(margin_mm)
        # a range into the next group leaves the group open, and a measured margin's is not
        crosses_groups = bool(RANGE.search(self.text)) and margin_mm < WIDE_MARGIN_MM <= margin_mm + RANGE_WIDTH_MM
        return (
            self.min_mm <= margin_mm <= self.max_mm
            and (is_whole or not NEEDS_WHOLE_MM.search(self.text))
            and not crosses_groups
        )


@dataclass(frozen=True)
class Pathologist:
    """A manner of writing reports. Shares are those of reports that state the margin in that section; `wrap` 0 = never."""

    name: str
    style: str
    is_upper: bool
    bullet: str
    wrap: int
    heading: str
    diagnosis_share: float
    microscopic_share: float
    synoptic_share: float
    gross_distance_share: float


def _rows(name: str) -> list[dict[str, str]]:
    with (PHRASES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def margin_phrases() -> tuple[MarginPhrase, ...]:
    """All margin phrases, in the file's order."""
    return tuple(
        MarginPhrase(
            row["template_id"],
            row["kind"],
            row["style"],
            row["section"],
            float(row["min_mm"]),
            float(row["max_mm"]),
            row["text"],
        )
        for row in _rows("margin_phrases.csv")
    )


@cache
def pathologists() -> tuple[Pathologist, ...]:
    """The department: one entry a manner of writing."""
    return tuple(
        Pathologist(
            row["pathologist"],
            row["style"],
            row["is_upper"] == "1",
            row["bullet"],
            int(row["wrap"]),
            row["heading"],
            float(row["diagnosis_share"]),
            float(row["microscopic_share"]),
            float(row["synoptic_share"]),
            float(row["gross_distance_share"]),
        )
        for row in _rows("pathologists.csv")
    )


@cache
def _margin_phrases_by_place() -> dict[tuple[str, str, str], tuple[MarginPhrase, ...]]:
    places: dict[tuple[str, str, str], list[MarginPhrase]] = defaultdict(list)
    for phrase in margin_phrases():
        places[phrase.kind, phrase.section, phrase.style].append(phrase)
    return {place: tuple(phrases) for place, phrases in places.items()}


@cache
def texts(file: str, key: str) -> dict[str, tuple[str, ...]]:
    """The texts of a two-column phrase file by its first column `key`, e.g. follow_up_notes by kind."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in _rows(f"{file}.csv"):
        found[row[key]].append(row["text"])
    return {name: tuple(values) for name, values in found.items()}


@cache
def _report_phrases() -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in _rows("report_phrases.csv"):
        found[row["part"], row["style"]].append(row["text"])
    return {place: tuple(values) for place, values in found.items()}


def choose_margin_phrase(
    rng: random.Random, kinds: Iterable[str], section: str, style: str, margin_mm: float
) -> MarginPhrase:
    """A phrase of one of `kinds` that can state `margin_mm` in `section`, mostly of the writer's own style.

    Raises:
        LookupError: no phrase of these kinds can be written for this margin in this section.
    """
    by_place = _margin_phrases_by_place()
    kinds = list(kinds)
    styles = [style, "plain"] if rng.random() < OWN_STYLE_SHARE else ["plain", style]
    for wanted in styles:
        found = [
            phrase
            for kind in kinds
            for phrase in by_place.get((kind, section, wanted), ())
            if phrase.can_state(margin_mm)
        ]
        if found:
            return rng.choice(found)
    raise LookupError(f"no phrase of {kinds} for {margin_mm} mm in section {section}")


def choose_report_phrase(rng: random.Random, part: str, style: str) -> str:
    """The template of another part of a report, of the writer's style where there is one."""
    phrases = _report_phrases()
    own, plain = phrases.get((part, style), ()), phrases.get((part, "plain"), ())
    return rng.choice(own if own and (not plain or rng.random() < OWN_STYLE_SHARE) else plain)


def plain_number(value: float) -> str:
    """'4', '4.5', '0.05': no trailing zeros, as dictated."""
    return f"{round(value, 3):g}"


def width_words(margin_mm: float, rng: random.Random) -> dict[str, str]:
    """What a margin phrase may be filled with, for one width in millimetres."""
    mm, cm = plain_number(margin_mm), plain_number(margin_mm / 10)
    # in writing, 10 mm is as often '1.0 cm' as '1 cm'
    cm_point = f"{margin_mm / 10:.1f}" if margin_mm == int(margin_mm) else cm
    cm = rng.choice((cm, cm_point))
    upper = plain_number(margin_mm + rng.choice(range(1, RANGE_WIDTH_MM + 1)))
    words = NUMBER_WORDS[int(margin_mm)] if margin_mm <= 20 else mm
    plural = "" if margin_mm == 1 else "s"
    return {
        "mm": rng.choice((mm, mm, f"{margin_mm:.1f}")),
        "cm": cm,
        "cm1": cm_point,
        "mm_comma": f"{margin_mm:.1f}".replace(".", ","),
        "cm_comma": cm_point.replace(".", ","),
        "microns": plain_number(margin_mm * 1000),
        "mm_words": f"{words} millimeter{plural}",
        "mm_words_uk": f"{words} millimetre{plural}",
        "range_mm": rng.choice((f"{mm}-{upper}", f"{mm} to {upper}")),
        "range_and": f"{mm} and {upper}",
    }


def render(template: str, **values: object) -> list[str]:
    """The lines of a filled template; ' // ' in a template is a line break."""
    return template.format_map(values).split(" // ")
