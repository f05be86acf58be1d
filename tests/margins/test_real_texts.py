"""Texts as they arrive: in other forms, laid out as synoptic lists, with the traps of real reports, in other languages."""

import pytest

from tests.margins.real_world_forms import FEW_OPEN, FORMS, MORE_FORMS


def wrong_of(texts):
    is_wrong = (texts["margin_group_read"] != "unresolved") & (texts["margin_group_read"] != texts["margin_group"])
    return texts.loc[is_wrong, ["report_text", "margin_group", "margin_group_read", "rule"]].to_dict("records")


@pytest.mark.parametrize("form", [*FORMS, *MORE_FORMS])
def test_a_form_that_changes_no_meaning_makes_no_margin_wrong(every_margin, form):
    texts = every_margin[every_margin["source"] == form]
    settled = texts[texts["margin_group_read"] != "unresolved"]
    assert len(texts) >= (10 if form in MORE_FORMS else 25)
    assert len(wrong_of(texts)) <= 0.005 * len(settled)
    if form in MORE_FORMS or list(FORMS).index(form) < FEW_OPEN:
        settleable = texts[texts["margin_group"] != "unresolved"]
        assert (settleable["margin_group_read"] == "unresolved").mean() <= 0.12


def test_a_synoptic_report_is_read_alike_in_every_layout(every_margin):
    texts = every_margin.query("source == 'synoptic_layouts.csv'")
    assert len(texts) == 100
    misread = texts[texts["margin_group"] != texts["margin_group_read"]]
    assert misread[["phrase_id", "margin_group_read", "rule"]].to_dict("records") == []


# layouts of which some state is asked about: letters, comma-separated, JSON, crosses without boxes, numbered columns
STAYS_OPEN = {"lettered", "value_first", "table_comma", "json", "box_X_only", "quoted", "code"}


def test_in_many_other_layouts_nothing_is_read_wrongly_and_few_are_asked_about(every_margin):
    texts = every_margin.query("source == 'synoptic_layouts_2.csv'")
    assert len(texts) == 490
    assert wrong_of(texts) == []
    is_open = (texts["margin_group"] != "unresolved") & (texts["margin_group_read"] == "unresolved")
    assert set(texts.loc[is_open, "phrase_id"].str.split("|").str[0]) <= STAYS_OPEN


def test_traps_of_real_texts_are_read_as_labelled_and_damaged_numbers_stay_open(every_margin):
    texts = every_margin.query("source == 'traps_of_real_texts.csv'")
    assert len(texts) >= 45
    assert wrong_of(texts) == []
    needlessly_open = texts[
        (texts["margin_group_read"] == "unresolved")
        & (texts["margin_group"] != "unresolved")
        & (texts["is_number_damaged"] != "yes")
    ]
    assert needlessly_open["report_text"].to_list() == []


@pytest.mark.parametrize("language", ["de", "es"])
def test_a_language_is_its_lexicon(every_margin, language):
    texts = every_margin[every_margin["source"] == f"language_{language}.csv"]
    assert len(texts) == 60
    assert texts.loc[texts["margin_group"] != texts["margin_group_read"], "report_text"].to_list() == []
    widths = texts.dropna(subset="margin_mm")
    assert (widths["margin_mm"] - widths["margin_mm_read"]).abs().max() < 1e-6


def test_other_languages_organs_scans_and_gross_descriptions_settle_nothing(every_margin):
    texts = every_margin.query("source == 'settles_nothing.csv'")
    assert len(texts) >= 20
    assert texts.loc[texts["margin_group_read"] != "unresolved", "report_text"].to_list() == []
