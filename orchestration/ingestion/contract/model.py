"""The settings of a source contract and of a hospital, as their YAML files spell them."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from orchestration.ingestion.canonical_feeds import canonical_feeds

TIME_ZERO = date(1900, 1, 1)
"""The operation date of sources that give durations from the operation instead of dates; never published."""


def _written_as_iso(value: object) -> object:
    # pydantic would take the text '0' for a second count since 1970
    if isinstance(value, str):
        return date.fromisoformat(value)
    return value


IsoDate = Annotated[date, BeforeValidator(_written_as_iso)]


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
    not_before: IsoDate | None = None
    not_after: IsoDate | None = None
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
    patient_may_be_corrected: bool = False
    """A key that comes again with another patient is a correction of whose record it is, not another patient's record."""
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


class HospitalIdentity(BaseModel):
    """hospital.yml: who sends the files, and what cannot be derived from them."""

    model_config = ConfigDict(extra="forbid")

    name: str
    is_simulated: bool
    not_derivable: dict[str, str] = {}
    """Endpoint -> why this hospital's records cannot tell it; its patients are left out of that endpoint, not guessed."""


SETTINGS_OF_HOSPITAL = ("source_system", "is_simulated", "not_derivable")
"""What a contract knows from its hospital and its folder; its own file cannot say it."""
