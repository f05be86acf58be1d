"""Zip archives: what lies in them is read as if it had landed unpacked."""

import io
import zipfile
from pathlib import PurePosixPath

from orchestration.ingestion.landed_names import place_by_name
from orchestration.ingestion.readers.landed_file import DAMAGED_ZIP, UnreadableFile, check_proportion_of_zip

ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
# what only workbooks and documents have in their archive
PARTS_OF_DOCUMENTS = ("[Content_Types].xml", "mimetype")
IS_ENCRYPTED = 0x1
DAMAGED = "the zip archive is cut off or damaged"


def is_archive(content: bytes, may_be_workbook: bool) -> bool:
    """Whether the content is a zip archive that is no workbook itself."""
    if not content.startswith((ZIP_MAGIC, EMPTY_ZIP_MAGIC)) or not may_be_workbook:
        return content.startswith((ZIP_MAGIC, EMPTY_ZIP_MAGIC))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return not any(part in archive.namelist() for part in PARTS_OF_DOCUMENTS)
    except DAMAGED_ZIP:
        # a workbook's reader says better what is wrong with it
        return False


def archived_files(content: bytes, file_pattern: str) -> tuple[list[tuple[str, bytes]], list[str]]:
    """The archive's files that are to be read (name and content, by name), and the names of those that are not.

    Files that the contract's pattern names are read, or all where it names none (a pattern such as `*.zip`); never hidden files
    and what macOS adds.

    Raises:
        UnreadableFile: empty, protected by a password, damaged, or beyond all proportion when unpacked.
    """
    check_proportion_of_zip(content, "zip archive", DAMAGED)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _members(archive)
            wanted = PurePosixPath(file_pattern).name
            named = [member for member in members if PurePosixPath(member.filename).match(wanted)] or members
            if not named:
                raise UnreadableFile("the zip archive holds no file")
            if any(member.flag_bits & IS_ENCRYPTED for member in named):
                raise UnreadableFile("the zip archive is protected by a password: send it without")
            read = [(member.filename, archive.read(member)) for member in named]
            return read, [member.filename for member in members if member not in named]
    except DAMAGED_ZIP as error:
        raise UnreadableFile(DAMAGED) from error


def all_files(content: bytes) -> list[tuple[str, bytes]]:
    """Name and content of every file in an archive that `archived_files` has taken, by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [m for m in _members(archive) if not m.flag_bits & IS_ENCRYPTED]
        return [(member.filename, archive.read(member)) for member in members]


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    files = [member for member in archive.infolist() if _is_file(member)]
    return sorted(files, key=lambda member: place_by_name(PurePosixPath(member.filename)))


def _is_file(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    return not member.is_dir() and not path.name.startswith((".", "~$")) and path.parts[0] != "__MACOSX"
