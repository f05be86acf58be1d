"""Tables of a DuckDB file as the gates and the privacy checks see them: counted where they lie, a column at a time."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import duckdb
import pandas as pd

from quality.privacy import TableContents

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
           "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
DATES = ("DATE", "TIMESTAMP")
FEW_TEXTS = 10_000
"""So many distinct texts of a column are kept for who asks again; more are read again rather than held."""


class TablesToJudge:
    """Implements quality.CountedTables on a connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, queries: Mapping[str, str]) -> None:
        """queries: name of a table -> the SELECT that gives it as it would be published."""
        self.connection, self.queries = connection, dict(queries)
        self.types_of: dict[str, dict[str, str]] = {}
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

    def contents(self, table: str) -> TableContents:
        return contents_of_relation(self.connection, self.relation(table), self.types(table) or {})


def contents_of_relation(
    connection: duckdb.DuckDBPyConnection, relation: str, types: Mapping[str, str]
) -> TableContents:
    """What the privacy checks look through, of what stands after FROM."""
    of_days = [name for name, kind in types.items() if kind.startswith(DATES) and not kind.endswith("[]")]
    counts = ", ".join(f'count("{name}")' for name in of_days)
    numbers: Sequence[int] = connection.execute(f"SELECT {counts} FROM {relation}").fetchall()[0] if of_days else []
    texts = [
        name
        for name, kind in types.items()
        if not kind.startswith((*NUMBERS, *DATES, "BOOLEAN")) or kind.endswith("[]")
    ]
    dates: dict[str, int] = dict(zip(of_days, numbers, strict=True))
    asks = _texts_together(connection, relation, [*texts, *({"study_id"} & set(types) - set(texts))])
    return TableContents(list(types), dates, [(name, asks[name]) for name in texts], asks.get("study_id"))


def _texts_together(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: list[str]
) -> dict[str, Callable[[], pd.Series]]:
    """What asks for the distinct texts of each column: of a small table all at once, for a question costs more than its answer."""
    if not columns:
        return {}
    n_rows = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]
    if n_rows > FEW_TEXTS:
        return {name: _texts(connection, relation, name) for name in columns}
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


def _texts(connection: duckdb.DuckDBPyConnection, relation: str, column: str) -> Callable[[], pd.Series]:
    kept: list[pd.Series] = []

    def ask() -> pd.Series:
        if kept:
            return kept[0]
        found = connection.execute(
            f"""SELECT CAST("{column}" AS VARCHAR) AS text, count(*) AS n FROM {relation} WHERE "{column}" IS NOT NULL GROUP BY 1"""
        ).to_arrow_table()
        texts = pd.Series(found["n"].to_numpy(), index=pd.Index(found["text"].to_pandas(), dtype="str"), name=column)
        if len(texts) <= FEW_TEXTS:
            kept.append(texts)
        return texts

    return ask
