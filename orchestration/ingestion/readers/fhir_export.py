"""The other files of a Bulk Data export: NDJSON files of one folder, one type of resource each, that refer to each other."""

import gzip
import hashlib
import re
from functools import lru_cache
from pathlib import Path

from orchestration.ingestion.landed_names import place_by_name
from orchestration.ingestion.readers.fhir_entries import Resource, is_resource, parsed
from orchestration.ingestion.readers.landed_file import UnreadableFile, as_utf_8, take_landed_file, unpacked

NDJSON = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
# what a server says of the export itself, and deletions: these are read as files of their own, or listed as nobody's
OF_THE_EXPORT = ("OperationOutcome", "Bundle", "Parameters")
FIRST_BYTES = 64 * 2**10


def companions_of(path: Path) -> list[Path]:
    """The other NDJSON files of the folder that hold resources; none for a file of another kind."""
    if not path.name.endswith(NDJSON) or not path.parent.is_dir():
        return []
    others = [one for one in path.parent.iterdir() if one.name.endswith(NDJSON) and one.is_file() and one != path]
    held = (one for one in others if not one.name.startswith(".") and _first_type(one) not in (*OF_THE_EXPORT, None))
    return sorted(held, key=place_by_name)


def hash_of_companions(path: Path) -> str:
    """Changes whenever one of them does, comes or goes."""
    digest = hashlib.sha256()
    for one in sorted(companions_of(path)):
        with one.open("rb") as file:
            digest.update(f"{one.name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def resources_of_companions(path: Path, encoding: str) -> list[Resource]:
    """The resources of the other files, of each of those that can be read; those of the latest name first, so that it decides
    where nothing in them tells which version is the later."""
    files = tuple((one, one.stat().st_mtime_ns, one.stat().st_size) for one in reversed(companions_of(path)))
    return _resources_of(files, encoding)


# the files of one export follow each other
@lru_cache(maxsize=1)
def _resources_of(files: tuple[tuple[Path, int, int], ...], encoding: str) -> list[Resource]:
    found: list[Resource] = []
    for path, _, _ in files:
        try:
            text = as_utf_8(unpacked(take_landed_file(path).content), encoding)
        except UnreadableFile:
            # its own contract refuses it and says why; what referred to it is rejected
            continue
        found += resources_of_lines(text)
    return found


def resources_of_lines(text: bytes) -> list[Resource]:
    """The resources of an NDJSON file, one a line."""
    return [
        one for one in map(parsed, text.split(b"\n")) if is_resource(one) and one["resourceType"] not in OF_THE_EXPORT
    ]


def _first_type(path: Path) -> str | None:
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            start = file.read(FIRST_BYTES)
    except (OSError, EOFError):
        return None
    match = re.search(rb'"resourceType"\s*:\s*"(\w+)"', start)
    return match[1].decode() if match else None
