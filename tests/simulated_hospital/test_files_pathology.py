"""The laboratory's messages: phrases that say what they mean, reports built like real ones, HL7 that parses."""

import random
import re
from collections import Counter
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from simulated_hospital.phrase_book import margin_phrases, pathologists, render, width_words
from simulated_hospital.writers.hl7 import Person, escaped, message_body, message_header
from simulated_hospital.writers.pathology import write_reports
from simulated_hospital.writers.specimens import UNRESOLVED_KINDS, choose_unresolved_kinds

WIDTHS_MM = (0.0, 0.1, 0.4, 0.5, 0.8, 0.9, 1.0, 2.0, 4.5, 5.5, 7.0, 9.0, 9.9, 10.0, 12.0, 14.5, 18.0, 25.0, 40.0)
GROUP_OF_KIND = {
    "positive": lambda mm: mm == 0,
    "measured": lambda mm: mm > 0,
    "below_1": lambda mm: 0 < mm < 1,
    "over_10": lambda mm: mm > 10,
    "at_least_10": lambda mm: mm >= 10,
}
NUMBER_WORDS = dict(
    zip(
        ["one", "two", "four", "five", "seven", "nine", "ten", "twelve", "eighteen"],
        (1, 2, 4, 5, 7, 9, 10, 12, 18),
        strict=True,
    )
)
MM_PER_UNIT = {"mm": 1, "cm": 10, "millimeter": 1, "millimetre": 1, "micron": 0.001, "micrometre": 0.001, "um": 0.001}
NUMBER = r"\d+(?:[.,]\d+)?"
LENGTH = re.compile(
    rf"({NUMBER}|{'|'.join(NUMBER_WORDS)}|half a)(?:(?:-| to | and ){NUMBER})?\s*(mm|cm|millimeter|millimetre|micron|micrometre|um)s?\b"
)
UNIT_FIRST = re.compile(rf"\((mm|cm)\): ({NUMBER})")


def widths_written(text: str) -> list[float]:
    """Every length in the text, in mm, read without knowing the templates; of a range the lower end."""
    found = [(number, unit) for number, unit in LENGTH.findall(text.lower())]
    found += [(number, unit) for unit, number in UNIT_FIRST.findall(text.lower())]
    spelled = {**NUMBER_WORDS, "half a": 0.5}
    values = [spelled[number] if number in spelled else float(number.replace(",", ".")) for number, _ in found]
    return [round(value * MM_PER_UNIT[unit], 6) for value, (_, unit) in zip(values, found, strict=True)]


def filled(phrase, margin_mm: float, seed: int = 1) -> str:
    # sizes and other distances far above every width, so that the smallest length of the text is the margin
    rest = {"tumor": "carcinoma", "Tumor": "Carcinoma", "length": 5, "far": 70, "blocks": 2, "additional": "B",
            "lesion": "Lesion A", "size": "77", "size_comma": "77,0"}  # fmt: skip
    return "\n".join(render(phrase.text, **width_words(margin_mm, random.Random(seed)), **rest))


def test_there_are_over_a_hundred_different_margin_phrases_of_every_kind_and_manner():
    phrases = margin_phrases()
    assert len(phrases) >= 150
    assert len({phrase.template_id for phrase in phrases}) == len(phrases)
    assert len({phrase.text for phrase in phrases}) == len(phrases)
    assert {phrase.kind for phrase in phrases} == {*GROUP_OF_KIND, *UNRESOLVED_KINDS} - {"no_report"}
    assert {phrase.style for phrase in phrases} == {writer.style for writer in pathologists()}


@pytest.mark.parametrize("phrase", margin_phrases(), ids=lambda phrase: phrase.template_id)
def test_every_phrase_renders_for_its_margin_group_and_no_other(phrase):
    possible = [width for width in WIDTHS_MM if phrase.can_state(width)]
    assert possible
    if phrase.kind in GROUP_OF_KIND:
        assert all(GROUP_OF_KIND[phrase.kind](width) for width in possible)
    for width in possible:
        text = filled(phrase, width)
        assert "{" not in text and "}" not in text
        assert "//" not in text


@pytest.mark.parametrize(
    "phrase",
    [phrase for phrase in margin_phrases() if phrase.kind in ("measured", "at_least_10")],
    ids=lambda p: p.template_id,
)
def test_the_smallest_length_in_a_measured_phrase_is_the_margin(phrase):
    for width in WIDTHS_MM:
        for seed in range(6):
            if phrase.can_state(width):
                text = filled(phrase, width, seed)
                assert min(widths_written(text)) == pytest.approx(width), text


