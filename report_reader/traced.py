"""A text that was rewritten and still knows where in the original each of its characters came from."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters start..end of a text become `becomes`."""

    start: int
    end: int
    becomes: str


@dataclass(frozen=True, slots=True)
class Traced:
    """`text` with the anchors that lead back: from position places[i] on, character p came from origins[i] + p - places[i]
    where steps[i] is 1; a replacement's characters (step 0) all came from origins[i].
    """

    text: str
    places: tuple[int, ...] = (0,)
    origins: tuple[int, ...] = (0,)
    steps: tuple[int, ...] = (1,)
    ends: tuple[int, ...] = (0,)
    """Where what a replacement stands for ended in the original."""
    length: int = -1
    """Characters of the original; -1: as long as the text."""

    def origin(self, position: int) -> int:
        """Where the character at `position` stood in the original (the original's length at the end)."""
        if position >= len(self.text):
            return self.length if self.length >= 0 else len(self.text)
        anchor = bisect_right(self.places, position) - 1
        return self.origins[anchor] + self.steps[anchor] * (position - self.places[anchor])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Start and end in the original of the characters start..end."""
        if self.length < 0:
            return start, max(start, end)
        first = self.origin(start)
        return first, max(first, self._origin_end(end - 1)) if end > start else first

    def _origin_end(self, position: int) -> int:
        """Behind the character at `position` in the original."""
        anchor = bisect_right(self.places, position) - 1
        return self.origin(position) + 1 if self.steps[anchor] else self.ends[anchor]

    def edited(self, edits: Iterable[Edit]) -> Traced:
        """The text after the edits, which are in order and do not overlap."""
        pieces, places, origins, steps, ends = [], [], [], [], []
        done = written = 0

        def keep(upto: int) -> None:
            nonlocal written
            if upto <= done:
                return
            anchor = bisect_right(self.places, done) - 1
            places.append(written)
            origins.append(self.origin(done))
            steps.append(self.steps[anchor])
            ends.append(self.ends[anchor])
            for later in range(anchor + 1, len(self.places)):
                if self.places[later] >= upto:
                    break
                places.append(written + self.places[later] - done)
                origins.append(self.origins[later])
                steps.append(self.steps[later])
                ends.append(self.ends[later])
            pieces.append(self.text[done:upto])
            written += upto - done

        for edit in edits:
            keep(edit.start)
            if edit.becomes:
                same_length = len(edit.becomes) == edit.end - edit.start and self.length < 0
                places.append(written)
                origins.append(self.origin(edit.start))
                steps.append(1 if same_length else 0)
                ends.append(self.span(edit.start, edit.end)[1])
                pieces.append(edit.becomes)
                written += len(edit.becomes)
            done = edit.end
        keep(len(self.text))
        length = self.length if self.length >= 0 else len(self.text)
        return Traced(
            "".join(pieces),
            tuple(places) or (0,),
            tuple(origins) or (0,),
            tuple(steps) or (1,),
            tuple(ends) or (0,),
            length,
        )

    def replaced(self, pattern: re.Pattern[str], becomes: str | Callable[[re.Match[str]], str | None]) -> Traced:
        """Every match replaced; a function that returns None leaves its match as it is."""
        edits = []
        for match in pattern.finditer(self.text):
            new = becomes if isinstance(becomes, str) else becomes(match)
            if new is not None and new != match.group():
                edits.append(Edit(match.start(), match.end(), new))
        return self.edited(edits) if edits else self
