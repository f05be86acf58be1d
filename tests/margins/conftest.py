"""Run the real dbt models of the margin reading on many texts, once, in a temporary DuckDB file."""

from pathlib import Path

import pandas as pd
import pytest

from orchestration.reading import read_margins as reading
from orchestration.reading.read_margins import margins_of
from tests.dbt_process import run_forked_dbt
from tests.margins.real_world_forms import FORMS, MORE_FORMS

TEXT_COLUMNS = ["text_id", "accession_number", "record_id", "section", "specimen", "text"]
HERE = Path(__file__).parent
PHRASE_FILES = sorted(path.name for path in HERE.glob("phrases*.csv"))
OTHER_FILES = (
    "language_de.csv",
    "language_es.csv",
    "settles_nothing.csv",
    "synoptic_layouts.csv",
    "synoptic_layouts_2.csv",
    "traps_of_real_texts.csv",
)
KEPT_ASIDE = "phrases_kept_aside.csv"


@pytest.fixture(scope="session", autouse=True)
def dbt_is_loaded_once():
    """dbt in processes that begin with it loaded; the first test of `crlm read-margins` has one of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "run_dbt", run_forked_dbt)
        yield


def read_margins(texts: pd.DataFrame) -> pd.DataFrame:
    """One row per text_id with margin_group, margin_mm, rule, evidence_text, ... for rows of TEXT_COLUMNS.

    Texts that say nothing about a margin are unresolved.
    """
    read = margins_of(texts[TEXT_COLUMNS].astype("string")).set_index("text_id")
    read = read.reindex(pd.Index(texts["text_id"].unique(), name="text_id"))
    said_nothing = read["margin_group"].isna() & read["unresolved_reason"].isna()
    read["unresolved_reason"] = read["unresolved_reason"].mask(said_nothing, "no margin statement")
    return read.assign(margin_group=read["margin_group"].fillna("unresolved"))


def labelled(name: str) -> pd.DataFrame:
    """The rows of a file of labelled texts, with its name as source."""
    types = {"phrase_id": str, "report_text": str, "margin_group": str}
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return pd.read_csv(file, dtype=types, keep_default_na=False, na_values={"margin_mm": ""}).assign(source=name)


def in_other_forms(phrases: pd.DataFrame) -> pd.DataFrame:
    """The phrases in each form that changes them; the source names the form."""
    few = phrases.iloc[::4]
    asked = [(phrases, *form) for form in FORMS.items()] + [(few, *form) for form in MORE_FORMS.items()]
    forms = [(some, some.assign(report_text=some["report_text"].map(form), source=name)) for some, name, form in asked]
    changed = [form[form["report_text"] != some["report_text"]] for some, form in forms]
    return pd.concat([form.assign(phrase_id=form["source"] + "|" + form["phrase_id"]) for form in changed])


@pytest.fixture(scope="session")
def every_margin():
    """Margins of all labelled texts, read in one run (dbt starts slowly), next to their labels."""
    files = [labelled(name) for name in (*PHRASE_FILES, *OTHER_FILES)]
    texts = pd.concat([*files, in_other_forms(labelled(KEPT_ASIDE))], ignore_index=True)
    texts["text_id"] = texts["source"] + "|" + texts["phrase_id"]
    relation = texts[["text_id"]].assign(
        accession_number=texts["text_id"],
        record_id=texts["text_id"],
        section="final_diagnosis",
        specimen=None,
        text=texts["report_text"],
    )
    read = read_margins(relation)
    return texts.set_index("text_id").join(read.rename(columns={c: f"{c}_read" for c in ("margin_group", "margin_mm")}))


@pytest.fixture(scope="session")
def margins_of_phrases(every_margin):
    """Those of the phrase files."""
    return every_margin[every_margin["source"].isin(PHRASE_FILES)]
