"""Source contracts: what a hospital's files look like and how their columns become the warehouse's.

A hospital is a folder with `hospital.yml` and one YAML file a feed; the folder's name is the hospital's `source_system`
and the name of its folder in the landing area. A wrong contract is refused with its file, line and reason.
"""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

CANONICAL_FEEDS_FILE = Path(__file__).parent / "canonical_feeds.yml"
CONTRACTS_FOLDER = Path(__file__).parent / "contracts"
COLUMNS_FILLED_BY_READER = {"observations"}


class ContractError(Exception):
    """A contract that cannot be used; the message names file, line and reason."""


class CanonicalColumn(BaseModel):
    """A column of a raw table: its type and, for coded columns, the words it may hold."""

    type: Literal["text", "date", "timestamp", "integer", "decimal", "code", "code_list", "observations"]
    words: list[str] = []


class CanonicalFeed(BaseModel):
    """A raw table: what one row is, and its columns in order."""

    description: str
    columns: dict[str, CanonicalColumn]


class FieldContract(BaseModel):
    """How one canonical column is read from the hospital's own column."""

    model_config = ConfigDict(extra="forbid")

    column: str
    required: bool = False
    """A missing or unreadable value rejects the whole record."""
    required_when_present: bool = False
    """May be missing; but a value that cannot be read rejects the whole record instead of becoming missing."""
    formats: list[str] = []
    codes: dict[str, str] = {}
    separator: str = ";"
    missing_values: list[str] = []
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    not_before: date | None = None


class SourceContract(BaseModel):
    """One feed of one hospital."""

    model_config = ConfigDict(extra="forbid")

    version: str
    feed: str
    file_pattern: str
    format: Literal["delimited", "excel", "hl7_oru"]
    fields: dict[str, FieldContract]
    key: list[str] = Field(min_length=1)
    missing_values: list[str] = [""]
    delimiter: str = ","
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    sheet: str | None = None
    source_system: str = ""
    is_simulated: bool = False

    @model_validator(mode="after")
    def agrees_with_the_canonical_feed(self) -> "SourceContract":
        feeds = canonical_feeds()
        if self.feed not in feeds:
            raise ValueError(f"feed '{self.feed}' is none of: {', '.join(feeds)}")
        columns = feeds[self.feed].columns
        for name, field in self.fields.items():
            if name not in columns:
                raise ValueError(f"'{name}' is no column of feed '{self.feed}' (columns: {', '.join(columns)})")
            _check_field(name, field, columns[name])
        for name in self.key:
            if name not in self.fields or not self.fields[name].required:
                raise ValueError(f"key '{name}' must be a field with `required: true`")
        return self


def _check_field(name: str, field: FieldContract, column: CanonicalColumn) -> None:
    if column.type in ("date", "timestamp") and not field.formats:
        raise ValueError(f"'{name}' is a {column.type}: give its `formats`, such as [\"%Y-%m-%d\"]")
    if column.type in ("code", "code_list"):
        unknown = sorted(set(field.codes.values()) - set(column.words))
        if not field.codes or unknown:
            raise ValueError(
                f"'{name}': `codes` must map onto {', '.join(column.words)}; not {', '.join(unknown) or 'empty'}"
            )


@cache
def canonical_feeds() -> dict[str, CanonicalFeed]:
    """The warehouse's own feeds by name, in the order of canonical_feeds.yml."""
    with CANONICAL_FEEDS_FILE.open(encoding="utf-8") as file:
        return {name: CanonicalFeed(**feed) for name, feed in yaml.safe_load(file).items()}


def load_contract(path: Path, source_system: str, is_simulated: bool) -> SourceContract:
    """Read one feed's contract.

    Raises:
        ContractError: not YAML, an unknown or missing setting, or one that does not fit the canonical feed.
    """
    text = path.read_text(encoding="utf-8")
    try:
        settings = yaml.safe_load(text)
        if not isinstance(settings, dict):
            raise ContractError(f"{path}:1: a contract is a mapping of settings, not {type(settings).__name__}")
        return SourceContract(**settings, source_system=source_system, is_simulated=is_simulated)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}:{line}: not readable as YAML: {error.problem}") from error
    except ValidationError as error:
        first = error.errors()[0]
        line = _line_of(text, first["loc"], first["msg"])
        where = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"{path}:{line}: {where + ': ' if where else ''}{first['msg']}") from error


def _line_of(text: str, location: tuple[Any, ...], message: str) -> int:
    """The line where the settings at `location` stand; when the message quotes a field's name, that field's line."""
    node = yaml.compose(text)
    line = 1
    for part in location:
        for key_node, value_node in getattr(node, "value", []):
            if isinstance(key_node, yaml.ScalarNode) and key_node.value == str(part):
                line, node = key_node.start_mark.line + 1, value_node
    if not location and "'" in message:
        name = message.split("'")[1]
        for number, content in enumerate(text.splitlines(), start=1):
            if content.strip().startswith((f"{name}:", f"feed: {name}", f"key: [{name}")):
                return number
    return line


def load_hospitals(contracts_folder: Path = CONTRACTS_FOLDER) -> list[SourceContract]:
    """Every contract of every hospital below `contracts_folder`, by hospital and file name.

    Raises:
        ContractError: see `load_contract`; also a folder without hospital.yml, or two contracts of one feed.
    """
    contracts: list[SourceContract] = []
    for folder in sorted(path for path in contracts_folder.iterdir() if path.is_dir()):
        identity_file = folder / "hospital.yml"
        if not identity_file.exists():
            raise ContractError(f"{folder}: no hospital.yml (with `name` and `is_simulated`)")
        identity = yaml.safe_load(identity_file.read_text(encoding="utf-8")) or {}
        if not isinstance(identity.get("is_simulated"), bool):
            raise ContractError(f"{identity_file}:1: `is_simulated` must be true or false")
        for path in sorted(folder.glob("*.yml")):
            if path.name != "hospital.yml":
                contracts.append(load_contract(path, folder.name, identity["is_simulated"]))
    return contracts
