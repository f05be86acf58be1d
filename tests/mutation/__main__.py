"""`make mutation`: makes one change after another in a copy of the project, and says which of them no named test sees.

The changes: every number of the plan, in its row and where it is used, and those of mutants.csv (file, what is written there, what is
written instead, the test that must fail: pytest's name, or `dbt` and a model whose unit tests must).
"""

import argparse
import csv
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.progress import track

from tests.analysis.results.test_plan_reaches_results import PLACES, id_of

ROOT = Path(__file__).parents[2]
PLAN_SEED = "dbt_project/seeds/definitions/analysis_plan.csv"
SEEN_IN_ROW = "tests/analysis/patients/test_plan.py::test_the_numbers_are_those_written_down_and_each_has_a_source"
SEEN_IN_USE = "tests/analysis/results/test_plan_reaches_results.py::test_another_number_of_the_plan_gives_other_rows"
USED_IN = ("analysis/results", "analysis/robustness", "analysis/patients/plan.py")


class Mutant(NamedTuple):
    """A change of a file, and the test (of several by blanks one) that must see it."""

    name: str
    file: str
    written: str
    changed: str
    seen_by: str


def mutants() -> list[Mutant]:
    """Those of the plan's numbers, then those of mutants.csv."""
    with (ROOT / "tests/mutation/mutants.csv").open(encoding="utf-8", newline="") as file:
        named = [Mutant(**row) for row in csv.DictReader(file)]
    return [*_of_the_plan(), *named]


def _of_the_plan() -> Iterator[Mutant]:
    with (ROOT / PLAN_SEED).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        name, value = row["name"], row["value"]
        first = float(value.split(";")[0])
        other = f"{first + 1:g}" + value[len(value.split(";")[0]) :]
        yield Mutant(f"{name} in its row", PLAN_SEED, f"{name},{value},", f"{name},{other},", SEEN_IN_ROW)
        yield from _in_use(name, tuple(float(part) for part in value.split(";")))


def _in_use(name: str, numbers: tuple[float, ...]) -> Iterator[Mutant]:
    """The number written into the code wherever it is asked for: another plan would then change nothing there."""
    seen_by = " ".join(f"{SEEN_IN_USE}[{id_of(place)}]" for place in PLACES if place[0] == name)
    for file, written, changed in _places(name, numbers):
        yield Mutant(f"{name} where it is used in {file}", file, written, changed, seen_by)


def _places(name: str, numbers: tuple[float, ...]) -> Iterator[tuple[str, str, str]]:
    """File, what is written there, and the number itself in its place."""
    literal = {"number": repr(numbers[0]), "count": repr(int(numbers[0])), "numbers": repr(numbers)}
    for place in USED_IN:
        for file in [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).glob("*.py")):
            text, path = file.read_text(encoding="utf-8"), str(file.relative_to(ROOT))
            asked = rf"(?:plan|self)\.(number|count|numbers)\(\"{name}\"\)"
            for found in {match.group(0): match for match in re.finditer(asked, text)}.values():
                yield path, found.group(0), literal[found.group(1)]
            helper = re.search(rf"(landmarks_days|half_years_days)\(plan, \"{name}\"\)", text)
            if helper:
                with_it = f'plan._replace(settings={{**plan.settings, "{name}": {numbers!r}}})'
                yield path, helper.group(0), f'{helper.group(1)}({with_it}, "{name}")'


def copy_of_project(folder: Path) -> Path:
    """The files under version control, and those that would be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def is_seen(mutant: Mutant, folder: Path) -> bool:
    """Whether the named test passes as it stands is known; whether it fails once the change is made.

    Raises:
        SystemExit: what should be changed is not there once.
    """
    file = folder / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.written) < 1:
        sys.exit(f"{mutant.name}: {mutant.written!r} does not stand in {mutant.file} any more")
    file.write_text(text.replace(mutant.written, mutant.changed), encoding="utf-8")
    try:
        return not passes(mutant.seen_by, folder)
    finally:
        file.write_text(text, encoding="utf-8")


def said_and_seen(mutant: Mutant, folder: Path) -> bool:
    """Whether it is seen, said at once: the whole list takes many minutes."""
    seen = is_seen(mutant, folder)
    change = f"{mutant.file}: {mutant.written!r} -> {mutant.changed!r}"
    print(f"seen: {mutant.name}" if seen else f"NOT SEEN: {mutant.name} ({change}) by {mutant.seen_by}", flush=True)
    return seen


def passes(test: str, folder: Path) -> bool:
    """Whether a test passes in the copy."""
    if test.startswith("dbt "):
        command = [
            "-m",
            "tests.mutation.dbt_unit_tests",
            str(folder.parent / "build" / "build.duckdb"),
            *test.split()[1:],
        ]
    else:
        doctests = ["--doctest-modules"] if test.startswith("analysis/") else []
        command = ["-m", "pytest", "-x", "-q", *doctests, *test.split()]
    return subprocess.run([sys.executable, *command], cwd=folder, capture_output=True).returncode == 0


def main() -> None:
    """Make every change asked for; the exit status says whether each was seen."""
    parser = argparse.ArgumentParser(description="Does a named test see each change?")
    parser.add_argument("--only", default="", help="changes whose name holds this")
    chosen = [mutant for mutant in mutants() if parser.parse_args().only in mutant.name]
    with tempfile.TemporaryDirectory() as place:
        folder = copy_of_project(Path(place) / "project")
        (Path(place) / "build").mkdir()
        of_dbt = sorted({mutant.seen_by for mutant in chosen if mutant.seen_by.startswith("dbt ")})
        together = " ".join(["dbt", *(test.split()[1] for test in of_dbt)])
        tests = [
            *dict.fromkeys(mutant.seen_by for mutant in chosen if mutant.seen_by not in of_dbt),
            *([together] if of_dbt else []),
        ]
        failing = [test for test in track(tests, "tests as they stand") if not passes(test, folder)]
        if failing:
            sys.exit(f"fails without any change: {', '.join(failing)}")
        n_unseen = sum(not said_and_seen(mutant, folder) for mutant in track(chosen, "changes"))
    print(f"{len(chosen) - n_unseen} of {len(chosen)} changes are seen by their test")
    sys.exit(bool(n_unseen))


if __name__ == "__main__":
    main()
