"""What befalls the pathology messages."""

import re
import shutil
from pathlib import Path

import pandas as pd

from tests.fault_study.catalogue.changes import words_change
from tests.fault_study.catalogue.listing import Fault, add, fault, other_cohort
from tests.fault_study.landed_files import (
    Message,
    edit_messages,
    edit_mrns,
    edit_words,
    messages_of,
    read,
    report_files,
    shuffled,
    with_field,
    write_messages,
)

FEED = "pathology"
WORDS = "OBX|1|TX|22637-3^Pathology report final diagnosis^LN|A|Liver, hepatectomy: metastatic adenocarcinoma, {margin}.||||||F"
POSITIVE = WORDS.format(margin="tumor present at the inked parenchymal margin")
WIDE = WORDS.format(margin="parenchymal margin free of tumor, closest distance 14 mm")
FLIPPED = {"M": "F", "F": "M"}


def with_words(text: str, nth: int = 1) -> Fault:
    def changed(message: Message, number: int) -> Message:
        return [*(line for line in message if not line.startswith("OBX")), text] if number % nth == 0 else message

    return lambda folder: edit_messages(folder, changed)


def _field(segment: str, place: int, change) -> Fault:
    return lambda folder: edit_messages(folder, lambda message, _: with_field(message, segment, place, change))


def _is(value: str):
    return lambda field: value


def _later(days: int):
    def later(day: str) -> str:
        known = pd.to_datetime(day[:8], format="%Y%m%d", errors="coerce")
        return day if pd.isna(known) else (known + pd.Timedelta(days=days)).strftime("%Y%m%d")

    return later


def _widths_times(factor: float) -> Fault:
    def times(match: re.Match) -> str:
        return f"{float(match[1]) * factor:g} {match[2]}"

    return lambda folder: edit_words(folder, lambda text: re.sub(r"(?i)\b(\d+(?:\.\d+)?)\s*(mm)\b", times, text))


for _name, _fault, _what in (
    ("one_text", with_words(WIDE), "a stuck interface sends one text for every report"),
    ("half_positive", with_words(POSITIVE, 2), "every second report says that the margin is positive"),
    ("a_tenth_of_one_text", with_words(WIDE, 10), "every tenth report is replaced by one and the same text"),
    ("cm_is_mm", words_change(r"(?i)\bcm\b", "mm"), "cm became mm"),
    ("mm_is_cm", words_change(r"(?i)\bmm\b", "cm"), "mm became cm"),
    ("units_lost", words_change(r"(?i)\s*\b(mm|cm)\b", ""), "units are lost"),
    ("points_lost", words_change(r"(\d)\.(\d)", r"\1\2"), "decimal points are lost"),
    ("signs_lost", words_change("[<>]", ""), "signs < and > are escaped away"),
    ("signs_escaped", words_change("<", "&lt;"), "signs < come as they are written in web pages"),
    ("widths_times_ten", _widths_times(10), "widths got a zero more"),
    ("all_one_mm", words_change(r"(?i)\b\d+(?:\.\d+)?\s*(mm|cm)\b", "1 mm"), "every width is sent as 1 mm: a default of a new form"),
    ("lines_cut", lambda folder: edit_words(folder, lambda text: text[:60]), "lines are cut to 60 letters"),
    ("negations_lost", words_change(r"(?i)\bnot |\bno |\bun(?=involved)", ""), "the word not is lost"),
    ("letters_damaged", words_change("[aeiou]", "?"), "letters are lost between two encodings"),
    ("words_lost", lambda folder: edit_words(folder, lambda text: "", 3), "the words of every third report are lost"),
    ("all_cancelled", _field("OBR", 25, _is("X")), "every report is sent as cancelled"),
    ("all_preliminary", _field("OBR", 25, _is("P")), "every report is sent as preliminary"),
    ("collected_late", _field("OBR", 7, _later(30)), "specimens are dated thirty days late"),
    ("collected_lost", _field("OBR", 7, _is("")), "the day of collection is no longer sent"),
    ("collected_a_year_late", _field("OBR", 7, _later(365)), "specimens are dated a year late"),
    ("sexes_flipped", _field("PID", 8, lambda sex: FLIPPED.get(sex, sex)), "the sexes on the messages are turned round"),
    ("births_moved", _field("PID", 7, _later(366)), "the births on the messages are a year off"),
    (
        "prefix_changed", _field("MSH", 10, lambda number: f"NEW{number[3:]}"),
        "a new laboratory system numbers its messages anew: all are sent again",
    ),
    ("accessions_changed", _field("OBR", 3, lambda number: f"X{number}"), "the laboratory has a new prefix of accession numbers"),
    ("mrns_with_a_prefix", lambda folder: edit_mrns(folder, lambda mrn: f"H-{mrn}"), "MRNs have a prefix of the laboratory"),
):  # fmt: skip
    add(f"pathology_{_name}", FEED, _what, _fault)


