"""Nothing that identifies a patient may leave the build area: no such column, no such value, in any published table.

Written on distinct texts rather than as expectations: every column of every table is looked at, whatever its name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from quality.run_expectations import Row
from quality.suite_definitions import PRIVACY

_COMPUTE: Any = pc
"""Whose functions are made when it is imported, so that no type checker knows them."""
IDENTIFYING_COLUMNS = {
    "mrn", "medical_record_number", "last_name", "first_name", "name", "patient_name", "birth_date", "dob", "date_of_birth",
    "note", "notes", "comment", "payload", "value", "evidence_text", "line_text", "report_text", "address", "phone",
}  # fmt: skip
# The patterns are text without look-ahead: pandas then leaves them to Arrow, which is thirty times as fast as Python's re.
IDENTIFYING_VALUE = r"SIM\d{7}"
"""What MRNs look like whatever hospital they are from is not known; the simulated hospital's are known, and the others'
are given to the check as they stand in raw."""
SHORTEST_TOKEN = 5
"""An MRN of fewer characters is looked for as a whole value only: '1776' stands in many an honest text."""
LIKE_A_COUNTER = r"\d{1,7}"
"""An MRN that looks so may be an honest number: it is not looked for in numbers that say what they count, nor, where it is shorter
than a token, in columns of labels."""
COUNTED = (
    r"\b[0-9a-f]{12}-\d+\b|\b\w*(?:days|months|number|count|mm|bytes|line|score|version)=-?\d+\b|\bn_\w+=\d+\b"
    r"|\b\d{1,3}(?:,\d{3})+\b|\b\d+ of \d+\b|\b\d*\.\d+\b|\b(?:file|line|row) \d+\b"
    r"|\b\d+ (?:rows?|records?|patients?|files?|days?|months?|years?|bytes|lines?|messages?|fields?|checks?|mm|cm|%)"
)
"""Numbers that say what they are: a record's number in its file, a counter of a key, a count with its noun, a decimal."""
LABEL_NAMES = {
    "stratum", "level", "term", "grouping", "category", "reference", "group", "version", "score", "number", "label", "class", "grade",
    "part", "specimen", "lesion", "code", "period", "era", "landmark", "groups", "arm", "state", "step", "stage",
}  # fmt: skip
"""A column whose name ends so holds labels, of which '3' is one."""
CALENDAR_DATE = (
    r"(?:^|[^A-Za-z0-9])(?:19|20)\d{2}-\d{1,2}-\d{1,2}(?:\D|$)|\b\d{1,2}[/.]\d{1,2}[/.](?:19|20)\d{2}\b"
    r"|^(?:19|20)\d{2}[01]\d[0-3]\d(?:\d{4,6})?$"
)
CONTRACT_BOUND = r"(?:before|after) \d{4}-\d{2}-\d{2}"
"""A reason for rejection that gives the contract's bound, such as 'before 1980-01-01', and not the date that broke it."""
OPERATIONAL_COLUMNS = {
    "loaded_at", "last_loaded_at", "noticed_at", "rejected_at", "published_at", "judged_at", "accepted_at",
    "last_attempt_at", "run_id",
    "contract_version",
}  # fmt: skip
"""When the machine worked; dates in these are not of a patient. A file's name is not among them: it often holds an extract's date."""
PSEUDONYM = r"P[0-9a-f]{12}"
OPAQUE_NAME = rf"{PSEUDONYM}|R[0-9a-f]{{16}}(?:;R[0-9a-f]{{16}})*"
"""A pseudonym, or what is published in the place of a record's id, or of several (ingestion/raw_schema.sql): keyed hashes, of which a
table of patients has one or two a row."""


