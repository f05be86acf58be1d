"""The page for pathologists shows the rules as they are."""

from orchestration.settings import PROJECT_ROOT
from report_reader.margins import margin_reader
from report_reader.rule_table import rule_tables


def test_the_documented_rules_are_the_rules():
    page = (PROJECT_ROOT / "docs" / "margin_reading.md").read_text(encoding="utf-8")
    assert page.endswith(rule_tables(margin_reader().book)), (
        "docs/margin_reading.md: put in the tables of report_reader.rule_table"
    )
