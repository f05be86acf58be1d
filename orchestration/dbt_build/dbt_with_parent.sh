#!/bin/sh
# dbt of the environment that runs Dagster; ends when Dagster's process does (orchestration/dbt_build/child.py)
exec "${CRLM_PYTHON:-python3}" -m orchestration.dbt_build.child "$@"
