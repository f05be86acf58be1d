"""The whole dbt project on an empty warehouse: every model compiles and keeps its contract, every unit test passes."""

import json
import re
import subprocess
from pathlib import Path

import duckdb
import jinja2
import pytest

from orchestration.dbt_build.arguments import DEFAULT_STUDY, dbt_variables
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.settings import PROJECT_ROOT, Settings
from tests.dbt_process import run_forked_dbt


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("dbt")
    with duckdb.connect(str(folder / "build.duckdb")) as connection:
        create_raw_schema(connection)
    variables = dbt_variables(Settings(), DEFAULT_STUDY)
    result = run_forked_dbt(folder / "build.duckdb", ["build"], variables, target=folder / "target")
    return result, folder / "target"


def test_everything_builds_and_every_unit_test_passes(build):
    result, target = build
    assert result.returncode == 0, result.stdout[-5000:]
    outcomes = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    unit_tests = [outcome for outcome in outcomes if outcome["unique_id"].startswith("unit_test.")]
    assert {outcome["status"] for outcome in unit_tests} == {"pass"}
    assert len(unit_tests) >= 30


def test_every_model_is_described_and_has_a_grain_test(build):
    _, target = build
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    undescribed = [node["name"] for node in models.values() if not node["description"]]
    grain_tests = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("test_metadata", {}).get("name") in ("one_row_per", "unique", "unique_combination")
    }
    without_grain = sorted(node["name"] for key, node in models.items() if key not in grain_tests)
    assert undescribed == []
    # a record may be set aside for several reasons: one row a record and reason, which may repeat between endpoints
    assert without_grain == ["records_set_aside"]


def test_every_mart_has_an_enforced_contract_and_every_column_a_description(build):
    _, target = build
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    marts = [
        node for node in manifest["nodes"].values() if node["resource_type"] == "model" and node["schema"] == "marts"
    ]
    assert len(marts) == 22
    for mart in marts:
        assert mart["config"]["contract"]["enforced"], mart["name"]
        assert all(column["description"] and column["data_type"] for column in mart["columns"].values()), mart["name"]


def test_every_model_kept_by_patient_says_whose_its_rows_are(build):
    """Else its rows could not be taken out in the night in which her records change. docs/incremental.md"""
    _, target = build
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    by_patient = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["incremental_strategy"] == "changed_patients"
    ]
    assert len(by_patient) > 60
    with duckdb.connect(str(target.parent / "build.duckdb"), read_only=True) as connection:
        for node in by_patient:
            columns = connection.execute(f"SELECT * FROM {node['schema']}.{node['alias']} LIMIT 0").df().columns
            assert node["config"]["meta"].get("patient_column", "study_id") in columns, node["name"]
            assert node["config"]["materialized"] in ("incremental", "view"), node["name"]


def test_a_reference_is_everybody_in_the_first_night_and_tonights_patients_in_the_next(build):
    """The project's own `ref` (macros/changed_patients.sql): an engine that ignored it would compute the second night as the first."""
    _, target = build
    (compiled,) = target.glob("compiled/**/first_recurrences.sql")
    only_tonights = re.compile(
        r"treatments_without_salvage\S* where study_id in \(select study_id from \S*changed_patients", re.IGNORECASE
    )
    first_night = compiled.read_text(encoding="utf-8")
    variables, build_file = dbt_variables(Settings(), DEFAULT_STUDY), target.parent / "build.duckdb"
    models = ["changed_patients", "changed_records", "first_recurrences"]
    again = run_forked_dbt(build_file, ["run", "--select", *models], variables, target=target)
    next_night = compiled.read_text(encoding="utf-8")
    alone = run_forked_dbt(build_file, ["run", "--select", "first_recurrences"], variables, target=target)

    assert again.returncode == alone.returncode == 0, again.stdout[-3000:] + alone.stdout[-3000:]
    assert not only_tonights.search(first_night)
    assert only_tonights.search(next_night)
    # who changed last night says nothing of what a model built alone lacks
    assert not only_tonights.search(compiled.read_text(encoding="utf-8"))


