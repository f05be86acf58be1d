"""Number formats that show a whole number with zeros before it, as medical record numbers are: 000000 shows 451 as 000451."""

import re
from dataclasses import dataclass

# leading zeros, with the fixed text around them: 000000, "MRN "00000, 0000\-\A
ZERO_PADDED = re.compile(r'((?:"[^"]*"|\\.|[-/ ])*)(0{2,})((?:"[^"]*"|\\.|[-/ ])*)')


@dataclass(frozen=True)
class ZeroPadding:
    """Fixed text before and after, and the number of digits."""

    before: str
    width: int
    after: str

    def shown(self, digits: str) -> str:
        """A whole number as the sheet shows it."""
        return f"{self.before}{digits.zfill(self.width)}{self.after}"


def zero_padding(code: str) -> ZeroPadding | None:
    """What a format code does, None when it shows no zeros. Its first section is for positive numbers."""
    shape = ZERO_PADDED.fullmatch(code.split(";")[0])
    return ZeroPadding(_plain(shape[1]), len(shape[2]), _plain(shape[3])) if shape else None


def _plain(literal: str) -> str:
    return re.sub(r'"([^"]*)"|\\(.)', lambda match: match[1] or match[2] or "", literal)
