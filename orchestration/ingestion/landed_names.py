"""The name of a landed file as text that every program can take, whatever bytes its name is made of."""

from pathlib import PurePath


def readable_name(path: PurePath) -> str:
    """The path with forward slashes; bytes that are no UTF-8 (a name from an old Windows share) as `\\xfc`."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def name_in_landing(path: PurePath, landing_folder: PurePath) -> str:
    """The file's name below the landing folder, as the ledger and the raw tables keep it."""
    return readable_name(path.relative_to(landing_folder))