def test_a_bound_that_leaves_the_group_open_is_kept_apart_from_one_that_settles_it():
    by_id = {phrase.text: phrase for phrase in margin_phrases()}
    assert by_id["Parenchymal margin greater than 5 mm."].kind == "unresolved_bound"
    assert not by_id["Parenchymal margin greater than 5 mm."].can_state(5.0)
    assert by_id["Liver margin: >1 cm."].kind == "over_10"
    assert not by_id["Liver margin: >1 cm."].can_state(10.0)
    assert by_id["Parenchymal margin at least {cm1} cm."].can_state(10.0)


def test_delimiters_in_text_are_escaped_and_segments_end_in_cr():
    assert escaped(r"a|b^c&d~e\f") == r"a\F\b\S\c\T\d\R\e\E\f"
    person = Person("SIM0000001", "Simpat00001", "Kim", date(1940, 5, 6), "female")
    lines = [("final_diagnosis", "A", "Margin 4 mm | ink"), ("comment", "", "T & N")]
    reported = datetime(1995, 3, 9, 10, 30)
    message = message_header("C1", reported) + message_body(person, "S95-00001", date(1995, 3, 4), reported, "C", lines)
    segments = [segment.split("|") for segment in message.split("\r")]
    assert segments.pop() == [""]
    msh, pid, obr, first, second = segments
    assert (msh[8], msh[9], msh[10], msh[11]) == ("ORU^R01^ORU_R01", "C1", "T", "2.5.1")
    assert (pid[3], pid[5], pid[7], pid[8]) == ("SIM0000001^^^SIMHOSP^MR", "Simpat00001^Kim", "19400506", "F")
    assert (obr[3], obr[7], obr[22], obr[25]) == ("S95-00001^SIMLIS", "19950304", "19950309103000", "C")
    assert (first[1], first[2], first[4], first[5], first[11]) == ("1", "TX", "A", r"Margin 4 mm \F\ ink", "C")
    assert second[3].startswith("22638-1^")


def operations(n: int, **changes: object) -> pd.DataFrame:
    """`n` operations of one day each; margins run through all groups unless given."""
    frame = pd.DataFrame(
        {
            "mrn": [f"SIM{number:07d}" for number in range(n)],
            "last_name": "Simpat00001",
            "first_name": "Kim",
            "birth_date": pd.Timestamp("1940-05-06"),
            "sex": "male",
            "operation_date": pd.Timestamp("1999-11-20") + pd.to_timedelta(np.arange(n) % 90, unit="D"),
            "procedure_type": np.resize(["major_hepatectomy", "minor_hepatectomy", "wedge_resection"], n),
            "metastasis_count": np.resize([1, 2, 5, 9], n),
            "largest_metastasis_cm": 3.1,
            "margin_mm": np.resize([0.0, 0.4, 3.0, 9.5, 10.0, 14.0], n),
            "unresolved_kind": "",
            "diagnosis": "colorectal_liver_metastasis",
            "has_colon": np.resize([False, False, True], n),
        }
    )
    return frame.assign(**changes)


@pytest.fixture(scope="module")
def reports() -> pd.DataFrame:
    return write_reports(operations(600), seed=5)[0]


def observations(text: str) -> list[list[str]]:
    return [segment.split("|") for segment in text.split("\r") if segment.startswith("OBX|")]


def test_messages_are_built_as_the_standard_says(reports):
    assert reports["control_id"].is_unique
    for text in reports["text"]:
        kinds = [segment[:3] for segment in text.split("\r")[:-1]]
        assert kinds == ["MSH", "PID", "OBR"] + ["OBX"] * (len(kinds) - 3)
        assert len(kinds) > 3
        found = observations(text)
        assert [fields[1] for fields in found] == [str(number) for number in range(1, len(found) + 1)]
        assert all(len(fields) == 12 and fields[2] == "TX" and fields[5] for fields in found)


def test_every_operation_has_exactly_one_report_that_counts_and_corrections_come_later(reports):
    reports = reports.assign(
        status=[text.split("\r")[2].split("|")[25] for text in reports["text"]],
        collected=[text.split("\r")[2].split("|")[7] for text in reports["text"]],
        is_addendum=[all(o[3].startswith("22639-9") for o in observations(text)) for text in reports["text"]],
    )
    assert set(reports["status"]) == {"F", "C", "P", "X"}
    assert reports["is_addendum"].any()
    expected = operations(600)
    day = expected["operation_date"].dt.strftime("%Y%m%d")
    on_day = reports.merge(expected[["mrn"]].assign(collected=day), on=["mrn", "collected"])
    finals = on_day[(on_day["status"] == "F") & ~on_day["is_addendum"]]
    assert Counter(finals["mrn"]) == {mrn: 1 for mrn in expected["mrn"]}
    for _, versions in on_day.groupby("accession_number"):
        by_status = versions[~versions["is_addendum"]].set_index("status")["reported_at"]
        assert by_status.get("P", by_status.min()) == by_status.min()
        if "C" in by_status:
            assert by_status["C"] > by_status["F"]
        if versions["is_addendum"].any():
            assert versions.loc[versions["is_addendum"], "reported_at"].min() > by_status["F"]
    years = reports["source_file"].str.extract(r"pathology/pathology_(\d{4})\.hl7")[0].astype(int)
    assert (years == pd.DatetimeIndex(reports["reported_at"]).year).all()


