"""The dbt project as Dagster assets: one dbt invocation builds and tests all models; dbt tests show as asset checks."""

import csv
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets

from orchestration.dbt_parse import current_parse
from orchestration.dbt_runs import dbt_command, dbt_with_parent
from orchestration.engines.night import dbt_environment_of_night, engine_of_night
from orchestration.night_steps import night_step
from orchestration.settings import PROJECT_ROOT, Settings, load_settings
from orchestration.spoken_errors import spoken
from orchestration.warehouse import derivation_versions, open_build_file

REPORT_READER = PROJECT_ROOT / "report_reader"
DBT_GROUPS = {
    "seeds": "definitions", "changes": "changes", "staging": "staging", "intermediate": "intermediate", "marts": "marts",
    "quality": "quality",
}  # fmt: skip


DEFAULT_STUDY = "crlm"


class UnknownStudy(ValueError):
    """There is no study of that name in seeds.studies."""


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
    is_same = derivation_versions(settings.build_file) == {versions["derivation_version"]}
    return arguments if is_same else [*arguments, "--full-refresh"]


# each asset links to the file of its model
SETTINGS_OF_DBT_ASSETS = DagsterDbtTranslatorSettings(enable_code_references=True)


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

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        # Dagster's own begins with the SQL; that is a click away under the code reference
        return dbt_resource_props.get("description") or ""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        folders = dbt_resource_props["fqn"][1:-1]
        if dbt_resource_props["resource_type"] == "seed":
            return "definitions"
        group = DBT_GROUPS.get(folders[0]) if folders else None
        return "_".join([group, *folders[1:2]]) if group == "intermediate" else group


def with_row_counts(settings: Settings, outputs: list[dg.Output]) -> Iterator[dg.Output]:
    """The outputs of dbt's models with the number of rows that each table holds, which Dagster plots over the nights."""
    with open_build_file(settings.build_file, read_only=True) as connection:
        counts = dict(
            connection.execute(
                "SELECT schema_name || '__' || table_name, estimated_size FROM duckdb_tables() WHERE NOT temporary"
            ).fetchall()
        )
    for output in outputs:
        n_rows = counts.get(output.output_name)
        counted = {} if n_rows is None else {"dagster/row_count": n_rows}
        yield dg.Output(output.value, output.output_name, metadata={**output.metadata, **counted})


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

    @dbt_assets(
        manifest=current_manifest(settings),
        project=project,
        dagster_dbt_translator=LayerTranslator(SETTINGS_OF_DBT_ASSETS),
    )
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
        variables = dbt_variables(settings, chosen_study(settings))
        with engine_of_night(settings, variables, context.log.info) as engine:
            arguments = list(dict.fromkeys([*dbt_build_arguments(settings), *engine.arguments]))
            invocation = dbt.cli(arguments, context=context, raise_on_error=False)
            built = []
            for event in invocation.stream():
                # a model's rows can be counted when dbt has let go of the file
                if isinstance(event, dg.Output):
                    built.append(event)
                else:
                    yield event
            if invocation.is_successful():
                engine.bring_back(settings.dbt_target / "manifest.json")
            elif not engine.is_build_file:
                # made, but elsewhere: no table of tonight's
                built.clear()
            yield from with_row_counts(settings, built)
            if not invocation.is_successful():
                settings.suspicion.touch()
                why = engine.objection() or failed_nodes(invocation.target_path, settings.dbt_target)
                raise dg.Failure(description=why, allow_retries=False)

    return dbt_models, DbtCliResource(project_dir=project, dbt_executable=dbt_with_parent())


dbt_models, dbt_resource = dbt_assets_and_resource(load_settings())
