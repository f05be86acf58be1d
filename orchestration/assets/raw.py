"""Landing files into the raw schema: one asset a feed, of all hospitals that send it."""

import dagster as dg

from orchestration.hospitals import hospitals_of
from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.closed_folders import record_closed_folders
from orchestration.ingestion.database import fetch_sources
from orchestration.ingestion.load_feed import (
    assign_study_ids,
    file_numbers,
    load_feed,
    record_fetches,
    record_hospital_limits,
    record_origins,
    record_refused_contracts,
    record_stale_feeds,
    record_unclaimed_files,
)
from orchestration.ingestion.load_file import FileLoad
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.nights.steps import night_step
from orchestration.settings import load_settings
from orchestration.warehouse import open_build_file

ACCOUNTS = {
    "patient_identifiers": "MRN to study id, restricted to the build file. The study id is a keyed hash, the same on every rebuild.",
    "rejected_records": "Records (or single fields) that could not be read: file, line, field, value, reason and the record verbatim.",
    "load_notices": "What no reader takes, keys of two patients, dates that read both ways: what was loaded and should be looked at.",
    "not_derivable_endpoints": "What a hospital's records cannot tell, and why, as its hospital.yml says.",
    "stale_feeds": "Feeds of which something that was sent is not in (a contract or file was refused) and feeds that stopped coming; "
    "their last records stay.",
    "ingest_ledger": "One row a file taken in: rows read = loaded + rejected + duplicate; refused files with the reason.",
}

landing_files = [
    dg.AssetSpec(
        key=["landing", feed],
        group_name="landing",
        description=f"Files in the landing folder. {definition.description}.",
        kinds={"file"},
    )
    for feed, definition in canonical_feeds().items()
]


def _metadata(loads: list[FileLoad], refused: list[str]) -> dict[str, dg.MetadataValue]:
    return {
        "files_taken_in": dg.MetadataValue.int(len(loads)),
        "rows_read": dg.MetadataValue.int(sum(load.rows_read for load in loads)),
        "rows_loaded": dg.MetadataValue.int(sum(load.rows_loaded for load in loads)),
        "rows_rejected": dg.MetadataValue.int(sum(load.rows_rejected for load in loads)),
        "rows_duplicate": dg.MetadataValue.int(sum(load.rows_duplicate for load in loads)),
        "fields_rejected": dg.MetadataValue.int(sum(load.fields_rejected for load in loads)),
        "refused_files": dg.MetadataValue.text("; ".join(refused) or "none"),
    }


def _feed_asset(feed: str, description: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=["raw", feed],
        deps=[["landing", feed]],
        group_name="raw",
        kinds={"python", "duckdb"},
        description=f"{description}. Verbatim and append-only; every record keeps its file, line, hash and load time.",
    )
    @night_step
    def load(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        settings = load_settings()
        # the key comes before the build file, also in a run that `crlm refresh` has not prepared: afterwards it would be lost
        _ = settings.study_id_key
        contracts = hospitals_of(settings).contracts
        fetches = fetch_sources(settings.landing, contracts, feed, progress=context.log.info)
        with open_build_file(settings.build_file) as connection:
            unreached = record_fetches(connection, fetches, context.run.run_id)
            loads = load_feed(connection, settings.landing, contracts, feed, context.run.run_id, context.log.info)
            numbers = file_numbers(connection)
        # a file's name may hold a patient's: Dagster's store gets its number, raw.ingest_ledger in the build file its name
        refused = [
            f"{numbers[load.source_system, load.source_file]} of {load.source_system}: {load.status}"
            for load in loads
            if load.status != "loaded"
        ]
        for reason in unreached:
            context.log.warning(f"not fetched: {reason}")
        for told in refused:
            context.log.warning(told)
        return dg.MaterializeResult(metadata=_metadata(loads, refused))

    return load


feed_assets = [_feed_asset(feed, definition.description) for feed, definition in canonical_feeds().items()]


@dg.multi_asset(
    name="raw_accounts",
    specs=[
        dg.AssetSpec(
            key=["raw", name],
            group_name="raw",
            kinds={"python", "duckdb"},
            description=description,
            deps=[["raw", feed] for feed in canonical_feeds()],
        )
        for name, description in ACCOUNTS.items()
    ],
)
@night_step
def raw_accounts(context: dg.AssetExecutionContext):
    """What every feed adds to: the link to study ids, the quarantine, the ledger."""
    settings = load_settings()
    with open_build_file(settings.build_file) as connection:
        create_raw_schema(connection)
        hospitals = hospitals_of(settings)
        record_hospital_limits(connection, hospitals)
        record_refused_contracts(connection, hospitals, context.run.run_id)
        unclaimed = record_unclaimed_files(connection, settings.landing, hospitals, context.run.run_id)
        record_origins(connection, hospitals)
        closed = record_closed_folders(connection, settings.landing, hospitals, context.run.run_id)
        stale = record_stale_feeds(connection, hospitals, settings.landing)
        new_patients = assign_study_ids(connection, settings.study_id_key)
        counts = {name: connection.execute(f"SELECT count(*) FROM raw.{name}").fetchall()[0][0] for name in ACCOUNTS}
        numbers = file_numbers(connection)
    for name in unclaimed:
        context.log.warning(f"{numbers[name.split('/')[0], name]}: no contract names this file; `crlm doctor` names it")
    for (hospital, _, _, name), why in closed.items():
        told = f"{numbers[hospital, name]}, a folder of {hospital}, cannot be read: {why}; `crlm doctor` names it"
        context.log.warning(told)
    for hospital, feed, reason in stale:
        context.log.warning(f"{hospital}: {feed} is stale, its last records stay: {reason}")
    for name in ACCOUNTS:
        metadata = {"dagster/row_count": counts[name]}
        if name == "patient_identifiers":
            metadata["new_patients"] = new_patients
        yield dg.MaterializeResult(asset_key=["raw", name], metadata=metadata)


raw_assets = [*landing_files, *feed_assets, raw_accounts]
