"""Where dbt waits that was started before there is work (waiting.py): dbt-duckdb asks its plugins (profiles.yml) before it opens the
build file, when everything else is loaded. What it would load and compile later it does first."""

import importlib
import os
import sys
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.factory import get_adapter_by_type

from orchestration.dbt_build.child import KILLED, WAITS
from orchestration.dbt_build.quick_jinja import compile_ahead

LOADED_LATER = ("dbt_common.clients.agate_helper", "report_reader.batches", "concurrent.futures.process")


class Plugin(BasePlugin):
    """What dbt-duckdb calls."""

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Wait until the night says so; when the night ends first, so does this process."""
        if not os.environ.pop(WAITS, ""):
            return
        for module in LOADED_LATER:
            importlib.import_module(module)
        compile_ahead(get_adapter_by_type("duckdb").get_macro_resolver())
        if not sys.stdin.readline():
            os._exit(KILLED)
