"""What the published files were when they were published: their SHA-256, in the list that `sha256sum --check` reads."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

SUMS_FILE = "SHA256SUMS"


def known_sums(folder: Path) -> dict[str, set[str]]:
    """Name -> SHA-256 of the published files; two of one name while one is being replaced by the other."""
    sums: dict[str, set[str]] = {}
    path = folder / SUMS_FILE
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    for digest, _, name in (line.partition("  ") for line in lines):
        sums.setdefault(name.strip(), set()).add(digest)
    return sums


def write_sums(folder: Path, sums: dict[str, set[str]]) -> None:
    """Replace the list, in the form that `sha256sum --check` reads."""
    new_file = folder / f"{SUMS_FILE}.new"
    lines = [f"{digest}  {name}\n" for name in sorted(sums) for digest in sorted(sums[name])]
    new_file.write_text("".join(lines), encoding="utf-8")
    new_file.replace(folder / SUMS_FILE)


@contextlib.contextmanager
def both_known(folder: Path, sums: dict[str, set[str]], digests: Mapping[str, str]) -> Iterator[None]:
    """While files of these digests take the place of those before: old and new are known, so that a kill in between leaves no file
    that looks damaged. Afterwards the new alone, and whatever has become of `sums`."""
    write_sums(folder, {**sums, **{name: sums.get(name, set()) | {digest} for name, digest in digests.items()}})
    yield
    write_sums(folder, {**sums, **{name: {digest} for name, digest in digests.items()}})


def sha256_of(path: Path) -> str:
    """Of the file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
