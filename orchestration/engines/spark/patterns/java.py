"""Regular expressions of RE2 (DuckDB's) in the spelling of java.util.regex (Spark's), so that they match the same texts."""

from orchestration.engines.spark.patterns.scanning import respelled

WORD_BOUNDARY = r"(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))"
NO_WORD_BOUNDARY = r"(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))"
POSIX = {
    "alnum": "Alnum", "alpha": "Alpha", "digit": "Digit", "space": "Space", "upper": "Upper", "lower": "Lower", "punct": "Punct",
}  # fmt: skip
ONLY_NEWLINES_END_LINES = "(?d)"
SPACES = r"\t\n\f\r "


class _Java:
    def posix(self, name: str) -> str:
        return rf"\p{{{POSIX[name]}}}"

    def escape(self, two: str, in_class: bool) -> str:
        if in_class:
            return SPACES if two == r"\s" else two
        return {
            r"\b": WORD_BOUNDARY,
            r"\B": NO_WORD_BOUNDARY,
            r"\s": f"[{SPACES}]",
            r"\S": f"[^{SPACES}]",
        }.get(two, two)

    def in_class(self, letter: str, two: str) -> str:
        return r"\[" if letter == "[" else r"\&" if two == "&&" else letter

    def outside(self, letter: str) -> str:
        return r"\z" if letter == "$" else letter


def pattern(of_re2: str) -> str:
    """RE2's word is ASCII's, its \\s has no vertical tab, its $ is the very end, and [ within a class is a letter like others."""
    return ONLY_NEWLINES_END_LINES + respelled(of_re2, _Java()).replace("(?i)", "(?iu)")


def replacement(of_re2: str) -> str:
    """Groups are \\1 in RE2 and $1 in Java, where a digit behind would be read as part of the number."""
    out, at = [], 0
    while at < len(of_re2):
        letter, behind = of_re2[at], of_re2[at + 1 : at + 2]
        if letter == "\\" and behind.isdigit():
            following = of_re2[at + 2 : at + 3]
            out.append(f"${behind}" + (f"\\{following}" if following.isdigit() else ""))
            at += 3 if following.isdigit() else 2
            continue
        out.append("\\" + letter if letter in "$\\" else letter)
        at += 1
    return "".join(out)
