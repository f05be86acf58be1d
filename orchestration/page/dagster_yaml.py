"""dagster.yaml as it is first written: one run at a time, old ticks forgotten, storage in SQLite or PostgreSQL."""

COMMON = """# written once, when the data folder is made; change it as you like
concurrency:
  runs:
    max_concurrent_runs: 1
run_retries:
  enabled: true
  max_retries: 0
retention:
  schedule:
    purge_after_days: 30
  sensor:
    purge_after_days: {skipped: 2, failure: 30, success: 30, started: 30}
freshness:
  enabled: true
telemetry:
  enabled: false
nux:
  enabled: false
"""
IN_POSTGRES = """storage:
  postgres:
    postgres_url: {env: CRLM_DAGSTER_POSTGRES_URL}
"""


def dagster_yaml(in_postgres: bool) -> str:
    """The text of dagster.yaml; the address of the database, which may hold a password, stays in the environment."""
    return COMMON + (IN_POSTGRES if in_postgres else "")
