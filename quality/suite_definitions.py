"""Suites as data: one YAML file a table, which a clinician can read and review."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

SUITES_FOLDER = Path(__file__).parent / "suites"
PRIVACY = "privacy"
"""Name under which the privacy checks are reported; they judge every table and have no file of their own."""
Stage = Literal["staging", "marts", "results"]
Severity = Literal["blocking", "warning"]


class Check(BaseModel):
    """One expectation: what must hold, of which rows, how badly it may fail and why that much is allowed."""

    model_config = ConfigDict(extra="forbid")

    name: str
    description: str
    """One sentence in the words of the field."""
    expectation: str
    """Name of a Great Expectations expectation."""
    arguments: dict[str, Any] = {}
    severity: Severity = "blocking"
    where: str | None = None
    """Only rows that fulfil this pandas query are checked."""
    threshold: float = Field(default=0.0, ge=0, le=1)
    """Share of the checked rows that may fail."""
    threshold_reason: str = "a rule without exception"

    @property
    def columns(self) -> list[str]:
        """The columns that the expectation reads."""
        named = [self.arguments.get(name) for name in ("column", "column_A", "column_B")]
        return [name for name in [*named, *self.arguments.get("column_list", [])] if name]


class Suite(BaseModel):
    """All checks of one table."""

    model_config = ConfigDict(extra="forbid")

    name: str
    """The file's name without its ending."""
    table: str
    """The table that is judged; a suite may see it with columns computed for the purpose (see `derived_tables`)."""
    stage: Stage
    key: list[str]
    """Columns that name a row in quality.violations; never anything else of the row is kept."""
    may_be_empty: bool = False
    """Whether an empty table is a warning rather than a closed gate."""
    checks: list[Check]


@cache
def all_suites() -> dict[str, Suite]:
    """Every suite by name."""
    return {suite.name: suite for suite in _read_suites()}


def suites_of_stage(stage: str) -> list[Suite]:
    """The suites of a stage, in the order of their names."""
    return [suite for suite in all_suites().values() if suite.stage == stage]


def list_suites(stage: str) -> list[str]:
    """Names of the suites of a stage ('staging', 'marts' or 'results'), the privacy checks included.

    Staging is restricted and full of identifiers by nature: it has no privacy checks.
    """
    return [*(suite.name for suite in suites_of_stage(stage)), *([] if stage == "staging" else [PRIVACY])]


def _read_suites() -> Iterator[Suite]:
    for path in sorted(SUITES_FOLDER.glob("*.yml")):
        yield Suite(name=path.stem, **yaml.safe_load(path.read_text(encoding="utf-8")))
