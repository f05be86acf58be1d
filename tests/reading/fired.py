"""Which rows of the rules had a say in a text."""

from report_reader.margins import margin_reader
from report_reader.reader import Reader
from report_reader.rules import RuleBook


def rows_fired(text: str) -> set[tuple[str, str]]:
    """Table and id of every row that fitted while the text was read."""
    reader: Reader = margin_reader()
    reader.forget()
    reader.read(text)
    return {row for (table, *key), found in reader.book.memory.items() for row in _rows(reader.book, table, key, found)}


def _rows(book: RuleBook, table: str, key: list, found) -> list[tuple[str, str]]:
    if table == "cuts":
        fitting = [rule for rule in book.cuts if not any(p.search(key[0]) for p in rule.unless)]
        return [("cuts", rule.id) for rule in fitting if any(p.search(key[0]) for p in rule.when)]
    if table == "shape":
        distances = [each for known in found.known_distances.values() for each in known]
        rules = [rule for each in distances for rule in (each.rule, *each.remarks) if rule is not None]
        stated = [("statements", found.statement.rule.id)] if found.statement else []
        return [
            *(("contexts", rule.id) for rule, _ in found.contexts),
            *(("lengths", rule.id) for rule in rules),
            *stated,
        ]
    return [(table, row[0].id) for row in found]
