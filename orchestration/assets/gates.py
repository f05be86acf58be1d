"""The gates: Great Expectations suites judge what landed, the registry records, the marts and the results; a closed gate stops
all below it."""

from collections.abc import Iterator

import dagster as dg
import duckdb
import pandas as pd

from orchestration.assets.check_pages import page_of_check
from orchestration.hospitals import hospitals_of
from orchestration.ingestion.load_feed import landed_by_feed
from orchestration.judging.load_judge import load_judge
from orchestration.judging.tables_to_judge import TablesToJudge
from orchestration.night_profile.baseline import compared_with_last_night, keep_accepted_changes
from orchestration.night_profile.estimates import profile_estimates
from orchestration.night_profile.landing import profile_landing
from orchestration.night_profile.patients import profile_patients
from orchestration.nights.steps import night_step
from orchestration.publication.verdicts import WRITTEN_BY_GATES, record_verdict
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import (
    open_build_file,
    published_names,
    published_tables,
    read_published,
    read_table,
    table_exists,
    write_table,
)
from quality import GateReport, all_suites, list_suites, no_violations, run_suites_counted
from quality.night import judge_night, list_night_suites

SCHEMAS_OF_STAGE = {"marts": ("marts", "quality"), "results": ("results",)}
# what suites of a stage look up in beside the tables they judge
DEFINITIONS_OF_STAGE = {"marts": ("endpoint_definitions",)}
STAGING_TABLES = ("stg_registry_operations",)


READ_ANEW = (
    "A mended file is read by a new night: `crlm refresh`, or *Re-execute all*."
    " Re-execution from failure judges what was read before."
)


def tables_for_stage(connection: duckdb.DuckDBPyConnection, stage: str) -> TablesToJudge:
    """The restricted staging tables, or every table of a later stage as it would be published, so that the privacy
    checks see what users would."""
    if stage == "staging":
        return TablesToJudge(connection, {table: f"SELECT * FROM staging.{table}" for table in STAGING_TABLES})
    queries = {
        table.name: table.query
        for table in published_tables()
        if (table.schema in SCHEMAS_OF_STAGE[stage] or table.name in DEFINITIONS_OF_STAGE.get(stage, ()))
        and table.name not in WRITTEN_BY_GATES
        and table_exists(connection, table.source_schema, table.source_name)
    }
    return TablesToJudge(connection, queries)


