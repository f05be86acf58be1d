"""Run the real dbt models of the margin reading on a few texts in a temporary DuckDB file."""

from pathlib import Path

import pandas as pd
import pytest

from orchestration.read_margins import margins_of

TEXT_COLUMNS = ["text_id", "accession_number", "record_id", "section", "specimen", "text"]
PHRASE_FILES = sorted(path.name for path in Path(__file__).parent.glob("phrases*.csv"))


def read_margins(texts: pd.DataFrame) -> pd.DataFrame:
    """One row per text_id with margin_group, margin_mm, rule, evidence_text, ... for rows of TEXT_COLUMNS.

    Texts that say nothing about a margin are unresolved.
    """
    read = margins_of(texts[TEXT_COLUMNS].astype("string")).set_index("text_id")
    read = read.reindex(pd.Index(texts["text_id"].unique(), name="text_id"))
    said_nothing = read["margin_group"].isna() & read["unresolved_reason"].isna()
    read["unresolved_reason"] = read["unresolved_reason"].mask(said_nothing, "no margin statement")
    return read.assign(margin_group=read["margin_group"].fillna("unresolved"))


@pytest.fixture(scope="session")
def margins_of_phrases():
    """Margins of all phrase files, read in one run (dbt starts slowly), next to their labels."""
    phrases = pd.concat(
        pd.read_csv(
            Path(__file__).with_name(name), dtype={"phrase_id": str, "report_text": str, "margin_group": str}
        ).assign(source=name)
        for name in PHRASE_FILES
    )
    texts = pd.DataFrame(
        {
            "text_id": phrases["phrase_id"],
            "accession_number": phrases["phrase_id"],
            "record_id": phrases["phrase_id"],
            "section": "final_diagnosis",
            "specimen": None,
            "text": phrases["report_text"],
        }
    )
    read = read_margins(texts)
    return phrases.set_index("phrase_id").join(
        read.rename(columns={c: f"{c}_read" for c in ("margin_group", "margin_mm")})
    )
