"""Which language a text is written in, by its small words: what is written in one that no lexicon knows settles nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SMALL_WORD = re.compile(r"(?<![\w'-])[^\W\d_]{1,6}(?![\w'-])")
FOREIGN = "language not read"


class LanguageWords:
    """The small words of each language."""

    def __init__(self, words: dict[str, frozenset[str]]) -> None:
        self._words = words
        counted = [word for members in words.values() for word in members]
        self._telling = {word for word in counted if counted.count(word) == 1}

    @classmethod
    def from_file(cls, path: Path) -> LanguageWords:
        """A CSV with columns language, words (divided by blanks)."""
        with path.open(encoding="utf-8", newline="") as file:
            return cls({row["language"]: frozenset(row["words"].split()) for row in csv.DictReader(file)})

    def language_of(self, text: str) -> str:
        """The language with most small words in the text ('en' where none has more than English)."""
        words = [word.lower() for word in SMALL_WORD.findall(text) if len(word) > 1 or word.islower()]
        scores = {
            language: sum(2 if word in self._telling else 1 for word in words if word in members)
            for language, members in self._words.items()
        }
        distinct = {language: len(members.intersection(words)) for language, members in self._words.items()}
        scores = {
            language: score if distinct[language] > 2 or language == "en" else 0 for language, score in scores.items()
        }
        best = max(scores, key=lambda language: (scores[language], language == "en"))
        return best if scores[best] > scores.get("en", 0) + 2 else "en"

    def guarded(
        self, text: str, statements: Sequence[Any], read: frozenset[str] = frozenset({"en", "de", "es"})
    ) -> list[Any]:
        """The statements; where the text is of a language that is not read, each as one that was not understood."""
        if not statements:
            return list(statements)
        language = self.language_of(text)
        if language in read:
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
