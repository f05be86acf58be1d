"""Where dbt waits that was started before there is work (waiting.py): dbt-duckdb asks its plugins (profiles.yml) before it opens the
build file, when everything else is loaded."""

import os
import sys
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from orchestration.dbt_build.child import KILLED, WAITS


class Plugin(BasePlugin):
    """What dbt-duckdb calls."""

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Wait until the night says so; when the night ends first, so does this process."""
        if os.environ.pop(WAITS, "") and not sys.stdin.readline():
            os._exit(KILLED)