@dataclass(frozen=True)
class TableContents:
    """A table as far as the privacy checks look: its columns, how many dates each column of dates holds, and of each column that may
    hold text its distinct texts (index) with how often each occurs, named as the column; of study_id as well, whatever its type.

    Opaque names may be counted where they lie instead, and left out of the texts: how many, by column; of study_id pseudonyms only.
    """

    columns: list[str]
    dates: dict[str, int]
    texts: list[tuple[str, Callable[[], pd.Series]]]
    study_ids: Callable[[], pd.Series] | None = None
    n_opaque: Mapping[str, int] = field(default_factory=dict)

    def asked_once(self) -> "TableContents":
        """The same, which remembers each column's texts as long as it is kept."""
        asks = {ask: cache(ask) for ask in (*(ask for _, ask in self.texts), self.study_ids) if ask is not None}
        texts = [(name, asks[ask]) for name, ask in self.texts]
        return replace(self, texts=texts, study_ids=None if self.study_ids is None else asks[self.study_ids])


def contents_of_frame(frame: pd.DataFrame) -> TableContents:
    """What the checks look through, of a frame."""
    dates = frame.select_dtypes(["datetime", "datetimetz"]).count()
    texts = [
        (str(name), lambda name=name, column=column: column.astype(str).value_counts().rename(name))
        for name, column in ((name, frame.iloc[:, place].dropna()) for place, name in enumerate(frame.columns))
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column) or column.empty)
    ]
    study_ids = (lambda: frame["study_id"].dropna().astype(str).value_counts()) if "study_id" in frame.columns else None
    return TableContents(
        [str(name) for name in frame.columns], {str(name): int(n) for name, n in dates.items()}, texts, study_ids
    )


def privacy_checks(frames: dict[str, pd.DataFrame], identifiers: Iterable[str] = ()) -> list[Row]:
    """Rows of CHECK_COLUMNS, four checks a table. They name columns and count cells; no value and no key is kept."""
    return privacy_checks_of(frames, lambda table, _: contents_of_frame(frames[table]), identifiers)


def privacy_checks_of(
    tables: Iterable[str], contents: Callable[[str, bool], TableContents], identifiers: Iterable[str] = ()
) -> list[Row]:
    """The same of tables that are looked into one column at a time, wherever they are kept.

    Args:
        contents: of a table by name; where the second argument is true, it may leave out opaque names and count them.
    """
    look = PrivacyLook(identifiers)
    return [
        row
        for table in tables
        for row in look.checks_of(table, lambda table=table: contents(table, look.opaque_names_are_harmless))
    ]


DESCRIPTIONS = {
    "no_identifying_column": "No column holds identifiers or free text",
    "no_identifying_value": "No text is or holds a medical record number",
    "no_calendar_date": "No date of a patient is published, only days since the index operation",
    "study_id_is_a_pseudonym": "A patient is named by pseudonym",
}
Found = tuple[int, dict[str, int], str | None]
"""Cells looked at, hits by column, and the class of the error that kept from looking."""


