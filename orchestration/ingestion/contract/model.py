"""The settings of a source contract and of a hospital, as their YAML files spell them."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract.report_lines import ReportLine

# what a message says of a value that was there and is no more (chapter 2.5.3.2); what PostgreSQL's COPY and MySQL's INTO OUTFILE write
NULLS_OF_FORMAT = {"hl7_v2": ('""',), "delimited": ("\\N",), "redcap": ("\\N",)}
FORMATS_WITH_TIME_ZONES = ("hl7_v2", "fhir")
"""Formats whose times may tell a distance from UTC."""
WITHDRAWN = "crlm_withdrawn"
"""The column of a snapshot that says whether its database has the row no more, where the contract withdraws such rows."""
TIME_ZERO = date(1900, 1, 1)
"""The operation date of sources that give durations from the operation instead of dates; never published."""


def _a_day(value: object) -> object:
    # pydantic would take a number for seconds since 1970
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError("must be a day such as 1980-01-01") from error


Day = Annotated[date, BeforeValidator(_a_day)]
# pydantic would take yes for 1
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class FieldContract(BaseModel):
    """How one canonical column is read from the hospital's own column."""

    model_config = ConfigDict(extra="forbid")

    column: str = ""
    otherwise: list[str] = []
    """Second choices: the column to read where the ones before it are empty, or not in the file at all."""
    columns: list[str] = []
    """Several columns whose texts together are the value (the parts of a key), with `joined_by` between them."""
    joined_by: str = "-"
    constant: str | None = None
    """Every record has this canonical value; the file does not say it."""
    is_time_zero: bool = False
    """The operation's date, in a source that gives durations from it and no dates."""
    required: bool = False
    """A missing or unreadable value rejects the whole record."""
    required_when_present: bool = False
    """May be missing; but a value that cannot be read rejects the whole record instead of becoming missing."""
    formats: list[str] = []
    two_digit_years_from: int | None = Field(default=None, ge=1800, le=2100)
    """The first of the hundred years that a year of two digits (%y) stands for: from 1930 on, 29 is 2029 and 30 is 1930."""
    pad_zeros_to: int | None = Field(default=None, ge=1, le=50)
    """An identifier of digits has zeros before it up to this length: 451 is 000451."""
    strip_zeros: bool = False
    """An identifier has no zeros before it: 000451 is 451."""
    strip_prefix: str = ""
    """What stands before each identifier and does not belong to it."""
    from_event: str | None = None
    """REDCap: the event in whose row the value stands, whichever row of its record is the record."""
    unit: str | None = None
    codes: dict[str, str] = {}
    separator: str = ";"
    is_checkbox: bool = False
    """REDCap: the column is a group of checkboxes `column___code`, one column a choice."""
    missing_values: list[str] = []
    pattern: str | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    not_before: Day | None = None
    not_after: Day | None = None
    """The last day that an export can tell of; no date may be later than the load, with or without it."""

    @model_validator(mode="after")
    def has_one_origin(self) -> "FieldContract":
        if sum([bool(self.column), bool(self.columns), self.constant is not None, self.is_time_zero]) != 1:
            raise ValueError("give `column` (or `columns`, `constant` or `is_time_zero: true`), and only one of them")
        if self.otherwise and not self.column:
            raise ValueError("`otherwise` is the second choice of a `column`")
        return self

    @property
    def choices(self) -> tuple[str, ...]:
        """The column and its second choices; one of them must be in the file."""
        return (self.column, *self.otherwise) if self.column else ()

    @property
    def source_columns(self) -> tuple[str, ...]:
        """All of the hospital's columns that the field is read from."""
        return (*self.choices, *self.columns)


