"""Source contracts: what a hospital's files look like and how their columns become the warehouse's.

A hospital is a folder with `hospital.yml` and one YAML file a feed; the folder's name is the hospital's `source_system`
and the name of its folder in the landing area. A wrong contract is refused with its file, line and reason.
docs/add_a_source.md walks through one.
"""

import re
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.ingestion.canonical_feeds import CanonicalColumn, canonical_feeds, conversion

CONTRACTS_FOLDER = Path(__file__).parent / "contracts"
TIME_ZERO = date(1900, 1, 1)
"""The operation date of sources that give durations from the operation instead of dates; never published."""
ENDPOINT_NAME = re.compile(r"[a-z_]+")
DELIMITED_FORMATS = ("delimited", "redcap")


class ContractError(Exception):
    """A contract that cannot be used; the message names file, line and reason."""


class FieldContract(BaseModel):
    """How one canonical column is read from the hospital's own column."""

    model_config = ConfigDict(extra="forbid")

    column: str = ""
    constant: str | None = None
    """Every record has this canonical value; the file does not say it."""
    is_time_zero: bool = False
    """The operation's date, in a source that gives durations from it and no dates."""
    required: bool = False
    """A missing or unreadable value rejects the whole record."""
    required_when_present: bool = False
    """May be missing; but a value that cannot be read rejects the whole record instead of becoming missing."""
    formats: list[str] = []
    unit: str | None = None
    codes: dict[str, str] = {}
    separator: str = ";"
    is_checkbox: bool = False
    """REDCap: the column is a group of checkboxes `column___code`, one column a choice."""
    missing_values: list[str] = []
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    not_before: date | None = None
    not_after: date | None = None
    """The last day that an export can tell of; no date may be later than the load, with or without it."""

    @model_validator(mode="after")
    def has_one_origin(self) -> "FieldContract":
        if sum([bool(self.column), self.constant is not None, self.is_time_zero]) != 1:
            raise ValueError("give `column` (or `constant`, or `is_time_zero: true`), and only one of them")
        return self


class SourceContract(BaseModel):
    """One feed of one hospital, from one of its systems."""

    model_config = ConfigDict(extra="forbid")

    version: str
    feed: str
    system: str = "main"
    """Tells apart a hospital's systems that send the same feed; a key is unique within its system."""
    file_pattern: str
    format: Literal["delimited", "excel", "parquet", "redcap", "hl7_v2", "fhir"]
    fields: dict[str, FieldContract]
    key: list[str] = Field(min_length=1)
    only_rows: dict[str, list[str]] = {}
    """Rows with other values in these columns belong to other contracts; they are counted as passed over."""
    missing_values: list[str] = [""]
    decimal_sign: Literal[".", ",", "sniff"] = "."
    # text files
    delimiter: str = ","
    encoding: str = "utf-8"
    fallback_encoding: Literal["latin-1"] | None = None
    ends_with_newline: bool = True
    # workbooks
    sheet: str | None = None
    # REDCap
    record_id: str = "record_id"
    instrument: str | None = None
    """The repeating instrument (its name or its label) whose rows are records; without it, the records' first rows are."""
    # HL7 v2
    message_type: Literal["ORU", "ADT"] = "ORU"
    passes_over: list[str] = []
    """Message types that other contracts take from the same files."""
    # FHIR
    resource: str | None = None

    source_system: str = ""
    is_simulated: bool = False
    not_derivable: dict[str, str] = {}

    @property
    def source_columns(self) -> list[str]:
        """The hospital's own columns that the contract names."""
        named = [field.column for field in self.fields.values() if field.column]
        return list(dict.fromkeys([*named, *self.only_rows]))

    @property
    def patient_column(self) -> str:
        """The feed's column that names the patient."""
        return canonical_feeds()[self.feed].patient_column

    def reader_column(self, name: str) -> str:
        """What the readers call a column of the hospital: never one of their own names, whatever its capitals."""
        return f"{self.source_columns.index(name)}: {name}"

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
        if self.format == "fhir" and not self.resource:
            raise ValueError("format 'fhir' needs `resource`, such as Procedure")
        self._check_encoding()
        if self.format == "hl7_v2":
            self._check_hl7_paths()
        return self

    def _check_encoding(self) -> None:
        try:
            "".encode("utf-8" if self.encoding == "sniff" else self.encoding)
        except LookupError as error:
            raise ValueError(f"encoding '{self.encoding}' is not known") from error
        if self.format in DELIMITED_FORMATS and self.delimiter != "sniff" and len(self.delimiter) != 1:
            raise ValueError(f"delimiter '{self.delimiter}' must be one character, or sniff")

    def _check_hl7_paths(self) -> None:
        from orchestration.ingestion.readers.hl7_v2 import FIELD_PATH, ORDER_NUMBER

        for name, field in self.fields.items():
            if field.column and field.column != ORDER_NUMBER and not FIELD_PATH.match(field.column):
                raise ValueError(f"'{name}': column '{field.column}' is not of the form PID-3, PID-3.1 or PID-3[MR].1")


