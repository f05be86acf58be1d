"""Source contracts: what a hospital's files look like and how their columns become the warehouse's.

A hospital is a folder with `hospital.yml` and one YAML file a feed; the folder's name is the hospital's `source_system`
and the name of its folder in the landing area. A wrong contract is refused with its file, line and reason.
docs/add_a_source.md walks through one. Rooms: model (the settings), checks (what agrees with the warehouse), formats
(what each file format asks of a contract), settings_file (YAML with its lines), loading.
"""

from orchestration.ingestion.contract.loading import (
    CONTRACTS_FOLDER,
    Hospitals,
    Refusal,
    load_hospitals,
    read_hospitals,
)
from orchestration.ingestion.contract.model import FORMATS_WITH_TIME_ZONES, TIME_ZERO, FieldContract, SourceContract
from orchestration.ingestion.contract.problems import ContractError

__all__ = [
    "CONTRACTS_FOLDER",
    "FORMATS_WITH_TIME_ZONES",
    "TIME_ZERO",
    "ContractError",
    "FieldContract",
    "Hospitals",
    "Refusal",
    "SourceContract",
    "load_hospitals",
    "read_hospitals",
]
