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
    "full stop at line ends": lambda t: re.sub(r"\.\.(?!\d)", ".", wrapped(t, ". ", len(t) + 3)),
    "'0. 8'": lambda t: re.sub(r"(\d)\.(\d)", r"\1. \2", t),
    "'0 .8'": lambda t: re.sub(r"(\d)\.(\d)", r"\1 .\2", t),
    "l for 1": lambda t: re.sub(r"(?<![\w.])1(?=[\d.]|\s?(?:mm|cm))", "l", t),
    "O for 0": lambda t: re.sub(r"(?<=[\d.])0|(?<!\w)0(?=\.)", "O", t),
    "full-width signs": lambda t: t.replace("<", "\uff1c").replace(">", "\uff1e"),
    "history before": lambda t: f"{HISTORY}\nDIAGNOSIS:\n{t}",
    "block key behind": lambda t: f"{t}\nBLOCK KEY: A1 tumor to inked margin, A2 tumor, B1 proximal margin shave",
}


def numbered(text: str, sign: str) -> str:
    """Every line with its number before it."""
    return "\n".join(f"{n:>3}{sign} {line}" for n, line in enumerate(wrapped(text, "\n", 11).split("\n"), 1))


def torn(text: str, between: str) -> str:
    """Something between two words in the middle of a text."""
    words = text.split(" ")
    half = len(words) // 2
    return " ".join(words[:half]) + between + " ".join(words[half:]) if len(words) > 5 else text


PARTS = re.compile(r"(?i)(mar)(gin)|(resec)(tion)|(paren)(chym)|(tu)(mou?r)")
MORE_FORMS: dict[str, Form] = {
    "tab behind a colon": lambda t: t.replace(": ", ":\t"),
    "soft hyphens": lambda t: PARTS.sub(lambda m: "\u00ad".join(g for g in m.groups() if g), t),
    "blanks of no width": lambda t: re.sub(r"(\d)\.(\d)", "\\1.\u200b\\2", t).replace(" ", " \u200b", 3),
    "mm with a full stop": lambda t: re.sub(r"\bmm\b(?!\.)", "mm.", t),
    "hyphen before the unit": lambda t: re.sub(r"(\d) (mm|cm)\b", r"\1-\2", t),
    "ligatures": lambda t: t.replace("fi", "\ufb01").replace("fl", "\ufb02").replace("ff", "\ufb00"),
    "decimals with a middle dot": lambda t: re.sub(r"(\d)\.(\d)", "\\1\u00b7\\2", t),
    "digits of full width": lambda t: "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in t),
    "numbered lines": lambda t: numbered(t, " "),
    "numbered lines with a colon": lambda t: numbered(t, ":"),
    "page ends inside": lambda t: torn(t, "\n\fPage 2 of 3\n"),
    "double spacing": lambda t: wrapped(t, "\n\n", 5),
    "line ends doubled on the way": lambda t: wrapped(t, "\r\r\n", 6),
    "tags for line ends": lambda t: f"<p>{wrapped(t, '<br/>' + chr(10), 7)}</p>",
    "escapes of messages": lambda t: wrapped(t.replace("&", "\\T\\"), "\\.br\\", 8),
    "no blanks behind colons": lambda t: t.replace(": ", ":"),
    "bullets": lambda t: "\u2022 " + t.replace("\n", "\n\u2022 "),
    "small letters": str.lower,
    "number of the report before": lambda t: f"S19-12345 {t}",
    "size before": lambda t: f"Metastatic colorectal adenocarcinoma, 34x28x25 mm. {t}",
    "stage behind": lambda t: f"{t}\nypT3 N1b M1a L0 V1 Pn0.",
    "markers behind": lambda t: f"{t}\nKRAS: wild type. MMR proteins: intact. HER2: 1+. Ki-67 index 40 %.",
    "bowel before": lambda t: (
        f"A. Sigmoid colon: adenocarcinoma, pT3. Margins clear: distal 4 cm, radial 2 mm.\nB. Liver, wedge resection:\n{t}"
    ),
    "signed behind": lambda t: f"{t}\n\nElectronically signed on 12/03/2019 14:22",
}
"""Read for every fourth phrase."""
