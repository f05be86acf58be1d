"""The results schema: frames out of the marts, through `analysis`, into tables anyone can query."""

from collections.abc import Callable, Iterator, Mapping

import dagster as dg
import duckdb
import pandas as pd

from analysis.results.robustness_tables import FURTHER_TABLES
from orchestration.night_steps import night_step
from orchestration.settings import load_settings
from orchestration.warehouse import open_build_file, read_table, write_table

SURVIVAL_TABLES = {
    "kaplan_meier": "Kaplan-Meier estimates by endpoint and group, with numbers at risk",
    "median_times": "Kaplan-Meier medians and quartiles with log, log-log and plain limits, by endpoint and group",
    "cumulative_incidence": "Cumulative incidence (Aalen-Johansen) by endpoint and group, with numbers at risk",
    "landmark_estimates": "The curves read off at 1, 3, 5 and 10 years",
    "group_tests": "Log-rank, Gray's and trend tests between groups",
    "hazard_ratios": "Cox and Fine-Gray models of margin group, unadjusted and adjusted, by endpoint",
    "proportional_hazards": "Tests of proportional hazards of those models",
}


PATIENT_MARTS = [
    ("marts", "event_counts"),
    ("marts", "time_to_event"),
    ("marts", "index_operations"),
    ("marts", "resection_margins"),
]


