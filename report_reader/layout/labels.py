"""Lines that begin something of their own: a bullet, a letter or number, a label, a label with its value."""

import re

BULLET = re.compile(r"[ \t]*(?:[-*\u2022>+]|\(?\d{1,2}[.)]|\(?(?:i{1,3}|iv|v|vi{0,3})\)|\(?[A-Za-z][.)])[ \t]+(?=\S)")
LABEL_LINE = re.compile(r"[ \t]*(?:[-*\u2022][ \t]*)?(?:[^:.\n]|\.(?! )){1,90}:[ \t]*$")
LABEL_AND_VALUE = re.compile(r"[ \t]*(?:[-*\u2022][ \t]*)?[A-Za-z][A-Za-z0-9 ()/,'&#-]{1,80}:[ \t]*\S")
LETTERED_LINE = re.compile(r"[ \t]*\(?(?:[A-H]|\d{1,2})[.)][ \t]+[A-Z][^:\n]{1,80}:")
NUMBERED_LINE = re.compile(r"[ \t]*\d{1,2}(?:[.)][ \t]+[A-Z]| - [A-Za-z]{3})")
NUMBERED_LABEL = re.compile(r"[ \t]*\d{1,2}[ \t]+[A-Z][A-Za-z]+[^:.\n]{0,60}:")
