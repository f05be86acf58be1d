"""Floor 5, the rules: rows of data. Every row has an id, a pattern (`when`), exceptions (`unless`), what it reads, an example, a
counter-example and a reason; the examples are run as tests.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from report_reader.lexicon import Lexicon
from report_reader.measurements import LengthWords
from report_reader.memory import Memory
from report_reader.patterns import Kinds

Pattern = re.Pattern[str]


OF_ALL = "anything"
"""Of a guard's `beside`: it counts whatever its clause says, also where that is nothing."""
GROUPS_BESIDE_LENGTHS = ("LEADS_A_LENGTH", "A_DISTANCE", "LISTS_LENGTHS", "MEASURED", "COUNTED")
"""In the order of `LengthWords`."""
NEEDS = 3
"""Of so many kinds that a rule needs it is looked up whether they are there, before its patterns are tried."""


class UnreadableRule(ValueError):
    """A row cannot be used; the message names file, row and field."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. Which fields a table of rules uses is said in `RuleBook`."""

    id: str
    when: tuple[Pattern, ...]
    """Any of them."""
    unless: tuple[Pattern, ...]
    with_clause: tuple[Pattern, ...]
    """Patterns that must occur somewhere in the whole clause."""
    not_with: tuple[Pattern, ...]
    """Patterns that must not occur anywhere in the whole clause."""
    fields: Mapping[str, Any]

    def fits(self, kinds: str, clause: str) -> re.Match[str] | None:
        """The match of `when` in `kinds` where no exception holds."""
        for pattern in self.when:
            match = pattern.search(kinds)
            if match is not None:
                break
        else:
            return None
        for pattern in self.unless:
            if pattern.search(kinds) or pattern.search(clause):
                return None
        if any(pattern.search(clause) for pattern in self.not_with):
            return None
        return match if all(pattern.search(clause) for pattern in self.with_clause) else None


class Table(Sequence[Rule]):
    """Rules in their order, and a quick answer which of them cannot fit: those that need a kind which is not there."""

    def __init__(self, rules: Sequence[Rule], needed: Sequence[Sequence[list[frozenset[str]]]]) -> None:
        """needed: for each rule, for each pattern of its `when`, see `Kinds.needed`."""
        self._rules = rules
        self._by_character: list[dict[str, int]] = [{} for _ in range(NEEDS)]
        self._always = [0] * NEEDS
        for number, patterns in enumerate(needed):
            for level in range(NEEDS):
                for sets in patterns:
                    if not sets:
                        self._always[level] |= 1 << number
                    for character in sets[min(level, len(sets) - 1)] if sets else ():
                        known = self._by_character[level]
                        known[character] = known.get(character, 0) | 1 << number

    def __getitem__(self, number: Any) -> Any:
        return self._rules[number]

    def __len__(self) -> int:
        return len(self._rules)

    def which_may_fit(self, kinds: str) -> int:
        """A bit for the number of each rule that may fit."""
        may = -1
        present = set(kinds)
        for always, known in zip(self._always, self._by_character, strict=True):
            some = always
            for character in present:
                some |= known.get(character, 0)
            may &= some
        return may

    def may_fit(self, kinds: str) -> Iterator[Rule]:
        """The rules that may fit, in their order."""
        may = self.which_may_fit(kinds)
        while may:
            yield self._rules[(may & -may).bit_length() - 1]
            may &= may - 1


class KindOfWord(NamedTuple):
    """A kind of token, or a group of kinds: the groups it belongs to, what it means to a reader, words that are of it."""

    kind: str
    groups: str
    meaning: str
    example: str


class RuleBook:
    """Lexicon, kinds and rules of one subject, read from a folder.

    kinds.csv: kind, groups it belongs to, what it speaks of (subject), meaning, example. compounds.yml: rows of tokens that become one.
    cuts.yml: where a sentence is divided. contexts.yml: headings and remarks. lengths.yml: what a length is a distance to.
    statements.yml: what a clause says in words. guards.yml: what puts in doubt that which a clause says.
    """

    def __init__(self, folder: Path, words: Path) -> None:
        self.folder = folder
        self.subjects: dict[str, str] = {}
        self.kinds_of_words: list[KindOfWord] = []
        groups: dict[str, set[str]] = {}
        with (folder / "kinds.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                self.kinds_of_words.append(KindOfWord(*(row[name] for name in KindOfWord._fields)))
                if row["subject"]:
                    self.subjects[row["kind"]] = row["subject"]
                for group in row["groups"].split():
                    groups.setdefault(group, set()).add(row["kind"])
        for _ in range(4):  # groups of groups
            for name, members in groups.items():
                for member in list(members):
                    if member in groups and member != name:
                        members.discard(member)
                        members.update(groups[member])
        self.kinds = Kinds(
            {name: frozenset(members) for name, members in groups.items()}, frozenset(groups.get("STOP", ()))
        )
        lexicons = sorted(folder.glob("lexicon_*.csv"))
        self.lexicon = Lexicon.from_files(*sorted(words.glob("*.csv")), *lexicons)
        self.languages = frozenset(path.stem.removeprefix("lexicon_") for path in lexicons)
        """Those that have a lexicon of their own."""
        self.compounds = self._rows("compounds")
        self.cuts = self._rows("cuts")
        self.contexts = self._rows("contexts")
        self.lengths = self._rows("lengths", lambda row: "remark" not in row)
        self.remarks = self._rows("lengths", lambda row: "remark" in row)
        self.statements = self._rows("statements")
        self.guards = self._rows("guards")
        self.doubts_of_all = self._rows("guards", lambda row: OF_ALL in row["beside"])
        self.memory = Memory()
        """Of what was found for a row of kinds: sentences differ in words and numbers far more often than in kinds."""
        self.length_words = LengthWords(*(self.group(name) for name in GROUPS_BESIDE_LENGTHS))
        self.default_subject = self.subjects.get("DEFAULT", "")
        counted = {self.subjects[kind] for kind in self.group("SUBJECT")}
        self.away = frozenset({"none", "unexplained", *self.subjects.values()} - counted)
        """Subjects that no reading counts for."""

    def group(self, name: str) -> frozenset[str]:
        """The kinds of a group."""
        return self.kinds.members(name)

    def _rows(self, table: str, wanted: Callable[[Mapping[str, Any]], bool] = bool) -> Table:
        path = self.folder / f"{table}.yml"
        rows = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or []
        seen: set[str] = set()
        rules, needed = [], []
        for number, row in enumerate(rows, start=1):
            name = str(row.get("id", ""))
            if not name or name in seen or not row.get("when"):
                raise UnreadableRule(f"{path.name}: row {number}: a rule needs an id of its own and `when`")
            seen.add(name)
            if not wanted(row):
                continue
            try:
                rules.append(self._rule(row))
                needed.append([self.kinds.needed(pattern) for pattern in _listed(row["when"])])
            except (ValueError, re.error) as error:
                raise UnreadableRule(f"{path.name}: {name}: {error}") from error
        return Table(rules, needed)

    def _rule(self, row: Mapping[str, Any]) -> Rule:
        def patterns(field: str) -> tuple[Pattern, ...]:
            return tuple(self.kinds.compiled(each) for each in _listed(row.get(field) or []))

        used = ("when", "unless", "with", "not_with")
        fields = {key: value for key, value in row.items() if key not in used}
        return Rule(
            str(row["id"]), patterns("when"), patterns("unless"), patterns("with"), patterns("not_with"), fields
        )


def _listed(wanted: str | list[str]) -> list[str]:
    """One pattern or several."""
    return [wanted] if isinstance(wanted, str) else wanted
