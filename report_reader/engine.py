"""Floor 5, the engine: rows of rules on the tokens of one sentence. It knows kinds and rules by their names only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from report_reader.measurements import Length, with_bounds_shown, with_measurements, with_order, without_stray_stops
from report_reader.rules import Rule, RuleBook
from report_reader.tokens import UNKNOWN, WORD, Token, tokens_of

A_LENGTH = frozenset({"LENGTH", "BELOW", "ABOVE", "DAMAGED"})
FROM_LIST = ("list", "list before", "list behind")
FOR_GUARDS = {UNKNOWN: "UNKNOWN", "thing": "OTHER_THING"}
"""Values of words of no kind that guards ask about: a word that no lexicon holds, a thing that is no tumour."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one rule read in one clause."""

    rule: str
    reading: str
    subject: str = ""
    label: str = ""
    length: Length | None = None
    start: int = 0
    end: int = 0
    marks: tuple[str, ...] = ()


@dataclass(slots=True)
class Clause:
    """A part of a sentence that is read by itself, in tokens."""

    tokens: list[Token]
    book: RuleBook
    said: dict[str, str] = field(default_factory=dict)
    """Fields that context rules set, with `holds` of each in `holds`."""
    holds: dict[str, str] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    _lengths: dict[bool, list[Reading]] = field(default_factory=dict)
    _statements: list[Reading] | None = None
    _doubts: dict[bool, list[Reading]] = field(default_factory=dict)
    kinds: str = ""
    label: str = ""
    subject: str = ""
    """The last thing of the rules' subjects that the clause names."""
    is_labelled: bool = False
    """A label stands at its beginning."""
    is_label: bool = False
    """It names what is spoken of and says nothing: the value stands behind it."""

    @property
    def starts_part(self) -> bool:
        """Whether a new specimen begins with it."""
        return "part" in self.holds.values()

    @property
    def language(self) -> str:
        """The language of its words."""
        return next((token.language for token in self.tokens if token.language not in ("", "en")), "en")

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    def lengths(self, follows: bool) -> list[Reading]:
        """What each length is a distance to; `follows`: the clause before names a subject."""
        if follows not in self._lengths:
            self._lengths[follows] = read_lengths(self, follows)
        return self._lengths[follows]

    def statements(self) -> list[Reading]:
        """What the clause says in words."""
        if self._statements is None:
            self._statements = read_statements(self)
        return self._statements

    def doubts(self, follows: bool) -> list[Reading]:
        """What puts in doubt that which the clause says; `follows` as above."""
        if follows not in self._doubts:
            self._doubts[follows] = read_doubts(self, [*self.lengths(follows), *self.statements()])
        return self._doubts[follows]


def clauses_of(text: str, start: int, end: int, book: RuleBook, before: list[Token] | None = None) -> list[Clause]:
    """The clauses of text[start:end]; `before`: tokens of a label above it."""
    tokens = [*(before or []), *tokens_of(text, book.lexicon, start, end)]
    tokens = with_order(without_stray_stops(tokens), book.group("NUMBERED"))
    tokens = with_bounds_shown(compounded(with_measurements(tokens), book))
    return [read_clause(part, book) for part in divided(tokens, book) if part]


def kinds_of(tokens: list[Token], book: RuleBook) -> str:
    """The kinds of tokens as a string of one character each."""
    return "".join([book.kinds.code(token.kind) for token in tokens])


def compounded(tokens: list[Token], book: RuleBook) -> list[Token]:
    """Rows of tokens that stand for one thing put together, in the order of the rules."""
    kinds = kinds_of(tokens, book)
    for rule, first, last in book.memory.recall(("compounds", kinds), lambda: _steps(kinds, book)):
        tokens = [*tokens[:first], *_compound(rule, tokens[first:last]), *tokens[last:]]
    return tokens


def _steps(kinds: str, book: RuleBook) -> list[tuple[Rule, int, int]]:
    """Which rule puts together the tokens from where to where, one after the other."""
    steps: list[tuple[Rule, int, int]] = []
    for rule in book.compounds:
        becomes = "".join(book.kinds.code(kind) for kind in str(rule.fields.get("becomes") or "").split())
        for pattern in rule.when:
            at = 0
            while match := pattern.search(kinds, at):
                if any(exception.search(kinds) for exception in rule.unless):
                    break
                first, last = match.span("part") if "part" in pattern.groupindex else match.span()
                new = kinds[first:last] if rule.fields.get("bound") is not None else becomes if last > first else ""
                steps.append((rule, first, last))
                kinds = kinds[:first] + new + kinds[last:]
                at = max(first + len(new), at + 1) if not rule.fields.get("again") else max(match.start(), at)
                if at > len(kinds) or not last > first:
                    break
    return steps


