"""The text of what is attached to a message or a resource: plain text, RTF, HTML, and PDF with a text layer.

What it is is told by its first bytes, then by what its sender called it. Whatever else is attached cannot be read and says why.
"""

import base64
import binascii
import codecs
import re
import threading
from html.parser import HTMLParser

from orchestration.ingestion.told_names import is_known_name

MOST_PDF_PAGES = 500
# pdfium keeps state of its own for the whole process
_ONE_PDF_AT_A_TIME = threading.Lock()
_BLOCKS = {
    "p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "section", "article", "body",
    "paragraph", "title", "item", "list", "caption", "hr", "dt", "dd",
}  # fmt: skip
# the last word of what plain text is called (HL7's own types and table 0291, MIME)
PLAIN_TEXT = ("txt", "text", "plain", "octet-stream", "tx", "ft", "st", "formattedtext")
_NO_TEXT = {"script", "style", "head"}
_CELLS = {"td", "th"}


# text that is a document of its own: RTF, HTML (a page or a part of one), a PDF in base64
DOCUMENT_IN_TEXT = (
    r"\s*(?:\{\\rtf|<!doctype html|<(?:html|head|body|div|p|span|table|pre|ul|ol|br|h[1-6])(?:\s[^<>]*)?/?>|JVBERi0)"
)
_DOCUMENT_IN_TEXT = re.compile(DOCUMENT_IN_TEXT, re.IGNORECASE)


class UnreadableAttachment(Exception):
    """The attachment holds no text that can be read; the message says why and quotes nothing of it."""


def text_of_attachment(content: bytes, content_type: str = "") -> str:
    """The text, with line breaks where the layout has them.

    Raises:
        UnreadableAttachment: empty, damaged, of another type, or a PDF without a text layer.
    """
    if not content.strip():
        raise UnreadableAttachment("it is empty")
    start = content[:1024].lstrip().lower()
    kind = content_type.lower()
    if start.startswith(b"%pdf"):
        text = _text_of_pdf(content)
    elif start.startswith(b"{\\rtf"):
        text = _text_of_rtf(content)
    elif (
        start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<clinicaldocument"))
        or "html" in kind
        or "xml" in kind
    ):
        text = _text_of_html(_decoded(content, content_type))
    elif "pdf" in kind or "rtf" in kind:
        raise UnreadableAttachment(f"it is called {_kind_as_told(kind)} but is none, or it is damaged")
    elif not kind or kind.startswith("text") or kind.rpartition("/")[2] in PLAIN_TEXT:
        text = _decoded(content, content_type)
        if re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text):
            raise UnreadableAttachment("it is of a type that holds no text")
    else:
        raise UnreadableAttachment("it is of a type that is not read")
    text = "\n".join(
        line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").split("\n")
    ).strip("\n")
    if not text.strip():
        raise UnreadableAttachment("it holds no text")
    return text


def _kind_as_told(content_type: str) -> str:
    """What a sender calls an attachment may be its title; the reason is published."""
    name = content_type.split(";")[0].strip()
    return name if is_known_name("attachment", name) else ("PDF" if "pdf" in name else "RTF")


def is_document(text: str) -> bool:
    """Whether a text is a document of its own, and not what is to be read."""
    return bool(_DOCUMENT_IN_TEXT.match(text))


def text_of_document(text: str) -> str:
    """The text of a document that stands in a field of text.

    Raises:
        UnreadableAttachment: damaged, or a PDF without a text layer.
    """
    start = text.lstrip()
    if start.startswith("JVBERi0"):
        return text_of_attachment(from_base64(text))
    return text_of_attachment(text.encode(), "text/html; charset=utf-8" if start.startswith("<") else "charset=utf-8")


def from_base64(data: str) -> bytes:
    """The bytes of base64 text, whose lines may be broken anyhow.

    Raises:
        UnreadableAttachment: no base64.
    """
    try:
        return base64.b64decode(re.sub(r"\s|\\\.br\\|\\X0[AD]\\", "", data), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableAttachment("its base64 cannot be decoded") from error


def _decoded(content: bytes, content_type: str) -> str:
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    if not charset and (told := re.search(rb"(?:charset|encoding)\s*=\s*[\"']?([\w.:-]+)", content[:1024])):
        charset = re.match(r"(.+)", told[1].decode("ascii", "replace"))
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return _in(content, encoding)
    if charset:
        return _in(content, charset[1])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _in(content, "cp1252")


def _in(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise UnreadableAttachment("it cannot be decoded in its character set") from error


def _text_of_rtf(content: bytes) -> str:
    from striprtf.striprtf import rtf_to_text

    try:
        return rtf_to_text(content.decode("cp1252", errors="replace"), errors="replace")
    except Exception as error:
        # the library is made for sound files and fails on others in many ways
        raise UnreadableAttachment("its RTF is damaged") from error


def _text_of_pdf(content: bytes) -> str:
    import pypdfium2

    try:
        with _ONE_PDF_AT_A_TIME:
            document = pypdfium2.PdfDocument(content)
            try:
                if len(document) > MOST_PDF_PAGES:
                    raise UnreadableAttachment(f"its PDF has more than {MOST_PDF_PAGES} pages")
                pages = [page.get_textpage().get_text_bounded() for page in document]
            finally:
                document.close()
    except UnreadableAttachment:
        raise
    except Exception as error:
        raise UnreadableAttachment("its PDF is damaged or locked with a password") from error
    text = "\n".join(pages)
    if not text.strip():
        raise UnreadableAttachment("its PDF has no text layer, it is a picture")
    return text


class _Text(HTMLParser):
    """The words of HTML (or of a CDA's XML), blocks on lines of their own; a table's row of two cells as 'name: value'."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent: list[str] = []
        self.cells: list[str] | None = None
        self.preformatted = 0

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag in _NO_TEXT:
            self.silent.append(tag)
        elif tag == "tr":
            self._end_row()
            self.cells = []
        elif tag in _CELLS and self.cells is not None:
            self.cells.append("")
        elif tag in _BLOCKS:
            self._write("\n")
        self.preformatted += tag == "pre"

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        if tag in _BLOCKS:
            self._write("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.silent:
            del self.silent[self.silent.index(tag) :]
        elif tag in ("tr", "table"):
            self._end_row()
        elif tag in _BLOCKS:
            self._write("\n")
        self.preformatted -= tag == "pre"

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self._write(data if self.preformatted > 0 else re.sub(r"\s+", " ", data))

    def _write(self, text: str) -> None:
        if self.cells:
            self.cells[-1] += " " if text == "\n" else text
        else:
            self.parts.append(text)

    def _end_row(self) -> None:
        cells = [cell.strip() for cell in self.cells or [] if cell.strip()]
        self.cells = None
        if len(cells) == 2:
            self.parts.append(f"\n{cells[0].rstrip(' :')}: {cells[1]}\n")
        elif cells:
            self.parts.append("\n" + " | ".join(cells) + "\n")

    def text(self) -> str:
        self._end_row()
        lines = [re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in "".join(self.parts).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _text_of_html(text: str) -> str:
    parser = _Text()
    try:
        parser.feed(text)
        parser.close()
    except (AssertionError, ValueError) as error:
        raise UnreadableAttachment("its HTML is damaged") from error
    return parser.text()
