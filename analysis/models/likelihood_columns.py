"""The columns of a partial likelihood, and sums over groups of patients of what follows from them.

Patients who have the same in every column have the same risk: where most columns are yes or no, as a registry's are, a million patients
have some hundred patterns. What is a sum over patients is then a sum over patterns, of which each group's patients are counted once; else
each patient is a pattern of her own. Both give the same sums but for the order of their terms.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# fewer patients are not worth the counting
MANY_PATIENTS = 4096
LOOKED_AT_FIRST = 4096
# patterns for each patient, above which each patient is a pattern of her own
MOST_PATTERNS = 0.5
MIXING = 0.6180339887498949
ROWS_AT_ONCE = 1024
# patients whose columns are multiplied together: few enough for a processor's cache
PATIENTS_AT_ONCE = 8192


OfPatterns = Callable[[slice], np.ndarray]


class GroupSums(ABC):
    """Sums over groups of patients, who may each be of one group or of none, with a weight or without."""

    @abstractmethod
    def of(self, values: np.ndarray, numbers: np.ndarray | None = None) -> np.ndarray:
        """A row a group: the sums of its patients' values (a row a pattern) times a number a pattern, default 1."""

    @abstractmethod
    def met(self, by_group: np.ndarray) -> OfPatterns:
        """For some patterns the sum over their patients of what is given for each group; 0 for who is of none."""


class _SumsOfPatients(GroupSums):
    """Each patient a pattern: a sparse product, which reads each row of the values once and copies none."""

    def __init__(self, group: np.ndarray, n_groups: int, weights: np.ndarray | None):
        from scipy.sparse import csr_array

        self.group, self.weights = group.astype(np.int32), weights
        members = np.flatnonzero(group >= 0).astype(np.int32)
        # most groups follow each other as their patients do
        if (np.diff(group[members]) < 0).any():
            members = members[np.argsort(group[members], kind="stable")]
        starts = np.searchsorted(group[members], np.arange(n_groups + 1)).astype(np.int32)
        is_everybody = len(members) == len(group) and bool((np.diff(members) > 0).all())
        self.members: np.ndarray | slice = slice(None) if is_everybody else members
        self.of_members = np.ones(len(members)) if weights is None else weights[members]
        self.sparse = csr_array((self.of_members, members, starts), shape=(n_groups, len(group)))

    def of(self, values: np.ndarray, numbers: np.ndarray | None = None) -> np.ndarray:
        if numbers is None:
            self.sparse.data = self.of_members
        else:
            own = numbers[self.members]
            self.sparse.data = own if self.weights is None else own * self.of_members
        return self.sparse @ values

    def met(self, by_group: np.ndarray) -> OfPatterns:
        # the last row is of no group
        with_none = np.concatenate([by_group, np.zeros_like(by_group[:1])])

        def of_some(some: slice) -> np.ndarray:
            met = with_none[self.group[some]]
            if self.weights is None:
                return met
            return met * (self.weights[some] if met.ndim == 1 else self.weights[some, None])

        return of_some


class _SumsOfPatterns(GroupSums):
    """A group's patients of each pattern are counted once, with their weights."""

    def __init__(
        self, group: np.ndarray, n_groups: int, weights: np.ndarray | None, pattern: np.ndarray, n_patterns: int
    ):
        from scipy.sparse import csr_array

        members = np.flatnonzero(group >= 0)
        counted = np.ones(len(members)) if weights is None else weights[members]
        self.sparse = csr_array((counted, (group[members], pattern[members])), shape=(n_groups, n_patterns))

    def of(self, values: np.ndarray, numbers: np.ndarray | None = None) -> np.ndarray:
        return self.sparse @ (values if numbers is None else values * numbers[:, None])

    def met(self, by_group: np.ndarray) -> OfPatterns:
        return (self.sparse.T @ by_group).__getitem__


