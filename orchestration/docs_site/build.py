"""Writes the site: plain HTML, one style sheet, one short script for searching; no address but its own."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.results.catalogue import CATALOGUE
from analysis.results.families import FAMILIES
from orchestration.docs_site.lineage import neighbours, whole
from orchestration.docs_site.models import Model, read_models
from orchestration.docs_site.written import as_html, pictures, written_pages
from orchestration.warehouse import published_tables

QUERIES_FILE = "docs/example_queries.yml"
MARKER = "crlm_documentation_site"
"""In every site that this has written: another folder is not replaced."""


class NotASite(Exception):
    """The folder holds something else."""


def build_site(root: Path, manifest: Path, out: Path, progress: Callable[[str], None] = lambda text: None) -> int:
    """Write the site into a folder and return how many pages it has.

    Raises:
        NotASite: the folder is there and was not written by this.
        FileNotFoundError: dbt has not parsed the project.
    """
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise NotASite(f"{out} holds something that is no site of these documents: name another folder")
    models, site = read_models(manifest), _Site(out)
    site.begin()
    published = {
        (table.source_schema, table.source_name): f"{table.schema}.{table.name}" for table in published_tables()
    }
    pages = {page: (*as_html(file, root), file) for page, file in written_pages(root).items()}
    queries = yaml.safe_load((root / QUERIES_FILE).read_text(encoding="utf-8"))
    needs = {table.name: family.needs for family in FAMILIES for table in family.tables}
    site.page(
        "index.html",
        "index.html.jinja",
        "The warehouse, explained",
        models=_by_folder(models),
        results=CATALOGUE,
        pages=pages,
        published=published,
    )
    site.page("lineage.html", "drawing.html.jinja", "Lineage", drawing=whole(models))
    site.page("queries.html", "queries.html.jinja", "Example queries", queries=queries)
    for model in models.values():
        progress(model.name)
        site.page(
            model.page,
            "model.html.jinja",
            f"{model.schema}.{model.name}",
            model=model,
            drawing=neighbours(models, model),
            published_as=published.get((model.schema, model.name)),
        )
    for table in CATALOGUE:
        site.page(
            f"results/{table.name}.html",
            "result.html.jinja",
            f"results.{table.name}",
            table=table,
            needs=needs.get(table.name, ()),
        )
    for page, (title, body, _) in pages.items():
        site.page(page, "written.html.jinja", title, body=body)
    (out / "pictures").mkdir(exist_ok=True)
    for picture in pictures(root):
        shutil.copyfile(picture, out / "pictures" / picture.name)
    return site.n_pages


def _by_folder(models: dict[str, Model]) -> dict[str, list[Model]]:
    folders: dict[str, list[Model]] = {}
    for model in models.values():
        folders.setdefault(model.folder, []).append(model)
    return dict(sorted(folders.items()))


class _Site:
    def __init__(self, out: Path) -> None:
        self.out, self.n_pages = out, 0
        self.templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def begin(self) -> None:
        if self.out.exists():
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True)
        (self.out / MARKER).touch()

    def page(self, path: str, template: str, title: str, **values: Any) -> None:
        file = self.out / path
        file.parent.mkdir(parents=True, exist_ok=True)
        root = "../" * (len(Path(path).parts) - 1)
        file.write_text(
            self.templates.get_template(template).render(title=title, root=root, **values), encoding="utf-8"
        )
        self.n_pages += 1
