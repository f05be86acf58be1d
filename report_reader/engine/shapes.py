"""What follows from the kinds of a clause alone, whatever its words and numbers. Sentences differ in words and numbers far more
often than in kinds: a shape is made once and remembered.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from report_reader.rules import Rule, RuleBook, Table

A_LENGTH = frozenset({"LENGTH", "BELOW", "ABOVE", "DAMAGED"})
FROM_LIST = ("list", "list before", "list behind")
Span = tuple[int, int]


class Statement(NamedTuple):
    """What the clause says in words: the rule, what it is about, and the tokens from `first` up to `last` that it found."""

    rule: Rule
    subject: str
    first: int
    last: int


class Distance(NamedTuple):
    """What one length is a distance to: the rule, if any, what it is about, remarks on it, the token of the label before it (-1: none)."""

    rule: Rule | None
    subject: str
    remarks: tuple[Rule, ...]
    label: int


class Shape:
    """A row of kinds, and all that the rules say of it."""

    def __init__(self, kinds: str, book: RuleBook) -> None:
        self.kinds = kinds
        self._book = book
        names = [book.kinds.kind(character) for character in kinds]
        self.names = frozenset(names)
        self.said: dict[str, str] = {}
        """Fields that context rules set, with `holds` of each in `holds`; of those in `texts` the value is the words of tokens."""
        self.holds: dict[str, str] = {}
        self.texts: dict[str, Span] = {}
        self.contexts = fitting(book.contexts, kinds, kinds)
        self.marks = frozenset(rule.fields["mark"] for rule, _ in self.contexts if rule.fields.get("mark"))
        self.sorted_marks = tuple(sorted(self.marks))
        self._take_fields()
        self.starts_part = "part" in self.holds.values()
        self.labels = [at for at, name in enumerate(names) if name in book.group("LABEL")]
        self.is_labelled = any(at < 2 for at in self.labels)
        words, heads = book.group("LABEL_WORD"), book.group("LABEL_HEAD")
        self.is_label = bool(names) and words.issuperset(names) and not heads.isdisjoint(names)
        subjects = [book.subjects[name] for name in names if name in book.subjects]
        self.subject = self.said.get("subject", subjects[-1] if subjects else "")
        self.length_places = [at for at, name in enumerate(names) if name in A_LENGTH]
        self.statement = _statement(kinds, book)
        self.known_distances: dict[bool, list[Distance]] = {}
        self.is_doubt = bool(fitting(book.doubts_of_all, kinds, kinds))

    @property
    def bears(self) -> bool:
        """Whether it says anything, where other clauses stand, or puts in doubt what they say."""
        says = self.said or self.marks or self.subject or self.statement or self.length_places
        return bool(says or self.is_doubt)

    def distances(self, follows: bool) -> list[Distance]:
        """What each length is a distance to; `follows`: the clause before names a subject."""
        if follows not in self.known_distances:
            self.known_distances[follows] = _distances(self, follows, self._book)
        return self.known_distances[follows]

    def _take_fields(self) -> None:
        for rule, match in self.contexts:
            for name, value in (rule.fields.get("set") or {}).items():
                if name in self.said:
                    continue
                self.said[name] = value
                self.holds[name] = rule.fields.get("holds", "clause")
                if value == "text":  # the words of the token that the rule speaks of
                    has_part = "part" in match.re.groupindex
                    self.texts[name] = match.span("part") if has_part else match.span(match.lastindex or 0)


def shape_of(kinds: str, book: RuleBook) -> Shape:
    """The shape of these kinds, made or remembered."""
    return book.memory.recall(("shape", kinds), Shape, kinds, book)


def fitting(rules: Table, kinds: str, clause: str) -> list[tuple[Rule, re.Match[str]]]:
    """The rules that fit, each with its match."""
    return [(rule, match) for rule in rules.may_fit(kinds) if (match := rule.fits(kinds, clause)) is not None]


def guards_of(guarded: str, kinds: str, book: RuleBook) -> list[tuple[Rule, Span]]:
    """The guards that fit a clause, each with the tokens it found; `guarded`: its kinds with words that guards ask about as kinds."""
    return book.memory.recall(("guards", guarded, kinds), _guards, guarded, kinds, book)


def _guards(guarded: str, kinds: str, book: RuleBook) -> list[tuple[Rule, Span]]:
    return [(rule, match.span()) for rule, match in fitting(book.guards, guarded, kinds)]


# statements in words -----------------------------------------------------------------------------------------------------


def _statement(kinds: str, book: RuleBook) -> Statement | None:
    """The first rule that fits, on the parts of the clause that speak of a subject of the rules."""
    stated = _without_parts_of(kinds, book, "FOREIGN")
    affirmed = _without_parts_of(stated, book, "NEGATION")
    for rule in book.statements.may_fit(stated + affirmed):
        match = rule.fits(affirmed if rule.fields.get("in") == "affirmed" else stated, stated)
        if match is not None:
            subject = rule.fields.get("subject") or _subject_of(kinds, book, affirmed, stated)
            first = match.start() if match.start() < len(kinds) else 0
            last = max(match.end(), match.start() + 1) if match.start() < len(kinds) else len(kinds)
            return Statement(rule, subject, first, last)
    return None


def _without_parts_of(kinds: str, book: RuleBook, group: str) -> str:
    """Parts of the clause (between commas, brackets) that hold a kind of the group are blanked out."""
    unwanted = book.kinds.characters(group)
    if not re.search(f"[{unwanted}]", kinds):
        return kinds
    borders = book.kinds.characters("BORDER_OF_PART")
    blank = book.kinds.code("BLANK")
    return re.sub(f"[^{borders}]*[{unwanted}][^{borders}]*", lambda match: blank * len(match.group()), kinds)


def _subject_of(kinds: str, book: RuleBook, affirmed: str, stated: str) -> str:
    counted = re.compile(f"[{book.kinds.characters('SUBJECT')}]")
    found = counted.search(affirmed) or counted.search(stated)
    return book.subjects.get(book.kinds.kind(kinds[found.start()]), "") if found else book.default_subject


# lengths -----------------------------------------------------------------------------------------------------------------


def _distances(shape: Shape, follows: bool, book: RuleBook) -> list[Distance]:
    places = shape.length_places
    found = [_distance(shape, places, number, follows, book) for number in range(len(places))]
    subjects = _with_lists([each.subject for each in found])
    return [each._replace(subject=subject) for each, subject in zip(found, subjects, strict=True)]


def _distance(shape: Shape, places: list[int], number: int, follows: bool, book: RuleBook) -> Distance:
    kinds, at = shape.kinds, places[number]
    first = places[number - 1] if number else 0
    last = places[number + 1] if number + 1 < len(places) else len(kinds) - 1
    around = kinds[first:at] + book.kinds.code("HERE") + kinds[at + 1 : last + 1]
    shift = first
    if follows and not number:
        around = book.kinds.code("FOLLOWS") + around
        shift = first - 1
    label = max((place for place in shape.labels if first <= place < at), default=-1)
    remarks = tuple(rule for rule in book.remarks.may_fit(around) if rule.fits(around, kinds))
    for rule in book.lengths.may_fit(around):
        if rule.fields.get("follows") and not follows:
            continue
        match = rule.fits(around, kinds)
        if match is not None:
            subject = rule.fields["subject"]
            return Distance(rule, _named(match, kinds, shift, book) if subject == "named" else subject, remarks, label)
    return Distance(None, "unexplained", remarks, label)


def _named(match: re.Match[str], kinds: str, shift: int, book: RuleBook) -> str:
    for group in range(1, match.re.groups + 1):
        if match.group(group):
            return book.subjects.get(book.kinds.kind(kinds[match.start(group) + shift]), "unexplained")
    return "unexplained"


def _with_lists(subjects: list[str]) -> list[str]:
    """Members of a list take the subject of the list: of the nearest before them, or of the first behind."""
    result = list(subjects)
    for at, subject in enumerate(subjects):
        if subject not in FROM_LIST:
            continue
        before = [each for each in result[:at] if each not in FROM_LIST and each != "open"]
        behind = [each for each in subjects[at + 1 :] if each not in FROM_LIST and each != "open"]
        if subject == "list before":
            found = [each for each in before if each != "none"][-1:]
        elif subject == "list behind":
            found = behind[:1]
        else:
            found = before[-1:] or behind[:1]
        result[at] = found[0] if found else "unexplained"
    return result


def marks_of(distance: Distance) -> tuple[Any, ...]:
    """Remarks on a length, and the marks of its rule."""
    own = distance.rule.fields.get("marks") if distance.rule else None
    return (*(rule.fields["remark"] for rule in distance.remarks), *(own or ()))
