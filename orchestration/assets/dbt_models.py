"""The dbt project as Dagster assets: one dbt invocation builds and tests all models; dbt tests show as asset checks."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from orchestration.encryption import encryption_key
from orchestration.night_steps import night_step
from orchestration.settings import PROJECT_ROOT, Settings, load_settings
from orchestration.spoken_errors import spoken
from orchestration.warehouse import derivation_versions

REPORT_READER = PROJECT_ROOT / "report_reader"
DBT_GROUPS = {
    "seeds": "definitions", "changes": "changes", "staging": "staging", "intermediate": "intermediate", "marts": "marts",
    "quality": "quality",
}  # fmt: skip


DEFAULT_STUDY = "crlm"


class UnknownStudy(ValueError):
    """There is no study of that name in seeds.studies."""


def dbt_executable() -> str:
    """The dbt of this very environment, whatever PATH says."""
    beside_python = Path(sys.executable).with_name("dbt")
    return str(beside_python) if beside_python.exists() else shutil.which("dbt") or "dbt"


def dbt_with_parent() -> str:
    """dbt by way of a script that ends it when this process ends, however that comes; where it may not be run, plain dbt."""
    script = Path(__file__).parents[1] / "dbt_with_parent.sh"
    return str(script) if os.access(script, os.X_OK) else dbt_executable()


def failed_nodes(target_path: Path, log_folder: Path) -> str:
    """Which models and tests failed in a dbt run, and of which kind the errors are, for a person; never what they quote."""
    path = target_path / "run_results.json"
    results = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else []
    failed = [
        f"{result['unique_id'].split('.')[2]} ({spoken(RuntimeError(result['message'] or '')).removeprefix('RuntimeError: ')})"
        for result in results
        if result["status"] in ("error", "fail", "runtime error")
    ]
    what = "; ".join(failed) or "dbt ended before it had built anything"
    return (
        f"dbt failed: {what}. The whole log, which may quote records, is in {log_folder.name}/logs of the build area."
    )


def path_with_reader() -> str:
    """PYTHONPATH for dbt, which loads the report reader as a plugin from beside this package."""
    return os.pathsep.join(
        dict.fromkeys([str(PROJECT_ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    )


def prepare_dbt_environment(settings: Settings) -> None:
    """What the dbt subprocess reads from its environment."""
    os.environ["CRLM_BUILD_PATH"] = str(settings.build_file)
    os.environ["PYTHONPATH"] = path_with_reader()
    os.environ["DBT_TARGET_PATH"] = str(settings.dbt_target)
    os.environ["DBT_LOG_PATH"] = str(settings.dbt_target / "logs")
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    # at its default, debug, the log of one night is 9 MB
    os.environ["DBT_LOG_LEVEL_FILE"] = "info"
    os.environ["CRLM_PYTHON"] = sys.executable
    key = encryption_key()
    os.environ["CRLM_DBT_TARGET"] = "build" if key is None else "encrypted"
    # dbt takes variables of this name for secrets, and leaves their values out of its logs
    os.environ["DBT_ENV_SECRET_ENCRYPTION_KEY"] = key or ""
    os.environ["CRLM_DBT_PARENT"] = str(os.getpid())


def current_manifest(settings: Settings) -> Path:
    """dbt's manifest; parsed anew when a file of the dbt project is younger than it."""
    manifest = settings.dbt_target / "manifest.json"
    sources = [path for path in settings.dbt_project_dir.rglob("*") if path.is_file() and "target" not in path.parts]
    os.environ["PYTHONPATH"] = path_with_reader()
    if not manifest.exists() or manifest.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        subprocess.run(
            [dbt_executable(), "--quiet", "parse", "--project-dir", str(settings.dbt_project_dir),
             "--profiles-dir", str(settings.dbt_project_dir), "--target-path", str(settings.dbt_target)],
            check=True,
        )  # fmt: skip
        manifest.touch()
    return manifest


def fingerprint_of_files(folder: Path, parts: tuple[str, ...]) -> str:
    """One for all files below the parts of a folder, or that are such a part: names and contents."""
    fingerprint = hashlib.sha256()
    for part in parts:
        files = [folder / part] if (folder / part).is_file() else sorted((folder / part).rglob("*"))
        for path in files:
            if path.is_file() and "__pycache__" not in path.parts:
                fingerprint.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return fingerprint.hexdigest()[:16]


