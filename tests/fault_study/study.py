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
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pandas as pd
import yaml

from orchestration.hospitals import hospitals_of
from orchestration.ingestion.contract.loading import CONTRACTS_FOLDER
from orchestration.warehouse import open_build_file
from simulated_hospital.hospital import HOSPITAL, SECOND_HOSPITAL, simulate
from tests.fault_study.causes import PATHOLOGY, Change, changes_of, names_cause
from tests.incremental.hospital import MERGES

if TYPE_CHECKING:
    from tests.fault_study.nights import Night

SEED, OTHER_SEED, PATIENTS = 2012, 99, 300
HOSPITALS = (HOSPITAL, SECOND_HOSPITAL)
OUTCOMES = {"blocked": "blocked", "warned": "published with a new warning", "silent": "published, nothing said"}
FEED_NAMES = {"pathology": PATHOLOGY}
HARMLESS_STANDARD_ERRORS = 1.0
AT_ONCE = 104
"""Faults of one night: so many that its memory suffices."""
KEY_OF_CHECK = ("suite", "table_name", "check_name", "column_name")
MERGES_CONTRACT = yaml.safe_dump(MERGES)
"""The simulated hospitals send no merges; in the study they may."""


@dataclass(frozen=True)
class Finding:
    """What became of one fault. `effect`: the published number that it would move farthest, by how many standard errors (None: not
    measured); `stale`: records did not come that came before; `names_feed`, `names_cause`: whether a message does."""

    name: str
    feed: str
    what: str
    outcome: str
    names_feed: bool
    names_cause: bool
    message: str
    n_messages: int
    effect: str
    standard_errors: float | None
    stale: bool


@dataclass(frozen=True)
class Study:
    """Where a study works, and on what.

    Args:
        folder: the night before, the other cohort, and a finding a fault: kept, so that a study can be taken up again.
        derive: else the landing gate only, and no effect.
        effects: else the effect of what the landing gate closed for is not measured (half of the time).
        second: the faults befall the second of two hospitals.
    """

    folder: Path
    catalogue: Path | None = None
    patients: int = PATIENTS
    derive: bool = True
    effects: bool = True
    second: bool = False

    @property
    def base(self) -> Path:
        """The data folder after the accepted night."""
        return self.folder / "base"

    @property
    def hospital(self) -> str:
        """The hospital that the faults befall."""
        return HOSPITALS[self.second]

    @property
    def findings(self) -> Path:
        """A file a fault that has been studied."""
        return self.folder / ("findings" if self.derive else "findings_of_the_landing_gate")


def load_catalogue(path: Path | None) -> dict[str, tuple[str, str, Callable[[Path], None]]]:
    """FAULTS of a file, or the project's own."""
    if path is None:
        from tests.fault_study.catalogue import FAULTS

        return FAULTS
    spec = importlib.util.spec_from_file_location("catalogue_given", path)
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FAULTS


def prepare(study: Study) -> None:
    """Simulated hospitals after one accepted night, with their contracts, and another cohort beside them.

    Raises:
        RuntimeError: that night, or one after it that brings nothing but new patients, is not sound.
    """
    from tests.fault_study.nights import night

    os.environ["OTHER_COHORT"] = str(study.folder / "other" / "landing" / HOSPITAL)
    if (study.base / "accepted").exists():
        return
    shutil.rmtree(study.base, ignore_errors=True)
    simulate(study.patients, SEED, study.base, hospitals=1 + study.second)
    simulate(study.patients, OTHER_SEED, study.folder / "other")
    for hospital in HOSPITALS[: 1 + study.second]:
        shutil.copytree(CONTRACTS_FOLDER / hospital, study.base / "contracts" / hospital)
        (study.base / "contracts" / hospital / "merges.yml").write_text(MERGES_CONTRACT, encoding="utf-8")
    first = night(
        study.base, "the night before", until="results" if study.derive else "landing", with_dbt=True, accept=True
    )
    if not first.is_open:
        raise RuntimeError(f"the night before is not sound: {first.checks['description'].tolist()}{first.dbt_failures}")
    _keep_numbers(study.base, study)
    _keep_checks(study.base, first.checks)
    _prepare_newcomers(study, first.checks)
    (study.base / "accepted").touch()


def _prepare_newcomers(study: Study, known: pd.DataFrame) -> None:
    """The numbers and the warnings of a night that brings sixty new patients and no fault."""
    from tests.fault_study.catalogue.new_patients import newcomers_arrive
    from tests.fault_study.nights import night

    data = study.folder / "newcomers"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(study.base, data)
    newcomers_arrive(data / "landing" / study.hospital)
    clean = night(data, "a night of newcomers", until="results" if study.derive else "landing")
    if not clean.is_open:
        raise RuntimeError(f"sixty new patients close a gate: {clean.checks['description'].tolist()}")
    _keep_numbers(data, study)
    _keep_checks(data, pd.concat([known, clean.checks]))
    shutil.rmtree(data / "build")


