"""`crlm read-margins`: the warehouse's own margin rules on any texts, in a scratch file of their own."""

import csv
import tempfile
from pathlib import Path

import pandas as pd

from orchestration.dbt_build.arguments import margin_rules_version
from orchestration.dbt_build.runs import run_dbt
from orchestration.ingestion.readers.stray_quotes import BEHIND_A_QUOTE, has_text_behind_a_quote
from orchestration.warehouse import open_build_file, write_table

INPUT_COLUMNS = ("phrase_id", "report_text")
OUTPUT_COLUMNS = ("margin_status", "margin_mm", "margin_group", "evidence_text", "rule", "language", "statements")
NOTHING_SAID = "no margin statement"
MARGINS_WITH_STATEMENTS = """
    WITH told AS (
        SELECT text_id,
            first(language ORDER BY record_id, section, specimen, clause_number, words_start, rule) AS language_of_words,
            CAST(to_json(list({
            'start': words_start, 'end': words_end, 'reading': reading, 'margin': margin_type, 'comparator': comparator,
            'mm': distance_mm, 'rule': rule, 'certainty': certainty, 'language': language
        } ORDER BY record_id, section, specimen, clause_number, words_start, rule)) AS VARCHAR) AS statements
        FROM intermediate.margin_widths
        GROUP BY text_id
    )
    SELECT margins.* REPLACE (coalesce(margins.language, told.language_of_words) AS language), told.statements
    FROM intermediate.text_margins AS margins
    LEFT JOIN told USING (text_id)
    ORDER BY text_id
"""


class UnreadableTexts(Exception):
    """The CSV cannot be used; the message names file, line and field."""


class MarginReadingFailed(Exception):
    """dbt could not run the rules; the message is dbt's."""


def texts_of(path: Path) -> pd.DataFrame:
    """The CSV's columns as text.

    Raises:
        UnreadableTexts: no CSV, a stray quote, a column missing, an empty or repeated phrase_id.
    """
    try:
        texts = pd.read_csv(path, dtype=str, keep_default_na=False)
        stray = _lines_with_a_stray_quote(path)
    except (OSError, UnicodeDecodeError, csv.Error, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnreadableTexts(f"{path}: not readable as CSV in UTF-8: {error}") from error
    if stray:
        raise UnreadableTexts(f"{path}:{stray[0]}: {BEHIND_A_QUOTE.format(f'{stray[0]} to {stray[1]}')}")
    if absent := [name for name in INPUT_COLUMNS if name not in texts.columns]:
        raise UnreadableTexts(f"{path}:1: the header lacks {' and '.join(absent)} (it has {', '.join(texts.columns)})")
    for problem, is_wrong in (
        ("phrase_id is empty", texts["phrase_id"].str.strip() == ""),
        ("phrase_id stands twice", texts["phrase_id"].duplicated()),
    ):
        if is_wrong.any():
            raise UnreadableTexts(f"{path}: record {int(is_wrong.to_numpy().argmax()) + 1}: {problem}")
    return texts


def _lines_with_a_stray_quote(path: Path) -> tuple[int, int] | None:
    """First and last line of the first record that may hold others in its text."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(file)
    reader, before = csv.reader(lines), 0
    for _ in reader:
        record, after = "".join(lines[before : reader.line_num]), reader.line_num
        if has_text_behind_a_quote(record, ",", ""):
            return before + 1, after
        before = after
    return None


def read_margins(texts: pd.DataFrame) -> pd.DataFrame:
    """phrase_id and report_text, then OUTPUT_COLUMNS; one row a text in the same order, other columns left behind.

    margin_group is `unresolved` where the rules leave it open, and `rule` then says why. `language` is that of the words, and
    `statements` a JSON list of every statement that was weighed: start and end of its words in the text (characters from 0),
    reading, margin, comparator, mm, rule, certainty, language. Each text is read as a final diagnosis, as the warehouse reads a
    report's.

    Raises:
        MarginReadingFailed: see there.
    """
    relation = pd.DataFrame(
        {
            "text_id": texts["phrase_id"],
            "accession_number": texts["phrase_id"],
            "record_id": texts["phrase_id"],
            "section": "final_diagnosis",
            "specimen": pd.Series(pd.NA, index=texts.index, dtype="string"),
            "text": texts["report_text"],
        }
    ).astype("string")
    read = margins_of(relation).set_index("text_id")
    found = texts["phrase_id"].map(lambda name: name in read.index)
    read = read.reindex(texts["phrase_id"]).reset_index(drop=True)
    read.index = texts.index
    read["margin_group"] = read["margin_group"].fillna("unresolved")
    read["margin_status"] = read["margin_status"].fillna("unresolved")
    is_open = read["margin_group"] == "unresolved"
    read["rule"] = (
        read["rule"].where(~is_open, read["unresolved_reason"]).where(found, NOTHING_SAID).fillna(NOTHING_SAID)
    )
    return pd.concat([texts[list(INPUT_COLUMNS)], read[list(OUTPUT_COLUMNS)]], axis=1)


def margins_of(relation: pd.DataFrame) -> pd.DataFrame:
    """The rows of intermediate.text_margins for a relation of the shape of intermediate.margin_texts.

    Raises:
        MarginReadingFailed: see there.
    """
    with tempfile.TemporaryDirectory(prefix="crlm-read-margins-") as scratch:
        build_file = Path(scratch) / "margins.duckdb"
        apply_rules(build_file, relation, margin_rules_version())
        with open_build_file(build_file, read_only=True) as connection:
            return connection.execute(MARGINS_WITH_STATEMENTS).df()


def apply_rules(build_file: Path, relation: pd.DataFrame, rules_version: str) -> None:
    """Run the margin models on `relation` in `build_file`; what an earlier run there has read by the same rules is kept.

    Raises:
        MarginReadingFailed: see there.
    """
    with open_build_file(build_file) as connection:
        write_table(connection, "texts", "margin_input", relation)
    variables = {"margin_texts_relation": "texts.margin_input", "margin_rules_version": rules_version}
    arguments = ["build", "--resource-type", "seed", "--resource-type", "model", "--select", "+text_margins"]
    completed = run_dbt(build_file, arguments, variables)
    if completed.returncode:
        raise MarginReadingFailed(f"the rules could not be run: {completed.stdout.strip()[-2000:]}")
