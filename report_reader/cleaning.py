"""Floor 1: one spelling for each character. Unicode forms, entities, tags, blanks, line ends, words broken at line ends, page
lines. No word is read here, and every character keeps its way back to the original.
"""

import html
import re
import unicodedata
from collections.abc import Callable

from report_reader.machine_marks import without_machine_marks
from report_reader.traced import Edit, Traced

MARKUP = re.compile(r"&[#\w]|</?[a-zA-Z]|&$")
ENTITY = re.compile(r"&(?:amp;)*(#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[a-zA-Z]{2,10})(;|(?![a-zA-Z=]))")
TAG = re.compile(
    r"</?(?:br|p|div|td|tr|th|li|ul|ol|b|i|u|em|strong|span|font|table|tbody|h\d|sup|sub|pre)\b[^<>]{0,99}>(?:[ \t]*\r*\n)?",
    re.I,
)
BREAKING_TAG = re.compile(r"</?(?:br|p|div|tr|li|ul|ol|table|h\d|pre)\b", re.I)
CELL_TAG = re.compile(r"</(?:td|th)\b", re.I)
LINE_END = re.compile(r"\r+\n|[\r\x0b\x0c\x85\u2028\u2029]")
CHARACTER = re.compile(r"[^\x20-\x7e\n]")
COMBINED = re.compile(r"\w[\u0300-\u036f]+")
BROKEN_WORD = re.compile(r"([^\W\d_]{2,})-[ \t]*\n[ \t]*([^\W\d_]{2,})")

SPELLINGS = {
    "\t": "\t", "\u2264": "<=", "\u2265": ">=", "\u2266": "<=", "\u2267": ">=", "\u2a7d": "<=", "\u2a7e": ">=", "\u00b1": "+/-",
    "\u00b5": "u", "\u03bc": "u", "\u039c": "u", "\u00d7": "x", "\u00bd": " 1/2", "\u00bc": " 1/4", "\u00be": " 3/4", "\u2044": "/",
    "\u2026": "...", "\u00ab": '"', "\u00bb": '"', "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'",
    "\u00b4": "'", "\u02bc": "'", "\u2713": "[x]", "\u2714": "[x]", "\u2611": "[x]", "\u2612": "[x]", "\u2610": "[ ]",
    "\u25a0": "[x]", "\u25a1": "[ ]", "\u25fb": "[ ]", "\u25fc": "[x]", "\u2717": "[x]", "\u2718": "[x]", "\u2022": "*",
    "\u2023": "*", "\u25aa": "*", "\u25cf": "*", "\u25e6": "*", "\u00b7": "\u00b7", "\u2219": "\u00b7", "\u22c5": "\u00b7",
    "\u2502": "|", "\u00a6": "|", "\u2192": "->", "\u223c": "~", "\u2248": "~", "\u00ba": "\u00ba", "\ufffd": "\ufffd",
}  # fmt: skip
DROPPED = {"\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u200e", "\u200f"}
DASHES = set("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")


def spelling_of(character: str) -> str:
    """The one spelling of a character that is not plain ASCII."""
    if character in SPELLINGS:
        return SPELLINGS[character]
    if character in DROPPED:
        return ""
    if character in DASHES:
        return "-"
    if character.isspace():
        return " "
    if unicodedata.category(character) == "Cc":
        return " "
    compatible = unicodedata.normalize("NFKC", character)
    return SPELLINGS.get(compatible, compatible) if compatible != character else character


def clean(text: str, is_word: Callable[[str], bool] = lambda word: True) -> Traced:
    """The text in one spelling.

    Args:
        text: As it was sent.
        is_word: Whether a word (lower case) is known: a word broken at a line end is put together, and keeps its hyphen
            only where the whole is unknown and both halves are words ('tumor-' / 'free').
    """
    traced = Traced(text)
    is_plain = text.isascii() and text.replace("\n", " ").isprintable()
    if not is_plain or (("&" in text or "<" in text) and MARKUP.search(text)):
        traced = _respelled(traced)
    traced = without_machine_marks(traced)
    if "-\n" in traced.text or "- \n" in traced.text:
        traced = traced.replaced(BROKEN_WORD, lambda match: _mended(match, is_word))
    return traced


def _respelled(traced: Traced) -> Traced:
    for _ in range(2):  # '&amp;lt;'
        if "&" in traced.text:
            traced = traced.replaced(ENTITY, _entity)
    if "<" in traced.text:
        traced = traced.replaced(TAG, _tag)
    traced = traced.replaced(LINE_END, "\n")
    traced = traced.replaced(COMBINED, lambda match: unicodedata.normalize("NFC", match.group()))
    traced = traced.edited(
        Edit(m.start(), m.end(), new)
        for m in CHARACTER.finditer(traced.text)
        if (new := spelling_of(m.group())) != m.group()
    )
    return traced.replaced(re.compile(r"(?<=\d)\u00b7(?=\d)"), ".").replaced(re.compile("\u00b7"), "*")


def _entity(match: re.Match[str]) -> str | None:
    name = f"&{match.group(1)};"
    meant = html.unescape(name)
    return None if meant == name else meant


def _tag(match: re.Match[str]) -> str:
    if CELL_TAG.match(match.group()):
        return " | "
    return "\n" if BREAKING_TAG.match(match.group()) or match.group().endswith("\n") else ""


def _mended(match: re.Match[str], is_word: Callable[[str], bool]) -> str | None:
    left, right = match.groups()
    if not right[0].islower() and not left.isupper():
        return None
    whole = left + right
    if not is_word(whole.lower()) and is_word(left.lower()) and is_word(right.lower()):
        return f"{left}-{right}"
    return whole
