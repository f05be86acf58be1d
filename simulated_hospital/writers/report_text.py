"""The text of one pathology report, as one of the department's pathologists would write it: lines by section and specimen."""

import random
import textwrap
from dataclasses import dataclass

from simulated_hospital.phrase_book import (
    Pathologist,
    choose_margin_phrase,
    choose_report_phrase,
    plain_number,
    render,
    width_words,
)

GRADES = ("well differentiated", "moderately differentiated", "moderately differentiated", "poorly differentiated")
LESION_WORDS = ("Lesion", "Metastasis", "Nodule", "Tumor")
# more than this many metastases are not listed one by one
MOST_LISTED_LESIONS = 5


@dataclass(frozen=True)
class Lesion:
    """One metastasis: its diameter in cm and its distance to the parenchymal margin in mm."""

    size_cm: float
    margin_mm: float


@dataclass(frozen=True)
class Specimen:
    """One container: liver with lesions, or tissue that has nothing to do with the hepatic margin."""

    label: str
    kind: str
    title: str
    lesions: tuple[Lesion, ...] = ()


@dataclass(frozen=True)
class Operation:
    """What the pathologist received and what can be said of it. `unresolved_kind`: '' = the margin can be settled."""

    specimens: tuple[Specimen, ...]
    metastasis_count: int
    largest_cm: float
    margin_mm: float
    diagnosis: str = "colorectal_liver_metastasis"
    unresolved_kind: str = ""
    has_frozen_section: bool = False

    @property
    def is_viable(self) -> bool:
        return self.unresolved_kind != "unresolved_no_viable"

    @property
    def liver(self) -> list[Specimen]:
        return [specimen for specimen in self.specimens if specimen.lesions]


TUMOR_NAMES = {
    "colorectal_liver_metastasis": "metastatic adenocarcinoma",
    "hepatocellular_carcinoma": "hepatocellular carcinoma",
}
DIAGNOSIS_PARTS = {
    "colorectal_liver_metastasis": "diagnosis_tumor",
    "hepatocellular_carcinoma": "diagnosis_hepatocellular",
}


