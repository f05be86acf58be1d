"""Somebody asked the process to stop while DuckDB was at work."""


def interruption_behind(error: BaseException) -> BaseException | None:
    """What a signal's handler raised (Ctrl-C's KeyboardInterrupt, Dagster's own), where `error` only hides it; else None.

    DuckDB looks for signals between the pieces of a query. What their handler raises then comes out as a plain
    RuntimeError 'Query interrupted', of which the interruption is the cause: an `except Exception` would take it for a
    fault of whatever was being done, and go on.
    """
    behind = error.__cause__
    while behind is not None and isinstance(behind, Exception):
        behind = behind.__cause__
    return behind
