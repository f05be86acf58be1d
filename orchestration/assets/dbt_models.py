"""The dbt project as Dagster assets: one dbt invocation builds and tests all models; dbt tests show as asset checks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import dagster as dg

from orchestration.computing.night import begin_computing, families_of_run
from orchestration.dbt_build.arguments import (
    chosen_study,
    current_manifest,
    dbt_build_arguments,
    dbt_variables,
    failed_nodes,
    failures,
    prepare_dbt_environment,
)
from orchestration.dbt_build.dagster_dbt_alone import (
    DBT_VERSION,
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    DbtProject,
    dbt_assets,
    validate_manifest,
)
from orchestration.dbt_build.runs import dbt_with_parent
from orchestration.dbt_build.waiting import waiting_dbt
from orchestration.engines.night import engine_of_night
from orchestration.nights.steps import night_step
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import open_build_file

DBT_GROUPS = {
    "seeds": "definitions",
    "changes": "changes",
    "staging": "staging",
    "intermediate": "intermediate",
    "marts": "marts",
    "quality": "quality",
}

ROW_COUNTS = "rows of tables: "
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


def row_counts(settings: Settings) -> dict[str, int]:
    """Rows of each table of the build file, by the names of Dagster's outputs."""
    with open_build_file(settings.build_file, read_only=True) as connection:
        return dict(
            connection.execute(
                "SELECT schema_name || '__' || table_name, estimated_size FROM duckdb_tables() WHERE NOT temporary"
            ).fetchall()
        )


def told_row_counts(dbt_event: Mapping[str, Any]) -> dict[str, int] | None:
    """The same, where it is what dbt says at its end (macro tell_row_counts); None of any other event."""
    said = dbt_event["info"]["msg"]
    return json.loads(said.removeprefix(ROW_COUNTS)) if said.startswith(ROW_COUNTS) else None


def with_row_counts(counts: Mapping[str, int], outputs: list[dg.Output]) -> Iterator[dg.Output]:
    """The outputs of dbt's models with the number of rows that each table holds, which Dagster plots over the nights."""
    for output in outputs:
        n_rows = counts.get(output.output_name)
        counted = {} if n_rows is None else {"dagster/row_count": n_rows}
        yield dg.Output(output.value, output.output_name, metadata={**output.metadata, **counted})


class DbtOfThisEnvironment(DbtCliResource):
    """dbt as it is installed here: Dagster's own class starts `dbt --version` each night, and makes a database handle in this process
    that only its own counts of rows and columns would use (dbt holds the build file meanwhile)."""

    @cached_property
    def _cli_version(self) -> Any:
        return DBT_VERSION

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        return None


built_patients = dg.AssetSpec(
    key=["intermediate", "built_patients"],
    group_name="changes",
    kinds={"duckdb"},
    description="What each patient's rows were last built from; dbt writes it once all of them are built. docs/incremental.md",
)


def dbt_assets_and_resource(settings: Settings) -> tuple[dg.AssetsDefinition, DbtCliResource]:
    """The asset definition of all dbt models and the resource that runs dbt for it."""
    prepare_dbt_environment(settings)
    manifest, translator = current_manifest(settings), LayerTranslator(SETTINGS_OF_DBT_ASSETS)
    project = DbtProject(
        project_dir=settings.dbt_project_dir,
        target_path=settings.dbt_target,
        profiles_dir=settings.dbt_project_dir,
    )

    def begun(context: dg.AssetExecutionContext, dbt: DbtCliResource, arguments: Sequence[str]) -> DbtCliInvocation:
        """dbt at work: the one that was started while files were loaded, if it was started with these arguments."""
        waiting = waiting_dbt(arguments)
        if waiting is None:
            return dbt.cli(arguments, context=context, raise_on_error=False)
        context.log.info(f"dbt, started early, goes on: {' '.join(arguments)}")
        waiting.go()
        return DbtCliInvocation(
            process=waiting.process,
            manifest=validate_manifest(manifest),
            dagster_dbt_translator=translator,
            project_dir=settings.dbt_project_dir,
            target_path=waiting.target,
            raise_on_error=False,
            cli_version=DBT_VERSION,
            project=project,
            context=context,
        )

    @dbt_assets(
        manifest=manifest,
        project=project,
        dagster_dbt_translator=translator,
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
            invocation = begun(context, dbt, engine.told(dbt_build_arguments(settings)))
            engine.dbt_begins(invocation.process)
            built: list[dg.Output] = []
            for event in invocation.stream_raw_events():
                if counts := told_row_counts(event.raw_event):
                    # dbt closes the file meanwhile
                    yield from with_row_counts(counts, built)
                    built.clear()
                for told in event.to_default_asset_events(
                    validate_manifest(manifest), translator, context, invocation.target_path, project
                ):
                    # a model's rows are counted when all are made
                    if isinstance(told, dg.Output):
                        built.append(told)
                    else:
                        yield told
            if invocation.is_successful():
                engine.bring_back(settings.dbt_target / "manifest.json")
            elif not engine.is_build_file:
                # made, but elsewhere: no table of tonight's
                built.clear()
            if built:
                yield from with_row_counts(row_counts(settings), built)
            if not invocation.is_successful():
                settings.suspicion.touch()
                target = invocation.target_path
                why = engine.objection(failures(target).values()) or failed_nodes(target, settings.dbt_target)
                raise dg.Failure(description=why, allow_retries=False)
        if families := families_of_run(context):
            begin_computing(context, families, is_whole_night=True)

    return dbt_models, DbtOfThisEnvironment(project_dir=project, dbt_executable=dbt_with_parent())


dbt_models, dbt_resource = dbt_assets_and_resource(load_settings())
