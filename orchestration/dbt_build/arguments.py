"""What dbt is told tonight: study, versions of the rules, environment; and what it says when it fails."""

import csv
import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

from orchestration.dbt_build.parse import current_parse
from orchestration.dbt_build.runs import dbt_command
from orchestration.engines.night import dbt_environment_of_night
from orchestration.files.fingerprints import fingerprint_of_files
from orchestration.files.memory import is_large
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.spoken_errors import spoken
from orchestration.warehouse import derivation_versions

REPORT_READER = PROJECT_ROOT / "report_reader"
DEFAULT_STUDY = "crlm"


class UnknownStudy(ValueError):
    """There is no study of that name in seeds.studies."""


def failures(target_path: Path) -> dict[str, str]:
    """What failed in a dbt run, and what was said of it, which may quote records."""
    path = target_path / "run_results.json"
    results = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else []
    return {
        result["unique_id"].split(".")[2]: result["message"] or ""
        for result in results
        if result["status"] in ("error", "fail", "runtime error")
    }


def failed_nodes(target_path: Path, log_folder: Path) -> str:
    """Which models and tests failed in a dbt run, and of which kind the errors are, for a person; never what they quote."""
    failed = [
        f"{name} ({spoken(RuntimeError(message)).removeprefix('RuntimeError: ')})"
        for name, message in failures(target_path).items()
    ]
    what = "; ".join(failed) or "dbt ended before it had built anything"
    return (
        f"dbt failed: {what}. The whole log, which may quote records, is in {log_folder.name}/logs of the build area."
    )


def prepare_dbt_environment(settings: Settings) -> None:
    """What the dbt subprocess reads from its environment."""
    os.environ.update(dbt_environment_of_night(settings))


def current_manifest(settings: Settings) -> Path:
    """dbt's manifest of the code as it is, with which `dbt build` need not parse anything again."""
    try:
        study = chosen_study(settings)
    except UnknownStudy:
        # the night says so, at the step that needs it
        study = DEFAULT_STUDY
    environment = os.environ | dbt_environment_of_night(settings)
    variables = dbt_variables(settings, study)
    return current_parse(settings.dbt_target, settings.dbt_project_dir, variables, dbt_command(), environment)


def margin_rules_version(reader_folder: Path = REPORT_READER) -> str:
    """A fingerprint of the report reader, its lexicon and its rules: while it stays the same, a text that was read is not read
    again."""
    return fingerprint_of_files(reader_folder.parent, (reader_folder.name,))


def derivation_version(dbt_project_dir: Path, study: str = DEFAULT_STUDY) -> str:
    """A fingerprint of all rules, of what tests each row once, and the study: while it stays the same, only the rows of patients whose
    records changed are computed, and tested for twins. Another DuckDB may compute, and compare, otherwise."""
    of_dbt = fingerprint_of_files(dbt_project_dir, ("dbt_project.yml", "macros", "models", "seeds", "tests"))
    told = f"{of_dbt} {margin_rules_version()} {version('duckdb')}"
    return f"{hashlib.sha256(told.encode()).hexdigest()[:16]}-{study}"


def chosen_study(settings: Settings) -> str:
    """The study that tonight's cohort is made for.

    Raises:
        UnknownStudy: seeds.studies has no such row.
    """
    with (settings.dbt_project_dir / "seeds" / "definitions" / "studies.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        studies = [row["study"] for row in csv.DictReader(file)]
    if settings.study not in studies:
        raise UnknownStudy(f"CRLM_STUDY is {settings.study!r}; seeds/definitions/studies.csv has {', '.join(studies)}")
    return settings.study


def dbt_variables(settings: Settings, study: str) -> dict[str, str]:
    """What dbt is told of the study and the rules, in a parse and in a build alike."""
    return {
        "study": study,
        "margin_rules_version": margin_rules_version(),
        "derivation_version": derivation_version(settings.dbt_project_dir, study),
    }


def dbt_build_arguments(settings: Settings) -> list[str]:
    """What dbt is told tonight: to make every table anew where the build file's patients were derived by other rules.

    Raises:
        WarehouseBusy: another process holds the build file. UnknownStudy: see `chosen_study`.
    """
    versions = dbt_variables(settings, chosen_study(settings))
    # unit tests judge the code, not the night: `make test` runs them
    arguments = ["build", "--exclude-resource-type", "unit_test", "--vars", json.dumps(versions)]
    if is_large(settings.build_file):
        # two statements at once would share the memory that one may take
        arguments += ["--threads", "1"]
    is_same = derivation_versions(settings.build_file) == {versions["derivation_version"]}
    return arguments if is_same else [*arguments, "--full-refresh"]
