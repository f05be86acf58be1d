"""Reports are read once: again only when they, or the rules, have changed."""

import duckdb
import pandas as pd

from orchestration.dbt_build.arguments import margin_rules_version
from orchestration.reading.read_margins import apply_rules


def paragraphs(**texts: str) -> pd.DataFrame:
    """One paragraph a text."""
    rows = [(name, name, name, "final_diagnosis", None, text) for name, text in texts.items()]
    columns = ["text_id", "accession_number", "record_id", "section", "specimen", "text"]
    return pd.DataFrame(rows, columns=columns).astype("string")


def margins_and_runs(build_file):
    """The width of each text, and the run in which each of its sentences was read."""
    with duckdb.connect(str(build_file), read_only=True) as connection:
        widths = dict(connection.sql("SELECT text_id, margin_mm FROM intermediate.text_margins").fetchall())
        runs = dict(
            connection.sql(
                """SELECT text_id, any_value(read_in_run) FROM intermediate.margin_statements
                   JOIN intermediate.margin_texts USING (text_hash) GROUP BY text_id"""
            ).fetchall()
        )
    return widths, runs


def test_only_the_changed_report_is_read_again_until_a_rule_changes(tmp_path):
    build_file, todays = tmp_path / "margins.duckdb", margin_rules_version()
    apply_rules(build_file, paragraphs(ann="Margin 4 mm.", bob="Margin 12 mm."), todays)
    widths, first_runs = margins_and_runs(build_file)
    assert widths == {"ann": 4, "bob": 12}
    assert first_runs["ann"] == first_runs["bob"]

    apply_rules(build_file, paragraphs(ann="Margin 4 mm.", bob="Margin 2 mm.", cid="Margin 4 mm."), todays)
    widths, runs = margins_and_runs(build_file)
    assert widths == {"ann": 4, "bob": 2, "cid": 4}
    assert runs["ann"] == first_runs["ann"]
    assert runs["bob"] != first_runs["bob"]
    assert runs["cid"] == first_runs["ann"], "the same words are read once, whoever they are of"

    # as if they had been read by others: dbt is told today's version, for a parse for another takes longer than all this
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("UPDATE intermediate.margin_statements SET rules_version = 'other rules'")
    apply_rules(build_file, paragraphs(ann="Margin 4 mm."), todays)
    widths, last_runs = margins_and_runs(build_file)
    assert widths == {"ann": 4}
    assert last_runs["ann"] not in (runs["ann"], runs["bob"])
