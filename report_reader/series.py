"""'Lesion 1: 15 mm. Lesion 2: 22 mm from the margin': the members of a series take the subject of the one that names it."""

from __future__ import annotations

from report_reader.statements import Statement


def with_series(statements: list[Statement]) -> list[Statement]:
    """The statements, those of the subject 'series' with what they are a distance to."""
    if not any(statement.subject == "series" for statement in statements):
        return statements
    result = list(statements)
    for at, statement in enumerate(statements):
        if statement.subject == "series":
            peers = [(number, s) for number, s in enumerate(statements) if s.section == statement.section]
            result[at] = statement._replace(subject=_subject_of_series(statement, at, peers))
    return result


def _names_series(statement: Statement) -> bool:
    """Whether the lengths of a series are read as this one is: 'Margin: negative (>5 mm)' speaks of no member of one."""
    if "names_series" in statement.marks:
        return True
    return "labelled" in statement.marks and (
        bool(statement.label or statement.clause_label) or statement.comparator not in (">", ">=")
    )


def _subject_of_series(statement: Statement, at: int, peers: list[tuple[int, Statement]]) -> str:
    """What a member of a series is a distance to, by the statements of its section."""
    measured = [(number, s) for number, s in peers if s.mm is not None and s.subject != "series"]
    behind = next((s for number, s in measured if number > at and s.part == statement.part), None)
    if behind is not None:
        if not {"names_series", "may_name_series"}.intersection(behind.marks):
            return "none"
        if "labelled" in behind.marks and not behind.clause_label and behind.label in ("", statement.label):
            return "none"  # 'Tumour 1: 27 mm; margin 10 mm': the size of the lesion whose margin stands behind it
        is_member = bool(behind.label or behind.clause_label)
        # 'Tumour 1: 15 mm. Margin: the lesion lies 35 mm from it'
        return behind.subject if is_member else "unexplained"
    before = [s.subject for number, s in peers if number < at and _names_series(s)]
    if before:
        return before[-1]
    target = next((s.subject for _, s in peers if s.reading == "target"), "")
    is_measured = any(s.subject not in ("none", "unexplained", "") for _, s in measured)
    return target or ("unexplained" if is_measured or statement.previous_subject else "none")
