"""Date formats of a contract (the directives of strptime, as DuckDB reads them): whether one can be used, and what it takes.

DuckDB's own reading is more generous than a date allows: %Y takes '09' for the year 9, and without a separator 2009113 is read as
the 3rd of November. Here %Y is four digits, %y two, and numbers that stand side by side have their full width.
"""

import re
from collections.abc import Iterator
from functools import cache

import duckdb

DIRECTIVE = re.compile(r"%(-?.)", re.DOTALL)
# what each directive reads; a day, month or hour may lack its first zero where something stands between it and the next number
NUMBERS = {"d": 2, "m": 2, "H": 2, "I": 2, "M": 2, "S": 2, "y": 2, "j": 3, "Y": 4}
WORDS = {
    "b": "[A-Za-z]+", "B": "[A-Za-z]+", "h": "[A-Za-z]+", "a": "[A-Za-z]+", "A": "[A-Za-z]+", "p": "[AaPp][Mm]",
    "f": "[0-9]{1,9}", "n": "[0-9]{1,9}", "g": "[0-9]{1,9}", "z": "(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)", "Z": "[A-Za-z/_]+", "%": "%",
}  # fmt: skip
DAY, MONTH, YEAR, TIME = "djcx", "mbBhjcx", "Yycx", "HIMSpcX"


def problems_of_format(text: str, column_type: str, two_digit_years_from: int | None) -> Iterator[str]:
    """Why a `date` or `timestamp` column cannot be read by this format."""
    used = [match[1].lstrip("-") for match in DIRECTIVE.finditer(text)]
    try:
        duckdb.execute("SELECT try_strptime('', ?)", [text]).fetchall()
    except duckdb.Error:
        unknown = next((f"%{name}" for name in used if not _is_directive(name)), text)
        yield f"'{text}' holds {unknown}, which is no directive (such as %Y year, %m month, %d day, %H hour, %M minute)"
        return
    if not any(name in YEAR for name in used):
        yield f"'{text}' has no year (%Y, or %y with `two_digit_years_from`)"
    if not any(name in MONTH for name in used):
        hint = " (%m; %M is the minute)" if "M" in used else " (%m)"
        yield f"'{text}' has no month{hint}"
    elif column_type == "date" and "M" in used and not any(name in "HIcX" for name in used):
        yield f"'{text}' has a minute (%M) without an hour: the month is %m"
    if not any(name in DAY for name in used) and any(name in TIME for name in used):
        yield f"'{text}' has a time without a day (%d)"
    if "y" in used and two_digit_years_from is None:
        yield f"'{text}' reads years of two digits (%y): say with `two_digit_years_from` which hundred years they are in, such as 1930"
    if len(repeated := [name for name in dict.fromkeys(used) if used.count(name) > 1 and name != "%"]):
        yield f"'{text}' has %{repeated[0]} twice"


@cache
def _is_directive(name: str) -> bool:
    try:
        duckdb.execute("SELECT try_strptime('', ?)", [f"%{name}"]).fetchall()
    except duckdb.Error:
        return False
    return True


def _tokens(text: str) -> list[tuple[str, str]]:
    """(directive, '') or ('', literal) in order."""
    tokens, end = [], 0
    for match in DIRECTIVE.finditer(text):
        if match.start() > end:
            tokens.append(("", text[end : match.start()]))
        tokens.append((match[1].lstrip("-"), ""))
        end = match.end()
    return tokens + ([("", text[end:])] if end < len(text) else [])


def strict_pattern(text: str) -> str:
    """The regular expression of the texts that the format takes, years of four digits without a zero before them."""
    tokens = _tokens(text)
    parts = []
    for place, (name, literal) in enumerate(tokens):
        beside = [tokens[other][0] for other in (place - 1, place + 1) if 0 <= other < len(tokens)]
        touches_a_number = any(other in NUMBERS for other in beside)
        if literal:
            parts.append(re.escape(literal).replace("\\ ", " +"))
        elif name == "Y":
            parts.append("[1-9][0-9]{3}")
        elif name in ("y", "j"):
            parts.append(f"[0-9]{{{NUMBERS[name]}}}")
        elif name in NUMBERS:
            parts.append("[0-9]{2}" if touches_a_number else "[0-9]{1,2}")
        else:
            parts.append(WORDS.get(name, ".*"))
    return "".join(parts)


def needs_pattern(text: str) -> bool:
    """Whether DuckDB alone would take too much: numbers side by side, or a year of two digits."""
    names = [name for name, _ in _tokens(text)]
    side_by_side = any(one in NUMBERS and other in NUMBERS for one, other in zip(names, names[1:], strict=False))
    return side_by_side or "y" in names


def has_four_digit_year(text: str) -> bool:
    return "%Y" in text


def day_and_month_in_numbers(text: str) -> bool:
    """Whether day and month stand as numbers before the year, so that their order could be the other one."""
    names = [name for name, _ in _tokens(text)]
    if "d" not in names or "m" not in names:
        return False
    year = next((names.index(name) for name in ("Y", "y") if name in names), -1)
    return year > min(names.index("d"), names.index("m"))


def other_way_round(text: str) -> str:
    """The format with day and month exchanged."""
    return re.sub(r"%-?([dm])", lambda match: "%m" if match[1] == "d" else "%d", text)
