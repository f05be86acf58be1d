"""Labelled phrases in the words of pathology reports: group and width as a clinician reads them, or unresolved."""


def wrongly_read(phrases):
    wrong_group = phrases["margin_group"] != phrases["margin_group_read"]
    wrong_width = ~(
        ((phrases["margin_mm"] - phrases["margin_mm_read"]).abs() < 1e-6)
        | (phrases["margin_mm"].isna() & phrases["margin_mm_read"].isna())
    )
    return phrases.loc[
        wrong_group | wrong_width,
        [
            "report_text",
            "margin_group",
            "margin_mm",
            "margin_group_read",
            "margin_mm_read",
            "rule",
            "unresolved_reason",
        ],
    ].to_dict("records")


def test_every_labelled_phrase_is_read_as_labelled(margins_of_phrases):
    phrases = margins_of_phrases.query("source == 'phrases.csv'")
    assert len(phrases) >= 150
    assert wrongly_read(phrases) == []


def test_unseen_phrases_are_never_put_into_a_wrong_group(margins_of_phrases):
    """Precision before recall: what the rules settle must be right; what they leave open may be too much."""
    phrases = margins_of_phrases.query("source == 'phrases_unseen.csv' and margin_group_read != 'unresolved'")
    assert [r for r in wrongly_read(phrases) if r["margin_group"] != r["margin_group_read"]] == []


def test_evidence_keeps_the_exact_words(margins_of_phrases):
    phrases = margins_of_phrases.query("margin_group_read != 'unresolved'")
    unwrapped = phrases["report_text"].str.split().str.join(" ")  # a wrapped line is one sentence
    kept = [words in text for words, text in zip(phrases["evidence_text"], unwrapped, strict=True)]
    assert phrases.loc[[not k for k in kept], ["report_text", "evidence_text"]].to_dict("records") == []


def test_every_unresolved_phrase_has_a_reason(margins_of_phrases):
    phrases = margins_of_phrases.query("margin_group_read == 'unresolved'")
    assert phrases["unresolved_reason"].notna().all()
    assert phrases["margin_mm_read"].isna().all()


# a report on benign liver alone, its margin given with a width in one sentence: read as a margin, wrongly
KNOWN_TO_BE_WRONG = {"F098"}


def test_phrases_set_aside_are_never_put_into_a_wrong_group_but_for_the_one_that_is_known(margins_of_phrases):
    """110 phrases written after the rules. Read blindly, 3 of 80 settled ones were wrong and 2 of 80 settleable ones open;
    the rules have learnt from four of those five since, so this file shows no more than that they stay learnt."""
    phrases = margins_of_phrases.query("source == 'phrases_set_aside.csv'")
    assert len(phrases) == 110
    settled = phrases[phrases["margin_group_read"] != "unresolved"]
    assert set(settled.index[settled["margin_group"] != settled["margin_group_read"]]) == KNOWN_TO_BE_WRONG
    settleable = phrases[phrases["margin_group"] != "unresolved"]
    assert (settleable["margin_group_read"] == "unresolved").mean() <= 0.1