def _keep_numbers(data: Path, study: Study) -> None:
    from tests.fault_study.nights import published_numbers, settings_of

    if study.derive:
        (data / "numbers").write_text(json.dumps(published_numbers(settings_of(data))))


def _keep_checks(data: Path, checks: pd.DataFrame) -> None:
    (data / "known_checks").write_text(checks.to_json(orient="records") if len(checks) else "[]")


def study_fault(study: Study, name: str) -> Finding:
    """Plant one fault on a copy of the base and run its whole night; where a gate has closed it is derived all the same, to see what
    it would have done to the published numbers."""
    from tests.fault_study.nights import night

    data = study.folder / f"night_of_{name}"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(study.base, data)
    landing = data / "landing" / study.hospital
    try:
        load_catalogue(study.catalogue)[name][2](landing)
        changes = _changes(study, name, landing)
        outcome = night(data, f"the night of {name}", until="results" if study.derive else "landing")
        is_wanted = study.derive and (study.effects or outcome.is_open)
        effect = _effect(_compared(study, name), data, outcome) if is_wanted else Effect("", None)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    told = new_checks(outcome.checks, _compared(study, name))
    return _finding(study, name, outcome.is_open, told, outcome.dbt_failures, effect, changes)


def _compared(study: Study, name: str) -> Path:
    """What newcomers' faults do is told from what the newcomers do without."""
    is_of_newcomers = getattr(load_catalogue(study.catalogue)[name][2], "of_newcomers", False)
    return study.folder / "newcomers" if is_of_newcomers else study.base


def _changes(study: Study, name: str, landing: Path) -> dict[str, Change]:
    before = _compared(study, name) / "landing" / study.hospital
    return changes_of(before, landing, study.base / "contracts" / study.hospital)


def _finding(
    study: Study,
    name: str,
    is_open: bool,
    told: pd.DataFrame,
    dbt_failures: list[str],
    effect: "Effect",
    changes: dict[str, Change],
) -> Finding:
    feed, what, _ = load_catalogue(study.catalogue)[name]
    ordered = told.sort_values("is_closing", ascending=False, kind="stable") if len(told) else told
    messages = [*ordered.get("description", []), *(f"dbt test {failure} fails" for failure in dbt_failures)]
    words = FEED_NAMES.get(feed, feed)
    return Finding(
        name,
        feed,
        what,
        "blocked" if not is_open else "warned" if messages else "silent",
        names_feed=any(feed == "all" or words in message for message in messages),
        names_cause=names_cause(told, changes),
        message=str(messages[0]).split(" If it is right")[0] if messages else "",
        n_messages=len(messages),
        effect=effect.what,
        standard_errors=effect.standard_errors,
        stale=any(change.is_stale for change in changes.values()),
    )


class Effect(NamedTuple):
    """The published number that moves farthest, in words, and by how many of its standard errors (None: not measured)."""

    what: str
    standard_errors: float | None


def _effect(compared: Path, data: Path, outcome: "Night") -> Effect:
    """What the records as they are would do, whether or not a gate is closed."""
    if not outcome.has_news:
        return Effect("none", 0.0)
    from tests.fault_study.nights import derive_again, estimate, moved_numbers, published_numbers, settings_of

    settings = settings_of(data)
    try:
        if not outcome.is_estimated:
            derive_again(settings, with_tests=False)
            estimate(settings)
        numbers = published_numbers(settings)
    except (ValueError, KeyError, ZeroDivisionError, duckdb.Error) as error:
        return Effect(f"nothing can be derived ({type(error).__name__})", float("inf"))
    return _farthest(moved_numbers(json.loads((compared / "numbers").read_text()), numbers))


def _farthest(moved: pd.DataFrame) -> Effect:
    if moved.empty:
        return Effect("none", 0.0)
    first = moved.iloc[0]
    return Effect(f"{first.number} {first.before:.3g} to {first.after:.3g}", float(first.standard_errors))


def new_checks(checks: pd.DataFrame, compared: Path, hospital: str = "", copy: str = "") -> pd.DataFrame:
    """The checks that did not pass and did in the night before; the name of a copy of the hospital is the hospital's again."""
    known = {
        tuple(str(row.get(part)) for part in KEY_OF_CHECK)
        for row in json.loads((compared / "known_checks").read_text())
    }
    if checks.empty:
        return checks
    keys = checks[list(KEY_OF_CHECK)].astype(str).apply(tuple, axis=1)
    new = checks[~keys.isin(known)]
    return new.assign(description=new["description"].str.replace(f" of {copy}: ", f" of {hospital}: ")) if copy else new