@fault(FEED, "every second file did not come")
def pathology_half_missing(folder: Path) -> None:
    for path in report_files(folder)[::2]:
        path.unlink()


@fault(FEED, "one file in three broke off in the middle")
def pathology_files_cut(folder: Path) -> None:
    for path in report_files(folder)[::3]:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@fault(FEED, "every third message of each file is no longer sent")
def pathology_messages_lost(folder: Path) -> None:
    edit_messages(folder, lambda message, number: None if number % 3 == 0 else message)


@fault(FEED, "all reports are of another cohort")
def pathology_of_another_cohort(folder: Path) -> None:
    shutil.rmtree(folder / "pathology")
    shutil.copytree(other_cohort() / "pathology", folder / "pathology")


@fault(FEED, "reports are filed under the wrong patients; their names stay")
def pathology_wrong_patients(folder: Path) -> None:
    mrns = pd.Series(sorted(set(read(folder, "registry")["mrn"])))
    whose = dict(zip(mrns, shuffled(mrns, 11), strict=True))
    edit_mrns(folder, lambda mrn: whose.get(mrn, mrn))


@fault(FEED, "a new file of other patients' reports uses the message numbers of older messages again")
def pathology_numbers_used_again(folder: Path) -> None:
    numbers = [message[0].split("|")[9] for message in messages_of(report_files(folder)[-3])]
    first = messages_of(report_files(folder)[0])
    used = [with_field(message, "MSH", 10, lambda _, n=n: numbers[n % len(numbers)]) for n, message in enumerate(first)]
    write_messages(folder / "pathology" / "pathology_9999.hl7", used)


@fault(FEED, "texts are cut after 200 letters")
def pathology_texts_cut(folder: Path) -> None:
    def changed(message: Message, _: int) -> Message:
        kept, room = [], 200
        for line in message:
            if line.startswith("OBX|") and line.count("|") > 5:
                fields = line.split("|")
                fields[5] = fields[5][: max(room, 0)]
                room -= len(fields[5])
                line = "|".join(fields)
            kept.append(line)
        return kept

    edit_messages(folder, changed)


@fault(FEED, "every fifth report is filed under another patient's number")
def pathology_a_fifth_of_others(folder: Path) -> None:
    mrns = sorted(set(read(folder, "registry")["mrn"]))
    following = dict(zip(mrns, [*mrns[1:], mrns[0]], strict=True))
    chosen = set(mrns[::5])
    edit_mrns(folder, lambda mrn: following[mrn] if mrn in chosen else mrn)


def _texts_from_elsewhere(nth: int) -> Fault:
    """The words of every nth report are those of the one before it; who it is of stays."""

    def changed(folder: Path) -> None:
        for path in report_files(folder):
            messages = messages_of(path)
            words = [[line for line in message if line.startswith("OBX")] for message in messages]
            mixed = [
                [*(line for line in message if not line.startswith("OBX")), *words[number - 1]]
                if number % nth == 0
                else message
                for number, message in enumerate(messages)
            ]
            write_messages(path, mixed)

    return changed


add("pathology_texts_of_others", FEED, "every report has the words of another patient's", _texts_from_elsewhere(1))
add(
    "pathology_some_texts_of_others",
    FEED,
    "one report in eight has the words of another patient's",
    _texts_from_elsewhere(8),
)


@fault(FEED, "positive margins are no longer said: those lines are replaced by a clear one")
def pathology_no_positive(folder: Path) -> None:
    positive = re.compile(r"(?i)\b(positive|involved|present at|extends? to|at the ink|focally)\b")
    edit_words(folder, lambda text: "Parenchymal margin: negative, 14 mm." if positive.search(text) else text)


@fault(FEED, "the files are in UTF-16")
def pathology_utf_16(folder: Path) -> None:
    for path in report_files(folder):
        path.write_bytes(path.read_bytes().decode("utf-8", "replace").encode("utf-16"))
