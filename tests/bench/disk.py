"""What one more night adds on the disk beside the data itself: `make disk`.

A small hospital, three nights of `crlm refresh`, each after a new follow-up file. Of the old nights as few are kept as may be, so
that the second night has the shape that every later one has: what the third adds is what any night adds.
Landing folder, build file and published files are the data; everything else is counted as the night's own: Dagster's home, dbt's
folders, logs, remembered hashes, the worklist. It must stay below a megabyte.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.scale import CRLM, land_changes, run

AT_MOST_MB = 1.0
NIGHTS = 3
KEPT = {"CRLM_KEEP_RUNS": "1", "CRLM_KEEP_PUBLICATION_DAYS": "1"}
DATA = ("landing", "truth", "build/build.duckdb", "published")


def sizes_mb(folder: Path) -> dict[str, float]:
    """MB of each part of the data folder that is data, and of each folder or file of the rest, by its first two names."""
    sizes = dict.fromkeys(DATA, 0.0)
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(folder).as_posix()
            part = next((part for part in DATA if name == part or name.startswith(f"{part}/")), None)
            part = part or "/".join(name.split("/")[:2])
            # what stands on the disk: a file of holes is as large as its blocks
            sizes[part] = sizes.get(part, 0.0) + 512 * path.stat().st_blocks / 1e6
    return sizes


def beside_data(sizes: dict[str, float]) -> float:
    return sum(size for part, size in sizes.items() if part not in DATA)


def nights(folder: Path, n_patients: int) -> list[dict[str, float]]:
    """Sizes after each night."""
    os.environ.update(KEPT)
    run("crlm simulate", [*CRLM, "simulate", "--patients", str(n_patients), "--out", str(folder)], folder)
    after = []
    for night in range(NIGHTS):
        if night:
            land_changes(folder, night)
        run(f"night {night + 1}", [*CRLM, "refresh"], folder)
        after.append(sizes_mb(folder))
    return after


def table(after: list[dict[str, float]]) -> Table:
    parts = sorted({part for sizes in after for part in sizes}, key=lambda part: (part not in DATA, part))
    shown = Table("MB", *(f"night {number}" for number in range(1, len(after) + 1)), "the last added")
    for part in parts:
        row = [sizes.get(part, 0.0) for sizes in after]
        shown.add_row(part, *(f"{size:.3f}" for size in row), f"{row[-1] - row[-2]:+.3f}")
    row = [beside_data(sizes) for sizes in after]
    shown.add_row("all beside the data", *(f"{size:.3f}" for size in row), f"{row[-1] - row[-2]:+.3f}")
    return shown


def main() -> int:
    """`python -m tests.bench.disk [--patients 60] [--folder FOLDER]`; 1 where a night adds too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=60)
    parser.add_argument("--folder", type=Path, help="an empty folder, which is left; default: a temporary one")
    told = parser.parse_args()
    folder = told.folder or Path(tempfile.mkdtemp(prefix="crlm-disk-"))
    try:
        after = nights(folder, told.patients)
    finally:
        if told.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    Console().print(table(after))
    added = beside_data(after[-1]) - beside_data(after[-2])
    build = after[-1]["build/build.duckdb"] - after[-2]["build/build.duckdb"]
    print(
        f"One more night adds {added:.2f} MB beside the data (at most {AT_MOST_MB:g}); the build file grew by {build:.2f} MB."
    )
    return int(added > AT_MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
