"""docs/results.md, made from the catalogue: `python -m analysis.results.document > docs/results.md`."""

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
    print(as_markdown(), end="")
