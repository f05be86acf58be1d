"""What Dagster shows of a night that the command line ran."""

import dagster as dg
import pytest


@pytest.fixture(scope="module")
def instance(road) -> dg.DagsterInstance:
    with dg.DagsterInstance.from_config(str(road.data / "dagster")) as instance:
        yield instance


def test_the_night_stands_on_the_page_of_its_job_and_on_the_timeline(instance):
    # Dagster's page asks for runs of a job by this tag of the repository
    (run, *_) = instance.get_runs(dg.RunsFilter(job_name="nightly_refresh"))
    assert run.tags[".dagster/repository"] == "__repository__@orchestration.definitions"


def test_a_models_rows_are_counted_each_night(instance, road):
    (n_rows,) = road.restricted("SELECT count(*) AS n FROM marts.time_to_event")["n"]
    event = instance.get_latest_materialization_event(dg.AssetKey(["marts", "time_to_event"]))
    assert event.asset_materialization.metadata["dagster/row_count"].value == n_rows
