"""What is written of the tables of results, made from the catalogue (`make results-doc`): docs/results.md, and README's rows of them.

`python -m analysis.results.document` prints the first; with `readme` it prints the README given to it with its rows made anew.
"""

import re
import sys

from analysis.results.catalogue import CATALOGUE, ResultTable
from analysis.results.families import FAMILIES

HEAD = """# The tables of `results`

Made from the catalogue (`analysis/results/catalogue.py`): `make results-doc`. The same words are comments in the published file:
`SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'results'`.
Methods and what each was compared with: [statistics.md](statistics.md).
"""


def as_markdown() -> str:
    """One section a table: what it is, what a row is, what computes it, its columns."""
    return HEAD + "".join(_section(table) for table in CATALOGUE)


def in_readme(readme: str) -> str:
    """The README with its rows of results, one a family of tables: what each table is, and what a row of it is told by.

    Raises:
        ValueError: the README has no such rows.
    """
    rows = []
    for family in FAMILIES:
        of_family = [table for table in CATALOGUE if table.family == family.name]
        names, words = ", ".join(f"`{table.name}`" for table in of_family), "; ".join(t.description for t in of_family)
        rows.append(f"| {'' if rows else '`results`'} | {names} | {words} |".replace("|  |", "| |"))
    of_none = [table for table in CATALOGUE if all(table.family != family.name for family in FAMILIES)]
    rows += [f"| | `{table.name}` | {table.description} |" for table in of_none]
    written, n = re.subn(
        r"\| `results` \|.*?\n(?=\| `quality` \|)", lambda _: "\n".join(rows) + "\n", readme, flags=re.DOTALL
    )
    if n != 1:
        raise ValueError("README: no rows of `results` before those of `quality`")
    return written


def _section(table: ResultTable) -> str:
    needs = next((family.needs for family in FAMILIES if family.name == table.family), ())
    grain = ", ".join(f"`{name}`" for name in table.grain) or "a reason"
    lines = [
        f"\n## {table.name}\n\n{table.description}.\n\nOne row: {grain}.",
        f" Computed with `{table.family}` from {', '.join(f'`{name}`' for name in needs)}.\n" if needs else "\n",
        "\n| column | type | unit | meaning |\n|---|---|---|---|\n",
    ]
    lines += [f"| `{c.name}` | {c.type} | {c.unit} | {c.meaning} |\n" for c in table.columns]
    return "".join(lines)


if __name__ == "__main__":
    print(in_readme(sys.stdin.read()) if sys.argv[1:] == ["readme"] else as_markdown(), end="")