def run_catalogue(study: Study, names: Iterable[str]) -> list[Finding]:
    """Many faults at once, each at a hospital of its own; then those of which nothing was said in whole nights of their own, each in a
    process. Prints a line each. A fault already studied in this folder is not again, one that this hospital's files have no place
    for is left out."""
    study.findings.mkdir(exist_ok=True)
    load_catalogue(study.catalogue)
    names = list(names)
    waiting = [name for name in names if not (study.findings / f"{name}.json").exists()]
    warm_up(study, with_reports=bool(waiting) and study.derive)
    for start in range(0, len(waiting), AT_ONCE):
        _in_a_process(_study_side_by_side, study, waiting[start : start + AT_ONCE])
    for name in [name for name in waiting if (study.findings / f"{name}.open").exists()]:
        _in_a_process(_study_alone, study, name)
    kept = [study.findings / f"{name}.json" for name in names]
    return [Finding(**json.loads(path.read_text(encoding="utf-8"))) for path in kept if path.exists()]


def _in_a_process(work: Callable[..., None], *arguments: object) -> None:
    """The libraries are loaded once, and the reports read once: each process starts with them, and gives its memory back."""
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    process.start()
    process.join()


def _study_side_by_side(study: Study, names: list[str]) -> None:
    from tests.fault_study.nights import moved_numbers, numbers_by_hospital, settings_of
    from tests.fault_study.side_by_side import (
        copies_of,
        copy_landing,
        copy_records,
        derive_side_by_side,
        take_in_side_by_side,
    )

    catalogue, data = load_catalogue(study.catalogue), study.folder / "side_by_side"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(study.base / "build", data / "build")
    settings, of_base = settings_of(data), study.base / "landing" / study.hospital
    names = [name for name in names if copy_landing(of_base, data / "landing" / name, catalogue[name][2])]
    hospitals = copies_of(hospitals_of(settings_of(study.base)), study.hospital, names)
    with open_build_file(settings.build_file) as connection:
        copy_records(connection, study.hospital, names)
    told = take_in_side_by_side(settings, hospitals, "the night of the faults")
    if study.derive:
        derive_side_by_side(settings, told)
    effects: dict[str, Effect] = {}
    if study.derive and study.effects:
        for name, numbers in numbers_by_hospital(settings, [name for name in names if told[name].has_news]):
            if isinstance(numbers, str):
                effects[name] = Effect(f"nothing can be derived ({numbers})", float("inf"))
            else:
                compared = json.loads((_compared(study, name) / "numbers").read_text())
                effects[name] = _farthest(moved_numbers(compared, numbers))
    for name in names:
        changes = _changes(study, name, data / "landing" / name)
        checks = new_checks(told[name].checks, _compared(study, name), study.hospital, name)
        effect = effects.get(name, Effect("", None)) if told[name].has_news else Effect("none", 0.0)
        finding = _finding(study, name, told[name].is_open, checks, [], effect, changes)
        # what nobody has told of yet is judged by the suites of marts and results too
        if study.derive and finding.outcome == "silent" and told[name].has_news:
            (study.findings / f"{name}.open").touch()
        else:
            _keep(study, finding)
    shutil.rmtree(data)


def _study_alone(study: Study, name: str) -> None:
    try:
        _keep(study, study_fault(study, name))
    except Exception as error:  # noqa: BLE001 - a fault that cannot be studied must not end the study of the others
        print(f"  ! {name} could not be studied: {type(error).__name__}: {error}", flush=True)


def _keep(study: Study, finding: Finding) -> None:
    (study.findings / f"{finding.name}.json").write_text(as_json(finding), encoding="utf-8")
    print(f"  {finding.outcome:<8} {finding.name}: {finding.message[:160]}", flush=True)


def warm_up(study: Study, *, with_reports: bool) -> None:
    """Load what every night needs: libraries, contracts and, where something is derived, what the reports of the night before say."""
    from quality.run_expectations import load_great_expectations
    from tests.fault_study.nights import derive_again, settings_of

    load_great_expectations()
    hospitals_of(settings_of(study.base))
    if with_reports:
        data = study.folder / "warm"
        shutil.copytree(study.base, data, dirs_exist_ok=True)
        derive_again(settings_of(data), with_tests=False)
        shutil.rmtree(data)


def as_json(finding: Finding) -> str:
    """One line."""
    return json.dumps(asdict(finding))
