"""Whole refreshes that are killed (SIGKILL) at random moments, one after the other on one data folder, and a last one that is not."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.settings import PROJECT_ROOT

KEY = "a key for killed nights"


@dataclass(frozen=True)
class Kill:
    """One killed night: after how many seconds, which step it had last ended, and whether a whole file was published then."""

    seconds: float
    last_step: str
    is_published_whole: bool
    dbt_lived_on: bool


def environment(data: Path) -> dict[str, str]:
    return {**os.environ, "CRLM_DATA_DIR": str(data), "CRLM_STUDY_ID_KEY": KEY, "CRLM_WAIT_FOR_NIGHT_MINUTES": "1"}


def crlm(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "orchestration.command_line", *arguments],
        env=environment(data),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def killed_after(data: Path, seconds: float) -> Kill:
    """Start a refresh of everything, and kill its process, and only that, after so long."""
    log = data.with_suffix(".log")
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "orchestration.command_line", "refresh", "--force"],
            env=environment(data),
            cwd=PROJECT_ROOT,
            stdout=out,
            stderr=out,
        )
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    steps = [
        line.split("✓")[1].rsplit(None, 2)[0].strip()
        for line in log.read_text(encoding="utf-8").splitlines()
        if "✓" in line
    ]
    return Kill(
        round(seconds, 2),
        steps[-1] if steps else "before the first step",
        published_hash(data) != "damaged",
        dbt_is_left(data),
    )


def dbt_is_left(data: Path, patience_seconds: float = 15.0) -> bool:
    """Whether a dbt that works on this data folder is still there after a while."""
    deadline = time.monotonic() + patience_seconds
    while left := any(_works_on(process, data) for process in Path("/proc").glob("[0-9]*")):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return left


def _works_on(process: Path, data: Path) -> bool:
    try:
        is_dbt = b"orchestration.dbt_build.child" in (process / "cmdline").read_bytes()
        return is_dbt and str(data).encode() in (process / "environ").read_bytes()
    except OSError:
        return False


def published_hash(data: Path) -> str:
    """The hash of what is published; 'none', or 'damaged' for a file that cannot be read."""
    path = data / "published" / "warehouse.duckdb"
    if not path.exists():
        return "none"
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute("SELECT data_hash FROM meta.publication").fetchall()[0][0]
    except duckdb.Error:
        return "damaged"


def moments(n: int, longest: float, seed: int) -> list[float]:
    """n random moments of a night, one in each n-th of it, in random order."""
    drawn = random.Random(seed)
    times = [(part + drawn.random()) / n * longest for part in range(n)]
    drawn.shuffle(times)
    return times
