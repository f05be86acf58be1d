"""What befalls the pathology messages."""

import re
import shutil
from pathlib import Path

import pandas as pd

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

WORDS = "OBX|1|TX|22637-3^Pathology report final diagnosis^LN|A|Liver, hepatectomy: metastatic adenocarcinoma, {margin}.||||||F"
POSITIVE = WORDS.format(margin="tumor present at the inked parenchymal margin")
WIDE = WORDS.format(margin="parenchymal margin free of tumor, closest distance 14 mm")


def _with_words(text: str, nth: int = 1) -> Fault:
    def changed(folder: Path) -> None:
        edit_messages(
            folder,
            lambda message, n: (
                [*(line for line in message if not line.startswith("OBX")), text] if n % nth == 0 else message
            ),
        )

    return changed


add("pathology_one_text", "pathology", "a stuck interface sends one text for every report", _with_words(WIDE))
add(
    "pathology_half_positive",
    "pathology",
    "every second report says that the margin is positive",
    _with_words(POSITIVE, 2),
)
add(
    "pathology_cm_is_mm",
    "pathology",
    "cm became mm",
    lambda folder: edit_words(folder, lambda text: re.sub(r"(?i)\bcm\b", "mm", text)),
)
add(
    "pathology_mm_is_cm",
    "pathology",
    "mm became cm",
    lambda folder: edit_words(folder, lambda text: re.sub(r"(?i)\bmm\b", "cm", text)),
)
add(
    "pathology_points_lost",
    "pathology",
    "decimal points are lost",
    lambda folder: edit_words(folder, lambda text: re.sub(r"(\d)\.(\d)", r"\1\2", text)),
)
add(
    "pathology_signs_lost",
    "pathology",
    "signs < and > are escaped away",
    lambda folder: edit_words(folder, lambda text: re.sub("[<>]", "", text)),
)
add(
    "pathology_lines_cut",
    "pathology",
    "lines are cut to 60 letters",
    lambda folder: edit_words(folder, lambda text: text[:60]),
)
add(
    "pathology_negations_lost",
    "pathology",
    "the word not is lost",
    lambda folder: edit_words(folder, lambda text: re.sub(r"(?i)\bnot |\bno |\bun(?=involved)", "", text)),
)
add(
    "pathology_words_lost",
    "pathology",
    "the words of every third report are lost",
    lambda folder: edit_words(folder, lambda text: "", 3),
)
add(
    "pathology_all_cancelled",
    "pathology",
    "every report is sent as cancelled",
    lambda folder: edit_messages(folder, lambda message, _: with_field(message, "OBR", 25, lambda _: "X")),
)
add(
    "pathology_all_preliminary",
    "pathology",
    "every report is sent as preliminary",
    lambda folder: edit_messages(folder, lambda message, _: with_field(message, "OBR", 25, lambda _: "P")),
)


def _thirty_days_later(day: str) -> str:
    collected = pd.to_datetime(day[:8], format="%Y%m%d", errors="coerce")
    return day if pd.isna(collected) else (collected + pd.Timedelta(days=30)).strftime("%Y%m%d")


@fault("pathology", "specimens are dated thirty days late")
def pathology_collected_late(folder: Path) -> None:
    edit_messages(folder, lambda message, _: with_field(message, "OBR", 7, _thirty_days_later))


@fault("pathology", "every second file did not come")
def pathology_half_missing(folder: Path) -> None:
    for path in report_files(folder)[::2]:
        path.unlink()


@fault("pathology", "all reports are of another cohort")
def pathology_of_another_cohort(folder: Path) -> None:
    shutil.rmtree(folder / "pathology")
    shutil.copytree(other_cohort() / "pathology", folder / "pathology")


@fault("pathology", "reports are filed under the wrong patients; their names stay")
def pathology_wrong_patients(folder: Path) -> None:
    mrns = pd.Series(sorted(set(read(folder, "registry")["mrn"])))
    whose = dict(zip(mrns, shuffled(mrns, 11), strict=True))
    edit_mrns(folder, lambda mrn: whose.get(mrn, mrn))


@fault("pathology", "a new file of other patients' reports uses the message numbers of older messages again")
def pathology_numbers_used_again(folder: Path) -> None:
    numbers = [message[0].split("|")[9] for message in messages_of(report_files(folder)[-3])]
    first = messages_of(report_files(folder)[0])
    used = [with_field(message, "MSH", 10, lambda _, n=n: numbers[n % len(numbers)]) for n, message in enumerate(first)]
    write_messages(folder / "pathology" / "pathology_9999.hl7", used)


@fault("pathology", "texts are cut after 200 letters")
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


@fault("pathology", "every width is sent as 1 mm: a default of a new form")
def pathology_all_one_mm(folder: Path) -> None:
    edit_words(folder, lambda text: re.sub(r"(?i)\b\d+(?:\.\d+)?\s*(mm|cm)\b", "1 mm", text))


@fault("pathology", "every fifth report is of the wrong sex and name: another patient's")
def pathology_a_fifth_of_others(folder: Path) -> None:
    mrns = sorted(set(read(folder, "registry")["mrn"]))
    following = dict(zip(mrns, [*mrns[1:], mrns[0]], strict=True))
    chosen = set(mrns[::5])
    edit_mrns(folder, lambda mrn: following[mrn] if mrn in chosen else mrn)
