"""A large hospital is drawn piece by piece: whoever asks for a country's patients needs no more memory than for a piece.

A piece is a cohort of its own with numbers of its own (patients, records, messages), in files of its own beside those of the
other pieces. The first is drawn as a hospital of its size always was, so that a hospital of one piece is the same as ever.
"""

import math
from dataclasses import dataclass

PIECE_PATIENTS = 20_000
INELIGIBLE_SHARE = 0.04
LARGEST_POPULATION = 8_000_000
SEED_STEP = 7_000_003
# how many numbers of each kind a piece may give out; none needs more
RECORDS, LOOKS, MESSAGES, ACCESSIONS_A_YEAR, STRANGERS = 100_000, 1_000_000, 1_000_000, 10_000, 1_000
# of the first piece, whose strangers count what was repeated too
STRANGERS_OF_FIRST = 2_000


@dataclass(frozen=True)
class Piece:
    """Part of a hospital: `number` from 0, its own patients eligible for the cohort, its own seed."""

    number: int
    n_patients: int
    seed: int
    patients_before: int
    """The numbers that patients of earlier pieces may have."""

    @property
    def suffix(self) -> str:
        """What the names of its files end in: nothing for the first."""
        return f"_{self.number + 1:03d}" if self.number else ""

    @property
    def records_before(self) -> int:
        """The numbers that rows of the registry or treatments of earlier pieces may have."""
        return self.number * RECORDS

    @property
    def looks_before(self) -> int:
        """The same of follow-up."""
        return self.number * LOOKS

    @property
    def messages_before(self) -> int:
        """The same of the laboratory's messages."""
        return self.number * MESSAGES

    @property
    def accessions_before(self) -> int:
        """The same of its reports of any one year."""
        return self.number * ACCESSIONS_A_YEAR

    @property
    def strangers_before(self) -> int:
        """The same of patients whom nobody registered."""
        return STRANGERS_OF_FIRST + (self.number - 1) * STRANGERS if self.number else 0


def n_ineligible(n_patients: int) -> int:
    """How many patients who are not eligible come with so many who are."""
    return max(1, math.ceil(INELIGIBLE_SHARE * n_patients))


def pieces_of(n_patients: int, seed: int, piece_patients: int = PIECE_PATIENTS) -> list[Piece]:
    """The pieces of a hospital of `n_patients`, all but the last of `piece_patients`.

    Raises:
        ValueError: fewer than 1 patient, or more than the simulated MRNs can number.
    """
    most = LARGEST_POPULATION / (1 + INELIGIBLE_SHARE)
    if not 1 <= n_patients <= most:
        raise ValueError(f"patients must be between 1 and {most:,.0f}")
    each = piece_patients + n_ineligible(piece_patients)
    return [
        Piece(number, min(piece_patients, n_patients - start), seed + number * SEED_STEP, number * each)
        for number, start in enumerate(range(0, n_patients, piece_patients))
    ]