def known_identifiers(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every MRN in raw."""
    return {mrn for (mrn,) in connection.execute("SELECT DISTINCT mrn FROM raw.patient_identifiers").fetchall()}


def previous_cohort_size(settings: Settings) -> int | None:
    """How many patients the published warehouse holds; None before the first publication, and when whoever runs the
    refresh has said that a change of the cohort's size is right."""
    if "cohort:size" in settings.accepted_changes or not settings.published_file.exists():
        return None
    return int(read_published(settings.published_file, "SELECT n_patients FROM meta.publication").iloc[0, 0])


def judge_change(connection: duckdb.DuckDBPyConnection, settings: Settings, stage: str, run_id: str) -> pd.DataFrame:
    """Count tonight's records, marts or estimates, compare with the last accepted night, judge by the rules; keeps the counts, and the
    changes that were accepted by name. Returns the checks."""
    if stage == "landing":
        profile_landing(connection, landed_by_feed(connection, settings.landing, hospitals_of(settings)))
    elif stage == "marts":
        profile_patients(connection)
    else:
        profile_estimates(connection)
    counts = compared_with_last_night(connection, stage)
    checks, accepted = judge_night(counts, stage, settings.accepted_changes)
    keep_accepted_changes(connection, accepted, run_id)
    return checks


def judge(settings: Settings, stage: str, run_id: str) -> GateReport:
    """Run a stage's suites on the build file and keep their results in quality.check_results and quality.violations, and the
    verdict, with fingerprints of what was judged, in quality.gate_verdicts and quality.judged_tables: publication asks them."""
    load_judge()
    with open_build_file(settings.build_file) as connection:
        if stage == "landing":
            report = GateReport(judge_change(connection, settings, stage, run_id), no_violations())
        else:
            report = run_suites_counted(
                tables_for_stage(connection, stage),
                stage,
                previous_cohort_size(settings),
                known_identifiers(connection),
                common=tables_without_suite(stage),
            )
        if stage in ("marts", "results"):
            change = judge_change(connection, settings, stage, run_id)
            report = GateReport(pd.concat([report.checks, change], ignore_index=True), report.violations)
        for table, new_rows in (("check_results", report.checks), ("violations", report.violations)):
            rows = new_rows.assign(stage=stage)
            if table_exists(connection, "quality", table):
                kept = read_table(connection, "quality", table)
                rows = pd.concat([kept[kept["stage"] != stage], rows], ignore_index=True)
            write_table(connection, "quality", table, rows)
        closed_by = dict.fromkeys(f"{check.suite}: {check.check_name}" for check in report.blocking.itertuples())
        record_verdict(connection, stage, report.is_open, closed_by, run_id, settings.code_version)
    return report


def _gate_asset(stage: str, judged: list[tuple[str, str]], description: str) -> dg.AssetsDefinition:
    key = dg.AssetKey(["quality", f"{stage}_gate"])

    @dg.asset(
        key=key,
        group_name="quality",
        kinds={"python"},
        description=description,
        deps=[list(table) for table in judged],
        check_specs=[
            # blocking where it fails with severity ERROR; warnings and accepted changes have severity WARN (check_pages)
            dg.AssetCheckSpec(
                f"expectations_of_{suite}", asset=key, blocking=True, description=f"Great Expectations suite of {suite}"
            )
            for suite in _suites(stage)
        ],
    )
    @night_step
    def gate(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        report = judge(load_settings(), stage, context.run.run_id)
        for suite, checks in report.checks.groupby("suite", sort=False):
            yield page_of_check(key, str(suite), checks, report.violations)
        context.log.info(report.summary())
        if not report.is_open:
            raise dg.Failure(
                description=f"The {stage} gate is closed; nothing is published.\n{report.summary()}\n{READ_ANEW}",
                allow_retries=False,
            )
        yield dg.MaterializeResult(metadata={"checks": len(report.checks), "violations": len(report.violations)})

    return gate


def tables_without_suite(stage: str) -> dict[str, list[str]]:
    """The published tables of a stage that no suite judges by name; they are judged by what holds of their columns."""
    if stage not in ("marts", "results"):
        return {}
    judged = {all_suites()[name].table for name in list_suites(stage) if name in all_suites()}
    return {table: [] for table in published_names(stage) if table not in judged}


def _suites(stage: str) -> list[str]:
    return [
        *tables_without_suite(stage),
        *([] if stage == "landing" else list_suites(stage)),
        *list_night_suites(stage),
    ]


landing_gate = _gate_asset(
    "landing",
    [("raw", "ingest_ledger"), ("raw", "patient_identifiers"), ("raw", "rejected_records")],
    "Judges what changed in the records since the last accepted night. Closed when a rule of severity blocking is broken and "
    "nobody has accepted the change: nothing is derived, nothing published.",
)
staging_gate = _gate_asset(
    "staging",
    [("staging", table) for table in STAGING_TABLES],
    "Judges the typed registry records. Closed when a blocking check fails or cannot be run.",
)
marts_gate = _gate_asset(
    "marts",
    [("quality", "staging_gate"), ("raw", "ingest_ledger"), *(("marts", table) for table in published_names("marts"))],
    "Judges the marts. Closed when a blocking check fails or cannot be run: no statistic is computed, nothing published.",
)
results_gate = _gate_asset(
    "results",
    [("results", table) for table in published_names("results")],
    "Judges the results. Closed when a blocking check fails or cannot be run: yesterday's warehouse stays published.",
)
gate_assets = [landing_gate, staging_gate, marts_gate, results_gate]
