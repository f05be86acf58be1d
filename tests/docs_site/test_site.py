"""`make docs`: every model, result and written page is there, every link leads somewhere, and no page calls anybody."""

import re
from html import unescape
from pathlib import Path

import duckdb
import pytest
import yaml

from analysis.results.catalogue import CATALOGUE
from orchestration.docs_site.build import MARKER, NotASite, build_site
from orchestration.docs_site.models import read_models
from orchestration.docs_site.parse import parsed_manifest
from orchestration.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = tmp_path_factory.mktemp("manifest") / "manifest.json"
    with parsed_manifest() as parsed:
        kept.write_bytes(parsed.read_bytes())
    return kept


@pytest.fixture(scope="module")
def site(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("docs") / "site"
    build_site(PROJECT_ROOT, manifest, out)
    return out


def test_every_model_result_and_written_page_has_a_page_with_its_columns(site):
    margins = (site / "models" / "marts.resection_margins.html").read_text()
    for words in (
        "margin_mm",
        "its hepatic margin and the rule it was read by",
        "marts.resection_margins",
        "<svg",
        "Tests",
    ):
        assert words in margins
    assert {file.stem for file in (site / "results").iterdir()} == {table.name for table in CATALOGUE}
    assert "hazard_ratio" in (site / "results" / "hazard_ratios.html").read_text()
    for written in ("readme", "docs-study", "docs-exports", "docs-decisions-0003-collapsed-counts"):
        assert (site / "pages" / f"{written}.html").exists(), written


def test_every_link_leads_to_a_page_of_the_site(site):
    for page in site.rglob("*.html"):
        for link in re.findall(r'<a [^>]*href="([^"]+)"', page.read_text(encoding="utf-8")):
            target = unescape(link).split("#")[0]
            if target and not target.startswith(("http:", "https:", "mailto:")):
                assert (page.parent / target).resolve().exists(), f"{page.relative_to(site)}: {link}"


def test_nothing_is_fetched_from_anywhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'<(script|link|img|iframe)[^>]*(src|href)="(https?:)?//|@import|url\(', text), page.name


def test_lineage_runs_from_raw_records_to_the_marts(manifest):
    models = {f"{model.schema}.{model.name}": model for model in read_models(manifest).values()}
    key = models["staging.stg_follow_up_events"].key
    assert any(parent.startswith("source.") for parent in models["staging.stg_follow_up_events"].parents)
    assert any(key in model.parents for model in models.values() if model.schema == "intermediate")
    assert models["marts.time_to_event"].unit_tests or models["marts.time_to_event"].tests


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, manifest):
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(NotASite):
        build_site(PROJECT_ROOT, manifest, tmp_path)
    assert (tmp_path / "thesis.docx").exists() and not (tmp_path / MARKER).exists()


def test_each_example_query_is_one_that_duckdb_can_read():
    queries = yaml.safe_load((PROJECT_ROOT / "docs" / "example_queries.yml").read_text(encoding="utf-8"))
    assert len(queries) >= 10
    for query in queries:
        (statement,) = duckdb.extract_statements(query["sql"])
        assert statement.type == duckdb.StatementType.SELECT, query["asks"]