class PrivacyLook:
    """Looks tables through. The same words stand in many columns of many tables: a text that was looked at is not looked at again."""

    def __init__(self, identifiers: Iterable[str]) -> None:
        known = _Identifiers.of(identifiers)
        self.opaque_names_are_harmless = not known.any_like(OPAQUE_NAME)
        """Opaque names are words of their own and no dates: one could only be an MRN, and none looks like one."""
        self.is_identifying = {
            is_label: RememberedTexts(lambda values, is_label=is_label: _is_identifying(values, is_label, known))
            for is_label in (False, True)
        }
        self.is_date = RememberedTexts(_is_date)
        self.is_no_pseudonym = RememberedTexts(lambda values: ~values.str.fullmatch(PSEUDONYM))

    def checks_of(self, table: str, ask: Callable[[], TableContents]) -> list[Row]:
        """Rows of CHECK_COLUMNS, four checks."""
        try:
            looked = self._found(ask().asked_once())
        except Exception as raised:  # noqa: BLE001 - a table that could not be looked through is not a clean one
            looked = dict.fromkeys(DESCRIPTIONS, (0, {}, type(raised).__name__))
        rows: list[Row] = []
        for name, description in DESCRIPTIONS.items():
            n_checked, found, error = looked[name]
            hits = {column: n for column, n in found.items() if n} if error is None else {}
            n_failed = sum(hits.values())
            n_checked = n_checked if error is None else 0
            status = "error" if error else "failed" if n_failed else "passed"
            rows.append(
                [
                    PRIVACY,
                    table,
                    name,
                    description,
                    ", ".join(hits) or None,
                    "blocking",
                    status,
                    n_checked,
                    n_failed,
                    n_failed / n_checked if n_checked else 0.0,
                    0.0,
                    "a rule without exception",
                    error,
                ]
            )
        return rows

    def _found(self, contents: TableContents) -> dict[str, Found]:
        """By check."""
        names = [name for name in contents.columns if name.strip().lower() in IDENTIFYING_COLUMNS]
        values, dates, ids = _Tally(), _Tally(), _Tally()
        for name, n in contents.dates.items():
            if name not in OPERATIONAL_COLUMNS:
                dates.n_checked, dates.hits = dates.n_checked + n, {**dates.hits, name: n}
        few: list[tuple[str, pd.Series]] = []
        for name, n in contents.n_opaque.items():
            values.n_checked += n
            dates.n_checked += 0 if name in OPERATIONAL_COLUMNS else n
        for name, ask in contents.texts:
            try:
                texts = ask()
            except Exception as raised:  # noqa: BLE001 - of a column that cannot be read nothing is known
                values.error = dates.error = type(raised).__name__
                continue
            if len(texts) <= RememberedTexts.MANY:
                few.append((name, texts))
            else:
                self._add(name, texts, values, dates)
        # of columns with few texts all at once: a question costs more than its answer
        for is_label, memory in self.is_identifying.items():
            memory.learn(text for name, texts in few if _is_label(name) == is_label for text in texts.index)
        self.is_date.learn(text for name, texts in few if name not in OPERATIONAL_COLUMNS for text in texts.index)
        for name, texts in few:
            self._add(name, texts, values, dates)
        if contents.study_ids is not None:
            ids.n_checked += contents.n_opaque.get("study_id", 0)
            try:
                ids.add("study_id", contents.study_ids(), self.is_no_pseudonym)
            except Exception as raised:  # noqa: BLE001 - as above
                ids.error = type(raised).__name__
        return {
            "no_identifying_column": (len(contents.columns), dict.fromkeys(names, 1), None),
            "no_identifying_value": (values.n_checked, values.hits, values.error),
            "no_calendar_date": (dates.n_checked, dates.hits, dates.error),
            "study_id_is_a_pseudonym": (ids.n_checked, ids.hits, ids.error),
        }

    def _add(self, name: str, texts: pd.Series, values: "_Tally", dates: "_Tally") -> None:
        values.add(name, texts, self.is_identifying[_is_label(name)])
        if name not in OPERATIONAL_COLUMNS:
            dates.add(name, texts, self.is_date)


def _is_label(name: str) -> bool:
    return name.lower().rsplit("_", 1)[-1] in LABEL_NAMES


class RememberedTexts:
    """Which texts are hits, asked once a text; those of a column of many texts, which another column hardly has, are not remembered.

    is_hit: distinct texts -> whether each is one, in their order.
    """

    MANY = 10_000

    def __init__(self, is_hit: Callable[[pd.Series], pd.Series]) -> None:
        self.is_hit, self.known = is_hit, {}

    def n_hits(self, texts: pd.Series) -> int:
        """How many cells of a column (`texts`: how often each text occurs) hold a text that is a hit."""
        if len(texts) > self.MANY:
            return int(texts.to_numpy()[self._ask(texts.index)].sum())
        self.learn(texts.index)
        return sum(int(n) for text, n in zip(texts.index, texts.to_numpy(), strict=True) if self.known[text])

    def learn(self, texts: Iterable[str]) -> None:
        """Ask of those texts that were not asked of yet."""
        unseen = list(dict.fromkeys(text for text in texts if text not in self.known))
        if unseen:
            self.known.update(zip(unseen, self._ask(pd.Index(unseen)), strict=True))

    def _ask(self, texts: pd.Index) -> np.ndarray:
        return self.is_hit(texts.to_series().astype("str")).to_numpy(dtype=bool)


