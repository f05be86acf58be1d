"""The hospitals of this installation: their contracts, checked against the study's own endpoints."""

import csv
from pathlib import Path

from orchestration.ingestion.contract import Hospitals, read_hospitals
from orchestration.settings import Settings

GROUPINGS_THAT_MAY_BE_UNKNOWN = ("margin_group",)
"""What a hospital may say it cannot tell besides whole endpoints."""


def hospitals_of(settings: Settings) -> Hospitals:
    """Every hospital's contracts; those that cannot be used are among the refusals, with file, line and reason.

    Raises:
        ContractError: there is no folder of contracts.
    """
    return read_hospitals(settings.contracts_dir, known_endpoints(settings.dbt_project_dir))


def known_endpoints(dbt_project: Path) -> list[str]:
    """What `not_derivable` of a hospital.yml may name, from the seed that defines the endpoints."""
    with (dbt_project / "seeds" / "definitions" / "endpoint_definitions.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        endpoints = {row["endpoint"]: None for row in csv.DictReader(file)}
    return [*endpoints, *GROUPINGS_THAT_MAY_BE_UNKNOWN]
