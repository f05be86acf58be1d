"""Which clauses a sentence has, and which label or heading from the lines above belongs to them."""

from __future__ import annotations

from report_reader.engine import A_LENGTH, UNIT_OF_ALL, Clause, Remembered, Sentences
from report_reader.rules import RuleBook
from report_reader.tokens import UNIT, Token, tokens_of

LONGEST_LABEL = 8
"""So many tokens of a label that has a label of its own are kept."""
Sentence = tuple[str, str, int]
"""In one line, its form, and where it begins."""
Placed = tuple[Clause, int]
"""A clause, and what to add to its places."""


class LabelledClauses:
    """Divides a page into clauses; a label that stands alone is put before the value below it."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._subjects, self._list_heads = book.group("SUBJECT"), book.group("LIST_HEAD")
        self._sentences = Sentences(book)

    def forget(self) -> None:
        """No sentence is remembered."""
        self._sentences.forget()

    def of_page(self, text: str, form: str, places: list[tuple[int, int]]) -> list[Placed]:
        """The clauses of the sentences that stand at `places` of the text; `form`: of the text, without its figures."""
        result: list[Placed] = []
        label: list[Token] = []
        heading: list[Token] = []
        alone: list[Placed] = []
        found = [_stripped(text, form, start, end) for start, end in places]
        read = [self._sentences.read(sentence, own_form) for sentence, own_form, _ in found]
        units = self._units(found, read) if any(one.gives_unit for one in read) else [""] * len(read)
        for (sentence, own_form, offset), one, unit in zip(found, read, units, strict=True):
            clauses = (self._sentences.read(sentence, own_form, unit) if unit else one).filled(sentence)
            if clauses and label and self._has_own_label(clauses[0]):
                result.extend(alone)
                label = []
            if clauses and not label and heading and self._is_under(clauses[0]):
                label = heading
            if label:
                clauses = self._sentences.read(sentence, own_form, unit, _moved(label, -offset)).filled(sentence)
            heading = self._heading(clauses, offset) or heading
            if len(clauses) == 1 and clauses[0].shape.is_label and not sentence.endswith((".", ";")):
                own = _moved(clauses[0].tokens, offset)
                if heading and not label and self._is_under(clauses[0]):
                    own = [*heading, *own]
                alone = [(clauses[0], offset)]
                label = own[-LONGEST_LABEL:] if label else own
                if label and label[-1].kind != "COLON":
                    end_of_label = label[-1].end
                    label.append(Token("COLON", end_of_label, end_of_label, ":", label[-1].value, label[-1].language))
                continue
            label = []
            result.extend([(clause, offset) for clause in clauses])
        return result

    def _units(self, found: list[Sentence], read: list[Remembered]) -> list[str]:
        """For each sentence the unit that its bare numbers have by what the report says; '' where it does not, or says two."""
        section, sections, stated = "", [], {}
        for (sentence, _, _), one in zip(found, read, strict=True):
            for clause in one.filled(sentence):
                section = clause.said.get("section", section)
                stated.update({self._unit_in(token): section for token in clause.tokens if token.kind == UNIT_OF_ALL})
            sections.append(section)
        if len(stated) != 1:
            return [""] * len(read)
        ((unit, where),) = stated.items()
        return [unit if where in ("", section) else "" for section in sections]

    def _unit_in(self, token: Token) -> str:
        words = tokens_of(token.text, self.book.lexicon)
        return next(word.value for word in reversed(words) if word.kind == UNIT)

    def _has_own_label(self, clause: Clause) -> bool:
        """Whether it is a label with its value, which needs no label from above."""
        kinds = [token.kind for token in clause.tokens]
        return "COLON" in kinds and any(kind in self._subjects for kind in kinds[: kinds.index("COLON")])

    def _is_under(self, clause: Clause) -> bool:
        """Whether it begins with a bare name that a heading above completes ('Margins' ... 'Hepatic duct: involved')."""
        kinds = [token.kind for token in clause.tokens[:2]]
        return kinds[0] in self.book.group("UNDER_HEADING") and (
            len(kinds) < 2 or kinds[1] in ("COLON", "COMMA", "HYPHEN", "OPEN")
        )

    def _heading(self, clauses: list[Clause], offset: int) -> list[Token]:
        """The token that names what a list is about: 'Margins' alone, or before a colon."""
        if not clauses:
            return []
        tokens = clauses[0].tokens
        head = tokens[0]
        if ":" in head.text and head.kind in self._subjects:
            return _moved([head.of_kind(min(self._list_heads))], offset)  # 'Margins: parenchymal - 4 mm; bile duct - '
        if head.kind not in self._list_heads:
            return []
        if (
            len(tokens) > 1
            and tokens[1].kind != "COLON"
            and not clauses[0].shape.is_label
            and not _is_explained(tokens)
        ):
            return []
        return _moved([head], offset)


def _stripped(text: str, form: str, start: int, end: int) -> Sentence:
    """What stands there in one line without blanks around it."""
    piece = text[start:end]
    first = start + len(piece) - len(piece.lstrip())
    sentence = piece.strip()
    own_form = form[first : first + len(sentence)]
    if "\n" in sentence:
        return sentence.replace("\n", " "), own_form.replace("\n", " "), first
    return sentence, own_form, first


def _moved(tokens: list[Token], by: int) -> list[Token]:
    return [Token(t.kind, t.start + by, t.end + by, t.text, t.value, t.language, t.measure) for t in tokens]


def _is_explained(tokens: list[Token]) -> bool:
    """Whether nothing but a bracket stands behind a heading: 'Margins (wedge, segment 5)'."""
    kinds = [token.kind for token in tokens]
    return kinds[1] == "OPEN" and kinds[-1] == "CLOSE" and not any(kind in A_LENGTH for kind in kinds)
