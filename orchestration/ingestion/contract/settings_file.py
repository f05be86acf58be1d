"""A YAML file of settings, and the line where each of them stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.ingestion.contract.problems import ContractError, Problem

MERGE_KEY = "<<"


@dataclass(frozen=True)
class SettingsFile:
    """The settings of a YAML file, and where they stand."""

    name: str
    """What messages call the file: its folder and its name."""
    settings: dict[str, Any]
    root: yaml.Node

    def error(self, problems: Iterable[Problem]) -> ContractError:
        """The problems, each with the file and the line it is about, a line each."""
        return ContractError("\n".join(f"{self.name}:{self.line_of(one.where)}: {one.text}" for one in problems))

    def line_of(self, where: tuple[str | int, ...]) -> int:
        """The line of the setting at this path, or of the nearest one above it that the file has."""
        return self._found(where)[0]

    def as_written(self, where: tuple[str | int, ...]) -> str:
        """The text of the scalar at this path as the file has it; empty where there is none."""
        node = self._found(where)[1]
        return node.value if isinstance(node, yaml.ScalarNode) else ""

    def _found(self, where: tuple[str | int, ...]) -> tuple[int, yaml.Node | None]:
        node, line = self.root, 1
        for place, part in enumerate(where):
            if isinstance(node, yaml.MappingNode):
                pairs = [(key, value) for key, value in node.value if part in (key.value, _plain(key))]
                if not pairs:
                    continue
                key, value = pairs[-1]
                line = key.start_mark.line + 1
                # pydantic's way of saying that it is the name that is wrong, not what stands behind it
                node = key if where[place + 1 :] == ("[key]",) else value
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line, node


def read_settings(path: Path) -> SettingsFile:
    """The file's settings.

    Raises:
        ContractError: not text, not YAML, no mapping, or a setting that stands twice.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise ContractError(f"{name}:1: not readable as UTF-8 text") from error
    try:
        # also a ReaderError, of a character that no text should hold, comes out here
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise ContractError(f"{name}:1: these must be settings, each a `name: value`")
        settings = _value(loader, root, name)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{name}:{line}: not readable as YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ContractError(f"{name}:1: not readable as YAML: {error}") from error
    return SettingsFile(name, settings, root)


def _value(loader: yaml.SafeLoader, node: yaml.Node, name: str) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, name) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        _refuse_names(node, name)
        loader.flatten_mapping(node)
        return {_value(loader, key, name): _value(loader, value, name) for key, value in node.value}
    try:
        return loader.construct_object(node)
    except ValueError as error:
        line = node.start_mark.line + 1
        raise ContractError(
            f"{name}:{line}: '{node.value}' is none of what it looks like: write it in quotes"
        ) from error


def _refuse_names(node: yaml.MappingNode, name: str) -> None:
    """YAML takes the last of two settings of one name and says nothing."""
    seen: set[str] = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ContractError(f"{name}:{line}: the name of a setting must be text")
        if key.value in seen and key.value != MERGE_KEY:
            raise ContractError(f"{name}:{line}: '{key.value}' stands here twice")
        seen.add(key.value)


def _plain(node: yaml.Node) -> Any:
    """The scalar as YAML takes it, such as the number 7 for 007."""
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError):
        return None
