"""The forms that real reports arrive in: none changes what a text means, so the label of a phrase stays."""

import html
import random
import re
from collections.abc import Callable

Form = Callable[[str], str]
FEW_OPEN = 9
"""In so many forms, the first ones, few settleable texts may be left open; in the others numbers are damaged."""


def wrapped(text: str, line_end: str, seed: int) -> str:
    """Lines of 24 to 44 characters."""
    chance = random.Random(seed)
    lines, line, width = [], "", chance.randint(24, 44)
    for word in text.replace("\n", " \n ").split(" "):
        if word == "\n" or (line and len(line) + 1 + len(word) > width):
            lines.append(line)
            line, width = ("" if word == "\n" else word), chance.randint(24, 44)
        else:
            line = f"{line} {word}" if line else word
    return line_end.join([*lines, line])


HISTORY = "CLINICAL HISTORY: rectal carcinoma 9 cm from the anal verge, resection R1 in 2001. CT: lesion 2 cm from the liver edge."
FORMS: dict[str, Form] = {
    "upper case": str.upper,
    "decimal comma": lambda t: re.sub(r"(\d)\.(\d)", r"\1,\2", t),
    "hard line ends": lambda t: wrapped(t, "\n", len(t)),
    "CR LF": lambda t: wrapped(t, "\r\n", len(t) + 1),
    "indented line ends": lambda t: wrapped(t, "\n      ", len(t) + 2),
    "two blanks": lambda t: t.replace(" ", "  "),
    "non-breaking blanks": lambda t: t.replace(" ", "\u00a0"),
    "value on the next line": lambda t: t.replace(": ", ":\n"),
    "HTML entities": lambda t: html.escape(t).replace("'", "&#39;"),
    "full stop at line ends": lambda t: re.sub(r"\.\.", ".", wrapped(t, ". ", len(t) + 3)),
    "'0. 8'": lambda t: re.sub(r"(\d)\.(\d)", r"\1. \2", t),
    "'0 .8'": lambda t: re.sub(r"(\d)\.(\d)", r"\1 .\2", t),
    "l for 1": lambda t: re.sub(r"(?<![\w.])1(?=[\d.]|\s?(?:mm|cm))", "l", t),
    "O for 0": lambda t: re.sub(r"(?<=[\d.])0|(?<!\w)0(?=\.)", "O", t),
    "full-width signs": lambda t: t.replace("<", "\uff1c").replace(">", "\uff1e"),
    "history before": lambda t: f"{HISTORY}\nDIAGNOSIS:\n{t}",
    "block key behind": lambda t: f"{t}\nBLOCK KEY: A1 tumor to inked margin, A2 tumor, B1 proximal margin shave",
}
