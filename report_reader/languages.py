"""Which language a text is written in, by its small words: what is written in one that no lexicon knows settles nothing."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from report_reader.memory import Memory

A_WORD = re.compile(r"[\w'-]+")
SMALL_WORD = re.compile(r"(?<![\w'-])[^\W\d_]{1,6}(?![\w'-])")
FOREIGN = "language not read"
FEWEST_WORDS = 3
"""So many different small words of a language a text has that is written in it."""


class LanguageWords:
    """The small words of each language, and which of the languages are read."""

    def __init__(self, words: dict[str, frozenset[str]], read: frozenset[str]) -> None:
        self._read = read
        self._names = list(words)
        self._languages: dict[str, list[str]] = {}
        for language, members in words.items():
            for word in members:
                self._languages.setdefault(word, []).append(language)
        self._memory = Memory()
        self._foreign = [members for language, members in words.items() if language != "en"]

    @classmethod
    def from_file(cls, path: Path, read: frozenset[str]) -> LanguageWords:
        """A CSV with columns language, words (divided by blanks); `read`: the languages that a lexicon knows."""
        with path.open(encoding="utf-8", newline="") as file:
            return cls({row["language"]: frozenset(row["words"].split()) for row in csv.DictReader(file)}, read)

    def forget(self) -> None:
        """No line is remembered."""
        self._memory.clear()

    def language_of(self, text: str, form: str) -> str:
        """The language with most small words in the text ('en' where none has more than English); `form`: of the text (`Forms.of`)."""
        if self._has_few_foreign_words(form):
            return "en"
        words = [word.lower() for word in SMALL_WORD.findall(text) if len(word) > 1 or word.islower()]
        scores: dict[str, int] = dict.fromkeys(self._names, 0)
        distinct: dict[str, int] = dict.fromkeys(self._names, 0)
        for word, count in Counter(word for word in words if word in self._languages).items():
            languages = self._languages[word]
            for language in languages:
                scores[language] += count if len(languages) > 1 else 2 * count
                distinct[language] += 1
        for language in self._names:
            if distinct[language] < FEWEST_WORDS and language != "en":
                scores[language] = 0
        best = max(scores, key=lambda language: (scores[language], language == "en"))
        return best if scores[best] > scores.get("en", 0) + 2 else "en"

    def _has_few_foreign_words(self, form: str) -> bool:
        """Whether no other language has so many small words in the text that it may be written in it."""
        recall = self._memory.recall
        found = [words for line in form.split("\n") if (words := recall(line, self._foreign_in, line))]
        if sum(map(len, found)) < FEWEST_WORDS:
            return True
        present = frozenset().union(*found)
        return all(len(members & present) < FEWEST_WORDS for members in self._foreign)

    def _foreign_in(self, line: str) -> frozenset[str]:
        return frozenset(A_WORD.findall(line.lower())).intersection(self._languages)

    def guarded(self, text: str, form: str, statements: Sequence[Any]) -> list[Any]:
        """The statements; where the text is of a language that is not read, each as one that was not understood."""
        if not statements:
            return list(statements)
        language = self.language_of(text, form)
        if language in self._read:
            return [s._replace(language=language) if s.language == "en" and language != "en" else s for s in statements]
        return [s._replace(**_not_understood(s, language)) for s in statements]


def _not_understood(statement: Any, language: str) -> dict[str, Any]:
    reading, rule = ("not understood", FOREIGN) if statement.reading else ("", "")
    return {
        "reading": reading, "rule": rule, "mm": None, "up_to_mm": None, "comparator": "", "language": language, "certainty": "open",
    }  # fmt: skip


def abbreviations(path: Path) -> frozenset[str]:
    """A CSV with columns language, abbreviations (divided by blanks, lower case): words whose full stop ends no sentence."""
    with path.open(encoding="utf-8", newline="") as file:
        return frozenset(word for row in csv.DictReader(file) for word in row["abbreviations"].split())