@dataclass(frozen=True)
class LikelihoodColumns:
    """Columns less about their mean, a row a pattern.

    `x`: its first column is of ones, sums of risk go the way of sums of risk times a column; `pattern` is the number of each patient's,
    None where each is one of her own.
    """

    x: np.ndarray
    pattern: np.ndarray | None

    def sums(self, group: np.ndarray, n_groups: int, weights: np.ndarray | None = None) -> GroupSums:
        """Sums over groups; `group` has each patient's number, -1 for who is of none."""
        if self.pattern is None:
            return _SumsOfPatients(group, n_groups, weights)
        return _SumsOfPatterns(group, n_groups, weights, self.pattern, len(self.x))

    def times(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The columns times a number a pattern, as sums over groups take them (values, numbers): multiplied once for all sums where
        that costs less than each time."""
        return (self.x, numbers) if self.pattern is None else (self.x * numbers[:, None], None)

    def of_patients(self, values: np.ndarray) -> np.ndarray:
        """What is given for each pattern, for each patient."""
        return values if self.pattern is None else values[self.pattern]

    def parts(self) -> Iterator[slice]:
        """The patterns, some at a time."""
        for start in range(0, len(self.x), PATIENTS_AT_ONCE):
            yield slice(start, start + PATIENTS_AT_ONCE)

    def weighted_products(self, weights: np.ndarray) -> np.ndarray:
        """X' W X without the column of ones, for a weight a pattern."""
        n_columns = self.x.shape[1] - 1
        products = np.zeros((n_columns, n_columns))
        for some in self.parts():
            x = self.x[some, 1:]
            products += x.T @ (x * weights[some, None])
        return products


def pattern_codes(columns: Sequence[np.ndarray], n_patients: int) -> np.ndarray | None:
    """A whole number a patient, the same for whom all columns have the same; None where too few patients share one."""
    if n_patients < MANY_PATIENTS or not columns:
        return None
    if _patterns_expected(columns, n_patients) > MOST_PATTERNS * n_patients:
        return None
    codes, n_codes = np.zeros(n_patients, dtype=np.int64), 1
    for column in columns:
        number, n_values = _numbered(column)
        if n_codes * n_values > n_patients:
            codes, n_codes = _numbered(codes)
        codes, n_codes = codes * n_values + number, n_codes * n_values
        if n_codes > MOST_PATTERNS * n_patients:
            codes, n_codes = _numbered(codes)
            if n_codes > MOST_PATTERNS * n_patients:
                return None
    return codes


def _patterns_expected(columns: Sequence[np.ndarray], n_patients: int) -> float:
    """About how many patterns there are, by how many of some patients have one of their own and how many share one with one other
    (Chao 1984, Scand J Stat 11:265)."""
    some = slice(None, None, max(1, n_patients // LOOKED_AT_FIRST))
    mixed = np.zeros(len(columns[0][some]))
    for column in columns:
        # numbers whose sums are as good as never equal but where all columns are
        mixed = mixed * MIXING + column[some]
    n_sharing = np.unique(mixed, return_counts=True)[1]
    n_alone, n_pairs = int((n_sharing == 1).sum()), int((n_sharing == 2).sum())
    return len(n_sharing) + n_alone * (n_alone - 1) / (2 * (n_pairs + 1))


def _numbered(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Numbers 0, 1, ... for a column's values, and how many there are."""
    is_other = values != values[0]
    at = int(is_other.argmax())
    if not is_other[at]:
        return np.zeros(len(values), dtype=np.int64), 1
    if np.array_equal(values == values[at], is_other):
        return is_other.astype(np.int64), 2
    from pandas import factorize

    numbers, distinct = factorize(values, use_na_sentinel=False)
    return numbers, len(distinct)


def likelihood_columns(
    columns: Sequence[np.ndarray], rows: np.ndarray, codes: np.ndarray | None = None
) -> LikelihoodColumns:
    """Some patients' columns, by pattern where their codes say that many share one.

    Args:
        codes: of all patients, see `pattern_codes`.
    """
    if codes is not None:
        own = codes[rows]
        occurs = np.bincount(own) > 0
        n_patterns = int(occurs.sum())
        if n_patterns <= MOST_PATTERNS * len(rows):
            pattern = (np.cumsum(occurs) - 1)[own].astype(np.int32)
            one_of = np.empty(n_patterns, dtype=np.int64)
            one_of[pattern] = rows
            return LikelihoodColumns(_centred_patterns(columns, one_of, np.bincount(pattern)), pattern)
    return LikelihoodColumns(_centred(columns, rows), None)


def _centred_patterns(columns: Sequence[np.ndarray], one_of: np.ndarray, n_patients: np.ndarray) -> np.ndarray:
    x = np.ones((len(one_of), len(columns) + 1))
    for number, column in enumerate(columns, start=1):
        values = column[one_of].astype(float)
        # exactly 0 where all are the same
        x[:, number] = values - (values[0] + n_patients @ (values - values[0]) / n_patients.sum())
    return x


def _centred(columns: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Some rows of the columns as a matrix, less about their mean: that of the first of them, exactly 0 where all are the same."""
    x = np.empty((len(rows), len(columns) + 1))
    x[:, 0] = 1.0
    centre = None
    # some rows at a time, which stay in the processor's cache while they are turned
    for start in range(0, len(rows) if columns else 0, ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        values = np.array([column[some] for column in columns], dtype=float)
        if centre is None:
            centre = values[:, :1] + (values - values[:, :1]).mean(axis=1, keepdims=True)
        x[start : start + ROWS_AT_ONCE, 1:] = (values - centre).T
    return x
