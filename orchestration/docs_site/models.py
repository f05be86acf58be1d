"""What dbt's manifest says of the project's own models and seeds, as plain objects."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Model:
    """A model, seed or source: what it is, its columns, its SQL, what it is made from and what is made from it."""

    key: str
    schema: str
    name: str
    kind: str
    folder: str
    description: str
    columns: list[tuple[str, str, str]]
    """Name, type, meaning."""
    sql: str
    tests: list[str] = field(default_factory=list)
    unit_tests: list[tuple[str, str]] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)

    @property
    def page(self) -> str:
        """Its page, from the site's root."""
        return f"models/{self.schema}.{self.name}.html"


def read_models(manifest_file: Path) -> dict[str, Model]:
    """Key -> model, in the order of schema and name.

    Raises:
        FileNotFoundError: dbt has not parsed the project yet.
    """
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}
    nodes |= manifest["sources"]
    models = {key: _model(key, node) for key, node in nodes.items()}
    for key, model in models.items():
        model.parents = sorted(parent for parent in manifest["parent_map"].get(key, []) if parent in models)
        model.children = sorted(child for child in manifest["child_map"].get(key, []) if child in models)
    for test in (node for node in manifest["nodes"].values() if node["resource_type"] == "test"):
        for key in test["depends_on"]["nodes"]:
            if key in models:
                models[key].tests.append(_test_words(test))
    for test in manifest.get("unit_tests", {}).values():
        for key in test["depends_on"]["nodes"]:
            if key in models and models[key].name == test["model"]:
                models[key].unit_tests.append((test["name"].replace("_", " "), test.get("description") or ""))
    return dict(sorted(models.items(), key=lambda item: (item[1].schema, item[1].name)))


def _model(key: str, node: dict[str, Any]) -> Model:
    columns = [
        (name, column.get("data_type") or "", " ".join((column.get("description") or "").split()))
        for name, column in node.get("columns", {}).items()
    ]
    return Model(
        key=key,
        schema=node["schema"],
        name=node.get("alias") or node["name"],
        kind=node["resource_type"],
        folder=str(Path(node["original_file_path"]).parent),
        description=" ".join((node.get("description") or "").split()),
        columns=columns,
        sql=node.get("raw_code") or "",
    )


def _test_words(test: dict[str, Any]) -> str:
    metadata = test.get("test_metadata") or {}
    column = test.get("column_name")
    name = (metadata.get("name") or test["name"]).replace("_", " ")
    return f"{column}: {name}" if column else name
