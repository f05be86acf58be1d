"""A night as the assets of raw run it, for the stories of several nights."""

from orchestration.ingestion import load_feed as loading
from orchestration.ingestion.closed_folders import record_closed_folders
from orchestration.ingestion.contract import read_hospitals

GOOD = "id;patient;when;what;where;left\nT1;SIM0000001;03.04.2009;op;L;0\n"


def night(warehouse, run_id: str, feed: str = "treatments") -> tuple[list[tuple[str, str, str]], list[str]]:
    """Hospital, feed and reason of what is stale, and the names of the files that no contract names."""
    hospitals = read_hospitals(warehouse.contracts_folder, ["overall_survival", "salvage"])
    loading.load_feed(warehouse.connection, warehouse.landing, hospitals.contracts, feed, run_id)
    loading.record_hospital_limits(warehouse.connection, hospitals)
    loading.record_refused_contracts(warehouse.connection, hospitals, run_id)
    unclaimed = loading.record_unclaimed_files(warehouse.connection, warehouse.landing, hospitals, run_id)
    loading.record_origins(warehouse.connection, hospitals)
    record_closed_folders(warehouse.connection, warehouse.landing, hospitals, run_id)
    return loading.record_stale_feeds(warehouse.connection, hospitals, warehouse.landing), unclaimed
