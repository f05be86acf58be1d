"""The house as Dagster shows it: every asset described and in a layer, gates where they must stand."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration.page.written_pages import page_of
from orchestration.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CRLM_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        from orchestration.definitions import definitions

        return definitions


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions):
    return definitions.resolve_asset_graph()


def key(*parts: str) -> dg.AssetKey:
    return dg.AssetKey(list(parts))


def test_every_asset_has_a_description_and_a_layer(graph):
    for asset_key in graph.get_all_asset_keys():
        node = graph.get(asset_key)
        assert node.description, asset_key
        assert node.group_name != "default", asset_key


def test_every_asset_has_an_owner_and_a_description_in_words_and_what_is_made_here_a_link_to_its_code(graph):
    for asset_key in graph.get_all_asset_keys():
        node = graph.get(asset_key)
        assert node.owners == ["team:outcomes-warehouse"], asset_key
        assert not node.description.lstrip("`({ \n").lower().startswith(("select ", "with ")), asset_key
        is_file_of_a_hospital = asset_key.path[0] == "landing"
        # the list of patients that dbt's last step writes
        is_by_the_way = asset_key == key("intermediate", "built_patients")
        assert is_file_of_a_hospital or is_by_the_way or "dagster/code_references" in node.metadata, asset_key


def test_every_asset_names_the_written_page_that_explains_it_or_links_to_it_where_the_site_is_served(graph):
    for asset_key in graph.get_all_asset_keys():
        assert (PROJECT_ROOT / graph.get(asset_key).metadata["explained in"].value).is_file(), asset_key
    table_one = dg.AssetSpec(key("results", "table_one"), group_name="results")
    assert page_of(table_one, "https://here/") == dg.MetadataValue.url("https://here/pages/docs-results.html")


def test_what_is_published_may_not_grow_old_unseen(graph):
    policed = {asset_key for asset_key in graph.get_all_asset_keys() if graph.get(asset_key).freshness_policy}
    assert policed == {key("published", "warehouse"), key("published", "report"), key("published", "copies")}


def test_lineage_runs_from_the_landing_files_to_the_published_warehouse(graph):
    upstream = dg.AssetSelection.assets(key("published", "report")).upstream().resolve(graph)
    assert {key("raw", "pathology_messages"), key("intermediate", "operation_margins")} <= upstream
    assert {key("marts", "time_to_event"), key("results", "hazard_ratios")} <= upstream
    assert graph.get(key("raw", "pathology_messages")).parent_keys == {key("landing", "pathology_messages")}


def test_no_result_is_computed_before_the_marts_gate_nor_published_before_the_results_gate(graph):
    for table in ("kaplan_meier", "hazard_ratios", "table_one", "recurrence_patterns", "salvage_by_margin"):
        assert key("quality", "marts_gate") in graph.get(key("results", table)).parent_keys
    assert key("quality", "results_gate") in graph.get(key("published", "warehouse")).parent_keys


def test_dbt_tests_and_expectations_show_as_asset_checks(graph):
    checks = {(check.asset_key, check.name) for check in graph.asset_check_keys}
    gate = key("quality", "marts_gate")
    assert (gate, "expectations_of_time_to_event") in checks
    assert (gate, "expectations_of_privacy") in checks
    assert any(asset == key("marts", "time_to_event") and "one_row_per" in name for asset, name in checks)


def test_the_page_calls_the_checks_of_a_gate_blocking(graph):
    checks = [check for check in graph.asset_check_keys if check.name.startswith("expectations_of_")]
    assert len(checks) > 20
    assert all(graph.get_check_spec(check).blocking for check in checks)


def test_the_nightly_refresh_runs_every_night_over_everything(definitions):
    schedule = definitions.resolve_schedule_def("nightly_refresh")
    assert schedule.cron_schedule == "0 2 * * *"
    job = definitions.resolve_job_def("nightly_refresh")
    assert "dbt_models" in {node.name for node in job.graph.nodes}
    assert job.executor_def.name == "in_process"


def test_study_id_key_is_made_once_for_its_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from orchestration.settings import Settings

    monkeypatch.delenv("CRLM_STUDY_ID_KEY", raising=False)
    settings = Settings(data_dir=tmp_path)
    settings.prepare_folders()
    made = settings.study_id_key
    assert Settings(data_dir=tmp_path).study_id_key == made
    assert len(made) == 64
    assert (tmp_path / "build" / "study_id.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "build").stat().st_mode & 0o077 == 0