def _compound(rule: Rule, replaced: list[Token]) -> list[Token]:
    text = " ".join(token.text for token in replaced)
    becomes = str(rule.fields.get("becomes") or "")
    bound = rule.fields.get("bound")
    if bound is not None:
        return [
            replace(token, measure=Length(bound, token.measure.mm))
            if isinstance(token.measure, Length) and not token.measure.comparator
            else token
            for token in replaced
        ]
    if not replaced:
        return []
    language = next((token.language for token in replaced if token.language not in ("", "en")), replaced[0].language)
    measure = Length(**rule.fields["length"]) if rule.fields.get("length") else None
    return [Token(kind, replaced[0].start, replaced[-1].end, text, "", language, measure) for kind in becomes.split()]


def divided(tokens: list[Token], book: RuleBook) -> list[list[Token]]:
    """The tokens divided where a rule cuts."""
    if len(tokens) < 4:
        return [tokens]
    kinds = kinds_of(tokens, book)
    places = book.memory.recall(("cuts", kinds), lambda: _cuts(kinds, book))
    return [tokens[a:b] for a, b in zip(places, places[1:], strict=False)]


def _cuts(kinds: str, book: RuleBook) -> list[int]:
    cuts = {0, len(kinds)}
    for rule in book.cuts:
        if not any(pattern.search(kinds) for pattern in rule.unless):
            cuts.update(match.start("cut") for pattern in rule.when for match in pattern.finditer(kinds))
    return sorted(cuts)


def _fitting(rules: list[Rule], kinds: str, clause: str) -> list[tuple[Rule, re.Match[str]]]:
    """The rules that fit, each with its match."""
    return [(rule, match) for rule in rules if (match := rule.fits(kinds, clause)) is not None]


def read_clause(tokens: list[Token], book: RuleBook) -> Clause:
    """A clause with what its context rules say of it."""
    clause = Clause(tokens, book, kinds=kinds_of(tokens, book))
    marks = []
    kinds = clause.kinds
    for rule, match in book.memory.recall(("contexts", kinds), lambda: _fitting(book.contexts, kinds, kinds)):
        if mark := rule.fields.get("mark"):
            marks.append(mark)
        for name, value in (rule.fields.get("set") or {}).items():
            if name not in clause.said:
                clause.said[name] = _shown(value, match, tokens)
                clause.holds[name] = rule.fields.get("holds", "clause")
    clause.marks = frozenset(marks)
    labels = [token for token in tokens if token.kind in book.group("LABEL")]
    clause.label = label_text(labels[-1]) if labels else ""
    clause.is_labelled = any(token.kind in book.group("LABEL") for token in tokens[:2])
    subjects = [book.subjects[token.kind] for token in tokens if token.kind in book.subjects]
    clause.subject = subjects[-1] if subjects else ""
    if "subject" in clause.said:
        clause.subject = clause.said["subject"]
    label_kinds = book.group("LABEL_WORD")
    clause.is_label = (
        bool(tokens)
        and all(t.kind in label_kinds for t in tokens)
        and any(t.kind in book.group("LABEL_HEAD") for t in tokens)
    )
    return clause


def label_text(token: Token) -> str:
    """A label in one spelling: 'Lesion #1' and 'lesion 1' are one."""
    return " ".join(re.findall(r"[a-z0-9]+", token.text))


def _shown(value: str, match: re.Match[str], tokens: list[Token]) -> str:
    """The value itself, or for 'text' the words of the token that the rule speaks of."""
    if value != "text":
        return value
    first, last = match.span("part") if "part" in match.re.groupindex else match.span(match.lastindex or 0)
    return " ".join(token.text for token in tokens[first:last])


# statements in words -----------------------------------------------------------------------------------------------------


def read_statements(clause: Clause) -> list[Reading]:
    """The first rule that fits, on the parts of the clause that speak of a subject of the rules."""
    book, kinds = clause.book, clause.kinds
    said = book.memory.recall(("statements", kinds), lambda: _said(kinds, book))
    readings = []
    for rule, match, subject in said:
        tokens = clause.tokens[match.start() : max(match.end(), match.start() + 1)] or clause.tokens
        label = clause.label if not rule.fields.get("without_label") else ""
        readings.append(Reading(rule.id, rule.fields["reading"], subject, label, None, tokens[0].start, tokens[-1].end))
    return readings


def _said(kinds: str, book: RuleBook) -> list[tuple[Rule, re.Match[str], str]]:
    """The first rule of words that fits (none or one), its match and what it is about."""
    stated = _without_parts_of(kinds, book, "FOREIGN")
    affirmed = _without_parts_of(stated, book, "NEGATION")
    for rule in book.statements:
        match = rule.fits(affirmed if rule.fields.get("in") == "affirmed" else stated, stated)
        if match is not None:
            return [(rule, match, rule.fields.get("subject") or _subject_of(kinds, book, affirmed, stated))]
    return []


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
    default = book.subjects.get("DEFAULT", "")
    return book.subjects.get(book.kinds.kind(kinds[found.start()]), "") if found else default


# doubts ------------------------------------------------------------------------------------------------------------------


