"""The name of a landed file as text that every program can take, whatever bytes its name is made of; and the order of names."""

import re
from functools import lru_cache
from pathlib import PurePath

ODD_BYTE = re.compile(rb"\\x([89a-f][0-9a-f])")
_NUMBER = re.compile("([0-9]+)")
_YEAR = re.compile("(?:19|20)[0-9]{2}")
PACKED = (".gz", ".zip")


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


def place_by_name(path: PurePath) -> tuple:
    """What files that wait together are put in order by: folder by folder, numbers as numbers (`export_9` before `export_10`), and
    a name before what was added to it (`export.csv` before `export (2).csv`).

    Not by the time of writing, which copies and restored backups change: a rebuild must come to the same end.
    """
    parts = path.parts
    return (_place_of_folders(parts[:-1]), _place_of_name(parts[-1]), parts)


def order_is_told(one: str, other: str) -> bool:
    """Whether two names of files tell which is the later: they differ in numbers alone, of which the greatest comes first."""
    parts, other_parts = _NUMBER.split(_unpacked(one)), _NUMBER.split(_unpacked(other))
    if parts[::2] != other_parts[::2]:
        return False
    pairs = list(zip(parts[1::2], other_parts[1::2], strict=True))
    differing = [(a, b) for a, b in pairs if int(a) != int(b)]
    if not differing or any(_ends_in_its_year(number) for pair in differing for number in pair):
        return False
    if len({int(a) < int(b) for a, b in differing}) == 1:
        return True
    return any(_YEAR.match(number) for pair in pairs[: pairs.index(differing[0]) + 1] for number in pair)


def _ends_in_its_year(digits: str) -> bool:
    """Whether they may be day, month and year; of six digits nobody can say what they begin with."""
    first, second = int(digits[:2]), int(digits[2:4] or 0)
    if len(digits) not in (6, 8) or not (_are_day_and_month(first, second) or _are_day_and_month(second, first)):
        return False
    begins_with_year = _YEAR.match(digits) and _are_day_and_month(int(digits[-2:]), int(digits[-4:-2]))
    return len(digits) == 6 or not begins_with_year


def _are_day_and_month(day: int, month: int) -> bool:
    return 1 <= day <= 31 and 1 <= month <= 12


def _unpacked(name: str) -> str:
    for ending in PACKED:
        name = name.removesuffix(ending)
    return name


def _counted(text: str) -> list:
    parts: list = _NUMBER.split(text)
    parts[1::2] = map(int, parts[1::2])
    return parts


@lru_cache(maxsize=256)
def _place_of_folders(folders: tuple[str, ...]) -> list[list]:
    return [_counted(folder) for folder in folders]


# a night looks at the same thousands of names several times
@lru_cache(maxsize=2**15)
def _place_of_name(name: str) -> tuple[list, list]:
    stem, dot, ending = _unpacked(name).rpartition(".")
    return (_counted(stem), _counted(ending)) if dot else (_counted(ending), [])
