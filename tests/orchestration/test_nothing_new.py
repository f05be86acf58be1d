"""`crlm refresh` has nothing to do only where all that was taken in is published."""

import duckdb

from orchestration.nightly import nothing_new
from tests.incremental.hospital import small_hospital


def publish_as_it_is(settings) -> None:
    """A publication of the build file's ledger, by today's code."""
    settings.published_file.unlink(missing_ok=True)
    with duckdb.connect(str(settings.published_file)) as connection:
        connection.execute(f"ATTACH '{settings.build_file}' AS build (READ_ONLY)")
        connection.execute("CREATE SCHEMA quality; CREATE TABLE quality.ingest_ledger AS FROM build.raw.ingest_ledger")
        connection.execute(
            f"""CREATE SCHEMA meta; CREATE TABLE meta.publication AS
                SELECT now()::TIMESTAMP AS published_at, 'run' AS run_id, '{settings.code_version}' AS code_version,
                       'hash' AS data_hash, 20::BIGINT AS n_patients, true AS is_simulated"""
        )


def test_a_night_that_was_killed_after_taking_files_in_is_run_again(tmp_path):
    hospital = small_hospital(tmp_path / "hospital", 20)
    settings = hospital.settings
    hospital.load()
    publish_as_it_is(settings)
    assert nothing_new(settings).startswith("Nothing new")

    registry = (hospital.landed / "registry" / "hepatectomy_registry.csv").read_text(encoding="utf-8")
    hospital.land("registry/later.csv", "".join(registry.splitlines(keepends=True)[:3]))
    assert nothing_new(settings) is None
    hospital.load()
    assert nothing_new(settings) is None
    publish_as_it_is(settings)
    assert nothing_new(settings).startswith("Nothing new")
