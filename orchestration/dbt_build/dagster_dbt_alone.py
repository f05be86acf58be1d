"""dagster-dbt as it is where dbt-core is not installed: dbt is another process here, and its Python would be imported for the names of
a few statuses and to select everything from a manifest, which takes as long as all of Dagster.

All that uses dagster-dbt imports it from here. Where something has imported it before, it is whole, and works the same.
"""

import contextlib
import importlib.metadata
import sys
from collections.abc import Iterator
from typing import Any

from packaging.version import Version

OF_DBT = "dbt.version"
"""What dagster-dbt imports to find out whether dbt-core is there."""


@contextlib.contextmanager
def _unseen(name: str) -> Iterator[None]:
    """Within it, an import of this module fails as if it were not installed."""
    modules: dict[str, Any] = sys.modules
    before = modules.get(name)
    modules[name] = None
    try:
        yield
    finally:
        del modules[name]
        if before is not None:
            modules[name] = before


with _unseen(OF_DBT):
    from dagster_dbt import (
        DagsterDbtTranslator,
        DagsterDbtTranslatorSettings,
        DbtCliInvocation,
        DbtCliResource,
        DbtProject,
        dbt_assets,
    )
    from dagster_dbt.dbt_manifest import validate_manifest

DBT_VERSION = Version(importlib.metadata.version("dbt-core"))

__all__ = [
    "DBT_VERSION",
    "DagsterDbtTranslator",
    "DagsterDbtTranslatorSettings",
    "DbtCliInvocation",
    "DbtCliResource",
    "DbtProject",
    "dbt_assets",
    "validate_manifest",
]
