"""What a database as a source asks of a contract."""

import re
from collections.abc import Iterator

from orchestration.ingestion.canonical_feeds import canonical_feeds
from orchestration.ingestion.contract.model import SourceContract
from orchestration.ingestion.contract.problems import Problem

SECRET_IN_CONNECTION = re.compile(r"\b(password|pwd|passwd|passfile)\s*=|://[^/@\s]*:[^/@\s]*@", re.IGNORECASE)
TABLE = re.compile(r'[\w$#"\[\]`]+(\.[\w$#"\[\]`]+){0,3}')
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


def problems_of_source(contract: SourceContract) -> Iterator[Problem]:
    source = contract.source
    if source is None:
        return
    if SECRET_IN_CONNECTION.search(source.connection):
        reason = "holds a secret: put it into an environment variable and give that one's name as `secret`"
        yield Problem(("source", "connection"), reason)
    if source.secret and not VARIABLE.fullmatch(source.secret):
        yield Problem(
            ("source", "secret"), "must be the name of an environment variable, such as RIVERSIDE_DATABASE_SECRET"
        )
    if source.table and not TABLE.fullmatch(source.table):
        yield Problem(("source", "table"), f"'{source.table}' is no table's name; a query is a `query`")
    if source.query and not re.match(r"\s*(select|with)\b", source.query, re.IGNORECASE):
        yield Problem(("source", "query"), "must be a SELECT")
    if source.vanished == "withdrawn":
        yield from _problems_of_withdrawal(contract)


def _problems_of_withdrawal(contract: SourceContract) -> Iterator[Problem]:
    where = ("source", "vanished")
    if contract.source and contract.source.watermark:
        yield Problem(where, "with a `watermark` only new rows are fetched, so none can be seen to vanish")
    if "record_status" not in canonical_feeds()[contract.feed].columns:
        yield Problem(where, f"records of feed '{contract.feed}' cannot be withdrawn by a record_status")
