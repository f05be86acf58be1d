"""Why a file is refused whole, and the text of a file in its declared encoding."""

import codecs
from pathlib import Path


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the message is the reason kept in the ledger (it quotes no content)."""


def _one_byte_as_latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin-1-fallback", _one_byte_as_latin_1)


def decoded_text(path: Path, encoding: str, fallback_encoding: str | None = None) -> str:
    """The file's text. With a fallback of latin-1, bytes that are not valid in `encoding` are read as Latin-1.

    Raises:
        UnreadableFile: empty, binary (a NUL byte), or bytes outside the declared encoding and no fallback declared.
    """
    content = path.read_bytes()
    if not content:
        raise UnreadableFile("the file is empty")
    if b"\0" in content:
        raise UnreadableFile("the file holds NUL bytes: it is binary or damaged")
    try:
        errors = "latin-1-fallback" if fallback_encoding == "latin-1" else "strict"
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors=errors)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(
            f"line {line} is not {encoding} text and the contract declares no fallback_encoding"
        ) from error


def missing_columns(wanted: list[str], found: list[str]) -> None:
    """Raises UnreadableFile naming the contract's columns that the file's header lacks."""
    absent = [name for name in wanted if name not in found]
    if absent:
        raise UnreadableFile(f"the header lacks the contract's column(s): {', '.join(absent)}")