def test_a_failing_test_is_told_by_name_and_count_and_a_view_gives_way_to_a_table(build):
    """Tables and tests are made in a way of the project's own (dbt_build/quick_tests.py, macros/tables_of_duckdb.sql)."""
    _, target = build
    with duckdb.connect(str(target.parent / "build.duckdb")) as connection:
        connection.execute("INSERT INTO seeds.studies SELECT * FROM seeds.studies WHERE study = 'crlm'")
        connection.execute(
            "DROP TABLE staging.stg_vital_status; CREATE VIEW staging.stg_vital_status AS SELECT 1 AS study_id"
        )
    built = ["build", "--exclude-resource-type", "seed", "--exclude-resource-type", "unit_test"]
    told = run_forked_dbt(
        target.parent / "build.duckdb",
        [*built, "--select", "studies", "stg_vital_status", "--full-refresh"],
        dbt_variables(Settings(), DEFAULT_STUDY),
        target=target,
    )
    outcomes = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    failed = {outcome["unique_id"].split(".")[2]: outcome for outcome in outcomes if outcome["status"] == "fail"}
    with duckdb.connect(str(target.parent / "build.duckdb"), read_only=True) as connection:
        made = connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'stg_vital_status'"
        ).fetchall()
        connection.execute("SELECT death_date FROM staging.stg_vital_status")

    assert told.returncode == 1
    assert list(failed) == ["one_row_per_studies_study"]
    assert failed["one_row_per_studies_study"]["failures"] == 1
    assert failed["one_row_per_studies_study"]["message"] == "Got 1 result, configured to fail if != 0"
    assert "FAIL 1 one_row_per_studies_study" in told.stdout
    assert {outcome["status"] for outcome in outcomes} == {"fail", "pass", "success"}
    assert made == [(1,)]


@pytest.mark.parametrize(
    ("test", "columns", "failing"),
    [
        ("one_row_per", ["a", "b"], [("x", 1, 2), ("z", None, 2), (None, 2, 1)]),
        ("unique_combination", ["a", "b"], [("x", 1, 2), ("z", None, 2)]),
        ("one_row_per", ["a"], [("x", 3), ("z", 2), (None, 1)]),
        ("unique_combination", ["a"], [("x", 3), ("z", 2)]),
    ],
)
@pytest.mark.parametrize(
    "put_in", [[], ["('x', 1), ('x', 2), ('z', NULL)"], ["('y', 1), ('w', 9)"]], ids=["all", "twins", "others"]
)
def test_a_grain_test_gives_each_key_that_stands_twice_and_each_that_is_missing(
    test: str, columns: list[str], failing: list[tuple], put_in: list[str]
):
    """Of the generic tests' own SQL: NULL is like NULL, and what has the hash of another row is looked at itself. Where rows were put in
    tonight, their twins are found; where the twins are others, which were tested before, only what is missing is."""
    macros = (PROJECT_ROOT / "dbt_project" / "tests" / "generic").glob("*.sql")
    text = re.sub(
        r"{% (end)?test( ?)",
        lambda found: "{% endmacro" + found[2] if found[1] else "{% macro test_",
        "".join(path.read_text(encoding="utf-8") for path in macros),
    )
    # a poor hash: all rows of 'x' and 'z' have the same
    template = jinja2.Environment().from_string(
        "{% macro crlm_hash(columns) %}(a in ('x', 'z'))::int{% endmacro %}"
        + "{% macro rows_put_in_tonight(model) %}"
        + ("put_in" if put_in else "")
        + "{% endmacro %}"
        + text
        + "{{ "
        + f"test_{test}('t', {columns})"
        + " }}"
    )
    with duckdb.connect() as connection:
        connection.execute(
            """CREATE TABLE t AS FROM (VALUES ('x', 1), ('x', 1), ('x', 2), ('y', 1), ('z', NULL), ('z', NULL), (NULL, 2)) AS t(a, b)"""
        )
        connection.execute("CREATE TABLE put_in (a VARCHAR, b INTEGER)")
        for rows in put_in:
            connection.execute(f"INSERT INTO put_in VALUES {rows}")
        found = connection.execute(template.render()).fetchall()
    if put_in and "y" in put_in[0]:
        failing = [row for row in failing if row[0] is None or (test, row) == ("one_row_per", ("z", None, 2))]
    assert sorted(map(repr, found)) == sorted(map(repr, failing))


