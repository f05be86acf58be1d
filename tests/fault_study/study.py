"""Plant each fault of a catalogue overnight on a copy of an accepted warehouse, and write down what the gates say of it."""

import importlib.util
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import duckdb
import pandas as pd

from orchestration.settings import Settings
from simulated_hospital.hospital import HOSPITAL, simulate

SEED, OTHER_SEED, PATIENTS = 2012, 99, 300
RULES_OF_STALE_FEEDS = (
    "no_file_is_missing", "no_feed_is_gone", "no_file_is_refused", "records_are_sent_again", "feed_keeps_its_rhythm",
)  # fmt: skip
OUTCOMES = {"blocked": "blocked", "warned": "published with a new warning", "silent": "published, nothing said"}
FEED_NAMES = {"pathology": "pathology_messages"}
HARMLESS_STANDARD_ERRORS = 1.0


@dataclass(frozen=True)
class Finding:
    """What became of one fault. `effect`: the published number that it would move farthest, by how many standard errors."""

    name: str
    feed: str
    what: str
    outcome: str
    names_feed: bool
    message: str
    n_messages: int
    effect: str
    standard_errors: float | None
    stale: bool


def load_catalogue(path: Path | None) -> dict[str, tuple[str, str, Callable[[Path], None]]]:
    """FAULTS of a file, or the project's own."""
    if path is None:
        from tests.fault_study.catalogue import FAULTS

        return FAULTS
    spec = importlib.util.spec_from_file_location("catalogue_given", path)
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FAULTS


def prepare(folder: Path, patients: int = PATIENTS, *, derive: bool = True) -> Path:
    """A simulated hospital after one accepted night, and another cohort beside it; returns the data folder to copy."""
    from tests.fault_study.nights import night, published_numbers

    base = folder / "base"
    if not (base / "accepted").exists():
        shutil.rmtree(base, ignore_errors=True)
        simulate(patients, SEED, base)
        simulate(patients, OTHER_SEED, folder / "other")
        outcome = night(base, "the night before", until="results" if derive else "landing", with_dbt=True, accept=True)
        if not outcome.is_open:
            raise RuntimeError(
                f"the night before is not sound: {outcome.checks['description'].tolist()}{outcome.dbt_failures}"
            )
        if derive:
            (base / "numbers").write_text(json.dumps(published_numbers(Settings(data_dir=base))))
        (base / "accepted").write_text(outcome.checks.to_json(orient="records") if len(outcome.checks) else "[]")
    return base


def study_fault(
    folder: Path, name: str, catalogue: Path | None, *, derive: bool = True, effects: bool = True
) -> Finding:
    """Plant one fault on a copy of the base and run its night; where a gate has closed it is derived all the same, to see what it
    would have done to the published numbers.

    Args:
        derive: else the landing gate only, and no effect.
        effects: else the effect of what the landing gate closed for is not measured (half of the time).
    """
    from tests.fault_study.nights import night

    base, data = folder / "base", folder / f"night_of_{name}"
    os.environ["OTHER_COHORT"] = str(folder / "other" / "landing" / HOSPITAL)
    feed, what, change = load_catalogue(catalogue)[name]
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(base, data)
    try:
        change(data / "landing" / HOSPITAL)
        outcome = night(data, f"the night of {name}", until="results" if derive else "landing")
        is_wanted = derive and (effects or outcome.is_open)
        effect = _effect(base, data, outcome.is_estimated) if is_wanted else Effect("", None)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    return _finding(name, feed, what, outcome.is_open, new_checks(outcome.checks, base), outcome.dbt_failures, effect)


class Effect(NamedTuple):
    """The published number that moves farthest, in words, and by how many of its standard errors (None: not measured)."""

    what: str
    standard_errors: float | None


