"""The catalogue: every table has its entry, every column its words, and what does not fit is refused by name."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.results import column_meanings
from analysis.results.attempts import Attempts
from analysis.results.catalogue import CATALOGUE, Column, ResultTable, checked_frame, table_named
from analysis.results.document import as_markdown, in_readme
from analysis.results.families import FAMILIES, NOT_DONE, Family, compute_family

ROOT = Path(__file__).parents[3]


def test_each_table_is_made_by_one_family_and_each_family_makes_one():
    made = [table.name for family in FAMILIES for table in family.tables]
    assert sorted([*made, NOT_DONE]) == sorted(table.name for table in CATALOGUE)
    assert len(set(made)) == len(made)
    assert all(family.tables for family in FAMILIES)


def test_what_a_family_needs_from_others_is_made_before_it():
    seen: set[str] = set()
    for family in FAMILIES:
        of_results = [need for need in family.needs if need in {table.name for table in CATALOGUE}]
        assert set(of_results) <= seen, family.name
        seen |= {table.name for table in family.tables}


def test_a_new_table_is_an_entry_and_a_function(monkeypatch):
    """Nothing else names it: the check before it is written, the published list, comments, Dagster's specs and docs follow."""
    from analysis.results import catalogue, document, families
    from orchestration.assets.results import _family_asset
    from orchestration.publication import comments
    from orchestration.warehouse import published_names, published_tables

    columns = tuple(Column(name, *column_meanings.COLUMNS[name]) for name in ("endpoint", "n", "n_event"))
    entry = ResultTable("events_by_endpoint", "Events of each endpoint", ("endpoint",), "e_values", columns)
    for room in (catalogue, document, families, comments):
        monkeypatch.setattr(room, "CATALOGUE", (*CATALOGUE, entry))

    def compute(inputs, plan, attempts) -> None:
        by_endpoint = inputs["times"].groupby("endpoint")["event_code"]
        attempts.add("events_by_endpoint", None, lambda: by_endpoint.agg(n="size", n_event="sum").reset_index())

    family = Family("e_values", "Events", ("times",), compute)
    times = pd.DataFrame({"endpoint": ["salvage", "salvage", "overall_survival"], "event_code": [1, 0, 1]})
    tables, reasons = compute_family(family, {"times": times}, None)
    assert tables["events_by_endpoint"].to_dict("list") == {
        "endpoint": ["overall_survival", "salvage"], "n": [1, 2], "n_event": [1, 1],
    }  # fmt: skip
    assert reasons.empty
    assert "## events_by_endpoint\n\nEvents of each endpoint." in as_markdown()
    readme = in_readme((ROOT / "README.md").read_text(encoding="utf-8"))
    assert "`e_values`, `events_by_endpoint`" in readme and "Events of each endpoint" in readme
    assert ["results", "events_by_endpoint"] in [list(spec.key.path) for spec in _family_asset(family).specs]
    published_tables.cache_clear()
    try:
        assert "events_by_endpoint" in published_names("results")
    finally:
        monkeypatch.undo()
        published_tables.cache_clear()
    assert set(published_names("results")) == {table.name for table in CATALOGUE}


def test_every_column_has_words_and_every_word_a_column():
    used = {column.name for table in CATALOGUE for column in table.columns}
    assert used == set(column_meanings.COLUMNS)
    for table in CATALOGUE:
        assert set(table.grain) <= {column.name for column in table.columns}, table.name
        for column in table.columns:
            assert column.type in ("text", "integer", "number", "truth")
            assert column.meaning[0].isupper() and not column.meaning.endswith("."), column
        assert table.description and not table.description.endswith(".")


def test_the_document_is_that_of_the_catalogue():
    written = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    assert written == as_markdown(), "run `make results-doc`"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert in_readme(readme) == readme, "run `make results-doc`"


def rows(**columns) -> pd.DataFrame:
    entry = {"table": ["e_values"], "endpoint": ["salvage"], "reason": ["nobody has it"]}
    return pd.DataFrame(entry | columns)


def test_a_frame_gets_the_types_of_its_entry():
    frame = pd.DataFrame({"comparison": ["a"], "n": [3.0], "n_agreed": [2], "kappa": [1], "std_error": [None],
                          "conf_low": [None], "conf_high": [0.5], "warning": [None]})  # fmt: skip
    types = checked_frame("margin_agreement", frame).dtypes.astype(str).to_dict()
    assert (types["n"], types["n_agreed"], types["kappa"], types["warning"]) == ("Int64", "Int64", "float64", "str")
    assert checked_frame("margin_agreement", frame.iloc[:0]).dtypes.astype(str).to_dict() == types


def test_what_does_not_fit_the_entry_is_refused_by_name():
    with pytest.raises(ValueError, match="analyses_not_done: lacks reason"):
        checked_frame("analyses_not_done", rows().drop(columns="reason"))
    with pytest.raises(ValueError, match="not in the catalogue: colour"):
        checked_frame("analyses_not_done", rows(colour=["red"]))
    frame = pd.DataFrame(
        {"endpoint": ["salvage"] * 2, "term": ["margin positive"] * 2}
        | {column.name: [1.0, 1.0] for column in table_named("e_values").columns if column.type == "number"}
    ).assign(is_outcome_common=True)
    with pytest.raises(ValueError, match=r"e_values: 1 row\(s\) with a key that stands before"):
        checked_frame("e_values", frame)
    with pytest.raises(ValueError, match=r"e_values\.hazard_ratio: not number"):
        checked_frame("e_values", frame.iloc[:1].assign(hazard_ratio="high"))
    with pytest.raises(ValueError, match="results.shoes: no entry"):
        table_named("shoes")


def test_one_failure_leaves_its_reason_and_stops_nothing():
    attempts = Attempts()

    def broken() -> pd.DataFrame:
        raise KeyError("a value of a patient")

    def impossible() -> pd.DataFrame:
        raise ValueError("nobody was followed")

    assert not attempts.add("e_values", "salvage", broken)
    assert not attempts.add("e_values", "salvage", impossible)
    attempts.add("e_values", "salvage", impossible)
    assert attempts.add("e_values", "salvage", lambda: pd.DataFrame({"term": ["x"]}))
    reasons = attempts.not_done()["reason"].tolist()
    # the kind of an unforeseen error, never its words: they may hold data
    assert reasons == ["failed: KeyError; the log of the night has the details", "nobody was followed"]
    assert attempts.table("e_values", ["term"])["term"].tolist() == ["x"]
