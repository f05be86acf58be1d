"""Tables of a DuckDB file as the gates and the privacy checks see them: counted where they lie, a column at a time."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import duckdb
import pandas as pd

from quality.privacy import OPAQUE_NAME, PSEUDONYM, TableContents

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
           "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
DATES = ("DATE", "TIMESTAMP")
FIRST_ROWS = 2_048
FEW_TEXTS = 10_000
"""So many distinct texts of a column are kept for who asks again; more are read again rather than held."""


class TablesToJudge:
    """Implements quality.CountedTables on a connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        queries: Mapping[str, str],
        types_of: Mapping[str, dict[str, str]] | None = None,
    ) -> None:
        """queries: name of a table -> the SELECT that gives it as it would be published; types_of: of those of which it is known, the
        names and types of the columns."""
        self.connection, self.queries = connection, dict(queries)
        self.types_of = dict(types_of or {})
        self.numbers = itertools.count()

    def names(self) -> Iterator[str]:
        yield from self.queries

    def types(self, table: str) -> dict[str, str] | None:
        if table not in self.queries:
            return None
        if table not in self.types_of:
            described = self.connection.execute(f"DESCRIBE {self.queries[table]}").fetchall()
            self.types_of[table] = {name: kind for name, kind, *_ in described}
        return self.types_of[table]

    def relation(self, table: str) -> str:
        return f"({self.queries[table]})"

    def ask(self, query: str) -> pd.DataFrame:
        return self.connection.execute(query).df()

    @contextlib.contextmanager
    def lend(self, frame: pd.DataFrame) -> Iterator[str]:
        name = f"lent_{next(self.numbers)}"
        self.connection.register(name, frame)
        try:
            yield name
        finally:
            self.connection.unregister(name)

    def contents(self, table: str, without_opaque_names: bool = False) -> TableContents:
        return contents_of_relation(
            self.connection, self.relation(table), self.types(table) or {}, without_opaque_names
        )


def contents_of_relation(
    connection: duckdb.DuckDBPyConnection, relation: str, types: Mapping[str, str], without_opaque_names: bool = False
) -> TableContents:
    """What the privacy checks look through, of what stands after FROM.

    Args:
        without_opaque_names: those of a large table are counted and not read: they would be most of what it holds.
    """
    of_days = [name for name, kind in types.items() if kind.startswith(DATES) and not kind.endswith("[]")]
    counts = ", ".join(["count(*)", *(f'count("{name}")' for name in of_days)])
    n_rows, *numbers = connection.execute(f"SELECT {counts} FROM {relation}").fetchall()[0]
    texts = [
        name
        for name, kind in types.items()
        if not kind.startswith((*NUMBERS, *DATES, "BOOLEAN")) or kind.endswith("[]")
    ]
    asked = [*texts, *({"study_id"} & set(types) - set(texts))]
    if n_rows <= FEW_TEXTS:
        asks, n_opaque = _texts_together(connection, relation, asked), {}
    else:
        looked_for = [name for name in texts if types[name] == "VARCHAR"] if without_opaque_names else []
        n_others, n_opaque = _opaque_names_counted(connection, relation, looked_for)
        asks = {name: _texts(connection, relation, name, n_others.get(name)) for name in asked}
    dates: dict[str, int] = dict(zip(of_days, numbers, strict=True))
    return TableContents(list(types), dates, [(name, asks[name]) for name in texts], asks.get("study_id"), n_opaque)


def _opaque_names_counted(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """By column that holds opaque names among its first rows: how many other texts, and how many of them."""
    if not columns:
        return {}, {}
    begins = ", ".join(f"coalesce(bool_or({_is_opaque(name)}), FALSE)" for name in columns)
    seen = connection.execute(f"SELECT {begins} FROM (FROM {relation} LIMIT {FIRST_ROWS})").fetchall()[0]
    columns = [name for name, has_some in zip(columns, seen, strict=True) if has_some]
    if not columns:
        return {}, {}
    counts = ", ".join(f'count("{name}"), count(*) FILTER ({_is_opaque(name)})' for name in columns)
    found = connection.execute(f"SELECT {counts} FROM {relation}").fetchall()[0]
    held = [(name, n, n_like) for name, n, n_like in zip(columns, found[::2], found[1::2], strict=True) if n_like]
    return {name: n - n_like for name, n, n_like in held}, {name: n_like for name, _, n_like in held}


def _is_opaque(column: str) -> str:
    pattern = PSEUDONYM if column == "study_id" else OPAQUE_NAME
    # the first letter is at hand where the pattern needs the whole text
    return f"""("{column}"[1] IN ('P', 'R') AND regexp_full_match("{column}", '{pattern}'))"""


def _texts_together(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: list[str]
) -> dict[str, Callable[[], pd.Series]]:
    """What asks for the distinct texts of each column of a small table: all at once, for a question costs more than its answer."""
    if not columns:
        return {}
    parts = [
        f"""SELECT {number} AS place, CAST("{name}" AS VARCHAR) AS text, count(*) AS n FROM {relation}
            WHERE "{name}" IS NOT NULL GROUP BY 2"""
        for number, name in enumerate(columns)
    ]
    found = connection.execute(" UNION ALL ".join(parts)).fetchall()
    by_place: dict[int, dict[str, int]] = {number: {} for number in range(len(columns))}
    for place, text, n in found:
        by_place[place][text] = n
    counts = {
        name: pd.Series(
            # these are gone through one by one
            list(by_place[number].values()),
            index=pd.Index(list(by_place[number]), dtype="object"),
            dtype="int64",
            name=name,
        )
        for number, name in enumerate(columns)
    }
    return {name: lambda texts=texts: texts for name, texts in counts.items()}


def _texts(
    connection: duckdb.DuckDBPyConnection, relation: str, column: str, n_others: int | None
) -> Callable[[], pd.Series]:
    """What asks for the distinct texts of a column of a large table.

    Args:
        n_others: of a column whose opaque names are left out, how many other texts it holds; None: nothing is left out.
    """
    kept: list[pd.Series] = []
    if n_others == 0:
        kept.append(pd.Series([], index=pd.Index([], dtype="str"), dtype="int64", name=column))
    but_opaque_names = "" if n_others is None else f" AND NOT ({_is_opaque(column)})"

    def ask() -> pd.Series:
        if kept:
            return kept[0]
        found = connection.execute(
            f"""SELECT CAST("{column}" AS VARCHAR) AS text, count(*) AS n FROM {relation}
                WHERE "{column}" IS NOT NULL{but_opaque_names} GROUP BY 1"""
        ).to_arrow_table()
        texts = pd.Series(found["n"].to_numpy(), index=pd.Index(found["text"].to_pandas(), dtype="str"), name=column)
        if len(texts) <= FEW_TEXTS:
            kept.append(texts)
        return texts

    return ask