def test_reports_are_as_long_and_as_mixed_as_real_ones(reports):
    whole = [observations(text) for text in reports["text"] if "|22634-0^" in text]
    n_lines = [len(found) for found in whole]
    assert 8 <= np.median(n_lines) <= 40
    several = [len({fields[4] for fields in found if fields[4]}) > 1 for found in whole]
    assert np.mean(several) >= 0.4
    text = "\n".join(fields[5] for found in whole for fields in found)
    for words in ("Frozen section", "radial margin", "Gallbladder", "capsule", "additional", "synoptic"):
        assert words.lower() in text.lower()
    assert len({fields[5] for found in whole for fields in found if "Electronically signed" in fields[5]}) == len(
        pathologists()
    )


def stated_widths(text: str) -> list[float]:
    """The lengths in the sections that state the microscopic margin."""
    sections = ("22637-3", "22635-7", "60568-3", "22639-9")
    return widths_written("\n".join(o[5] for o in observations(text) if o[3].startswith(sections)))


def is_left_to_an_addendum(text: str) -> bool:
    words = " ".join(o[5] for o in observations(text)).lower()
    return "pending" in words or "in process" in words


def test_the_true_margin_is_in_the_corrected_version_only_or_in_the_addendum_only():
    # 7.3 mm is never drawn for a wrong version, a capsule or a bowel margin
    frame, histories = write_reports(operations(400, margin_mm=7.3, metastasis_count=1, has_colon=False), seed=5)
    assert histories["corrected"] >= 5
    assert histories["margin_in_addendum"] >= 5
    n_corrected = n_pending = 0
    for _, versions in frame.groupby("accession_number"):
        status = [text.split("\r")[2].split("|")[25] for text in versions["text"]]
        has_true_width = [7.3 in stated_widths(text) for text in versions["text"]]
        if "C" in status:
            assert has_true_width == [False, True]
            n_corrected += 1
        elif is_left_to_an_addendum(versions["text"].iloc[0]) and "P" not in status:
            assert has_true_width == [False, True]
            assert all(o[3].startswith("22639-9") for o in observations(versions["text"].iloc[1]))
            n_pending += 1
    assert (n_corrected, n_pending) == (histories["corrected"], histories["margin_in_addendum"])


def test_whether_a_margin_can_be_settled_does_not_depend_on_the_margin():
    margins = np.repeat([0.0, 0.5, 4.0, 15.0], 20_000)
    kinds = choose_unresolved_kinds(margins, np.random.default_rng(3))
    shares = [np.mean(kinds[margins == width] != "") for width in (0.0, 0.5, 4.0, 15.0)]
    assert all(0.026 < share < 0.034 for share in shares)
    assert set(kinds) - {""} == set(UNRESOLVED_KINDS)
    # an involved margin is never reported as negative
    assert set(kinds[margins == 0]) == {"", "unresolved_not_assessable", "unresolved_re_resected", "no_report"}


def test_an_unsettled_report_gives_no_distance_that_would_settle_it():
    for kind in set(UNRESOLVED_KINDS) - {"no_report", "unresolved_bound"}:
        frame, _ = write_reports(operations(60, margin_mm=4.0, unresolved_kind=kind, has_colon=False), seed=8)
        for text in frame["text"]:
            if "BIOPSY" in text.upper() or "PRELIMINARY" in text.upper():
                continue
            margin_lines = [o[5] for o in observations(text) if re.search(r"margin|cut surface|ink\b", o[5], re.I)]
            # blocks of sections in millimetres are no distances to the margin
            assert not [
                line
                for line in margin_lines
                if re.search(r"\d\s*(mm|cm)\b", line, re.I)
                and "sectioned" not in line.lower()
                and " x " not in line
                and "labeled" not in line.lower()
            ]


def test_an_operation_without_a_report_sends_no_message():
    frame, histories = write_reports(operations(3, unresolved_kind=["", "no_report", ""]), seed=1)
    assert "SIM0000001" not in set(frame["mrn"])
    assert histories["no_report"] == 1
