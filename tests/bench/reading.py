"""How fast sentences about margins are read: distinct ones, on one core, against a plain scan with regular expressions."""

import random
import re
import time

from rich.table import Table

from report_reader.margins import margin_reader

SENTENCES = 20_000
SHAPES = (
    "Metastatic {kind}, {size} cm, {mm} mm from the {margin}{where}.",
    "The {margin} is {clear}, with a closest distance of {mm} mm{where}.",
    "Lesion {n} ({size} cm): {margin} {mm} mm{where}.",
    "{margin}: {clear}, distance {mm} mm{where}",
    "Tumor is {mm} mm from the {margin} and {size} cm in greatest dimension{where}.",
    "Adenocarcinoma is present at the {margin}{where} over {mm} mm.",
    "The {margin}{where} is {clear} of {kind} by {mm} mm.",
)
WORDS = {
    "kind": ("adenocarcinoma", "colonic adenocarcinoma", "carcinoma of the colon", "moderately differentiated adenocarcinoma"),
    "margin": ("parenchymal margin", "hepatic resection margin", "transection plane", "inked cut surface", "closest liver margin"),
    "clear": ("free", "negative", "uninvolved", "not involved", "clear"),
    "where": ("", " in segment 6", " (slide A4)", " on microscopy", " in block B2", ", posterior aspect"),
}  # fmt: skip
WORDS_OF_MARGINS = re.compile(
    r"margin|resection|transection|cut surface|ink|clear|free|negative|involved|positive|\d+(?:\.\d+)?\s?[mc]m", re.I
)


def distinct_sentences(count: int, seed: int = 2012) -> list[str]:
    """So many different sentences."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        chosen = {name: chance.choice(words) for name, words in WORDS.items()}
        numbers = {
            "mm": f"{chance.randint(0, 299) / 10:g}",
            "size": f"{chance.randint(4, 99) / 10:g}",
            "n": chance.randint(1, 9),
        }
        found[chance.choice(SHAPES).format(**chosen, **numbers)] = None
    return list(found)


def bench_reading() -> Table:
    """Distinct sentences a second on one core, and how many scans with one regular expression the reading of one costs."""
    sentences = distinct_sentences(SENTENCES)
    reader = margin_reader()
    reader.read(sentences[0])
    start = time.process_time()
    n_statements = sum(len(reader.read(sentence)) for sentence in sentences)
    spent = time.process_time() - start
    start = time.process_time()
    n_words = sum(len(WORDS_OF_MARGINS.findall(sentence)) for sentence in sentences)
    scanned = time.process_time() - start
    table = Table(
        "what", "found", "processor s", "sentences/s", "scans", title=f"{SENTENCES:,} distinct sentences, one core"
    )
    table.add_row("scanned with one expression", f"{n_words:,}", f"{scanned:.2f}", f"{SENTENCES / scanned:,.0f}", "1")
    table.add_row("read", f"{n_statements:,}", f"{spent:.2f}", f"{SENTENCES / spent:,.0f}", f"{spent / scanned:,.0f}")
    return table
