"""What is kept of old nights."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from orchestration.nights.retention import prune, prune_runs, publications_to_keep
from orchestration.page.dagster_yaml import dagster_yaml
from orchestration.settings import Settings

NOW = datetime(2026, 3, 31, 3, 0, tzinfo=UTC)


def kept_days(nights: list[datetime], **rules: int) -> list[str]:
    kept = publications_to_keep(nights, NOW, **({"days": 0, "weeks": 0, "months": 0} | rules))
    return sorted(moment.strftime("%m-%d") for moment in kept)


NIGHTS = [NOW - timedelta(days=age, hours=1) for age in range(90)]


def test_the_latest_is_kept_whatever_the_settings():
    assert kept_days(NIGHTS) == ["03-31"]


def test_days_weeks_and_months_each_keep_their_last():
    assert kept_days(NIGHTS, days=3) == ["03-29", "03-30", "03-31"]
    # Sundays, and the running week's latest night
    assert kept_days(NIGHTS, weeks=3) == ["03-15", "03-22", "03-29", "03-31"]
    assert kept_days(NIGHTS, months=3) == ["01-31", "02-28", "03-31"]


def test_a_night_prunes_publications_dbt_folders_and_runs_and_leaves_other_files(tmp_path):
    settings = Settings(
        data_dir=tmp_path, keep_publication_days=1, keep_publication_weeks=0, keep_publication_months=0, keep_runs=1
    )
    settings.prepare_folders()
    for name in ("20260101T020000000000Z.duckdb", "20260331T020000000000Z.duckdb", "before_the_upgrade.duckdb"):
        (settings.history / name).touch()
    for name in ("dbt_models-old", "dbt_models-new"):
        (settings.dbt_target / name).mkdir(parents=True)
    with dg.DagsterInstance.ephemeral() as instance:
        job = dg.Definitions(assets=[dg.asset(lambda: None, name="nothing")]).resolve_implicit_global_asset_job_def()
        runs = [job.execute_in_process(instance=instance).run_id for _ in range(3)]
        pruned = prune(settings, instance, NOW)
        assert [run.run_id for run in instance.get_runs()] == [runs[-1]]
        assert prune_runs(instance, keep=1) == 0
    assert (pruned.publications, pruned.runs, pruned.dbt_folders) == (1, 2, 1)
    assert sorted(path.name for path in settings.history.iterdir()) == [
        "20260331T020000000000Z.duckdb",
        "before_the_upgrade.duckdb",
    ]
    assert (settings.dbt_target / "dbt_models-new").is_dir()


def bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_after_twelve_nights_dagsters_home_is_no_larger_than_after_four(tmp_path):
    """Events, logs and what steps handed over; a real night has more of each, of which no more stays."""
    settings = Settings(data_dir=tmp_path, keep_runs=2)
    settings.prepare_folders()
    (settings.dagster_home / "dagster.yaml").write_text(dagster_yaml(in_postgres=False), encoding="utf-8")

    @dg.asset_check(asset="talkative")
    def judged() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True, metadata={"why": "word " * 10_000})

    @dg.asset
    def talkative(context: dg.AssetExecutionContext) -> str:
        for _ in range(20):
            context.log.info("word " * 1000)
        print("printed " * 10_000)
        return "handed over " * 10_000

    job = dg.Definitions(assets=[talkative], asset_checks=[judged]).resolve_implicit_global_asset_job_def()
    sizes = []
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        for night in range(12):
            job.execute_in_process(instance=instance)
            prune(settings, instance, NOW + timedelta(days=night))
            sizes.append(bytes_below(settings.dagster_home))
    assert sizes[0] > 200_000
    assert sizes[-1] - sizes[3] < 8 * 10_000, sizes
