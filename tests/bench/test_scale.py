"""`make scale` of a country takes hours: ended at any place, the same command measures what is missing, and nothing twice."""

import json
from pathlib import Path

import pytest

from tests.bench import scale
from tests.bench.scale import Cost, measure

PATIENTS = "is_eligible,mrn,operation_date\nTrue,1,2012-01-31\nTrue,2,2012-02-29\nTrue,3,2012-03-31\n"


class Ended(Exception):
    """What ends a measurement in the middle of a process."""


def ended_within(process: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Processes are written down, not run; the first of this name ends the measurement."""
    ran: list[str] = []

    def run(what: str, command, folder: Path, steps: Path | None = None) -> Cost:
        ran.append(what)
        if what == "crlm simulate":
            scale._follow_up(folder).mkdir(parents=True)
            (folder / "truth").mkdir()
            (folder / "truth" / "patients.csv").write_text(PATIENTS)
        for place in ("build/build.duckdb", "published/warehouse.duckdb", "bare.duckdb"):
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).touch()
        if what.startswith(process) and ran.count(what) == 1:
            raise Ended
        return Cost(what, 1.0, 0.5, 2.0, 100, None)

    monkeypatch.setattr(scale, "run", run)
    return ran


@pytest.mark.parametrize(
    ("process", "again"),
    [
        ("crlm simulate", ["crlm simulate", "crlm refresh from nothing", "crlm refresh, 1 patients changed"]),
        ("crlm refresh from nothing", ["crlm refresh from nothing", "crlm refresh, 1 patients changed"]),
        # what is left of its changes is done unmeasured, and another thousandth is changed
        ("crlm refresh, 1 patients changed", ["crlm refresh", "crlm refresh, 1 patients changed"]),
        ("crlm refresh, nothing changed", []),
    ],
)
def test_a_measurement_that_was_ended_goes_on_with_the_process_that_it_was_in(process, again, tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "ONE_IN", 3)
    ran = ended_within(process, monkeypatch)
    with pytest.raises(Ended):
        measure(1776, tmp_path, say=lambda text: None)
    begun = len(ran)
    (tmp_path / "build" / "half_done").touch()
    measured = measure(1776, tmp_path, say=lambda text: None)
    assert [what for what in ran[begun:] if "DuckDB" not in what] == [*again, "crlm refresh, nothing changed"]
    whole = ["crlm simulate", "crlm refresh from nothing", "crlm refresh, 1 patients changed"]
    told = [cost["what"] for cost in measured["costs"]]
    assert told[:4] == [*whole, "crlm refresh, nothing changed"]
    assert len(told) == len(set(told)) == 6
    assert json.loads((tmp_path / "costs.json").read_text()) == measured["costs"]
    # a night from nothing finds nothing
    assert (tmp_path / "build" / "half_done").exists() == process.startswith("crlm refresh,")
