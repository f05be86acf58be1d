"""What arrives in the pathology department from one operation: containers, lesions in them, and what cannot be settled."""

import random

import numpy as np

from simulated_hospital.phrase_book import margin_phrases, texts
from simulated_hospital.writers.report_text import Lesion, Operation, Specimen

# Independent of the margin and of the outcome: about 3 % of index operations, whatever their true margin
UNRESOLVED_SHARE = 0.03
NO_REPORT = "no_report"
UNRESOLVED_KINDS = (
    "unresolved_negative",
    "unresolved_bound",
    "unresolved_not_assessable",
    "unresolved_no_viable",
    "unresolved_re_resected",
    NO_REPORT,
)
MOST_LESIONS_DESCRIBED = 5
SECOND_SPECIMEN_SHARE, GALLBLADDER_SHARE, ADDITIONAL_MARGIN_SHARE, LYMPH_NODE_SHARE, FROZEN_SHARE = (
    0.35,
    0.22,
    0.10,
    0.10,
    0.12,
)


def choose_unresolved_kinds(margin_mm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each operation why its margin cannot be settled from the reports, or '' (about 97 %).

    Whether it can is drawn without looking at the width; why is drawn among the reasons that do not contradict the width.
    """
    chosen = rng.random(len(margin_mm)) < UNRESOLVED_SHARE
    draw = rng.random(len(margin_mm))
    kinds = np.full(len(margin_mm), "", dtype=object)
    for position in np.flatnonzero(chosen):
        possible = [kind for kind in UNRESOLVED_KINDS if kind == NO_REPORT or _can_state(kind, margin_mm[position])]
        kinds[position] = possible[int(draw[position] * len(possible))]
    return kinds


def _can_state(kind: str, margin_mm: float) -> bool:
    return any(
        phrase.can_state(margin_mm)
        for phrase in margin_phrases()
        if phrase.kind == kind and phrase.style == "plain" and phrase.section == "any"
    )


def draw_operation(
    rng: random.Random,
    margin_mm: float,
    largest_cm: float,
    metastasis_count: int,
    procedure_type: str,
    diagnosis: str,
    has_colon: bool,
    unresolved_kind: str,
    floor_mm: float = 0.0,
) -> Operation:
    """Containers and lesions such that the smallest margin of all lesions is `margin_mm`.

    Every other lesion lies at least 1 mm further from its margin than `margin_mm` and `floor_mm`, so that a corrected
    width does not change which lesion decides.
    """
    lesions = _draw_lesions(rng, margin_mm, largest_cm, metastasis_count, floor_mm)
    kinds: list[tuple[str, tuple[Lesion, ...]]] = []
    splits = len(lesions) > 1 and not unresolved_kind and rng.random() < SECOND_SPECIMEN_SHARE
    cut = rng.randint(1, len(lesions) - 1) if splits else len(lesions)
    kinds.append((procedure_type, tuple(lesions[:cut])))
    if splits:
        kinds.append(("second_wedge", tuple(lesions[cut:])))
    # a further margin beside an involved main specimen would make the whole margin a question
    takes_more = margin_mm >= 1 and not unresolved_kind and rng.random() < ADDITIONAL_MARGIN_SHARE
    if takes_more or unresolved_kind == "unresolved_re_resected":
        kinds.append(("additional_margin", ()))
    for kind, share in (("gallbladder", GALLBLADDER_SHARE), ("lymph_node", LYMPH_NODE_SHARE)):
        if rng.random() < share:
            kinds.append((kind, ()))
    if has_colon:
        kinds.insert(rng.choice((0, len(kinds))), ("colon", ()))
    titles = texts("specimen_titles", "kind")
    specimens = tuple(
        Specimen(chr(65 + number), kind, rng.choice(titles[kind]), found) for number, (kind, found) in enumerate(kinds)
    )
    has_frozen = not unresolved_kind and rng.random() < FROZEN_SHARE
    return Operation(specimens, metastasis_count, largest_cm, margin_mm, diagnosis, unresolved_kind, has_frozen)


def _draw_lesions(
    rng: random.Random, margin_mm: float, largest_cm: float, metastasis_count: int, floor_mm: float
) -> list[Lesion]:
    described = min(metastasis_count, MOST_LESIONS_DESCRIBED)
    deciding = rng.randrange(described)
    lesions = []
    for number in range(described):
        size = largest_cm if number == 0 else max(0.2, round(largest_cm * rng.uniform(0.2, 0.9), 1))
        further = round(max(margin_mm, floor_mm)) + rng.choice((2, 3, 4, 6, 8, 10, 15))
        lesions.append(Lesion(size, margin_mm if number == deciding else float(further)))
    return lesions
