"""Number formats that show a whole number with zeros before it, as medical record numbers are: 000000 shows 451 as 000451."""

import re
from dataclasses import dataclass

# zeros only, with fixed text around and between them: 000000, "MRN "00000, 000-000, 0000\-\A
ZERO_PADDED = re.compile(r'(?:0|"[^"]*"|\\.|[-/ ])*')
PART = re.compile(r'0|"[^"]*"|\\.|[-/ ]')
# a colour, a condition's or a language's mark shows nothing: [Red], [$-409]; a currency sign would be shown
SHOWS_NOTHING = re.compile(r"\[(?:\$-[^\]]*|[A-Za-z]+ ?\d*)\]")


@dataclass(frozen=True)
class ZeroPadding:
    """What is shown in order: a digit where the part is empty, else the fixed text."""

    parts: tuple[str, ...]

    def shown(self, digits: str) -> str:
        """A whole number as the sheet shows it; more digits than places stand in the first one."""
        width = self.parts.count("")
        digits = digits.zfill(width)
        singles = iter([digits[: len(digits) - width + 1], *digits[len(digits) - width + 1 :]])
        return "".join(part or next(singles) for part in self.parts)


def zero_padding(code: str) -> ZeroPadding | None:
    """What a format code does, None when it shows no zeros. Its first section is for positive numbers."""
    shape = SHOWS_NOTHING.sub("", code.split(";")[0])
    parts = PART.findall(shape) if ZERO_PADDED.fullmatch(shape) else []
    return ZeroPadding(tuple(map(_plain, parts))) if parts.count("0") > 1 else None


def _plain(part: str) -> str:
    if part == "0":
        return ""
    return part.strip('"') if part.startswith('"') else part.removeprefix("\\")