def patient_rows(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """marts.time_to_event beside the index operation of each patient and its margin's width in mm, where it is known
    exactly: what a regression needs."""
    return connection.execute(
        """SELECT * FROM marts.time_to_event
           JOIN marts.index_operations USING (study_id)
           LEFT JOIN (SELECT study_id, margin_mm FROM marts.resection_margins) USING (study_id)
           ORDER BY endpoint, study_id"""
    ).df()


def window_rows(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """marts.time_to_event_by_window beside the index operation of each patient: what the specification curve needs."""
    return connection.execute(
        """SELECT * FROM marts.time_to_event_by_window
           JOIN marts.index_operations USING (study_id)
           ORDER BY endpoint, synchronous_window_days, study_id"""
    ).df()


def _tables_asset(
    name: str,
    tables: Mapping[str, str],
    inputs: list[tuple[str, str]],
    compute: Callable[[duckdb.DuckDBPyConnection], dict[str, pd.DataFrame]],
) -> dg.AssetsDefinition:
    """Tables computed together from the build file; those selected are written."""

    @dg.multi_asset(
        name=name,
        can_subset=True,
        specs=[
            dg.AssetSpec(
                key=["results", table],
                group_name="results",
                kinds={"python", "duckdb"},
                description=description,
                skippable=True,
                deps=[["quality", "marts_gate"], *([schema, source] for schema, source in inputs)],
            )
            for table, description in tables.items()
        ],
    )
    @night_step
    def results(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        selected = sorted(context.selected_asset_keys)
        with open_build_file(load_settings().build_file) as connection:
            frames = compute(connection)
            for key in selected:
                write_table(connection, "results", key.path[-1], frames[key.path[-1]])
        for key in selected:
            yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": len(frames[key.path[-1]])})

    return results


def _survival_results(connection: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    from analysis.results.survival_results import compute_survival_results

    return compute_survival_results(read_table(connection, "marts", "event_counts"), patient_rows(connection))


def _further_results(connection: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    from analysis.results.robustness_results import compute_further_results

    return compute_further_results(
        read_table(connection, "marts", "event_counts"),
        patient_rows(connection),
        read_table(connection, "results", "hazard_ratios"),
        read_table(connection, "marts", "margin_groups_by_definition"),
        window_rows(connection),
    )


def _table_asset(
    table: str, description: str, inputs: list[tuple[str, str]], compute: Callable[..., pd.DataFrame]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=["results", table],
        group_name="results",
        kinds={"python", "duckdb"},
        description=description,
        deps=[["quality", "marts_gate"], *([schema, name] for schema, name in inputs)],
    )
    @night_step
    def result(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        settings = load_settings()
        with open_build_file(settings.build_file) as connection:
            frame = compute(*(read_table(connection, schema, name) for schema, name in inputs))
            write_table(connection, "results", table, frame)
        return dg.MaterializeResult(metadata={"dagster/row_count": len(frame)})

    return result


def _table_one(index_operations: pd.DataFrame) -> pd.DataFrame:
    from analysis.tables.table_one import table_one

    return table_one(index_operations)


def _recurrence_patterns(first: pd.DataFrame, sites: pd.DataFrame, operations: pd.DataFrame) -> pd.DataFrame:
    from analysis.tables.recurrence_patterns import recurrence_patterns

    return recurrence_patterns(first, sites, operations)


def _salvage_by_margin(first: pd.DataFrame) -> pd.DataFrame:
    from analysis.tables.salvage_by_margin import salvage_by_margin

    return salvage_by_margin(first)


def _follow_up_quality(follow_up: pd.DataFrame, event_counts: pd.DataFrame) -> pd.DataFrame:
    from analysis.tables.follow_up_quality import follow_up_quality

    return follow_up_quality(follow_up, event_counts)


def _state_occupation(state_paths: pd.DataFrame) -> pd.DataFrame:
    from analysis.curves.state_occupation import occupation_by_margin

    return occupation_by_margin(state_paths)


def _margin_agreement(adjudications: pd.DataFrame) -> pd.DataFrame:
    from analysis.tables.margin_agreement import margin_agreement

    return margin_agreement(adjudications)


def _published_comparison(
    hazard_ratios: pd.DataFrame, landmarks: pd.DataFrame, ledger: pd.DataFrame, study: pd.DataFrame
) -> pd.DataFrame:
    from analysis.tables.published_comparison import published_comparison

    compared_with = study["compared_with"].iloc[0]
    return published_comparison(
        hazard_ratios,
        landmarks,
        is_simulated=bool(ledger["is_simulated"].any()),
        compared_with=compared_with if isinstance(compared_with, str) else None,
    )


result_assets = [
    _tables_asset("survival_results", SURVIVAL_TABLES, PATIENT_MARTS, _survival_results),
    _tables_asset("further_results", FURTHER_TABLES,
                 [*PATIENT_MARTS, ("marts", "time_to_event_by_window"), ("marts", "margin_groups_by_definition"),
                  ("results", "hazard_ratios")], _further_results),
    _table_asset("table_one", "Patients and operations by margin group, with missing counts and standardised differences",
                 [("marts", "index_operations")], _table_one),
    _table_asset("recurrence_patterns", "Patterns of initial and of overall recurrence by margin group, with Wilson limits",
                 [("marts", "first_recurrences"), ("marts", "recurrences"), ("marts", "index_operations")], _recurrence_patterns),
    _table_asset("salvage_by_margin", "Salvage after recurrence by margin group, with Wilson limits and trend",
                 [("marts", "first_recurrences")], _salvage_by_margin),
    _table_asset("follow_up_quality", "Length, completeness and frequency of follow-up by margin group, and whether it differs",
                 [("marts", "follow_up"), ("marts", "event_counts")], _follow_up_quality),
    _table_asset("state_occupation", "Probability of being resected, recurred, salvaged or dead, by margin group, half-yearly to ten years",
                 [("marts", "state_paths")], _state_occupation),
    _table_asset("margin_agreement", "Cohen's kappa of margin groups: the rules and reviewers, two reviewers",
                 [("marts", "margin_adjudications")], _margin_agreement),
    _table_asset("published_comparison", "Each published figure of Perrin et al. beside ours",
                 [("results", "hazard_ratios"), ("results", "landmark_estimates"), ("raw", "ingest_ledger"),
                  ("intermediate", "chosen_study")],
                 _published_comparison),
]  # fmt: skip