def _effect(base: Path, data: Path, is_estimated: bool) -> Effect:
    """What the records as they are would do, whether or not a gate is closed."""
    from tests.fault_study.nights import derive_again, estimate, moved_numbers, published_numbers

    settings = Settings(data_dir=data)
    try:
        if not is_estimated:
            derive_again(settings)
            estimate(settings)
        numbers = published_numbers(settings)
    except (ValueError, KeyError, ZeroDivisionError, duckdb.Error) as error:
        return Effect(f"nothing can be derived ({type(error).__name__})", float("inf"))
    moved = moved_numbers(json.loads((base / "numbers").read_text()), numbers)
    if moved.empty:
        return Effect("none", 0.0)
    first = moved.iloc[0]
    return Effect(f"{first.number} {first.before:.3g} to {first.after:.3g}", float(first.standard_errors))


def new_checks(checks: pd.DataFrame, base: Path) -> pd.DataFrame:
    """The checks that did not pass and did in the night before."""
    known = {
        tuple(str(row.get(part)) for part in ("suite", "table_name", "check_name", "column_name"))
        for row in json.loads((base / "accepted").read_text())
    }
    if checks.empty:
        return checks
    keys = checks[["suite", "table_name", "check_name", "column_name"]].astype(str).apply(tuple, axis=1)
    return checks[~keys.isin(known)]


def _finding(
    name: str, feed: str, what: str, is_open: bool, told: pd.DataFrame, failures: list[str], effect: Effect
) -> Finding:
    ordered = told.sort_values("is_closing", ascending=False, kind="stable") if len(told) else told
    messages = [*ordered.get("description", []), *(f"dbt test {failure} fails" for failure in failures)]
    words = FEED_NAMES.get(feed, feed)
    return Finding(
        name, feed, what, "blocked" if not is_open else "warned" if messages else "silent",
        names_feed=any(feed == "all" or words in message for message in messages),
        message=str(messages[0]).split(" If it is right")[0] if messages else "", n_messages=len(messages),
        effect=effect.what, standard_errors=effect.standard_errors,
        stale=bool(len(told)) and bool(told["check_name"].isin(RULES_OF_STALE_FEEDS).any()),
    )  # fmt: skip


def run_catalogue(
    folder: Path,
    catalogue: Path | None,
    names: Iterable[str],
    *,
    processes: int,
    derive: bool = True,
    effects: bool = True,
) -> list[Finding]:
    """Each fault in a process of its own; prints a line each as it ends. A fault already studied in this folder is not again."""
    done = folder / ("findings" if derive else "findings_of_the_landing_gate")
    done.mkdir(exist_ok=True)
    waiting = [name for name in names if not (done / f"{name}.json").exists()]
    # the libraries are loaded once, each process starts with them
    warm_up()
    processes_of = multiprocessing.get_context("fork")
    running: list[multiprocessing.Process] = []
    for name in waiting:
        running = [process for process in running if process.is_alive()]
        while len(running) >= processes:
            running[0].join(timeout=0.5)
            running = [process for process in running if process.is_alive()]
        arguments = (folder, name, catalogue, done, derive, effects)
        running.append(processes_of.Process(target=_study_and_keep, args=arguments))
        running[-1].start()
    for process in running:
        process.join()
    kept = [done / f"{name}.json" for name in names]
    return [Finding(**json.loads(path.read_text(encoding="utf-8"))) for path in kept if path.exists()]


def warm_up() -> None:
    """Load what every night needs."""
    import tests.fault_study.nights  # noqa: F401
    from quality.run_expectations import load_great_expectations

    load_great_expectations()


def _study_and_keep(folder: Path, name: str, catalogue: Path | None, done: Path, derive: bool, effects: bool) -> None:
    try:
        finding = study_fault(folder, name, catalogue, derive=derive, effects=effects)
    except Exception as error:  # noqa: BLE001 - a fault that cannot be studied must not end the study of the others
        print(f"  ! {name} could not be studied: {type(error).__name__}: {error}", flush=True)
        return
    (done / f"{name}.json").write_text(as_json(finding), encoding="utf-8")
    print(f"  {finding.outcome:<8} {name}: {finding.message[:160]}", flush=True)


def as_json(finding: Finding) -> str:
    """One line."""
    return json.dumps(asdict(finding))
