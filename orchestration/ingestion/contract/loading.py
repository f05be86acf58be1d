"""The contracts of all hospitals from their folders; one hospital's mistake is its own."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from orchestration.ingestion.contract.checks import problems_of, problems_of_hospital
from orchestration.ingestion.contract.model import SETTINGS_OF_HOSPITAL, HospitalIdentity, SourceContract
from orchestration.ingestion.contract.problems import ContractError, Problem
from orchestration.ingestion.contract.settings_file import SettingsFile, read_settings

CONTRACTS_FOLDER = Path(__file__).parent.parent / "contracts"
HOSPITAL_FILE = "hospital.yml"
Model = TypeVar("Model", SourceContract, HospitalIdentity)


@dataclass(frozen=True)
class Refusal:
    """A contract (or a whole hospital) that cannot be used, and why; a line a problem, each with file and line."""

    source_system: str
    file: str
    reason: str
    feed: str | None = None
    """None: it could not be read, or it is hospital.yml's, which all of the hospital's feeds need."""
    system: str = "main"
    is_simulated: bool = False


@dataclass
class Hospitals:
    """What all hospitals send, as far as their contracts can be used."""

    contracts: list[SourceContract] = field(default_factory=list)
    identities: dict[str, HospitalIdentity] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)


def load_hospitals(contracts_folder: Path = CONTRACTS_FOLDER) -> list[SourceContract]:
    """Every contract of every hospital below `contracts_folder`, by hospital and file name.

    Raises:
        ContractError: any of them cannot be used.
    """
    hospitals = read_hospitals(contracts_folder)
    if hospitals.refusals:
        raise ContractError("\n".join(refusal.reason for refusal in hospitals.refusals))
    return hospitals.contracts


def read_hospitals(contracts_folder: Path, known_endpoints: Collection[str] | None = None) -> Hospitals:
    """The contracts that can be used, and the refusals of the others.

    Raises:
        ContractError: there is no such folder.
    """
    if not contracts_folder.is_dir():
        raise ContractError(f"{contracts_folder}: there is no such folder of contracts")
    hospitals = Hospitals()
    for folder in sorted(path for path in contracts_folder.iterdir() if path.is_dir()):
        if folder.name.startswith((".", "__")):
            continue
        try:
            identity = load_identity(folder, known_endpoints)
        except ContractError as error:
            hospitals.refusals.append(Refusal(folder.name, HOSPITAL_FILE, str(error)))
            continue
        hospitals.identities[folder.name] = identity
        _add_contracts(hospitals, folder, identity)
    return hospitals


def _add_contracts(hospitals: Hospitals, folder: Path, identity: HospitalIdentity) -> None:
    seen: dict[tuple[str, str], str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in (".yml", ".yaml") and _is_out_of_place(path, folder):
            where = path.relative_to(folder).as_posix()
            reason = (
                f"{folder.name}/{where}:1: nobody reads it: a contract lies in its hospital's folder and ends in .yml"
            )
            feed, system = _feed_named_in(path)
            hospitals.refusals.append(Refusal(folder.name, where, reason, feed, system, identity.is_simulated))
    for path in sorted(folder.glob("*.yml")):
        if path.name == HOSPITAL_FILE:
            continue
        try:
            contract = load_contract(path, identity)
            twin = seen.setdefault((contract.feed, contract.system), path.name)
            if twin != path.name:
                reason = f"{twin} is a contract for this feed and system too: give each its own `system`"
                raise read_settings(path).error([Problem(("feed",), reason)])
            hospitals.contracts.append(contract)
        except ContractError as error:
            feed, system = _feed_named_in(path)
            refusal = Refusal(folder.name, path.name, str(error), feed, system, identity.is_simulated)
            hospitals.refusals.append(refusal)


def _is_out_of_place(path: Path, folder: Path) -> bool:
    return (path.parent != folder or path.suffix != ".yml") and not path.name.startswith(".")


def _feed_named_in(path: Path) -> tuple[str | None, str]:
    """Whose records a contract that cannot be used would have brought, as far as it says."""
    try:
        settings = read_settings(path).settings
    except ContractError:
        return None, "main"
    feed, system = settings.get("feed"), settings.get("system", "main")
    return feed if isinstance(feed, str) else None, system if isinstance(system, str) else "main"


def load_identity(folder: Path, known_endpoints: Collection[str] | None = None) -> HospitalIdentity:
    """What hospital.yml says of the hospital that the folder is named after.

    Raises:
        ContractError: no such file, or one that cannot be used.
    """
    path = folder / HOSPITAL_FILE
    if not path.exists():
        raise ContractError(f"{folder.name}/{HOSPITAL_FILE}:1: there is no such file (with `name` and `is_simulated`)")
    file = read_settings(path)
    identity = _built(HospitalIdentity, file, {})
    if known_endpoints is not None and (problems := list(problems_of_hospital(identity, known_endpoints))):
        raise file.error(problems)
    return identity


def load_contract(path: Path, identity: HospitalIdentity) -> SourceContract:
    """Read one feed's contract of a hospital.

    Raises:
        ContractError: not YAML, an unknown or missing setting, or one that does not fit the canonical feed.
    """
    file = read_settings(path)
    for name in SETTINGS_OF_HOSPITAL:
        if name in file.settings:
            reason = f"this is the hospital's, not the feed's: it belongs into {HOSPITAL_FILE}"
            raise file.error([Problem((name,), reason)])
    of_hospital = {
        "source_system": path.parent.name,
        "is_simulated": identity.is_simulated,
        "not_derivable": identity.not_derivable,
        "time_zone": identity.time_zone,
    }
    contract = _built(SourceContract, file, of_hospital)
    if problems := list(problems_of(contract)):
        raise file.error(problems)
    return contract


def _built(kind: type[Model], file: SettingsFile, more: dict[str, Any]) -> Model:
    for name in file.settings:
        if not isinstance(name, str):
            raise file.error([Problem((name,), "the name of a setting must be text")])
    try:
        return kind(**file.settings, **more)
    except ValidationError as error:
        raise file.error(_plainly(kind, file, one) for one in error.errors()) from error


def _plainly(kind: type[BaseModel], file: SettingsFile, error: Any) -> Problem:
    """Pydantic's finding in words for whoever writes contracts."""
    where = tuple(part for part in error["loc"] if part != "[key]")
    if error["type"] == "string_type":
        written = file.as_written(error["loc"])
        if error["loc"][-1] == "[key]":
            where = (*where[:-1], written)
        return Problem(where, f'must be text: write it in quotes, as "{written}"')
    if error["type"] == "list_type":
        return Problem(where, 'must be a list of texts, such as ["1", "NA"]')
    if error["type"] == "missing":
        return Problem(where, "this setting is missing")
    if error["type"] == "extra_forbidden":
        known = ", ".join(
            name for name in _settings_at(kind, where) if name not in SETTINGS_OF_HOSPITAL or kind is HospitalIdentity
        )
        return Problem(where, f"no setting has this name (known: {known})")
    return Problem(where, error["msg"].removeprefix("Value error, "))


def _settings_at(kind: type[BaseModel], where: tuple[str | int, ...]) -> list[str]:
    """The settings that are known where this one stands."""
    for part in where[:-1]:
        field = kind.model_fields.get(str(part))
        nested = [one for one in _types_in(field.annotation) if issubclass(one, BaseModel)] if field else []
        kind = nested[0] if nested else kind
    return list(kind.model_fields)


def _types_in(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not getattr(annotation, "__args__", None):
        return [annotation]
    return [one for part in getattr(annotation, "__args__", ()) for one in _types_in(part)]
