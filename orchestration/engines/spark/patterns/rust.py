"""Regular expressions of RE2 (DuckDB's) in the spelling of Rust's regex (Sail's), so that they match the same texts."""

import re

from orchestration.engines.spark.patterns.scanning import respelled

ASCII = {r"\s": r"\t\n\f\r ", r"\d": "0-9", r"\w": "0-9A-Za-z_"}


class _Rust:
    def posix(self, name: str) -> str:
        return f"[:{name}:]"

    def escape(self, two: str, in_class: bool) -> str:
        if in_class:
            return ASCII.get(two, two)
        if two in (r"\b", r"\B"):
            return f"(?-u:{two})"
        if two in ASCII:
            return f"[{ASCII[two]}]"
        return f"[^{ASCII[two.lower()]}]" if two.lower() in ASCII else two

    def in_class(self, letter: str, two: str) -> str:
        # doubled, these are operations on classes
        return "\\" + letter if letter == "[" or (letter in "&~-" and two == letter * 2) else letter

    def outside(self, letter: str) -> str:
        return letter


def pattern(of_re2: str) -> str:
    """RE2's classes and word boundaries are ASCII's; Rust's are Unicode's: its \\s would match a no-break space."""
    return respelled(of_re2, _Rust())


def replacement(of_re2: str) -> str:
    """Sail takes Spark's $1 for what it is, also before a digit when it stands in braces."""
    return re.sub(r"\\(\d)", r"${\1}", of_re2.replace("$", "$$"))