class ReportWriter:
    """Writes the sections of one version of one report; all chance comes from `rng`."""

    def __init__(self, operation: Operation, pathologist: Pathologist, rng: random.Random) -> None:
        self.operation, self.pathologist, self.rng = operation, pathologist, rng
        self.style = pathologist.style
        self.is_colorectal = operation.diagnosis == "colorectal_liver_metastasis"
        self.tumor = TUMOR_NAMES.get(operation.diagnosis, "neuroendocrine tumor")
        self.lines: list[tuple[str, str, str]] = []
        self.closing: list[str] = []
        capsule = rng.randint(1, 9)
        size = operation.largest_cm
        self.words = {
            "grade": rng.choice(GRADES), "count": operation.metastasis_count, "size": plain_number(size),
            "size_comma": plain_number(size).replace(".", ","), "capsule_mm": capsule,
            "capsule_cm": plain_number(capsule / 10), "percent": rng.choice((10, 30, 40, 60, 80, 90)),
            "weight": rng.randint(40, 1400), "slice_mm": rng.choice((5, 10)), "nodes": rng.randint(1, 4),
            "nodes_many": rng.randint(12, 28), "positive_nodes": rng.randint(1, 6),
            "colon_cm": plain_number(rng.randint(20, 70) / 10), "proximal": plain_number(rng.randint(40, 190) / 10),
            "distal": plain_number(rng.randint(15, 90) / 10), "radial": rng.randint(1, 9),
            "bowel_cm": rng.randint(14, 40),
        }  # fmt: skip

    def write(self, margin_place: str | None, is_pending: bool = False) -> list[tuple[str, str, str]]:
        """All sections as (section, specimen label or '', line of text).

        `margin_place`: diagnosis, microscopic or synoptic; `is_pending`: the margin is left to an addendum.
        """
        self.margin_place, self.is_pending = margin_place, is_pending
        self._diagnosis()
        if self.operation.has_frozen_section:
            self._frozen_section()
        self._gross()
        self._microscopic()
        if margin_place == "synoptic" or (
            not self.operation.unresolved_kind and not is_pending and self.rng.random() < 0.25
        ):
            self._synoptic()
        if self.is_colorectal and self.rng.random() < 0.4:
            self.closing.append(self.phrase("comment"))
        return self._finished()

    def addendum(self, kind: str) -> list[str]:
        """The lines of an addendum that gives the margin."""
        margin = self.operation.margin_mm
        return self._filled(choose_margin_phrase(self.rng, [kind], "addendum", self.style, margin).text, margin)

    def phrase(self, part: str, **values: object) -> str:
        return choose_report_phrase(self.rng, part, self.style).format_map({**self.words, **values})

    def _add(self, section: str, specimen: str, found: list[str]) -> None:
        self.lines.extend((section, specimen, text) for text in found)

    def _finished(self) -> list[tuple[str, str, str]]:
        wrap = self.pathologist.wrap
        lines = [*self.lines, *(("comment", "", text) for text in self.closing)]
        if wrap:
            lines = [
                (section, label, part)
                for section, label, text in lines
                for part in ([text] if len(text) <= wrap else textwrap.wrap(text, wrap, break_on_hyphens=False))
            ]
        return [*lines, ("comment", "", f"Electronically signed: {self.pathologist.name} (simulated)")]

    # --- the margin -------------------------------------------------------------------------------------------------

    def margin_kinds(self, margin_mm: float) -> list[str]:
        """The kinds of statement that a pathologist makes of this width."""
        if self.operation.unresolved_kind:
            return [self.operation.unresolved_kind]
        if margin_mm == 0:
            return ["positive"]
        if margin_mm < 1:
            return [self.rng.choice(("measured", "measured", "below_1"))]
        if margin_mm < 10:
            return ["measured"]
        return [self.rng.choice(("measured",) * 6 + (("over_10",) * 2 if margin_mm >= 10.5 else ()) + ("at_least_10",))]

    def margin_statement(self, section: str, margin_mm: float) -> list[str]:
        """The overall margin, in words for `section` (any, synoptic or addendum)."""
        kinds = self.margin_kinds(margin_mm)
        if section != "any":
            kinds = [{"at_least_10": "measured"}.get(kind, kind) for kind in kinds]
        phrase = choose_margin_phrase(self.rng, kinds, section, self.style, margin_mm)
        return self._filled(phrase.text, margin_mm)

    def _filled(self, template: str, margin_mm: float, **values: object) -> list[str]:
        additional = next((s.label for s in self.operation.specimens if s.kind == "additional_margin"), "B")
        return render(
            template,
            tumor=self.tumor,
            Tumor=self.tumor.capitalize(),
            length=self.rng.randint(2, 8),
            far=self.rng.randint(3, 15),
            blocks=self.rng.randint(2, 6),
            additional=additional,
            **{**width_words(margin_mm, self.rng), **values},
        )

    def _lesion_statements(self, lesions: tuple[Lesion, ...], first_number: int) -> list[str]:
        word, is_lettered = self.rng.choice(LESION_WORDS), self.rng.random() < 0.3
        smallest = min(lesion.margin_mm for lesion in lesions)
        # beside a lesion whose distance is only bounded, an exact larger one would say more than is known
        bounded = self.rng.random() < 0.2 and smallest >= 10.5
        statements = []
        for number, lesion in enumerate(lesions, start=first_number):
            kind = "positive" if lesion.margin_mm == 0 else "measured"
            if bounded:
                kind = "over_10"
            elif 0 < lesion.margin_mm < 1 and lesion.margin_mm == smallest and self.rng.random() < 0.4:
                kind = "below_1"
            phrase = choose_margin_phrase(self.rng, [kind], "lesion", self.style, lesion.margin_mm)
            size = plain_number(lesion.size_cm)
            statements += self._filled(
                phrase.text,
                lesion.margin_mm,
                size=size,
                size_comma=size.replace(".", ","),
                lesion=f"{word} {chr(64 + number) if is_lettered else number}",
            )
        return [" ".join(statements)] if self.rng.random() < 0.3 else statements

    def _specimen_margin(self, specimen: Specimen) -> list[str]:
        widths = [lesion.margin_mm for lesion in specimen.lesions]
        is_listed = 1 < len(widths) <= MOST_LISTED_LESIONS and not self.operation.unresolved_kind
        if is_listed and self.rng.random() < 0.7:
            return self._lesion_statements(specimen.lesions, 1)
        return self.margin_statement("any", min(widths))

    # --- sections ---------------------------------------------------------------------------------------------------

    def _diagnosis(self) -> None:
        for specimen in self.operation.specimens:
            heading = self.pathologist.heading.format(
                label=specimen.label, title=specimen.title, TITLE=specimen.title.upper()
            )
            body = self._liver_diagnosis(specimen) if specimen.lesions else self._other_diagnosis(specimen)
            bullet = self.pathologist.bullet
            text = [heading, *(bullet + line for line in body)]
            self._add(
                "final_diagnosis", specimen.label, [t.upper() for t in text] if self.pathologist.is_upper else text
            )

    def _liver_diagnosis(self, specimen: Specimen) -> list[str]:
        operation, rng = self.operation, self.rng
        is_first = specimen is operation.liver[0]
        part = (
            DIAGNOSIS_PARTS.get(operation.diagnosis, "diagnosis_other")
            if operation.is_viable
            else "diagnosis_no_viable"
        )
        body = [self.phrase(part)]
        if is_first and operation.is_viable:
            body.append(self.phrase("tumor_count" if operation.metastasis_count > 1 else "tumor_size"))
        body += self._margin_in_diagnosis(specimen, is_first)
        if is_first and operation.is_viable and rng.random() < 0.5:
            body.append(self.phrase("capsule"))
        if is_first and rng.random() < 0.6:
            body.append(self.phrase("background"))
        if is_first and rng.random() < 0.4:
            body.append(self.phrase("vessels"))
        return body

    def _margin_in_diagnosis(self, specimen: Specimen, is_first: bool) -> list[str]:
        if self.is_pending:
            return [self.phrase("pending")] if is_first else []
        if self.margin_place != "diagnosis":
            has_pointer = self.margin_place == "synoptic" and is_first and self.rng.random() < 0.6
            return [self.phrase("margins_elsewhere")] if has_pointer else []
        # what cannot be settled is said once: a second specimen's distance could settle it
        if self.operation.unresolved_kind and not is_first:
            return []
        statement = self._specimen_margin(specimen)
        is_negative = self.operation.margin_mm > 0 and not self.operation.unresolved_kind
        if is_first and is_negative and self.rng.random() < 0.15:
            statement = [*statement, self.phrase("other_margins")]
        return statement

    def _other_diagnosis(self, specimen: Specimen) -> list[str]:
        if specimen.kind == "colon":
            return self.phrase("colon").split(" // ")
        return [self.phrase(specimen.kind)]

    def _frozen_section(self) -> None:
        label, rng, margin = self.operation.liver[0].label, self.rng, self.operation.margin_mm
        part = rng.choice(("frozen_negative", "frozen_positive", "frozen_distance"))
        frozen_mm = max(1, round(margin) + rng.choice((-2, 3, 5)))
        self._add("intraoperative", label, [self.phrase(part, label=label, frozen_mm=frozen_mm)])
        if (part == "frozen_positive") != (margin == 0):
            self.closing.append(self.phrase("comment_frozen"))

    def _gross(self) -> None:
        operation, rng = self.operation, self.rng
        for specimen in operation.specimens:
            if specimen.kind == "colon":
                found = [self.phrase("gross_colon", label=specimen.label)]
            elif specimen.lesions:
                found = self._gross_liver(specimen)
            else:
                found = [
                    self.phrase(
                        "gross_small",
                        label=specimen.label,
                        title=specimen.title,
                        dimensions=self._box(rng.randint(15, 70) / 10),
                    )
                ]
            self._add("gross", specimen.label, found)

    def _gross_liver(self, specimen: Specimen) -> list[str]:
        rng = self.rng
        largest = max(lesion.size_cm for lesion in specimen.lesions)
        found = [
            self.phrase(
                "gross_liver",
                label=specimen.label,
                title=specimen.title,
                dimensions=self._box(largest + rng.randint(20, 90) / 10),
            )
        ]
        if rng.random() < 0.5:
            found.append(self.phrase("gross_ink"))
        for lesion in specimen.lesions[:3]:
            found.append(self.phrase("gross_lesion", dimensions=self._box(lesion.size_cm)))
        # beside an unsettled microscopic margin a gross distance would invite a guess
        if not self.operation.unresolved_kind and rng.random() < self.pathologist.gross_distance_share:
            gross_mm = round(min(lesion.margin_mm for lesion in specimen.lesions)) + rng.choice((0, 2, 4, 8))
            found.append(
                self.phrase("gross_distance", gross_mm=max(1, gross_mm), gross_cm=plain_number(max(1, gross_mm) / 10))
            )
        elif rng.random() < 0.4:
            found.append(self.phrase("gross_capsule"))
        return [*found, self.phrase("gross_blocks", label=specimen.label)]

    def _box(self, largest_cm: float) -> str:
        sides = [largest_cm, largest_cm * self.rng.uniform(0.7, 0.95), largest_cm * self.rng.uniform(0.5, 0.7)]
        return " x ".join(f"{max(0.1, side):.1f}" for side in sides)

    def _microscopic(self) -> None:
        operation, rng = self.operation, self.rng
        is_stated_here = self.margin_place == "microscopic" and not self.is_pending
        if not is_stated_here and rng.random() < 0.35:
            return
        of_tumor = "microscopic" if self.is_colorectal else "microscopic_other"
        found = [self.phrase(of_tumor if operation.is_viable else "microscopic_no_viable")]
        if operation.is_viable and rng.random() < 0.4:
            found.append(self.phrase("treatment_effect"))
        self._add("microscopic", "", found)
        if is_stated_here:
            for specimen in operation.liver[: 1 if operation.unresolved_kind else None]:
                self._add("microscopic", specimen.label, self._specimen_margin(specimen))

    def _synoptic(self) -> None:
        operation = self.operation
        size = plain_number(operation.largest_cm)
        found = [
            choose_report_phrase(self.rng, "synoptic_title", self.style),
            f"Specimen: {operation.liver[0].title}",
            f"Number of tumors: {operation.metastasis_count}"
            if operation.is_viable
            else "Number of viable tumors: none",
            f"Greatest dimension: {size} cm" if operation.is_viable else "Treatment response: complete",
            f"Histologic type: {self.tumor}",
            *self.margin_statement("synoptic", operation.margin_mm),
            "Lymphovascular invasion: " + self.rng.choice(("not identified", "present")),
        ]
        self._add("synoptic", "", found)
