"""Reports that are rows of a table: which columns hold a report's text and its discrete statements (settings `lines`)."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, model_validator

from orchestration.ingestion.contract.problems import Problem
from orchestration.ingestion.contract.wide_form import is_numbered

SECTIONS = ("final_diagnosis", "gross", "microscopic", "addendum", "comment", "synoptic", "intraoperative")
"""The sections of a report, as seeds.pathology_sections has them."""
TABLE_FORMATS = ("delimited", "excel", "parquet", "redcap", "database")


class ReportLine(BaseModel):
    """A line of each report: the text of a column, or with a label a discrete statement such as `Hepatic margin: < 1 mm`."""

    model_config = ConfigDict(extra="forbid")

    section: str
    column: str
    """The text, number or code; `{n}` in it stands for the number of a lesion or specimen (`margin{n}_mm`)."""
    label: str = ""
    """What the column states, in the words of a synoptic report; `{n}` in it is the number that stands in the column's name."""
    label_column: str = ""
    """The column that holds the label, where each row of the table is one statement."""
    codes: dict[str, str] = {}
    """The hospital's code -> the words of a synoptic report; a row with another code is rejected, never half read."""
    unit: str = ""
    unit_column: str = ""
    comparator_column: str = ""
    """The column that says whether the number is a bound (<, >, LT, at least); empty or = where it is the number itself."""
    specimen: str = ""
    specimen_column: str = ""
    missing_values: list[str] = []

    @model_validator(mode="after")
    def agrees_with_itself(self) -> "ReportLine":
        if self.section not in SECTIONS:
            raise ValueError(f"section '{self.section}' is none of: {', '.join(SECTIONS)}")
        if self.label and self.label_column:
            raise ValueError("give `label` or `label_column`, not both")
        if is_numbered(self.label) and not is_numbered(self.column):
            raise ValueError("{n} in the `label` is the number in the column's name: the `column` needs it too")
        if not (self.label or self.label_column) and (self.unit or self.unit_column or self.comparator_column):
            raise ValueError("a number needs a `label` that says what it measures, such as Hepatic parenchymal margin")
        return self

    @property
    def source_columns(self) -> list[str]:
        """The hospital's own columns that the line is made of."""
        return [
            name
            for name in (self.column, self.label_column, self.unit_column, self.comparator_column, self.specimen_column)
            if name
        ]


def problems_of_report_lines(contract) -> Iterator[Problem]:
    """A table of reports needs `lines`, and nothing else has them."""
    is_table_of_reports = contract.feed == "pathology_messages" and contract.format in TABLE_FORMATS
    if is_table_of_reports and not contract.lines:
        yield Problem(
            ("format",),
            f"'{contract.format}' holds reports in columns: say in `lines` which columns are the report's text and its margin fields,"
            " such as [{section: final_diagnosis, column: report_text}]",
        )
    if contract.lines and not is_table_of_reports:
        yield Problem(("lines",), "only tables of feed 'pathology_messages' have lines in columns")
