"""One million distinct sentences through the function of SQL that a night calls: `python -m tests.bench.million [SENTENCES]`."""

import argparse
import resource
import time

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.reading.report_reading import FUNCTION, register_report_reader
from report_reader import batches
from tests.bench.reading import distinct_sentences

A_STEP = 100_000


def used(who: int) -> float:
    """Processor seconds of this process, or of those it has started and waited for."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def bench_million(n_sentences: int, console: Console) -> Table:
    """Clock, processor seconds and memory for so many distinct sentences, read in DuckDB by as many processes as there are cores."""
    sentences = distinct_sentences(n_sentences)
    with duckdb.connect() as connection:
        register_report_reader(connection)
        connection.execute("CREATE TABLE sentences (number INTEGER, sentence VARCHAR)")
        connection.execute(
            "INSERT INTO sentences SELECT unnest(range(?))::INTEGER, unnest(?)", [n_sentences, sentences]
        )
        del sentences
        connection.execute("CREATE TABLE told (n_statements BIGINT)")
        started, own = time.perf_counter(), used(resource.RUSAGE_SELF)
        with console.status("reading"):
            for step in range(0, n_sentences, A_STEP):
                connection.execute(
                    f"INSERT INTO told SELECT sum(len({FUNCTION}(sentence))) FROM sentences WHERE number >= ? AND number < ?",
                    [step, step + A_STEP],
                )
                done = min(step + A_STEP, n_sentences)
                console.print(f"{done:,} sentences after {time.perf_counter() - started:.0f} s")
        clock, own = time.perf_counter() - started, used(resource.RUSAGE_SELF) - own
        n_statements = connection.execute("SELECT sum(n_statements) FROM told").fetchall()[0][0]
    batches._pool().shutdown()
    readers = used(resource.RUSAGE_CHILDREN)
    # a reader's own peak is not to be had so: a child begins with the peak of the process that it was forked from
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table = Table("what", "value", title=f"{n_sentences:,} distinct sentences")
    table.add_row("statements", f"{n_statements:,}")
    table.add_row("seconds by the clock", f"{clock:.0f}")
    table.add_row("processor seconds: readers, caller", f"{readers:.0f}, {own:.0f}")
    table.add_row("sentences a processor second", f"{n_sentences / (readers + own):,.0f}")
    table.add_row("peak memory of the caller in MB", f"{memory:.0f}")
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sentences", nargs="?", type=int, default=1_000_000)
    console = Console()
    console.print(bench_million(parser.parse_args().sentences, console))
