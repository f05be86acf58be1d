"""Nothing that identifies a patient may leave the build area: no such column, no such value, in any published table.

Written on frames rather than as expectations: every column of every table is looked at, whatever its name.
"""

from collections.abc import Iterable

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from quality.run_expectations import Row
from quality.suite_definitions import PRIVACY

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


def privacy_checks(frames: dict[str, pd.DataFrame], identifiers: Iterable[str] = ()) -> list[Row]:
    """Rows of CHECK_COLUMNS, four checks a table. They name columns and count cells; no value and no key is kept."""
    known = pa.array(sorted({str(identifier) for identifier in identifiers}), pa.string())
    rows = []
    for table, frame in frames.items():
        for name, description, find in (
            ("no_identifying_column", "No column holds identifiers or free text", _identifying_columns),
            ("no_identifying_value", "No text is or holds a medical record number", lambda f: _identifying_values(f, known)),
            ("no_calendar_date", "No date of a patient is published, only days since the index operation", _calendar_dates),
            ("study_id_is_a_pseudonym", "A patient is named by pseudonym", _not_pseudonyms),
        ):  # fmt: skip
            try:
                n_checked, hits = find(frame)
                n_failed, error = sum(hits.values()), None
                status = "failed" if n_failed else "passed"
            except Exception as raised:  # noqa: BLE001 - a table that could not be looked through is not a clean one
                n_checked, n_failed, hits, status, error = 0, 0, {}, "error", type(raised).__name__
            rows.append(
                [PRIVACY, table, name, description, ", ".join(hits) or None, "blocking", status, n_checked, n_failed,
                 n_failed / n_checked if n_checked else 0.0, 0.0, "a rule without exception", error]
            )  # fmt: skip
    return rows


def _identifying_columns(frame: pd.DataFrame) -> tuple[int, dict[str, int]]:
    hits = [str(name) for name in frame.columns if str(name).strip().lower() in IDENTIFYING_COLUMNS]
    return len(frame.columns), dict.fromkeys(hits, 1)


def _identifying_values(frame: pd.DataFrame, identifiers: pa.Array) -> tuple[int, dict[str, int]]:
    is_long = pc.greater_equal(pc.utf8_length(identifiers), SHORTEST_TOKEN)
    like_counters = pc.match_substring_regex(identifiers, f"^{LIKE_A_COUNTER}$")
    unmistakable = identifiers.filter(pc.and_(is_long, pc.invert(like_counters)))
    long_counters = identifiers.filter(pc.and_(is_long, like_counters))
    n_checked, hits = 0, {}
    for name, texts in _text_columns(frame):
        n_checked += int(texts.sum())
        values = texts.index.to_series()
        is_label = name.lower().rsplit("_", 1)[-1] in LABEL_NAMES
        whole = identifiers.filter(pc.or_(is_long, pc.invert(like_counters))) if is_label else identifiers
        is_hit = _is_in(values, whole) | values.str.contains(IDENTIFYING_VALUE)
        # one word is one token: only texts of several words need to be taken apart, and 'A-17' may be one or two
        sentences = values[values.str.contains(r"[^A-Za-z0-9]")]
        is_hit |= values.isin(_texts_with_tokens(sentences, unmistakable))
        if len(long_counters):
            is_hit |= values.isin(_texts_with_tokens(sentences.str.replace(COUNTED, " ", regex=True), long_counters))
        hits[name] = int(texts[is_hit.to_numpy()].sum())
    return n_checked, {name: n for name, n in hits.items() if n}


def _texts_with_tokens(texts: pd.Series, identifiers: pa.Array) -> list[str]:
    """Index of the texts of which a word is one of the identifiers."""
    found: list[str] = []
    for between_words in (r"[^A-Za-z0-9]+", r"[^A-Za-z0-9./_-]+") if len(identifiers) and len(texts) else ():
        tokens = texts.str.split(between_words, regex=True).explode()
        found += list(tokens.index[_is_in(tokens, identifiers)])
    return found


def _is_in(values: pd.Series, identifiers: pa.Array) -> pd.Series:
    # pandas' own isin walks through all identifiers in Python, for every column anew
    found = pc.is_in(pa.array(values, pa.string()), value_set=identifiers)
    return pd.Series(found.to_numpy(zero_copy_only=False), index=values.index)


def _calendar_dates(frame: pd.DataFrame) -> tuple[int, dict[str, int]]:
    looked_at = frame.drop(columns=[name for name in frame.columns if name in OPERATIONAL_COLUMNS])
    dates = looked_at.select_dtypes(["datetime", "datetimetz"]).count()
    n_checked, hits = int(dates.sum()), {str(name): int(n) for name, n in dates.items()}
    for name, texts in _text_columns(looked_at):
        n_checked += int(texts.sum())
        values = texts.index.to_series()
        is_date = values.str.contains(CALENDAR_DATE) & ~values.str.fullmatch(CONTRACT_BOUND)
        hits[name] = int(texts[is_date.to_numpy()].sum())
    return n_checked, {name: n for name, n in hits.items() if n}


def _not_pseudonyms(frame: pd.DataFrame) -> tuple[int, dict[str, int]]:
    if "study_id" not in frame.columns:
        return 0, {}
    names = frame["study_id"].dropna().astype(str)
    n_failed = int((~names.str.fullmatch(PSEUDONYM)).sum())
    return len(names), {"study_id": n_failed} if n_failed else {}


def _text_columns(frame: pd.DataFrame) -> Iterable[tuple[str, pd.Series]]:
    """Name, and its distinct texts with how often each occurs, of every column that may hold text."""
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position].dropna()
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column) or column.empty:
            continue
        yield str(name), column.astype(str).value_counts()
