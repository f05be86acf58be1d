"""dagster-dbt in the night's process: without dbt's own Python, with all that dbt builds."""

import subprocess
import sys

IMPORTED = """
import sys
import orchestration.dbt_build.dagster_dbt_alone as alone
assert "dbt.contracts.results" not in sys.modules
from dbt.version import __version__
assert str(alone.DBT_VERSION) == __version__
"""
SELECTED = """
import orchestration.dbt_build.dagster_dbt_alone
from dagster_dbt.utils import select_unique_ids
manifest = {"metadata": {"dbt_version": "1.11.0"}, "nodes": {"model.a.b": {}, "test.a.c": {}}}
assert select_unique_ids("fqn:*", "", "", None, manifest) == {"model.a.b", "test.a.c"}
"""


def test_importing_dagster_dbt_leaves_dbt_alone_and_dbt_can_be_imported_afterwards():
    subprocess.run([sys.executable, "-c", IMPORTED], check=True)


def test_everything_of_a_manifest_is_selected_without_dbt():
    subprocess.run([sys.executable, "-c", SELECTED], check=True)
