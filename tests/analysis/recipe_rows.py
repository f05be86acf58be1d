"""The rows of docs/recipes.md as they stand there: what is tested is what is read."""

import re
from io import StringIO
from pathlib import Path

import pandas as pd
import yaml

from tests.analysis.study_plan import SEEDS, read_seed, seed

RECIPES = (Path(__file__).parents[2] / "docs/recipes.md").read_text(encoding="utf-8")


def recipe_rows(name: str) -> pd.DataFrame:
    """The rows that the recipes add to a seed."""
    return seed_with_recipe(name).iloc[len(seed(name)) :].reset_index(drop=True)


def seed_with_recipe(name: str) -> pd.DataFrame:
    """The seed with those rows below its own, read as the seed is."""
    own = (SEEDS / f"{name}.csv").read_text(encoding="utf-8").rstrip("\n")
    header = own.split("\n")[0]
    (rows,) = re.findall(rf"^```csv {name}\n(.*?)^```", RECIPES, re.DOTALL | re.MULTILINE)
    return read_seed(StringIO(f"{own}\n{rows.removeprefix(header)}"))


def contract_line() -> str:
    """The line that the recipe adds to the contract of a registry."""
    (line,) = re.findall(r"^```yaml\n(.*?)^```", RECIPES, re.DOTALL | re.MULTILINE)
    return line


def rows_of_dbt_unit_test(file: Path, test: str, relation: str) -> pd.DataFrame:
    """The literal rows that a unit test of dbt gives a relation."""
    tests = yaml.safe_load(file.read_text(encoding="utf-8"))["unit_tests"]
    given = next(one for one in tests if one["name"] == test)["given"]
    return pd.DataFrame(next(one["rows"] for one in given if one["input"] == f"ref('{relation}')"))