def test_texts_of_very_many_lines_are_joined_in_parts_of_the_patients(build):
    """DuckDB holds what it joins in memory: a table `in_parts` (macros/tables_of_duckdb.sql) is the same as one made at once."""
    _, target = build
    patients = [f"P{number}" for number in range(20)]
    with duckdb.connect(str(target.parent / "build.duckdb")) as connection:
        connection.execute(
            "INSERT INTO staging.stg_pathology_lines BY NAME SELECT 'of nobody' AS record_id FROM range(16_000_000)"
        )
        connection.execute(
            "INSERT INTO intermediate.margin_widths BY NAME SELECT 'tumour' AS reading FROM range(8_000_000)"
        )
        for patient in patients:
            connection.execute(
                "INSERT INTO intermediate.operation_margin_reports BY NAME SELECT $1 AS study_id, $1 AS record_id",
                [patient],
            )
            connection.execute(
                """INSERT INTO staging.stg_pathology_lines BY NAME
                   SELECT $1 AS record_id, unnest([2, 1]) AS line_sequence, unnest(['clear.', 'Margin']) AS line_text""",
                [patient],
            )
            connection.execute(
                """INSERT INTO intermediate.margin_widths BY NAME
                   SELECT $1 AS text_id, $1 AS record_id, 'negative' AS reading,
                          unnest([2, 1]) AS clause_number, unnest(['by 3 mm', 'margin clear']) AS evidence_text""",
                [patient],
            )
    # the second time the tables are there: everybody is computed without a full refresh, as in a night in which many changed
    for more in (["--full-refresh"], []):
        made = run_forked_dbt(
            target.parent / "build.duckdb",
            ["run", "--select", "margin_texts", "words_about_margins", *more],
            dbt_variables(Settings(), DEFAULT_STUDY),
            target=target,
        )
        assert made.returncode == 0, made.stdout[-3000:]
        with duckdb.connect(str(target.parent / "build.duckdb"), read_only=True) as connection:
            texts = connection.execute("SELECT text_id, text FROM intermediate.margin_texts").fetchall()
            words = connection.execute("SELECT text_id, evidence_text FROM intermediate.words_about_margins").fetchall()
            accounts = connection.execute(
                """SELECT table_name, n_inserted, n_deleted FROM intermediate.recomputed_rows
                   WHERE table_name IN ('margin_texts', 'words_about_margins') ORDER BY table_name"""
            ).fetchall()
        statements = [
            next(target.glob(f"run/**/{model}.sql")).read_text(encoding="utf-8")
            for model in ("margin_texts", "words_about_margins")
        ]

        assert sorted(texts) == sorted((patient, "Margin\nclear.") for patient in patients)
        assert sorted(words) == sorted((patient, "margin clear | by 3 mm") for patient in patients)
        assert all("% 3) = 2" in statement for statement in statements)
    assert accounts == [("margin_texts", 20, 20), ("words_about_margins", 20, 20)]


def test_every_model_that_asks_for_parts_says_which_rows_are_of_one(build):
    """Else it would be made at once, and nobody be told."""
    _, target = build
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    in_parts = [node for node in manifest["nodes"].values() if node["config"].get("meta", {}).get("in_parts")]
    assert {node["name"] for node in in_parts} >= {"margin_texts", "words_about_margins"}
    assert [node["name"] for node in in_parts if "of_one_part(" not in node["raw_code"]] == []
