"""The bytes of an HL7 v2 file as UTF-8, each message by the character set that its MSH-18 names (HL7 table 0211)."""

import codecs
import re

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.readers.landed_file import UnreadableFile, as_utf_8

NOT_DECODED = b"\x1d"
"""Stands at the end of an MSH segment whose message cannot be read in the character set that it names itself."""
# MSH-18 stands 16 fields after MSH-2
_MESSAGES = re.compile(rb"MSH\|(?:[^|\r\n]*\|){16}([^|\r\n]*)")
# what stands before is looked at last: a pattern that begins with plain bytes is found a hundred times faster
_STARTS = re.compile(rb"MSH\|(?<![^\r\n\x0b\x1c]MSH\|)")
_HEXADECIMAL = re.compile(r"(?:\\[Xx](?:[0-9A-Fa-f]{2})+\\)+")
_NAMES = {"": None, "ASCII": None, "UNICODE": "utf-8", "UNICODE UTF-8": "utf-8", "UNICODE UTF-16": "utf-16", "UNICODE UTF-32": "utf-32",
          "8859/1": "cp1252", "BIG-5": "big5", "GB 18030-2000": "gb18030", "KS X 1001": "euc_kr", "ISO IR14": "shift_jis",
          "ISO IR100": "cp1252", "ANSI": "cp1252", "LATIN1": "cp1252", "ISO IR87": "iso2022_jp", "ISO IR159": "iso2022_jp_1"}  # fmt: skip


def character_set(name: bytes) -> str | None:
    """Python's name of the character set of MSH-18, of several the first beside ASCII; None where it names none that is known."""
    return next(filter(None, map(_one_character_set, name.split(b"~"))), None)


def _one_character_set(name: bytes) -> str | None:
    text = name.split(b"^")[0].decode("ascii", "replace").strip().upper()
    text = re.sub(r"ISO[ _]IR[ _]?", "ISO IR", text)
    if text in _NAMES:
        return _NAMES[text]
    if part := re.fullmatch(r"(?:ISO[-_ ]?)?8859[-/_ ]?(\d{1,2})", text):
        text = "cp1252" if part[1] == "1" else f"ISO8859-{part[1]}"
    if page := re.fullmatch(r"(?:WINDOWS|WIN|CP|MS)?[-_ ]?(125[0-8])", text):
        return f"cp{page[1]}"
    try:
        return codecs.lookup(text).name
    except LookupError:
        return None


def decoded(content: bytes, contract: SourceContract) -> bytes:
    """The file as UTF-8; hexadecimal escapes are rewritten to hold UTF-8 too.

    Raises:
        UnreadableFile: bytes outside the contract's encoding in messages that name no character set themselves.
    """
    name_of_each = _MESSAGES.findall(content)
    names = set(name_of_each)
    declared = {character_set(name) for name in names} - {None}
    if not declared and not any(map(_is_unknown, names)):
        return _read(content, None, contract)
    all_name_one = len(name_of_each) == len(_STARTS.findall(content)) and None not in map(character_set, names)
    if len(declared) == 1 and all_name_one:
        encoding = declared.pop()
        try:
            return _with_utf_8_escapes(content.removeprefix(codecs.BOM_UTF8).decode(encoding), encoding)
        except UnicodeError:
            pass
    starts = [match.start() for match in _STARTS.finditer(content)]
    ends = [*starts[1:], len(content)]
    parts = [_read(content[: starts[0]], None, contract)] if starts and starts[0] else []
    for start, end in zip(starts, ends, strict=True):
        named = _MESSAGES.match(content, start)
        parts.append(_read_message(content[start:end], named[1].strip() if named else b"", contract))
    return b"".join(parts)


def _is_unknown(name: bytes) -> bool:
    return bool(name.strip()) and name.strip().upper() not in map(str.encode, _NAMES)


def _read_message(content: bytes, named: bytes, contract: SourceContract) -> bytes:
    """One message; one that names a character set which nobody knows, and is not in the contract's, is marked as not decoded."""
    encoding = character_set(named)
    try:
        return _read(content, encoding, contract)
    except UnreadableFile:
        if encoding is not None or not named or named.upper() in map(str.encode, _NAMES):
            raise
        return _marked(content.decode("latin-1")).encode()


def _marked(text: str) -> str:
    end = re.search(r"[\r\n]|$", text).start()
    return text[:end] + NOT_DECODED.decode() + text[end:]


def _read(content: bytes, encoding: str | None, contract: SourceContract) -> bytes:
    if encoding is None:
        text = as_utf_8(content, contract.encoding, contract.fallback_encoding)
        if contract.encoding in ("utf-8", "sniff") or b"\\" not in text:
            return text
        return _with_utf_8_escapes(text.decode(), contract.encoding)
    try:
        text = content.decode(encoding)
    except UnicodeError:
        if contract.fallback_encoding:
            return as_utf_8(content, contract.encoding, contract.fallback_encoding)
        text = _marked(content.decode("latin-1"))
    return _with_utf_8_escapes(text.replace("\0", " "), encoding)


def _with_utf_8_escapes(text: str, encoding: str) -> bytes:
    if encoding == "utf-8" or ("\\X" not in text and "\\x" not in text):
        return text.encode()

    def in_utf_8(match: re.Match) -> str:
        try:
            meant = bytes.fromhex(re.sub(r"\\[Xx]?", "", match[0])).decode(encoding)
        except UnicodeError:
            return match[0]
        return f"\\X{meant.encode().hex().upper()}\\"

    return _HEXADECIMAL.sub(in_utf_8, text).encode()