def _check_field(name: str, field: FieldContract, column: CanonicalColumn) -> None:
    if field.constant is not None:
        if column.words and field.constant not in column.words:
            raise ValueError(f"'{name}': constant '{field.constant}' is none of {', '.join(column.words)}")
        return
    if field.is_time_zero:
        if column.type != "date":
            raise ValueError(f"'{name}' is no date, so it cannot be time zero")
        return
    if column.type in ("date", "timestamp") and not field.formats and not (column.type == "date" and field.unit):
        raise ValueError(
            f"'{name}' is a {column.type}: give its `formats`, such as [\"%Y-%m-%d\"], or the `unit` of a duration from the operation"
        )
    if field.unit:
        _check_unit(name, field.unit, column)
    if column.type in ("code", "code_list"):
        unknown = sorted(set(field.codes.values()) - set(column.words))
        if not field.codes or unknown:
            raise ValueError(
                f"'{name}': `codes` must map onto {', '.join(column.words)}; not {', '.join(unknown) or 'empty'}"
            )
    if field.pattern:
        try:
            re.compile(field.pattern)
        except re.error as error:
            raise ValueError(f"'{name}': pattern '{field.pattern}' is no regular expression: {error}") from error


def _check_unit(name: str, unit: str, column: CanonicalColumn) -> None:
    canonical_unit = "days" if column.type == "date" else column.unit
    if not canonical_unit:
        raise ValueError(f"'{name}' has no unit in the warehouse, so the contract cannot give one")
    try:
        conversion(unit, canonical_unit)
    except KeyError as error:
        raise ValueError(f"'{name}': no conversion from {unit} to {canonical_unit} in units.yml") from error


def load_contract(
    path: Path, source_system: str, is_simulated: bool, not_derivable: dict[str, str] | None = None
) -> SourceContract:
    """Read one feed's contract.

    Raises:
        ContractError: not YAML, an unknown or missing setting, or one that does not fit the canonical feed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise ContractError(f"{path}:1: not readable as UTF-8 text") from error
    try:
        settings = yaml.safe_load(text)
        if not isinstance(settings, dict):
            raise ContractError(f"{path}:1: a contract is a mapping of settings, not {type(settings).__name__}")
        for name in ("source_system", "is_simulated", "not_derivable"):
            if name in settings:
                raise ContractError(
                    f"{path}:1: `{name}` is the hospital's, not the feed's: it belongs into hospital.yml"
                )
        return SourceContract(
            **settings, source_system=source_system, is_simulated=is_simulated, not_derivable=not_derivable or {}
        )
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}:{line}: not readable as YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ContractError(f"{path}:1: not readable as YAML: {error}") from error
    except TypeError as error:
        raise ContractError(f"{path}:1: the names of settings must be text: {error}") from error
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
            if content.strip().startswith((f"{name}:", f"feed: {name}", f"key: [{name}", f"encoding: {name}")):
                return number
    return line


class HospitalIdentity(BaseModel):
    """hospital.yml: who sends the files, and what cannot be derived from them."""

    model_config = ConfigDict(extra="forbid")

    name: str
    is_simulated: bool
    not_derivable: dict[str, str] = {}
    """Endpoint -> why this hospital's records cannot tell it; its patients are left out of that endpoint, not guessed."""


def load_hospitals(contracts_folder: Path = CONTRACTS_FOLDER) -> list[SourceContract]:
    """Every contract of every hospital below `contracts_folder`, by hospital and file name.

    Raises:
        ContractError: see `load_contract`; also a folder without hospital.yml, or two contracts of one feed and system.
    """
    contracts: list[SourceContract] = []
    for folder in sorted(path for path in contracts_folder.iterdir() if path.is_dir()):
        identity = _hospital_identity(folder)
        seen: dict[tuple[str, str], Path] = {}
        for path in sorted(folder.glob("*.yml")):
            if path.name == "hospital.yml":
                continue
            contract = load_contract(path, folder.name, identity.is_simulated, identity.not_derivable)
            twin = seen.setdefault((contract.feed, contract.system), path)
            if twin != path:
                raise ContractError(
                    f"{path}:1: {twin.name} is a contract for feed '{contract.feed}' too: give each its own `system`"
                )
            contracts.append(contract)
    return contracts


def _hospital_identity(folder: Path) -> HospitalIdentity:
    path = folder / "hospital.yml"
    if not path.exists():
        raise ContractError(f"{folder}: no hospital.yml (with `name` and `is_simulated`)")
    try:
        text = path.read_text(encoding="utf-8")
        settings = yaml.safe_load(text)
        if not isinstance(settings, dict) or not isinstance(settings.get("is_simulated"), bool):
            raise ContractError(f"{path}:1: `is_simulated` must be true or false")
        return HospitalIdentity(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"{path}:{_line_of(text, first['loc'], '')}: {where}: {first['msg']}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}:1: not readable as YAML") from error
