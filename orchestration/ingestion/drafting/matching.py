"""Which of a file's columns is which of the warehouse's: by their names, and by whether the values are of the type."""

import re
from dataclasses import dataclass

from rapidfuzz import fuzz

from orchestration.ingestion.canonical_feeds import CanonicalColumn
from orchestration.ingestion.drafting.source_table import words
from orchestration.ingestion.drafting.value_profile import SHARE_OF_TYPE, Profile

SURE = 90
POSSIBLE = 76
SHORT = 5
PREFIXES = re.compile(r"^(fu|pt|pat|patient|rc|reg)_")


@dataclass(frozen=True)
class Match:
    """A canonical column's source column; `likeness` 0 to 100, `others` what else it might have been."""

    column: str
    likeness: float
    others: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        return self.likeness >= SURE and not self.others


def matches(
    columns: dict[str, CanonicalColumn], profiles: dict[str, Profile], known: dict[str, str]
) -> dict[str, Match]:
    """Canonical column -> match, the likeliest pairs first, no source column twice (but for those `known` by path)."""
    found = {name: Match(column, 100) for name, column in known.items() if name in columns}
    if known:
        return found
    scores = {
        (name, source): score
        for name, column in columns.items()
        for source, profile in profiles.items()
        if (score := _likeness(name, source, column, profile)) >= POSSIBLE
    }
    taken: set[str] = set()
    for (name, source), score in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])):
        if name in found or source in taken:
            continue
        rivals = tuple(
            other
            for (same, other), likeness in scores.items()
            if same == name and other not in (source, *taken) and likeness >= score - 3
        )
        found[name] = Match(source, score, rivals)
        taken.add(source)
    return found


def plain(name: str) -> str:
    """A column's name as words: lower case, no separators, CamelCase taken apart."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[^\w]+|_+", " ", apart).strip().lower()


def _likeness(name: str, source: str, column: CanonicalColumn, profile: Profile) -> float:
    spellings = {plain(name), *words()["names"].get(name, [])}
    written = {plain(source), plain(PREFIXES.sub("", source.lower()))}
    score = max(100.0 if one == other else _resemblance(one, other) for one in spellings for other in written)
    return score * _fit(column, profile)


def _resemblance(one: str, other: str) -> float:
    """Less for short names, which resemble each other by chance: notes and nodes."""
    by_chance = 0.85 if min(len(one), len(other)) <= SHORT else 1.0
    return by_chance * min(96.0, max(fuzz.ratio(one, other), 0.97 * fuzz.token_sort_ratio(one, other)))


def _fit(column: CanonicalColumn, profile: Profile) -> float:
    """1 where the values are of the column's type, less where they are not, little where they cannot be."""
    if profile.is_empty:
        return 0.85
    if column.type in ("date", "timestamp"):
        return 1.0 if profile.date_formats else 0.5
    if column.type in ("integer", "decimal"):
        return 1.0 if profile.share_of_numbers >= SHARE_OF_TYPE else 0.6
    if column.type in ("code", "code_list"):
        return 1.0 if profile.is_coded else 0.8
    return 0.7 if profile.date_formats else 1.0
