"""One record a night - published, gate closed, failed - in a file beside Dagster's storage, so that tonight can be told from last night."""

import fcntl
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

Outcome = Literal["published", "gate closed", "failed"]


@dataclass(frozen=True)
class NightRecord:
    """How one run of the nightly job ended."""

    run_id: str
    ended_at: str
    """UTC, ISO 8601."""
    outcome: Outcome
    step: str = ""
    """The first step that failed."""
    message: str = ""
    """The gate's summary, or the kind of the error; never an error's text, which may quote a record."""
    warnings: list[str] = field(default_factory=list)
    """Checks that did not pass and do not block, by name."""

    @property
    def is_good(self) -> bool:
        return self.outcome == "published"


def now_utc() -> str:
    """This moment as the records spell it."""
    return spelled(datetime.now(UTC).timestamp())


def spelled(epoch_seconds: float) -> str:
    """A moment as the records spell it."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="seconds")


def read_nights(path: Path) -> list[NightRecord]:
    """All records, oldest first; a line that a crash cut in half is passed over, it can only be the last."""
    if not path.exists():
        return []
    nights = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            nights.append(NightRecord(**json.loads(line)))
        except (json.JSONDecodeError, TypeError):
            continue
    return nights


def add_night(path: Path, night: NightRecord) -> list[NightRecord] | None:
    """Append a record and return those before it; None when this run has one already (the command and a sensor both saw it)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = read_nights(path)
        if any(earlier.run_id == night.run_id for earlier in before):
            return None
        file.write(json.dumps(asdict(night)) + "\n")
        file.flush()
    path.chmod(0o600)
    return before


def last_good_night(nights: list[NightRecord]) -> NightRecord | None:
    """The latest night that published."""
    return next((night for night in reversed(nights) if night.is_good), None)


def hours_since(moment: str, now: str) -> float:
    """From one UTC moment to another, hours."""
    return (datetime.fromisoformat(now) - datetime.fromisoformat(moment)).total_seconds() / 3600
