"""What is compared: groups of patients with a reference, such as the margin groups against >=10 mm."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.patients.collapsed_counts import are_codes_of_texts
from analysis.patients.names import NOT_KNOWN, STRATA_NOT_COMPARED


class Exposure(NamedTuple):
    """A grouping whose levels models compare with the reference.

    `column` of the patient rows (and grouping of the counts); `levels` in their order, from the one thought worst;
    `label` names the whole ('margin group'), `prefix` a level's term ('margin positive'). Only an ordered exposure has a trend.
    `not_known` is the stratum of those whose level is not known: a value of the column ('unresolved'), or 'unknown' where the
    column is empty.
    """

    column: str
    label: str
    prefix: str
    levels: tuple[str, ...]
    reference: str
    is_ordered: bool = True
    not_known: str = NOT_KNOWN

    def term(self, level: str) -> str:
        """The term of a level in `hazard_ratios`."""
        return f"{self.prefix} {level}"

    @property
    def compared(self) -> tuple[str, ...]:
        """The levels but the reference."""
        return tuple(level for level in self.levels if level != self.reference)

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of the levels compared."""
        return tuple(self.term(level) for level in self.compared)

    @property
    def strata(self) -> tuple[str, ...]:
        """The levels, and the stratum of those whose level is not known."""
        return (*self.levels, self.not_known)

    def of(self, values: pd.Series) -> pd.Series:
        """The stratum of each patient.

        Raises:
            ValueError: a value is none of the strata, or is missing where `not_known` is a value of the column.
        """
        levels = levels_of(values)
        if self.not_known == NOT_KNOWN:
            levels = levels.fillna(NOT_KNOWN)
        if levels.isna().any():
            raise ValueError(f"{self.column}: missing in {int(levels.isna().sum())} row(s)")
        unknown = sorted(set(levels.unique()) - set(self.strata))
        if unknown:
            raise ValueError(f"{self.column}: {', '.join(unknown)} not among {', '.join(self.strata)}")
        return levels

    @property
    def omnibus(self) -> str:
        """The term of the likelihood-ratio test of all levels together."""
        return f"{self.label} (omnibus)"

    @property
    def omnibus_wald(self) -> str:
        """The term of Wald's test of all levels together."""
        return f"{self.label} (omnibus, Wald)"

    @property
    def trend(self) -> str:
        """The term of the hazard ratio for each level nearer to the first."""
        return f"{self.label} (trend)"

    @property
    def proportionality(self) -> str:
        """The term of the test of proportional hazards of all levels together."""
        return f"{self.label} (proportional hazards)"

    @property
    def by_period(self) -> str:
        """The term of the test of different ratios in different periods of follow-up."""
        return f"{self.label} by period (interaction)"

    def against(self, reference: str) -> "Exposure":
        """The same levels against another reference.

        Raises:
            ValueError: it is none of the levels.
        """
        if reference not in self.levels:
            raise ValueError(f"reference must be one of {', '.join(self.levels)}, not {reference!r}")
        return self._replace(reference=reference)


def levels_of(values: pd.Series) -> pd.Series:
    """A grouping's values as the counts spell them: truths 'true' and 'false', whole numbers without a point."""
    if pd.api.types.is_bool_dtype(values.dtype) or (values.dtype == object and _are_truths(values)):
        return values.map({True: "true", False: "false"}).astype("string")
    if pd.api.types.is_float_dtype(values.dtype):
        return values.astype("Int64").astype("string")
    return values.astype("string")


class NumberedLevels(NamedTuple):
    """A grouping's values as numbers of their names, spelled as `levels_of` spells them; -1 where a value is missing."""

    numbers: np.ndarray
    names: tuple[str, ...]

    def is_among(self, names: Collection[str]) -> np.ndarray:
        """Whether each value is one of some."""
        return np.array([*(name in names for name in self.names), False])[self.numbers]

    @property
    def occurring(self) -> set[str]:
        """The names that occur."""
        occurs = np.bincount(self.numbers + 1, minlength=len(self.names) + 1)[1:] > 0
        return {name for name, is_there in zip(self.names, occurs, strict=True) if is_there}


def numbered_levels(values: pd.Series) -> NumberedLevels:
    """The levels of a grouping; what is kept as codes of texts is not spelled out patient by patient."""
    if are_codes_of_texts(values):
        return NumberedLevels(values.cat.codes.to_numpy(dtype=np.int64), tuple(values.cat.categories))
    numbers, names = pd.factorize(levels_of(values))
    return NumberedLevels(numbers, tuple(map(str, names)))


def is_not_compared(levels: pd.Series) -> pd.Series:
    """Whether a level stands for a group that is not known ('unresolved'); False where the value is missing."""
    return levels.isin(list(STRATA_NOT_COMPARED)).astype(bool)


def _are_truths(values: pd.Series) -> bool:
    return pd.api.types.infer_dtype(values, skipna=True) == "boolean"