def read_doubts(clause: Clause, readings: list[Reading]) -> list[Reading]:
    """The first guard that fits a clause in which something was read that it guards.

    `beside`: the readings that it guards (nothing: where nothing was read); `not_beside`: those which say it already.
    """
    book = clause.book
    away = {"none", "unexplained", *book.subjects.values()} - {book.subjects[kind] for kind in book.group("SUBJECT")}
    said = {reading.reading for reading in readings}
    read = {reading.reading for reading in readings if reading.subject not in away} or {"nothing"}
    kinds = clause.kinds
    if any(token.kind == WORD and token.value in FOR_GUARDS for token in clause.tokens):
        kinds = "".join(
            book.kinds.code(FOR_GUARDS[token.value]) if token.kind == WORD and token.value in FOR_GUARDS else kind
            for token, kind in zip(clause.tokens, kinds, strict=True)
        )
    known = clause.kinds
    for rule, match in book.memory.recall(("guards", kinds, known), lambda: _fitting(book.guards, kinds, known)):
        if not read.isdisjoint(rule.fields["beside"]) and said.isdisjoint(rule.fields.get("not_beside") or ()):
            tokens = clause.tokens[slice(*match.span())] or clause.tokens
            default = book.subjects.get("DEFAULT", "")
            return [Reading(rule.id, rule.fields["reading"], default, "", None, tokens[0].start, tokens[-1].end)]
    return []


# lengths -----------------------------------------------------------------------------------------------------------------


def read_lengths(clause: Clause, follows: bool) -> list[Reading]:
    """What every length of the clause (and every damaged one) is a distance to."""
    places = [at for at, token in enumerate(clause.tokens) if token.kind in A_LENGTH]
    if not places:
        return []
    readings = [_read_length(clause, places, number, follows) for number in range(len(places))]
    return _with_lists(readings)


def _read_length(clause: Clause, places: list[int], number: int, follows: bool) -> Reading:
    book, tokens, at = clause.book, clause.tokens, places[number]
    first = places[number - 1] if number else 0
    last = places[number + 1] if number + 1 < len(places) else len(tokens) - 1
    here, anchor = book.kinds.code("HERE"), at - first
    around = clause.kinds[first : last + 1]
    around = around[:anchor] + here + around[anchor + 1 :]
    if follows:
        around = book.kinds.code("FOLLOWS") + around if not number else around
    token = tokens[at]
    length = token.measure if isinstance(token.measure, Length) else None
    label = _label_left_of(clause, first, at) or clause.label
    kinds = clause.kinds
    fitting, remarks = book.memory.recall(
        ("lengths", around, kinds, follows), lambda: _rules_of_length(book, around, kinds, follows)
    )
    for rule, match in fitting:
        reading = "distance" if length else "damaged"
        subject = rule.fields["subject"]
        if subject == "named":
            shift = first - (1 if follows and not number else 0)
            subject = _named(match, clause, shift)
        bound = rule.fields.get("bound")
        if bound is not None and length and not length.comparator:
            length = Length(bound, length.mm)
        if rule.fields.get("smallest") and length and length.comparator == "-":
            length = Length("", length.mm)
        return Reading(
            rule.id,
            reading,
            subject,
            label,
            length,
            token.start,
            token.end,
            (*remarks, *(rule.fields.get("marks") or ())),
        )
    return Reading(
        "length without a rule",
        "distance" if length else "damaged",
        "unexplained",
        label,
        length,
        token.start,
        token.end,
    )


def _rules_of_length(
    book: RuleBook, around: str, kinds: str, follows: bool
) -> tuple[list[tuple[Rule, re.Match[str]]], tuple[str, ...]]:
    """The first rule that fits a length (none or one) with its match, and the remarks on it."""
    remarks = tuple(rule.fields["remark"] for rule in book.remarks if rule.fits(around, kinds))
    for rule in book.lengths:
        if rule.fields.get("follows") and not follows:
            continue
        match = rule.fits(around, kinds)
        if match is not None:
            return [(rule, match)], remarks
    return [], remarks


def _named(match: re.Match[str], clause: Clause, shift: int) -> str:
    for group in range(1, match.re.groups + 1):
        if match.group(group):
            return clause.book.subjects.get(clause.tokens[match.start(group) + shift].kind, "unexplained")
    return "unexplained"


def _label_left_of(clause: Clause, first: int, at: int) -> str:
    labels = clause.book.group("LABEL")
    for token in reversed(clause.tokens[first:at]):
        if token.kind in labels:
            return label_text(token)
    return ""


def _with_lists(readings: list[Reading]) -> list[Reading]:
    """Members of a list take the subject of the list: of the nearest before them, or of the first behind."""
    result = list(readings)
    for at, reading in enumerate(readings):
        if reading.subject not in FROM_LIST:
            continue
        before = [r.subject for r in result[:at] if r.subject not in FROM_LIST and r.subject != "open"]
        behind = [r.subject for r in readings[at + 1 :] if r.subject not in FROM_LIST and r.subject != "open"]
        if reading.subject == "list before":
            before = [subject for subject in before if subject != "none"]
            found = before[-1:] or ["unexplained"]
        elif reading.subject == "list behind":
            found = behind[:1] or ["unexplained"]
        else:
            found = before[-1:] or behind[:1] or ["unexplained"]
        result[at] = replace(reading, subject=found[0])
    return result
