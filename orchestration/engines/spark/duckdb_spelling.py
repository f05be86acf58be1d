"""How the project's SQL is read: DuckDB's grammar as sqlglot knows it, and one convention of the project's own."""

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.tokens import TokenType

ELEMENTS = "ELEMENTS_OF_LIST"


def parsed(query: str) -> exp.Expression:
    """One SELECT. `len` counts the elements of a list, and is kept apart from `length`, which counts the characters of a text: DuckDB takes
    both for both, no other engine does.

    Raises:
        sqlglot.errors.ParseError: it is none of DuckDB's.
    """
    tokens = DuckDB().tokenize(query)
    told = query
    for token, behind in reversed(list(zip(tokens, tokens[1:], strict=False))):
        if token.text.lower() == "len" and token.token_type == TokenType.VAR and behind.token_type == TokenType.L_PAREN:
            told = told[: token.start] + ELEMENTS + told[token.end + 1 :]
    return sqlglot.parse_one(told, read="duckdb")
