"""Why rows could not be fetched, in words that hold no secret and no value: a driver's own message may quote either."""

import re

REASONS = (
    (
        r"password authentication failed|no password supplied|28P01|28000|login failed|access denied|"
        r"authentication failed|invalid authorization|invalid username/password",
        "the database refuses the user, or the secret in {secret}",
    ),
    (
        r"statement timeout|canceling statement|query timeout|HYT00|time limit",
        "the query took longer than {timeout} seconds (`timeout_seconds`)",
    ),
    (
        r"server closed the connection|terminating connection|connection (was |has been )?(lost|reset|closed|broken)|"
        r"unexpected(ly)? (eof|closed)|no connection to the server|could not receive data|08S01|57P01|communication link|"
        r"ssl connection has been closed",
        "the connection broke while rows were fetched; nothing of them was taken",
    ),
    (
        r"could not connect|connection refused|could not translate host|unable to connect|timeout expired|08001|"
        r"no route to host|network is unreachable|does not exist.*database|database .* does not exist|is the server running",
        "the database cannot be reached, or is not there",
    ),
    (r"permission denied|42501", "the user may not read the table"),
    (
        r"relation .* does not exist|no such table|invalid object name|42P01|42S02|table .* does not exist",
        "there is no such table for this user",
    ),
    (
        r"column .* does not exist|42703|42S22|invalid column name",
        "there is no such column (`watermark`, `query`)",
    ),
    (r"syntax error|42601|42000", "the database cannot read the query"),
    (
        r"can't open lib|data source name not found|IM002|01000.*driver",
        "the ODBC driver or data source is not installed here",
    ),
    (
        r"modulenotfounderror|extension .* not found|no module named",
        "the extension is not installed: `pip install` the extra `sources`",
    ),
)
UNKNOWN = "the fetch failed ({kind}); `crlm fetch` in a terminal of the same machine tries it again"


def reason_of(message: str, kind: str, secret: str | None, timeout: int) -> str:
    """The reason that a driver's message means."""
    for pattern, reason in REASONS:
        if re.search(pattern, message, re.IGNORECASE | re.DOTALL):
            return reason.format(secret=f"the environment variable {secret}" if secret else "use", timeout=timeout)
    return UNKNOWN.format(kind=kind)
