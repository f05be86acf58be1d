"""What is to be read fits a screen: no function of the reader is longer, no pattern longer than a line."""

import ast
from pathlib import Path

import pytest
import yaml

import report_reader
from report_reader.margins import margin_reader

FOLDER = Path(report_reader.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))
A_SCREEN, A_PATTERN = 50, 120


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_function_is_longer_than_a_screen_and_no_regular_expression_longer_than_a_line(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [f.name for f in functions if f.end_lineno - f.lineno >= A_SCREEN] == []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")]
    pieces = [piece.value for call in calls for piece in ast.walk(call) if isinstance(piece, ast.Constant)]
    assert [piece for piece in pieces if isinstance(piece, str) and len(piece) > A_PATTERN] == []


@pytest.mark.parametrize("table", sorted(margin_reader().book.folder.glob("*.yml")), ids=lambda path: path.stem)
def test_no_pattern_of_a_rule_is_longer_than_a_line(table):
    rows = yaml.safe_load(table.read_text(encoding="utf-8"))
    given = [row.get(field) or [] for row in rows for field in ("when", "unless", "with", "not_with")]
    patterns = [each for one in given for each in ([one] if isinstance(one, str) else one)]
    assert patterns and [pattern for pattern in patterns if len(pattern) > A_PATTERN] == []
