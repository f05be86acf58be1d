"""What a reader tells of a file beside its records: rows left to other contracts, what nobody read, what is withdrawn."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import pyarrow as pa

ACCOUNT = b"crlm_account"
NOT_READ = "not read"
WARNING = "warning"
BOUND = "bound"


@dataclass(frozen=True)
class Notice:
    """Content of a kind that was not taken, and how much of it; never the content itself."""

    what: str
    """Such as `segment SPM`, `resource Encounter`, `attachment application/pdf`."""
    n: int
    reason: str | None = None
    first_line: int | None = None
    kind: str = NOT_READ
    """Or a warning (all was read, but somebody should look at it), or a bound (a value that is no number but a limit)."""


@dataclass(frozen=True)
class Withdrawal:
    """The source took back the record that it calls `reference`."""

    reference: str
    updated_at: str | None
    line: int
    is_entry: bool = True
    """Whether it stands in the file as an entry of its own, and is not what another record says of it."""


@dataclass(frozen=True)
class Account:
    """Told with the records, as the metadata of their table."""

    passed_over: int = 0
    notices: list[Notice] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    used_companions: bool = False
    """Whether a reference was looked for in other files of the folder."""


def with_account(table: pa.Table, account: Account) -> pa.Table:
    """The table with the account as metadata."""
    return table.replace_schema_metadata({ACCOUNT: json.dumps(asdict(account)).encode()})


def account_of(table: pa.Table) -> Account:
    """The account that came with the table; an empty one where the reader told none."""
    told = (table.schema.metadata or {}).get(ACCOUNT)
    if told is None:
        return Account()
    known = json.loads(told)
    return Account(
        known["passed_over"],
        [Notice(**one) for one in known["notices"]],
        [Withdrawal(**one) for one in known["withdrawals"]],
        known["used_companions"],
    )


def summed(accounts: Iterable[Account]) -> Account:
    """The account of a file that was read in parts."""
    passed_over, notices, withdrawals, used = 0, {}, [], False
    for account in accounts:
        passed_over += account.passed_over
        withdrawals += account.withdrawals
        used |= account.used_companions
        for notice in account.notices:
            before = notices.get((notice.kind, notice.what, notice.reason))
            n = notice.n + (before.n if before else 0)
            first = before.first_line if before else notice.first_line
            notices[notice.kind, notice.what, notice.reason] = Notice(notice.what, n, notice.reason, first, notice.kind)
    return Account(passed_over, list(notices.values()), withdrawals, used)
