"""What decides what a night publishes: each setting, each file that a setting names, the libraries."""

from pathlib import Path

import pytest

from orchestration.nights import decided
from orchestration.nights.decided import COUNTED, READ, WITHOUT_EFFECT, decided_by
from orchestration.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation: a hospital, a dbt project of two files, a disclosure officer's rules."""
    for name, text in {
        "contracts/riverside/hospital.yml": "name: Riverside\nis_simulated: true\n",
        "contracts/riverside/registry.yml": "feed: registry\n",
        "dbt/dbt_project.yml": "name: w\n",
        "dbt/models/marts/patients.sql": "SELECT 1\n",
        "disclosure.yml": "least_k: 5\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def settings_of(folder: Path, **more) -> Settings:
    return Settings(
        data_dir=folder / "data",
        contracts_dir=folder / "contracts",
        dbt_project_dir=folder / "dbt",
        disclosure_rules=folder / "disclosure.yml",
        **more,
    )


def test_every_setting_counts_or_is_read_or_is_named_with_a_reason_why_neither():
    named = [*COUNTED, *READ, *WITHOUT_EFFECT]
    assert sorted(named) == sorted(Settings.model_fields)
    assert len(named) == len(set(named))
    assert all(WITHOUT_EFFECT.values())


OTHERS = {
    "study": "hcc",
    "engine": "spark",
    "publish_shareable": False,
    "publish_parquet": True,
    "publish_postgres": "host=db dbname=warehouse",
    "publish_postgres_reader": "crlm_reader",
    "keep_publication_days": 1,
    "keep_publication_weeks": 1,
    "keep_publication_months": 1,
}


@pytest.mark.parametrize("name", COUNTED)
def test_another_value_is_another_digest(folder, name):
    assert decided_by(settings_of(folder)) != decided_by(settings_of(folder, **{name: OTHERS[name]}))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("contracts/riverside/hospital.yml", "name: Riverside\nis_simulated: true\nnot_derivable: {}\n"),
        ("contracts/riverside/more/stray.yaml", "feed: registry\n"),
        ("contracts/lakeside/hospital.yml", "name: Lakeside\n"),
        ("dbt/models/marts/patients.sql", "SELECT 2\n"),
        ("dbt/seeds/definitions/studies.csv", "study\ncrlm\n"),
        ("disclosure.yml", "least_k: 5\ninternal: [{column: sex, rule: withhold}]\n"),
    ],
)
def test_another_content_of_a_file_that_is_read_is_another_digest(folder, file, text):
    before = decided_by(settings_of(folder))
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)
    assert decided_by(settings_of(folder)) != before


def test_the_same_files_elsewhere_and_settings_without_effect_are_the_same_digest(folder):
    before = decided_by(settings_of(folder))
    (folder / "contracts/riverside/README.md").write_text("who to call")
    assert decided_by(settings_of(folder, memory_limit="1GB", nightly_cron="0 3 * * *", notify="json://x/y")) == before
    (folder / "contracts").rename(folder / "elsewhere")
    moved = settings_of(folder).model_copy(update={"contracts_dir": folder / "elsewhere"})
    assert decided_by(moved) == before


def test_another_duckdb_is_another_digest_and_a_library_that_is_not_installed_none(folder, monkeypatch):
    before = decided_by(settings_of(folder))
    monkeypatch.setattr(decided, "versions", lambda libraries: ["0.0.1" for _ in libraries])
    assert decided_by(settings_of(folder)) != before
    monkeypatch.undo()
    monkeypatch.setattr(decided, "OF_A_NIGHT", ("no-such-library",))
    assert decided_by(settings_of(folder)) != before


def test_a_warehouse_that_is_to_be_encrypted_is_another(folder, monkeypatch):
    monkeypatch.delenv("CRLM_ENCRYPTION_KEY", raising=False)
    before = decided_by(settings_of(folder))
    monkeypatch.setenv("CRLM_ENCRYPTION_KEY", "sixteen characters")
    assert decided_by(settings_of(folder)) != before


def test_files_that_are_gone_or_of_odd_names_end_no_refresh(folder):
    (folder / "disclosure.yml").unlink()
    (folder / "contracts/riverside/\udcfc.yml").write_text("feed: registry\n")
    (folder / "contracts/riverside/dangling.yml").symlink_to(folder / "nowhere")
    assert decided_by(settings_of(folder)) == decided_by(settings_of(folder))
    assert decided_by(
        Settings(data_dir=folder / "data", contracts_dir=folder / "none", dbt_project_dir=folder / "none")
    )


def test_nothing_of_an_address_stands_in_the_digest(folder):
    told = decided_by(settings_of(folder, publish_postgres="host=db user=loader password=geheim"))
    assert len(told) == 64 and set(told) <= set("0123456789abcdef")