class DatabaseSource(BaseModel):
    """A table or query of a hospital's database, fetched every night into the landing folder."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["postgres", "odbc"]
    connection: str
    """libpq's key words (`host=... dbname=... user=...`) or ODBC's (`Driver={...};Server=...;UID=...`), without the secret."""
    secret: str | None = None
    """The environment variable that holds the password; it stands in no file."""
    table: str | None = None
    query: str | None = None
    watermark: str | None = None
    """A column that grows with every change, such as the time of the last update: only rows from its highest value on are
    fetched. Without it, all rows are, and a snapshot is kept when anything is different."""
    vanished: Literal["kept", "withdrawn"] = "kept"
    """What a row that is gone means: nothing, or that its record was withdrawn."""
    timeout_seconds: int = Field(default=600, ge=1, le=86400)
    time_zone: str = "UTC"
    """Whose clock instants (timestamps with a zone) are told by."""

    @model_validator(mode="after")
    def has_rows(self) -> "DatabaseSource":
        if bool(self.table) == bool(self.query):
            raise ValueError("give `table` or `query`, and only one of them")
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
    source: DatabaseSource | None = None
    """Where the files come from, when nobody sends them."""
    lines: list[ReportLine] = []
    """Feed pathology_messages from tables: the columns that are lines of the report."""
    only_rows: dict[str, list[str]] = {}
    """Rows with other values in these columns belong to other contracts; they are counted as passed over."""
    sections: dict[str, str] = {}
    """Reports: the section that a laboratory's own code stands for (final_diagnosis, gross, microscopic, ...)."""
    patient_may_be_corrected: bool = False
    """A key that comes again with another patient is a correction of whose record it is, not another patient's record."""
    missing_values: list[str] = [""]
    decimal_sign: Literal[".", ",", "sniff"] = "."
    # tables
    header_row: int | None = Field(default=None, ge=1)
    """The line or row of the header; without it, the first of the first 50 that has the contract's columns."""
    units_row: bool | None = None
    """Whether the first row under the header is one of units; without it, one that holds nothing but units is."""
    # text files
    delimiter: str = ","
    encoding: str = "utf-8"
    fallback_encoding: Literal["latin-1"] | None = None
    ends_with_newline: bool = True
    escape_character: str = Field(default="", max_length=1)
    # workbooks
    sheet: str | None = None
    """The sheet to read, or "*" for all that have the contract's columns; without it, the only visible one that has them."""
    # REDCap
    record_id: str = "record_id"
    instrument: str | None = None
    """The repeating instrument (its name or its label) whose rows are records; without it, the records' first rows are."""
    events: list[str] = []
    """The events (their unique names or their labels) of a longitudinal project whose rows are records."""
    # HL7 v2
    message_type: Literal["ORU", "MDM", "ADT"] = "ORU"
    passes_over: list[str] = []
    """Message types that other contracts take from the same files."""
    # FHIR
    resource: str | None = None

    source_system: str = ""
    is_simulated: bool = False
    not_derivable: dict[str, str] = {}
    time_zone: str | None = None

    @model_validator(mode="before")
    @classmethod
    def with_the_files_of_its_source(cls, settings: Any) -> Any:
        """A source's snapshots have their format and place; a row that vanished may mean that its record was withdrawn."""
        if not isinstance(settings, dict) or not isinstance(settings.get("source"), dict):
            return settings
        if given := [name for name in ("file_pattern", "format") if name in settings]:
            raise ValueError(f"`{given[0]}` is that of the snapshots: with `source` it cannot be given")
        system = re.sub(r"\W+", "_", str(settings.get("system", "main")))
        settings = {
            **settings,
            "format": "parquet",
            "file_pattern": f"fetched/{settings.get('feed')}.{system}/*.parquet",
        }
        fields = settings.get("fields")
        if settings["source"].get("vanished") == "withdrawn" and isinstance(fields, dict):
            if "record_status" in fields:
                raise ValueError("`record_status` cannot be given where vanished rows are withdrawn")
            status = {"column": WITHDRAWN, "codes": {"no": "active", "yes": "cancelled"}}
            settings["fields"] = {**fields, "record_status": status}
        return settings

    @property
    def reading_version(self) -> str:
        """By what a file is read: the contract's version, and what its reader takes from hospital.yml. A file that was read by another
        one is read again."""
        has_zone = self.time_zone is not None and self.format in FORMATS_WITH_TIME_ZONES
        return f"{self.version} ({self.time_zone})" if has_zone else self.version

    @property
    def source_columns(self) -> list[str]:
        """The hospital's own columns that the contract names."""
        named = [name for field in self.fields.values() for name in field.source_columns]
        return list(dict.fromkeys([*named, *self.only_rows]))

    @property
    def column_choices(self) -> list[tuple[str, ...]]:
        """For each of the hospital's columns that a file must have: it and what may stand in for it."""
        choices = [field.choices for field in self.fields.values() if field.choices]
        parts = [(name,) for field in self.fields.values() for name in field.columns]
        of_lines = [(name,) for line in self.lines for name in line.source_columns]
        return list(dict.fromkeys([*choices, *parts, *of_lines, *((name,) for name in self.only_rows)]))

    def spellings_of_missing(self, more: Sequence[str] = ()) -> list[str]:
        """The texts that mean no value: the contract's and `more`; what the format itself writes so; a number among them also
        as data frames and databases write it (-999 is -999.0 and -999,00 too)."""
        told = ["", *NULLS_OF_FORMAT.get(self.format, ()), *self.missing_values, *more]
        as_floats = [
            f"{value}{sign}{zeros}"
            for value in told
            if re.fullmatch(r"[+-]?[0-9]+", value)
            for sign in (".", ",")
            if sign == self.decimal_sign or self.decimal_sign == "sniff"
            for zeros in ("0", "00", "000")
        ]
        return list(dict.fromkeys([*told, *as_floats]))

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

    time_zone: str | None = None
    """Such as Europe/Berlin: instants of messages and resources that tell a distance from UTC are read on this clock. Without
    it, they are read on the clock that they were written by."""

    @model_validator(mode="after")
    def knows_its_time_zone(self) -> "HospitalIdentity":
        if self.time_zone is not None and self.time_zone not in available_timezones():
            raise ValueError(
                f"time_zone '{self.time_zone}' is no name of the time zone database, such as Europe/Berlin"
            )
        return self


SETTINGS_OF_HOSPITAL = ("source_system", "is_simulated", "not_derivable", "time_zone")
"""What a contract knows from its hospital and its folder; its own file cannot say it."""
