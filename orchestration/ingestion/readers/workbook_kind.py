"""Files that are called workbooks and are something else: each named as what it is."""

import io
import re

from orchestration.ingestion.readers.landed_file import UnreadableFile, as_utf_8

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP_MAGIC = b"PK"
PARQUET_MAGIC = b"PAR1"
PDF_MAGIC = b"%PDF"
# as far as the beginning of an HTML page or a sheet of XML may be away
LOOKED_AT_BYTES = 4096


def check_is_workbook(content: bytes) -> None:
    """Nothing for a workbook, or for what may be a damaged one.

    Raises:
        UnreadableFile: protected by a password, or HTML, XML, text, PDF under a workbook's name; the reason says which.
    """
    if content.startswith(OLE_MAGIC):
        if _is_encrypted(content):
            raise UnreadableFile("the workbook is protected by a password: save it without one")
        return
    if content.startswith(ZIP_MAGIC):
        return
    if content.startswith(PDF_MAGIC):
        raise UnreadableFile("this is a PDF document, no Excel workbook, whatever its name says")
    head = _beginning_as_text(content)
    if head is None:
        return
    if re.search(r"<html|<!doctype html|<table|mime-version:", head, re.IGNORECASE):
        raise UnreadableFile(
            "this is an HTML page (a web export), no Excel workbook, whatever its name says: open it in Excel and save it as .xlsx"
        )
    if "urn:schemas-microsoft-com:office:spreadsheet" in head or "Excel.Sheet" in head:
        raise UnreadableFile(
            "this is a workbook as XML of 2003, which is not read: open it in Excel and save it as .xlsx"
        )
    raise UnreadableFile(
        "this is text, no Excel workbook, whatever its name says: a contract with format `delimited` reads it"
    )


def _is_encrypted(content: bytes) -> bool:
    import msoffcrypto

    try:
        return bool(msoffcrypto.OfficeFile(io.BytesIO(content)).is_encrypted())
    except Exception:
        # a damaged container; calamine's refusal says so
        return False


def _beginning_as_text(content: bytes) -> str | None:
    head = content[:LOOKED_AT_BYTES]
    for encoding in ("utf-8", "utf-16", "cp1252"):
        try:
            # a character may be cut in two at the end
            text = as_utf_8(head[: len(head) - len(head) % 2], encoding, "latin-1").decode()
        except UnreadableFile:
            continue
        is_text = sum(character.isprintable() or character.isspace() for character in text) > 0.95 * len(text)
        return text if is_text and text.strip() else None
    return None
