"""Labelled phrases in the words of pathology reports: group and width as a clinician reads them, or unresolved."""

import pytest

from tests.margins.conftest import PHRASE_FILES


def wrongly_read(phrases):
    wrong_group = phrases["margin_group"] != phrases["margin_group_read"]
    wrong_width = ~(
        ((phrases["margin_mm"] - phrases["margin_mm_read"]).abs() < 1e-6)
        | (phrases["margin_mm"].isna() & phrases["margin_mm_read"].isna())
    )
    return phrases.loc[
        wrong_group | wrong_width,
        [
            "phrase_id",
            "report_text",
            "margin_group",
            "margin_mm",
            "margin_group_read",
            "margin_mm_read",
            "rule",
            "unresolved_reason",
        ],
    ].to_dict("records")


# what the reader of today still reads otherwise than its label, judged one by one (docs/margin_reading.md)
KNOWN_WRONG = {
    "Adenocarcinoma is present at the parenchymal margin in segment 6 and 4 mm from the margin in segment 8.",
    # the group is right, the width is not: the size before it
    "Lesion A 3 cm, lesion B 2 cm. Margin 22 mm.",
    # left open: 'comes within 1 mm' may be 1 mm or less, and the hands differ (R056 of the eighth blind reading: <1 mm)
    "Tumor extends to within 1 mm of but does not involve the margin",
    # of the ninth blind reading: a summary ten times smaller than one of two lesions
    "K180",
}


def test_every_labelled_phrase_is_read_as_labelled(margins_of_phrases):
    phrases = margins_of_phrases.query("source == 'phrases.csv'")
    assert len(phrases) >= 150
    assert [row for row in wrongly_read(phrases) if row["report_text"] not in KNOWN_WRONG] == []


# files whose phrases were read blindly once, and from whose faults the rules have learnt since (docs/margin_reading.md)
ONCE_UNSEEN = [name for name in PHRASE_FILES if name not in ("phrases.csv", "phrases_kept_aside.csv")]


# the share of settleable phrases that may stay open: of texts that were written to mislead, or in unfamiliar wording, more
OPEN_AT_MOST = {name: 0.3 for name in PHRASE_FILES if "adversarial" in name} | {
    "phrases_adversarial_7.csv": 0.45,
    "phrases_adversarial_11.csv": 0.4,
    "phrases_adversarial_14.csv": 0.45,
    "phrases_blind_reading_2.csv": 0.165,
    "phrases_blind_reading_3.csv": 0.21,
    "phrases_blind_reading_6.csv": 0.15,
    "phrases_blind_reading_7.csv": 0.15,
    "phrases_blind_reading_8.csv": 0.15,
    "phrases_blind_reading_9.csv": 0.16,
    "phrases_blind_reading_10.csv": 0.35,
    "phrases_blind_reading_11.csv": 0.25,
    "phrases_blind_reading_12.csv": 0.37,
    "phrases_blind_reading_13.csv": 0.3,
    "phrases_blind_reading_14.csv": 0.2,
    "phrases_blind_reading_15.csv": 0.3,
    "phrases_blind_reading_20.csv": 0.15,
    "phrases_blind_reading_22.csv": 0.3,
    "phrases_blind_reading_25.csv": 0.17,
    "phrases_blind_reading_28.csv": 0.17,
}


@pytest.mark.parametrize("source", ONCE_UNSEEN)
def test_what_the_rules_settle_is_right_and_few_settleable_phrases_stay_open(margins_of_phrases, source):
    """Precision before recall: a wrong group is worse than a question to the coordinator."""
    phrases = margins_of_phrases[margins_of_phrases["source"] == source]
    assert len(phrases) >= 50
    settled = phrases[phrases["margin_group_read"] != "unresolved"]
    wrong = [row for row in wrongly_read(settled) if row["margin_group"] != row["margin_group_read"]]
    assert [row for row in wrong if not KNOWN_WRONG & {row["phrase_id"], row["report_text"]}] == []
    settleable = phrases[phrases["margin_group"] != "unresolved"]
    assert (settleable["margin_group_read"] == "unresolved").mean() <= OPEN_AT_MOST.get(source, 0.12)


def test_phrases_that_no_rule_has_learnt_from_are_read_to_the_bar(margins_of_phrases):
    """Kept aside by three hands, read once when the rules were done: let nobody mend a rule for one of these."""
    phrases = margins_of_phrases.query("source == 'phrases_kept_aside.csv'")
    assert len(phrases) == 870
    settled = phrases[phrases["margin_group_read"] != "unresolved"]
    assert (settled["margin_group"] == settled["margin_group_read"]).mean() >= 0.995
    settleable = phrases[phrases["margin_group"] != "unresolved"]
    assert (settleable["margin_group_read"] == "unresolved").mean() <= 0.1


def _keeps(evidence: str, text: str) -> bool:
    return evidence in text


def test_evidence_keeps_the_exact_words(margins_of_phrases):
    phrases = margins_of_phrases.query("margin_group_read != 'unresolved'")
    kept = [
        _keeps(evidence, text) for evidence, text in zip(phrases["evidence_text"], phrases["report_text"], strict=True)
    ]
    assert phrases.loc[[not k for k in kept], ["report_text", "evidence_text"]].to_dict("records") == []


def test_every_unresolved_phrase_has_a_reason(margins_of_phrases):
    phrases = margins_of_phrases.query("margin_group_read == 'unresolved'")
    assert phrases["unresolved_reason"].notna().all()
    assert phrases["margin_mm_read"].isna().all()
