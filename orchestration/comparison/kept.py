"""Which kept publication somebody means."""

from pathlib import Path


class UnknownPublication(Exception):
    """No publication, or more than one, answers to the name; the message lists those there are."""


def kept_publications(history: Path) -> list[Path]:
    """Oldest first; a publication's file is named by its moment."""
    return sorted(history.glob("*.duckdb"))


def default_pair(history: Path, published_file: Path) -> tuple[Path, Path]:
    """The publication before the latest, and what is published now; the same twice while there is only one.

    Raises:
        UnknownPublication: nothing is published yet.
    """
    if not published_file.exists():
        raise UnknownPublication("nothing is published yet: run `crlm refresh` first")
    kept = kept_publications(history)
    return (kept[-2] if len(kept) > 1 else published_file), published_file


def publication_before(history: Path, published_file: Path) -> Path | None:
    """The kept publication before a file of the history, or before what is published now; None where there is none."""
    kept = kept_publications(history)
    earlier = [path for path in kept if path < published_file] if published_file in kept else kept[:-1]
    return earlier[-1] if earlier else None


def latest_kept(history: Path, number: int = 1) -> Path | None:
    """The latest kept publication, or the one so many places from the end; None where there are not so many."""
    kept = kept_publications(history)
    return kept[-number] if len(kept) >= number else None


def named_publication(history: Path, name: str) -> Path:
    """A file by its path, or the latest kept publication whose name begins so (20261126, 20261126T02); of a date also 2026-11-26.

    Raises:
        UnknownPublication: none begins so.
    """
    if Path(name).is_file():
        return Path(name)
    digits = name.replace("-", "").replace(":", "").replace(" ", "T")
    found = [path for path in kept_publications(history) if path.name.startswith(digits)]
    if not digits or not found:
        known = ", ".join(path.stem for path in kept_publications(history)[-5:]) or "none"
        raise UnknownPublication(f"no kept publication begins with '{name}' (the latest: {known})")
    return found[-1]
