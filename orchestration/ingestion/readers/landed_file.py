"""A landed file's bytes, read once, so that what is hashed is what is parsed; and why a file is refused whole."""

import codecs
import gzip
import hashlib
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# positions within a file are kept in 32 bits
MAX_CONTENT_BYTES = 2**31 - 1
# text of records packs 5 to 30 times; deflate itself can reach 1,000 times
MAX_UNPACKING_RATIO = 200
UNPACKED_ALWAYS_ALLOWED = 64 * 2**20
UNPACKING_STEP = 16 * 2**20
GZIP_MAGIC = b"\x1f\x8b"
DAMAGED_ZIP = (
    zipfile.BadZipFile,
    OSError,
    ValueError,
    NotImplementedError,
    EOFError,
    RuntimeError,
    zlib.error,
    lzma.LZMAError,
)
"""What zipfile raises of an archive that is cut off or damaged, whatever way its files are packed."""


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the message is the reason kept in the ledger (it quotes no content)."""

    def __init__(self, reason: str, header: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.header = list(header)
        """The header that was found, where a column is missing: for whoever mends the contract, never for the ledger."""


@dataclass(frozen=True)
class LandedFile:
    """The bytes of a landed file as they were at one moment."""

    content: bytes
    file_hash: str
    """SHA-256 of the bytes as landed, hex."""

    @property
    def size_bytes(self) -> int:
        return len(self.content)


def take_landed_file(path: Path) -> LandedFile:
    """The file's bytes and their hash.

    Raises:
        UnreadableFile: not to be opened, over 2 GiB, or changed while it was being read.
    """
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            if before.st_size > MAX_CONTENT_BYTES:
                raise UnreadableFile("the file is larger than 2 GiB: send it in parts")
            content = file.read()
            after = path.stat()
    except OSError as error:
        raise UnreadableFile(f"the file cannot be opened: {error.strerror}") from error
    if _identity(before) != _identity(after) or len(content) != after.st_size:
        raise UnreadableFile("the file changed while it was being read")
    return LandedFile(content, hashlib.sha256(content).hexdigest())


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def unpacked(content: bytes) -> bytes:
    """The content, unpacked if it is gzip (told by its first bytes, not by its name).

    Raises:
        UnreadableFile: empty, cut off or damaged gzip, or a gzip that unpacks beyond all proportion.
    """
    if not content:
        raise UnreadableFile("the file is empty")
    if not content.startswith(GZIP_MAGIC):
        return content
    limit = min(max(MAX_UNPACKING_RATIO * len(content), UNPACKED_ALWAYS_ALLOWED), MAX_CONTENT_BYTES)
    parts: list[bytes] = []
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            while part := stream.read(UNPACKING_STEP):
                parts.append(part)
                if sum(map(len, parts)) > limit:
                    raise UnreadableFile(
                        f"the gzip file unpacks to more than {limit // 2**20:,} MiB, beyond all proportion to its size"
                    )
    except (EOFError, OSError, zlib.error) as error:
        raise UnreadableFile("the gzip file is cut off or damaged") from error
    if not any(parts):
        raise UnreadableFile("the file is empty")
    return b"".join(parts)


def check_proportion_of_zip(content: bytes, what: str, damaged: str) -> None:
    """Raises UnreadableFile for a zip archive (a `what`) that is damaged, or unpacks beyond all proportion to its size."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked_bytes = sum(member.file_size for member in archive.infolist())
    except DAMAGED_ZIP as error:
        raise UnreadableFile(damaged) from error
    if unpacked_bytes > min(max(MAX_UNPACKING_RATIO * len(content), UNPACKED_ALWAYS_ALLOWED), MAX_CONTENT_BYTES):
        raise UnreadableFile(
            f"the {what} unpacks to {unpacked_bytes // 2**20:,} MiB, beyond all proportion to its size"
        )


def _one_byte_as_latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin-1-fallback", _one_byte_as_latin_1)


def as_utf_8(content: bytes, encoding: str, fallback_encoding: str | None = None) -> bytes:
    """The content as UTF-8 without byte order mark. `sniff` takes a byte order mark's word, else UTF-8, else Windows-1252.

    With a fallback of latin-1, bytes that are not valid in `encoding` are read as Latin-1.

    Raises:
        UnreadableFile: binary (a NUL character), or bytes outside the declared encoding and no fallback declared.
    """
    encoding = _sniffed_encoding(content) if encoding == "sniff" else encoding
    errors = "latin-1-fallback" if fallback_encoding == "latin-1" else "strict"
    try:
        if encoding == "utf-8":
            text = content.removeprefix(codecs.BOM_UTF8)
            if not _is_utf_8(text):
                text = text.decode("utf-8", errors=errors).encode()
        else:
            text = content.decode(encoding, errors=errors).removeprefix("\ufeff").encode()
    except UnicodeError as error:
        line = content.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise UnreadableFile(
            f"line {line} is not {encoding} text and the contract declares no fallback_encoding"
        ) from error
    # how DOS marked the end of a text
    text = text.removesuffix(b"\x1a")
    if b"\0" in text:
        raise UnreadableFile("the file holds NUL bytes: it is binary or damaged")
    return text


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _sniffed_encoding(content: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return encoding
    return "utf-8" if _is_utf_8(content) else "cp1252"


def ends_as_declared(content: bytes, ends_with_newline: bool) -> None:
    """Raises UnreadableFile for text whose last line has no end: the file may be half written."""
    if ends_with_newline and not content.endswith((b"\n", b"\r", b"\x1c")):
        raise UnreadableFile(
            "the last line has no end: the file may be half written"
            " (a system that never ends its last line: set `ends_with_newline: false` in the contract)"
        )
