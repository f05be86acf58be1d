"""Which of the names that stand in a file may be told: in a ledger, a notice or a reason, which leave the restricted build area.

Where a segment's, type's or element's name belongs, a name of a person may stand: in a line that is broken in two, or as the title
that a scan was given. So a name is told only where it is a word of its standard (`told_names.yml`).
"""

from functools import cache
from pathlib import Path

import yaml

KNOWN_NAMES_FILE = Path(__file__).parent / "told_names.yml"
ANOTHER = "of another kind"
LONGEST_NUMBER = 3
"""Of so many digits is the number of a look or treatment; a longer one may be a patient's."""


@cache
def known_names() -> dict[str, frozenset[str]]:
    """What a name is of -> the names that are known."""
    told = yaml.safe_load(KNOWN_NAMES_FILE.read_text(encoding="utf-8"))
    return {kind: frozenset(names.split()) for kind, names in told.items()}


def is_known_name(kind: str, name: str) -> bool:
    """Whether the name is a word of the standard; of a content type both of its words."""
    words = name.split("/") if kind == "attachment" else [name]
    return len(words) <= 2 and all(word in known_names().get(kind, ()) for word in words)


def told_name(kind: str, name: str, as_known: str | None = None) -> str:
    """`segment SPM` (or `as_known`, which says it in other words), or `segment of another kind`."""
    return (as_known or f"{kind} {name}") if is_known_name(kind, name) else f"{kind} {ANOTHER}"


def told_number(number: str, otherwise: str) -> str:
    """A number out of a column's name, or `otherwise` where it may be a patient's."""
    return number if len(number) <= LONGEST_NUMBER else otherwise
