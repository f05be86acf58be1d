"""Suites as data: one YAML file a table, which a clinician can read and review."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

SUITES_FOLDER = Path(__file__).parent / "suites"


class Check(BaseModel):
    """One expectation: what must hold, of which rows, how badly it may fail and why that much is allowed."""

    model_config = ConfigDict(extra="forbid")

    name: str
    description: str
    """One sentence in the words of the field."""
    expectation: str
    """Name of a Great Expectations expectation."""
    arguments: dict[str, Any] = {}
    severity: Literal["blocking", "warning"] = "blocking"
    where: str | None = None
    """Only rows that fulfil this pandas query are checked."""
    threshold: float = Field(default=0.0, ge=0, le=1)
    """Share of the checked rows that may fail."""
    threshold_reason: str = "a rule without exception"


class Suite(BaseModel):
    """All checks of one table."""

    model_config = ConfigDict(extra="forbid")

    table: str
    stage: Literal["marts", "results"]
    key: list[str]
    """Columns that name a row in quality.violations; never anything else of the row is kept."""
    may_be_empty: bool = False
    checks: list[Check]


@cache
def all_suites() -> dict[str, Suite]:
    """Every suite by table."""
    suites = [Suite(**yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(SUITES_FOLDER.glob("*.yml"))]
    return {suite.table: suite for suite in suites}


def list_suites(stage: str) -> list[str]:
    """Names of the suites of a stage ('marts' or 'results'), the privacy checks included."""
    return [*(name for name, suite in all_suites().items() if suite.stage == stage), "privacy"]
