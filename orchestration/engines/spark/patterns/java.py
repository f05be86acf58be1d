"""Regular expressions of RE2 (DuckDB's) in the spelling of java.util.regex (Spark's), so that they match the same texts."""

WORD_BOUNDARY = r"(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))"
NO_WORD_BOUNDARY = r"(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))"
POSIX = {
    "alnum": "Alnum", "alpha": "Alpha", "digit": "Digit", "space": "Space", "upper": "Upper", "lower": "Lower", "punct": "Punct",
}  # fmt: skip
ONLY_NEWLINES_END_LINES = "(?d)"


def pattern(of_re2: str) -> str:
    """RE2's word is ASCII's, its \\s has no vertical tab, its $ is the very end, and [ within a class is a letter like others."""
    out: list[str] = []
    at, in_class = 0, False
    while at < len(of_re2):
        taken, put, in_class = _next(of_re2, at, in_class)
        out.append(put)
        at += taken
    return ONLY_NEWLINES_END_LINES + "".join(out).replace("(?i)", "(?iu)")


def _next(text: str, at: int, in_class: bool) -> tuple[int, str, bool]:
    """How many letters are taken, what stands in their place, and whether a class is open behind them."""
    letter, two = text[at], text[at : at + 2]
    if in_class and two == "[:":
        end = text.index(":]", at)
        return end + 2 - at, rf"\p{{{POSIX[text[at + 2 : end]]}}}", True
    if letter == "\\":
        return 2, _escape(two, in_class), in_class
    if letter == "[" and not in_class:
        opening = "[^" if two == "[^" else "["
        literal = text[at + len(opening) : at + len(opening) + 1] == "]"
        return len(opening) + literal, opening + (r"\]" if literal else ""), True
    if in_class:
        return 1, r"\[" if letter == "[" else r"\&" if two == "&&" else letter, letter != "]"
    return 1, r"\z" if letter == "$" else letter, False


def _escape(two: str, in_class: bool) -> str:
    spaces = r"\t\n\f\r "
    if in_class:
        return spaces if two == r"\s" else two
    return {
        r"\b": WORD_BOUNDARY, r"\B": NO_WORD_BOUNDARY, r"\s": f"[{spaces}]", r"\S": f"[^{spaces}]",
    }.get(two, two)  # fmt: skip


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
