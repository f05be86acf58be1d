"""dbt's unit tests of some models on an empty warehouse: `python -m tests.mutation.dbt_unit_tests BUILD_FILE MODEL...`."""

import sys
from pathlib import Path

import duckdb

from orchestration.dbt_build.arguments import DEFAULT_STUDY, dbt_variables
from orchestration.dbt_build.runs import run_dbt
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.settings import Settings


def main() -> int:
    """dbt's exit status; the first time the models that those tested read are built, empty."""
    build_file, *models = sys.argv[1:]
    variables, target = dbt_variables(Settings(), DEFAULT_STUDY), Path(build_file).parent / "target"
    if not Path(build_file).exists():
        with duckdb.connect(build_file) as connection:
            create_raw_schema(connection)
        selected = [f"+{model}" for model in models]
        built = run_dbt(
            Path(build_file),
            ["build", "--exclude-resource-type", "unit_test", "test", "--select", *selected],
            variables,
            target=target,
        )
        if built.returncode:
            print(built.stdout[-3000:])
            return 2
    tested = run_dbt(
        Path(build_file),
        ["test", "--select", *(f"{model},test_type:unit" for model in models)],
        variables,
        target=target,
    )
    print(tested.stdout[-3000:])
    return tested.returncode


if __name__ == "__main__":
    sys.exit(main())
