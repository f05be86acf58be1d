"""How a text is read, floor by floor: `python -m report_reader.explain "Carcinoma nearly kisses the ink."`. For whoever adds a word or
a rule: which kind every word has, what a clause is made of, which rule spoke.
"""

import sys

from report_reader.margins import margin_reader
from report_reader.reader import Reader
from report_reader.tokens import UNKNOWN, WORD, Token


def explained(text: str, reader: Reader) -> str:
    """A line for every clause and its words with their kinds, then one for every statement; how long a length is stands behind it."""
    lines = []
    for clause in reader.clauses_in(text):
        lines.append("clause    " + "  ".join(_shown(token) for token in clause.tokens))
    for statement in reader.read(text):
        words = text[statement.found_start : statement.found_end]
        width = f" {statement.comparator} {statement.mm:g} mm" if statement.mm is not None else ""
        said = (
            f"{statement.reading}{width} of {statement.subject or 'nothing'}, {statement.certainty}"
            if statement.reading
            else "-"
        )
        lines.append(
            f"statement {said}: rule '{statement.rule}' at '{words}'; marks: {', '.join(statement.marks) or 'none'}"
        )
    return "\n".join(lines)


def _shown(token: Token) -> str:
    is_unknown = token.kind == WORD and token.value == UNKNOWN
    return f"{token.text}={'WORD (in no lexicon)' if is_unknown else token.kind}"


if __name__ == "__main__":
    print(explained(" ".join(sys.argv[1:]) or sys.stdin.read(), margin_reader()))