@dataclass
class _Tally:
    """Of one check of one table: cells looked at, hits by column."""

    n_checked: int = 0
    hits: dict[str, int] = field(default_factory=dict)
    error: str | None = None

    def add(self, name: str, texts: pd.Series, is_hit: RememberedTexts) -> None:
        """Count a column's cells (`texts`: how often each text occurs) and those of texts that are hits."""
        self.n_checked += int(texts.sum())
        if texts.empty:
            return
        try:
            n_hits = is_hit.n_hits(texts)
        except Exception as raised:  # noqa: BLE001 - a column that could not be looked through is not a clean one
            self.error = type(raised).__name__
            return
        self.hits[name] = self.hits.get(name, 0) + n_hits


class _Texts(Protocol):
    """What is asked of an Arrow array of texts, whose library declares no types."""

    def __len__(self) -> int: ...

    def to_pylist(self) -> list[str]: ...


class _Words:
    """Distinct words: as Arrow has them, and at hand one by one."""

    def __init__(self, words: _Texts) -> None:
        self.words = words

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def at_hand(self) -> frozenset[str]:
        return frozenset(self.words.to_pylist())


@dataclass(frozen=True)
class _Identifiers:
    """The MRNs by how they are looked for: each; those that are no short number; long ones that no number could be; long numbers."""

    every: _Words
    unlike_labels: _Words
    unmistakable: _Words
    long_counters: _Words

    def any_like(self, pattern: str) -> bool:
        """Whether one of them is, from its first to its last letter, of this form."""
        return _COMPUTE.any(_COMPUTE.match_substring_regex(self.every.words, f"^(?:{pattern})$")).as_py()

    @classmethod
    def of(cls, identifiers: Iterable[str]) -> "_Identifiers":
        every = pa.array(sorted({str(identifier) for identifier in identifiers}), pa.string())
        is_long = _COMPUTE.greater_equal(_COMPUTE.utf8_length(every), SHORTEST_TOKEN)
        like_counters = _COMPUTE.match_substring_regex(every, f"^{LIKE_A_COUNTER}$")
        return cls(
            _Words(every),
            _Words(every.filter(_COMPUTE.or_(is_long, _COMPUTE.invert(like_counters)))),
            _Words(every.filter(_COMPUTE.and_(is_long, _COMPUTE.invert(like_counters)))),
            _Words(every.filter(_COMPUTE.and_(is_long, like_counters))),
        )


def _is_identifying(values: pd.Series, is_label: bool, known: _Identifiers) -> pd.Series:
    is_hit = _is_in(values, known.unlike_labels if is_label else known.every) | values.str.contains(IDENTIFYING_VALUE)
    # one word is one token: only texts of several words need to be taken apart, and 'A-17' may be one or two
    sentences = values[values.str.contains(r"[^A-Za-z0-9]")]
    is_hit |= values.isin(_texts_with_tokens(sentences, known.unmistakable))
    if len(known.long_counters):
        is_hit |= values.isin(_texts_with_tokens(sentences.str.replace(COUNTED, " ", regex=True), known.long_counters))
    return is_hit


def _is_date(values: pd.Series) -> pd.Series:
    return values.str.contains(CALENDAR_DATE) & ~values.str.fullmatch(CONTRACT_BOUND)


def _texts_with_tokens(texts: pd.Series, identifiers: _Words) -> list[str]:
    """Index of the texts of which a word is one of the identifiers."""
    found: list[str] = []
    for between_words in (r"[^A-Za-z0-9]+", r"[^A-Za-z0-9./_-]+") if len(identifiers) and len(texts) else ():
        tokens = texts.str.split(between_words, regex=True).explode()
        found += list(tokens.index[_is_in(tokens, identifiers)])
    return found


def _is_in(values: pd.Series, identifiers: "_Words") -> pd.Series:
    # pandas' own isin walks through all identifiers in Python, for every column anew; Arrow makes its table of them anew, which is
    # worth it for many values only
    if len(values) <= RememberedTexts.MANY:
        found = np.fromiter((text in identifiers.at_hand for text in values), bool, len(values))
    else:
        found = _in_words(pa.array(values, pa.string()), identifiers.words)
    return pd.Series(found, index=values.index)


def _in_words(texts: Any, words: Any) -> np.ndarray:
    """Of Arrow arrays, in one piece or several: whether each text is one of the words."""
    return pc.call_function("is_in", [texts], pc.SetLookupOptions(value_set=words)).to_numpy(zero_copy_only=False)
