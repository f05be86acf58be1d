"""The rules as a page for people: one table a kind of rule, made from the rows themselves."""

from collections.abc import Mapping
from typing import Any

from report_reader.rules import RuleBook

TITLES = {
    "statements": "What a clause says in words (the first row that fits)",
    "guards": "What puts in doubt that which a clause says (the margin is asked about)",
    "lengths": "What a length is a distance to (the first row that fits)",
    "contexts": "What headings and remarks say of where a clause stands",
    "compounds": "Rows of words that stand for one thing (in this order)",
    "cuts": "Where a sentence is divided",
}


SHOWN = ("example", "counter_example", "why")


def rule_tables(book: RuleBook) -> str:
    """Markdown: a table of id, reading, example, what is not meant and the reason for every kind of rule, then the kinds of words."""
    parts = []
    for table, title in TITLES.items():
        rows = [
            f"| {rule.id} | {_reading(rule.fields)} | {' | '.join(_cell(rule.fields[name]) for name in SHOWN)} |"
            for rule in getattr(book, table)
        ]
        parts.append(
            "\n".join(
                [f"### {title}", "", "| rule | reads | example | but not | why |", "|---|---|---|---|---|", *rows]
            )
        )
    return "\n\n".join([*parts, kinds_table(book)]) + "\n"


def kinds_table(book: RuleBook) -> str:
    """Markdown: a table of every kind of word and every group of kinds, with its meaning and an example."""
    rows = [
        f"| {_cell(word.kind)} | {_cell(word.meaning)} | {_cell(word.example)} | {_cell(word.groups)} |"
        for word in book.kinds_of_words
    ]
    return "\n".join(
        ["### What the kinds of words mean", "", "| kind | means | example | belongs to |", "|---|---|---|---|", *rows]
    )


def _reading(fields: Mapping[str, Any]) -> str:
    told = [
        fields.get("reading"),
        fields.get("subject"),
        fields.get("mark"),
        fields.get("becomes"),
        fields.get("bound"),
        "the smallest" if fields.get("smallest") else None,
    ]
    told += [f"{name} {value}" for name, value in (fields.get("set") or {}).items()]
    return _cell(", ".join(str(one) for one in told if one)) or "left out"


def _cell(text: object) -> str:
    return " ".join(str(text).replace("|", "\\|").split())
