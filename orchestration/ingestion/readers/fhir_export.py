"""The other files of a Bulk Data export: NDJSON files of one folder, one type of resource each, that refer to each other."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from orchestration.ingestion.landed_names import place_by_name
from orchestration.ingestion.landing_folder import is_a_file
from orchestration.ingestion.readers.fhir_entries import Resource, is_resource, parsed
from orchestration.ingestion.readers.landed_file import (
    GZIP_MAGIC,
    UnreadableFile,
    as_utf_8,
    take_landed_file,
    unpacked,
)

NDJSON = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
# what a server says of the export itself, and deletions: these are read as files of their own, or listed as nobody's
OF_THE_EXPORT = ("OperationOutcome", "Bundle", "Parameters")
FIRST_BYTES = 64 * 2**10
DAMAGED_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)


def companions_of(path: Path) -> list[Path]:
    """The other NDJSON files of the folder that hold resources; none for a file of another kind, or in a closed folder."""
    if not path.name.endswith(NDJSON):
        return []
    try:
        others = [one for one in path.parent.iterdir() if one.name.endswith(NDJSON) and one != path and is_a_file(one)]
    except OSError:
        return []
    held = (one for one in others if not one.name.startswith(".") and _first_type(one) not in (*OF_THE_EXPORT, None))
    return sorted(held, key=place_by_name)


def is_damaged(path: Path) -> bool:
    """Whether an NDJSON file cannot even be begun: it is none of an export's, and what is wrong with it should be said."""
    try:
        if path.name.endswith(NDJSON):
            _first_bytes(path)
    except DAMAGED_GZIP:
        return True
    except OSError:
        pass
    return False


def hash_of_companions(path: Path) -> str:
    """Changes whenever one of them does, comes or goes."""
    digest = hashlib.sha256()
    for one in sorted(companions_of(path)):
        digest.update(f"{one.name}:{_hash_of(one)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def resources_of_companions(path: Path, encoding: str, cannot_be_read: Callable[[int], None]) -> list[Resource]:
    """The resources of the other files, of each of those that can be read; how many cannot is told. Those of the latest name come
    first, so that it decides where nothing in them tells which version is the later."""
    found, n_unreadable = _resources_of(tuple((one, *_seen(one)) for one in reversed(companions_of(path))), encoding)
    cannot_be_read(n_unreadable)
    return found


# the files of one export follow each other
@lru_cache(maxsize=1)
def _resources_of(files: tuple[tuple[Path, int, int], ...], encoding: str) -> tuple[list[Resource], int]:
    found, n_unreadable = [], 0
    for path, _, _ in files:
        try:
            text = as_utf_8(unpacked(take_landed_file(path).content), encoding)
        except UnreadableFile:
            n_unreadable += 1
            continue
        found += resources_of_lines(text)
    return found, n_unreadable


def resources_of_lines(text: bytes) -> list[Resource]:
    """The resources of an NDJSON file, one a line."""
    return [
        one for one in map(parsed, text.split(b"\n")) if is_resource(one) and one["resourceType"] not in OF_THE_EXPORT
    ]


def _first_type(path: Path) -> str | None:
    try:
        match = re.search(rb'"resourceType"\s*:\s*"(\w+)"', _first_bytes(path))
    except (*DAMAGED_GZIP, OSError):
        # nobody has asked for this file, so that nothing may fail on it
        return None
    return match[1].decode() if match else None


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        return (gzip.GzipFile(fileobj=file) if is_packed else file).read(FIRST_BYTES)


def _hash_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _seen(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size
