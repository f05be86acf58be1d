"""The rules of the night: each a row that a clinician or a data engineer can read, with its reason and what to do about it."""

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

RULES_FOLDER = Path(__file__).parent.parent / "rules"


class Limit(BaseModel):
    """How far a count may go: `above` is a share (0.05: one in twenty), a difference of shares or a factor, by the rule's
    comparison; `at_least` so many rows, so that a single one of a small hospital is no alarm."""

    model_config = ConfigDict(extra="forbid")

    above: float
    at_least: float = 1


class Rule(BaseModel):
    """What is counted, how it is compared, from where on it warns or blocks, why, and what to do then."""

    model_config = ConfigDict(extra="forbid")

    id: str
    measure: str
    """What is counted: the measure of quality.night_profile, numerator and denominator."""
    only: list[str] = ["*"]
    """Patterns of `feed.field` that the rule is for; `feed.` where the count is of a whole feed."""
    but: list[str] = []
    """Patterns of `feed.field` that it is not for."""
    values: list[str] = ["*"]
    """Patterns of the values that it is for."""
    compare: Literal["share", "shift", "rise", "fall", "factor", "count", "range", "level_range", "standard_errors"] = (
        "share"
    )
    """share: n / denominator tonight. shift, rise, fall: difference of that share from the last accepted night's, where it
    cannot be chance (`z`). factor: how many times n is, or was, the other. count: n itself. range, level_range: how far the share (with
    its 99.9 % limits), or n, lies outside `low` to `high`, where the last accepted night did not. standard_errors: by how many of
    its standard errors (`denominator`) an estimate n moved, beyond what the narrower error of tonight explains (`z`)."""
    low: float = 0.0
    high: float = 1.0
    z: float = 4.0
    """For shift, rise and fall: standard errors that the difference must exceed."""
    only_farthest: bool = False
    """Of the counts of one feed and field only the one that went farthest is told, and how many others went too far."""
    unless_usual: float | None = None
    """Not judged where the share is at most so many times what it is in most of at least five accepted nights."""
    warning: Limit | None = None
    blocking: Limit | None = None
    change: str = "feed:{feed}.{field}"
    """The name by which the change is accepted."""
    message: str
    """What is said: {n}, {denominator}, {share}, {before}, {feed}, {field}, {value}, {told}, {hospital}, {others}."""
    reason: str
    when_it_fails: str

    @model_validator(mode="after")
    def _has_a_limit(self) -> "Rule":
        if self.warning is None and self.blocking is None:
            raise ValueError(f"rule {self.id}: give a warning or a blocking limit")
        return self

    def limit_of(self, severity: str) -> Limit:
        """The limit of a severity; the other where the rule has none of it."""
        limits = (self.blocking, self.warning) if severity == "blocking" else (self.warning, self.blocking)
        return next(limit for limit in limits if limit is not None)

    def is_for(self, feed: str, field: str, value: str) -> bool:
        """Whether a count of this feed and field is judged by the rule."""
        name = f"{feed}.{field}"
        return (
            any(fnmatchcase(name, pattern) for pattern in self.only)
            and not any(fnmatchcase(name, pattern) for pattern in self.but)
            and any(fnmatchcase(value, pattern) for pattern in self.values)
        )


class RuleBook(BaseModel):
    """The rules of one suite: rules/<suite>.yml."""

    model_config = ConfigDict(extra="forbid")

    name: str
    stage: Literal["landing", "marts", "results"]
    rules: list[Rule]


@cache
def rule_books() -> dict[str, RuleBook]:
    """All suites of rules by name.

    Raises:
        pydantic.ValidationError: a rule is not of the form; it names the rule's place.
    """
    books = [
        RuleBook(name=path.stem, **yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(RULES_FOLDER.glob("*.yml"))
    ]
    return {book.name: book for book in books}
