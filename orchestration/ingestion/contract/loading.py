"""The contracts of all hospitals from their folders."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from orchestration.ingestion.contract.checks import problems_of
from orchestration.ingestion.contract.model import SETTINGS_OF_HOSPITAL, HospitalIdentity, SourceContract
from orchestration.ingestion.contract.problems import ContractError, Problem
from orchestration.ingestion.contract.settings_file import SettingsFile, read_settings

CONTRACTS_FOLDER = Path(__file__).parent.parent / "contracts"
HOSPITAL_FILE = "hospital.yml"
Model = TypeVar("Model", SourceContract, HospitalIdentity)


def load_hospitals(contracts_folder: Path = CONTRACTS_FOLDER) -> list[SourceContract]:
    """Every contract of every hospital below `contracts_folder`, by hospital and file name.

    Raises:
        ContractError: see `load_contract`; also a folder without hospital.yml, or two contracts of one feed and system.
    """
    contracts: list[SourceContract] = []
    for folder in sorted(path for path in contracts_folder.iterdir() if path.is_dir()):
        identity = load_identity(folder)
        seen: dict[tuple[str, str], Path] = {}
        for path in sorted(folder.glob("*.yml")):
            if path.name == HOSPITAL_FILE:
                continue
            contract = load_contract(path, identity)
            twin = seen.setdefault((contract.feed, contract.system), path)
            if twin != path:
                raise ContractError(
                    f"{path}:1: {twin.name} is a contract for feed '{contract.feed}' too: give each its own `system`"
                )
            contracts.append(contract)
    return contracts


def load_identity(folder: Path) -> HospitalIdentity:
    """What hospital.yml says of the hospital that the folder is named after.

    Raises:
        ContractError: no such file, or one that cannot be used.
    """
    path = folder / HOSPITAL_FILE
    if not path.exists():
        raise ContractError(f"{folder}: no {HOSPITAL_FILE} (with `name` and `is_simulated`)")
    file = read_settings(path)
    return _built(HospitalIdentity, file, {})


def load_contract(path: Path, identity: HospitalIdentity) -> SourceContract:
    """Read one feed's contract of a hospital.

    Raises:
        ContractError: not YAML, an unknown or missing setting, or one that does not fit the canonical feed.
    """
    file = read_settings(path)
    for name in SETTINGS_OF_HOSPITAL:
        if name in file.settings:
            raise file.error(
                Problem((name,), f"this is the hospital's, not the feed's: it belongs into {HOSPITAL_FILE}")
            )
    of_hospital = {
        "source_system": path.parent.name,
        "is_simulated": identity.is_simulated,
        "not_derivable": identity.not_derivable,
    }
    contract = _built(SourceContract, file, of_hospital)
    for problem in problems_of(contract):
        raise file.error(problem)
    return contract


def _built(kind: type[Model], file: SettingsFile, more: dict[str, Any]) -> Model:
    # a setting that is left empty is as if it were not there
    given = {name: value for name, value in file.settings.items() if value is not None}
    try:
        return kind(**given, **more)
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        raise file.error(Problem(first["loc"], reason)) from error
