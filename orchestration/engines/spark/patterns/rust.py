"""Regular expressions of RE2 (DuckDB's) in the spelling of Rust's regex (Sail's), so that they match the same texts."""

import re

ASCII = {r"\s": r"\t\n\f\r ", r"\d": "0-9", r"\w": "0-9A-Za-z_"}


def pattern(of_re2: str) -> str:
    """RE2's classes and word boundaries are ASCII's; Rust's are Unicode's: its \\s would match a no-break space."""
    out: list[str] = []
    at, in_class = 0, False
    while at < len(of_re2):
        taken, put, in_class = _next(of_re2, at, in_class)
        out.append(put)
        at += taken
    return "".join(out)


def _next(text: str, at: int, in_class: bool) -> tuple[int, str, bool]:
    """How many letters are taken, what stands in their place, and whether a class is open behind them."""
    letter, two = text[at], text[at : at + 2]
    if in_class and two == "[:":
        end = text.index(":]", at) + 2
        return end - at, text[at:end], True
    if letter == "\\":
        return 2, _escape(two, in_class), in_class
    if letter == "[" and not in_class:
        opening = "[^" if two == "[^" else "["
        literal = text[at + len(opening) : at + len(opening) + 1] == "]"
        return len(opening) + literal, opening + (r"\]" if literal else ""), True
    if in_class:
        # doubled, these are operations on classes
        escaped = letter == "[" or (letter in "&~-" and two == letter * 2)
        return 1, "\\" + letter if escaped else letter, letter != "]"
    return 1, letter, False


def _escape(two: str, in_class: bool) -> str:
    if in_class:
        return ASCII.get(two, two)
    if two in (r"\b", r"\B"):
        return f"(?-u:{two})"
    if two in ASCII:
        return f"[{ASCII[two]}]"
    return f"[^{ASCII[two.lower()]}]" if two.lower() in ASCII else two


def replacement(of_re2: str) -> str:
    """Sail takes Spark's $1 for what it is, also before a digit when it stands in braces."""
    return re.sub(r"\\(\d)", r"${\1}", of_re2.replace("$", "$$"))