def margin_rules_version(reader_folder: Path = REPORT_READER) -> str:
    """A fingerprint of the report reader, its lexicon and its rules: while it stays the same, a text that was read is not read
    again."""
    return fingerprint_of_files(reader_folder.parent, (reader_folder.name,))


def derivation_version(dbt_project_dir: Path, study: str = DEFAULT_STUDY) -> str:
    """A fingerprint of all rules, and the study: while it stays the same, only the rows of patients whose records changed are
    computed."""
    of_dbt = fingerprint_of_files(dbt_project_dir, ("dbt_project.yml", "macros", "models", "seeds"))
    return f"{hashlib.sha256(f'{of_dbt} {margin_rules_version()}'.encode()).hexdigest()[:16]}-{study}"


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


def dbt_build_arguments(settings: Settings) -> list[str]:
    """What dbt is told tonight: to make every table anew where the build file's patients were derived by other rules.

    Raises:
        WarehouseBusy: another process holds the build file. UnknownStudy: see `chosen_study`.
    """
    study = chosen_study(settings)
    versions = {
        "study": study,
        "margin_rules_version": margin_rules_version(),
        "derivation_version": derivation_version(settings.dbt_project_dir, study),
    }
    # unit tests judge the code, not the night: `make test` runs them
    arguments = ["build", "--exclude-resource-type", "unit_test", "--vars", json.dumps(versions)]
    is_same = derivation_versions(settings.build_file) == {versions["derivation_version"]}
    return arguments if is_same else [*arguments, "--full-refresh"]


class LayerTranslator(DagsterDbtTranslator):
    """Assets are keyed by schema and table, as a query on the warehouse names them, and grouped by layer."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        table = dbt_resource_props.get("alias") or dbt_resource_props["name"]
        return dg.AssetKey([dbt_resource_props["schema"], table])

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        # nothing is derived from what the landing gate has not let through
        return super().get_asset_spec(manifest, unique_id, project).merge_attributes(deps=[["quality", "landing_gate"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        folders = dbt_resource_props["fqn"][1:-1]
        if dbt_resource_props["resource_type"] == "seed":
            return "definitions"
        group = DBT_GROUPS.get(folders[0]) if folders else None
        return "_".join([group, *folders[1:2]]) if group == "intermediate" else group


built_patients = dg.AssetSpec(
    key=["intermediate", "built_patients"],
    group_name="changes",
    kinds={"duckdb"},
    description="What each patient's rows were last built from; dbt writes it once all of them are built. docs/incremental.md",
)


def dbt_assets_and_resource(settings: Settings) -> tuple[dg.AssetsDefinition, DbtCliResource]:
    """The asset definition of all dbt models and the resource that runs dbt for it."""
    prepare_dbt_environment(settings)
    project = DbtProject(
        project_dir=settings.dbt_project_dir,
        target_path=settings.dbt_target,
        profiles_dir=settings.dbt_project_dir,
    )

    @dbt_assets(manifest=current_manifest(settings), project=project, dagster_dbt_translator=LayerTranslator())
    @night_step
    def dbt_models(context: dg.AssetExecutionContext, dbt: DbtCliResource):
        """Staging, clinical rules and marts; a failing test of severity error stops everything below it."""
        if context.is_subset:
            raise dg.Failure(
                description="The dbt models are made together: a single one would stand beside those of another night. Materialize"
                " the whole of `dbt_models`, or run `crlm refresh --force`.",
                allow_retries=False,
            )
        prepare_dbt_environment(settings)
        invocation = dbt.cli(dbt_build_arguments(settings), context=context, raise_on_error=False)
        yield from invocation.stream()
        if not invocation.is_successful():
            settings.suspicion.touch()
            raise dg.Failure(description=failed_nodes(invocation.target_path, settings.dbt_target), allow_retries=False)

    return dbt_models, DbtCliResource(project_dir=project, dbt_executable=dbt_with_parent())


dbt_models, dbt_resource = dbt_assets_and_resource(load_settings())
