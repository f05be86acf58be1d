"""The name of a landed file as text that every program can take, whatever bytes its name is made of."""

import re
from pathlib import PurePath

ODD_BYTE = re.compile(rb"\\x([89a-f][0-9a-f])")


def readable_name(path: PurePath) -> str:
    """The path with forward slashes; bytes that are no UTF-8 (a name from an old Windows share) as `\\xfc`."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def name_in_landing(path: PurePath, landing_folder: PurePath) -> str:
    """The file's name below the landing folder, as the ledger and the raw tables keep it."""
    return readable_name(path.relative_to(landing_folder))


def names_behind(readable: str) -> tuple[str, ...]:
    """What the file of a readable name may be called on the disk: just so, or with the odd bytes in the place of `\\xfc`."""
    if "\\x" not in readable:
        return (readable,)
    odd = ODD_BYTE.sub(lambda byte: bytes.fromhex(byte[1].decode()), readable.encode())
    return readable, odd.decode("utf-8", "surrogateescape")
