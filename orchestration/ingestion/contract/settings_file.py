"""A YAML file of settings: its scalars as they are written, and the line where each setting stands.

A contract's codes, missing values and words are text that a file holds, so `1`, `-999`, `no` and `2003-01-01` mean what
they look like, quoted or not; YAML's own reading would make numbers, truths and dates of them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.ingestion.contract.problems import ContractError, Problem

NULL_TAG = "tag:yaml.org,2002:null"


@dataclass(frozen=True)
class SettingsFile:
    """The settings of a YAML file as text, and where they stand."""

    path: Path
    settings: dict[str, Any]
    root: yaml.Node

    def error(self, problem: Problem) -> ContractError:
        """The problem with the file and the line it is about."""
        return ContractError(f"{self.path}:{self.line_of(problem.where)}: {problem.text}")

    def line_of(self, where: tuple[str | int, ...]) -> int:
        """The line of the setting at this path, or of the nearest one above it that the file has."""
        node, line = self.root, 1
        for part in where:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(part)]
                if not found:
                    continue
                line, node = found[-1][0].start_mark.line + 1, found[-1][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line


def read_settings(path: Path) -> SettingsFile:
    """The file's settings.

    Raises:
        ContractError: not text, not YAML, no mapping, a setting that stands twice, or a name that is no plain text.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise ContractError(f"{path}:1: not readable as UTF-8 text") from error
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise ContractError(f"{path}:1: these must be settings, each a `name: value`")
        settings = _as_written(loader, root, path)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}:{line}: not readable as YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ContractError(f"{path}:1: not readable as YAML: {error}") from error
    finally:
        loader.dispose()
    return SettingsFile(path, settings, root)


def _as_written(loader: yaml.SafeLoader, node: yaml.Node, path: Path) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_as_written(loader, item, path) for item in node.value]
    names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ContractError(f"{path}:{key.start_mark.line + 1}: the name of a setting must be text")
        if names.count(key.value) > 1 and key.value != "<<":
            last = max(k.start_mark.line for k, _ in node.value if k.value == key.value)
            raise ContractError(f"{path}:{last + 1}: '{key.value}' stands here twice")
    loader.flatten_mapping(node)
    return {key.value: None if _is_nothing(value) else _as_written(loader, value, path) for key, value in node.value}


def _is_nothing(node: yaml.Node) -> bool:
    """A setting that is left empty, or null."""
    return isinstance(node, yaml.ScalarNode) and node.tag == NULL_TAG and node.style is None
