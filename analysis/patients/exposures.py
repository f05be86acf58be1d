"""What is compared: groups of patients with a reference, such as the margin groups against >=10 mm."""

from typing import NamedTuple

import pandas as pd

from analysis.patients.names import MARGIN_GROUPS, MARGIN_REFERENCE, STRATA_NOT_COMPARED


class Exposure(NamedTuple):
    """A grouping whose levels models compare with the reference.

    `column` of the patient rows (and grouping of the counts); `levels` in their order, from the one thought worst;
    `label` names the whole ('margin group'), `prefix` a level's term ('margin positive'). Only an ordered exposure has a trend.
    """

    column: str
    label: str
    prefix: str
    levels: tuple[str, ...]
    reference: str
    is_ordered: bool = True

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


MARGIN = Exposure("margin_group", "margin group", "margin", MARGIN_GROUPS, MARGIN_REFERENCE)


def levels_of(values: pd.Series) -> pd.Series:
    """A grouping's values as the counts spell them: truths 'true' and 'false', whole numbers without a point."""
    if pd.api.types.is_bool_dtype(values.dtype) or (values.dtype == object and _are_truths(values)):
        return values.map({True: "true", False: "false"}).astype("string")
    if pd.api.types.is_float_dtype(values.dtype):
        return values.astype("Int64").astype("string")
    return values.astype("string")


def is_not_compared(levels: pd.Series) -> pd.Series:
    """Whether a level stands for a group that is not known ('unresolved'); False where the value is missing."""
    return levels.isin(list(STRATA_NOT_COMPARED)).astype(bool)


def _are_truths(values: pd.Series) -> bool:
    return pd.api.types.infer_dtype(values, skipna=True) == "boolean"
