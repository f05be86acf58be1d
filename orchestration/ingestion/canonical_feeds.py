"""The warehouse's own feeds, columns, words and units, whichever hospital the records come from."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

CANONICAL_FEEDS_FILE = Path(__file__).parent / "canonical_feeds.yml"
UNITS_FILE = Path(__file__).parent / "units.yml"
COLUMNS_FILLED_BY_READER = {"observations", "report_part", "merge_event"}
"""Where the contract does not map them, the reader of messages fills them in."""


class CanonicalColumn(BaseModel):
    """A column of a raw table: its type, its unit and, for coded columns, the words it may hold."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text", "date", "timestamp", "integer", "decimal", "code", "code_list", "observations"]
    unit: str | None = None
    may_be_bound: bool = False
    """Whether a number may come with < or > before it: it is kept so ('<0.5'), for it is another statement than the number."""
    words: list[str] = []
    without_it: str | None = None
    """What becomes of every patient where the column is nowhere given; None: nothing of that weight."""
    tells_of_follow_up: bool = False


class CanonicalFeed(BaseModel):
    """A raw table: what one row is, and its columns in order."""

    model_config = ConfigDict(extra="forbid")

    description: str
    one_row_a_patient: bool = False
    columns: dict[str, CanonicalColumn]

    @property
    def patient_column(self) -> str:
        """The column that names the patient: the hospital's MRN, or the study id in what is recorded here."""
        return "mrn" if "mrn" in self.columns else "study_id"


@cache
def canonical_feeds() -> dict[str, CanonicalFeed]:
    """The warehouse's own feeds by name, in the order of canonical_feeds.yml."""
    with CANONICAL_FEEDS_FILE.open(encoding="utf-8") as file:
        return {name: CanonicalFeed(**feed) for name, feed in yaml.safe_load(file).items()}


@cache
def _units() -> dict[str, dict[str, dict[str, float]]]:
    with UNITS_FILE.open(encoding="utf-8") as file:
        return yaml.safe_load(file)


def conversion(unit: str, canonical_unit: str) -> str:
    """What to append to a number in `unit` to have it in `canonical_unit`, such as ' / 10'.

    Raises:
        KeyError: units.yml has no such conversion.
    """
    if unit == canonical_unit:
        return ""
    rule = _units()[canonical_unit][unit]
    return f" * {rule['multiply_by']}" if "multiply_by" in rule else f" / {rule['divide_by']}"


def is_known_unit(text: str) -> bool:
    """Whether the text is a unit of units.yml, of the warehouse or of a hospital."""
    known = {plain_unit(unit) for canonical, others in _units().items() for unit in (canonical, *others)}
    return plain_unit(text) in known


def plain_unit(unit: str) -> str:
    """The unit in small letters, the three ways of writing micro as one."""
    plain = unit.strip().lower().replace("\u03bc", "\u00b5")
    return "\u00b5" + plain[1:] if plain.startswith(("ug", "um")) else plain
