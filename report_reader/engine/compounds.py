"""Tokens that stand for one thing put together, and a sentence divided into clauses."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from report_reader.measurements import Length
from report_reader.rules import Rule, RuleBook
from report_reader.tokens import Token

SHORTEST_DIVIDED = 4
"""A sentence of fewer tokens is one clause."""


class Step(NamedTuple):
    """A rule puts together the tokens from `first` up to `last`."""

    rule: Rule
    first: int
    last: int


def compounded(tokens: list[Token], book: RuleBook) -> list[Token]:
    """Rows of tokens that stand for one thing put together, in the order of the rules."""
    kinds = book.kinds.row(tokens)
    for rule, first, last in book.memory.recall(("compounds", kinds), _steps, kinds, book):
        tokens = [*tokens[:first], *_compound(rule, tokens[first:last]), *tokens[last:]]
    return tokens


def _steps(kinds: str, book: RuleBook) -> list[Step]:
    """Which rule puts together the tokens from where to where, one after the other."""
    steps: list[Step] = []
    may = book.compounds.which_may_fit(kinds)
    while may:
        bit = may & -may
        n_before = len(steps)
        kinds = _with_rule(book.compounds[bit.bit_length() - 1], kinds, book, steps)
        # a rule that put something together made kinds that later ones may need
        may = may ^ bit if len(steps) == n_before else book.compounds.which_may_fit(kinds) & -(bit << 1)
    return steps


def _with_rule(rule: Rule, kinds: str, book: RuleBook, steps: list[Step]) -> str:
    """The kinds after one rule, whose steps are added to `steps`."""
    becomes = "".join(book.kinds.code(kind) for kind in str(rule.fields.get("becomes") or "").split())
    for pattern in rule.when:
        at = 0
        while match := pattern.search(kinds, at):
            if any(exception.search(kinds) for exception in rule.unless):
                break
            first, last = match.span("part") if "part" in pattern.groupindex else match.span()
            new = kinds[first:last] if rule.fields.get("bound") is not None else becomes if last > first else ""
            steps.append(Step(rule, first, last))
            kinds = kinds[:first] + new + kinds[last:]
            at = max(first + len(new), at + 1) if not rule.fields.get("again") else max(match.start(), at)
            if at > len(kinds) or not last > first:
                break
    return kinds


def _compound(rule: Rule, replaced: list[Token]) -> list[Token]:
    bound = rule.fields.get("bound")
    if bound is not None:
        return [
            replace(token, measure=Length(bound, token.measure.mm))
            if isinstance(token.measure, Length) and not token.measure.comparator
            else token
            for token in replaced
        ]
    becomes = str(rule.fields.get("becomes") or "")
    if not replaced or not becomes:
        return []
    text = " ".join([token.text for token in replaced])
    language = next((token.language for token in replaced if token.language not in ("", "en")), replaced[0].language)
    measure = Length(**rule.fields["length"]) if rule.fields.get("length") else None
    return [Token(kind, replaced[0].start, replaced[-1].end, text, "", language, measure) for kind in becomes.split()]


def divided(kinds: str, book: RuleBook) -> list[tuple[int, int]]:
    """Where each clause of a sentence of these kinds begins and ends; empty ones are left out."""
    if len(kinds) < SHORTEST_DIVIDED:
        return [(0, len(kinds))] if kinds else []
    places = book.memory.recall(("cuts", kinds), _cuts, kinds, book)
    return list(zip(places, places[1:], strict=False))


def _cuts(kinds: str, book: RuleBook) -> list[int]:
    cuts = {0, len(kinds)}
    for rule in book.cuts.may_fit(kinds):
        if not any(pattern.search(kinds) for pattern in rule.unless):
            cuts.update(match.start("cut") for pattern in rule.when for match in pattern.finditer(kinds))
    return sorted(cuts)
