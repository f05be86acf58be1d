"""The text of a drafted contract."""

import json
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import fuzz, process

from orchestration.ingestion.canonical_feeds import COLUMNS_FILLED_BY_READER, CanonicalColumn, canonical_feeds
from orchestration.ingestion.drafting.matching import Match, matches, plain
from orchestration.ingestion.drafting.source_table import SourceTable, source_tables, words
from orchestration.ingestion.drafting.value_profile import MAX_CODES, Profile
from orchestration.ingestion.readers import UnreadableFile

UNKNOWN_WORD = "?"
"""Stands where a code's meaning is not known; a contract with it is refused with its line, so nobody overlooks it."""
SURE_WORD = 90
KEY_COLUMNS = ("registry_record_id", "event_id", "treatment_id", "message_control_id", "question_id")
DATES_OF_RECORD = ("operation_date", "event_date", "treatment_date", "last_contact_date", "collected_date")
YES_NO = {"0": "no", "1": "yes"}
UNITS_IN_NAMES = {"mm": "mm", "cm": "cm", "months": "months", "weeks": "weeks", "days": "days"}


class NothingToDraft(Exception):
    """No contract can be drafted from the file; the message says why."""


@dataclass
class Reading:
    """A table of the file, its columns' values, and which of the warehouse's columns they are."""

    table: SourceTable
    profiles: dict[str, Profile]
    found: dict[str, Match]
    checkboxes: dict[str, list[str]]

    @classmethod
    def of(cls, table: SourceTable, columns: dict[str, CanonicalColumn]) -> "Reading":
        profiles = {name: Profile.of(values) for name, values in table.columns.items()}
        checkboxes = _checkbox_groups(profiles) if table.format == "redcap" else {}
        candidates = {name: one for name, one in profiles.items() if name.split("___")[0] not in checkboxes}
        candidates |= {name: Profile([]) for name in checkboxes}
        # what stands in the record's first row is not the instrument's, but for whose record it is
        patient = next((name for name in ("mrn", "study_id") if name in columns), "")
        owner = matches({patient: columns[patient]}, candidates, {}).get(patient) if patient else None
        foreign = table.borrowed - ({owner.column} if owner else set())
        candidates = {name: one for name, one in candidates.items() if name not in foreign}
        return cls(table, profiles, matches(columns, candidates, table.paths), checkboxes)

    @property
    def n_filled(self) -> int:
        """How many of the feed's columns have values."""
        return sum(
            match.column in self.checkboxes or not self.profiles[match.column].is_empty for match in self.found.values()
        )


def draft_contract(path: Path, feed: str) -> str:
    """A contract of the feed for files like this one, as YAML with a comment on each line that is not sure.

    Raises:
        NothingToDraft: an unknown feed, a file that cannot be read, or one without records.
    """
    if feed not in canonical_feeds():
        raise NothingToDraft(f"feed '{feed}' is none of: {', '.join(canonical_feeds())}")
    try:
        tables = source_tables(path, feed)
    except (UnreadableFile, OSError) as error:
        raise NothingToDraft(f"{path.name}: {error}") from error
    columns = {n: c for n, c in canonical_feeds()[feed].columns.items() if n not in COLUMNS_FILLED_BY_READER}
    # of a REDCap export the instrument whose rows tell most of the feed's columns
    readings = [Reading.of(table, columns) for table in tables]
    reading = max(readings, key=lambda one: one.n_filled)
    table, profiles, found, checkboxes = reading.table, reading.profiles, reading.found, reading.checkboxes
    if not any(profile.n for profile in profiles.values()):
        raise NothingToDraft(f"{path.name}: the file has no record to learn from")
    key = _key(feed, found, profiles)
    lines = [
        *_heading(path, feed, table, profiles, found, key),
        "fields:",
        *(
            line
            for name in columns
            if name in found
            for line in _field(name, columns[name], found[name], profiles, key, checkboxes)
        ),
        *_what_is_left(feed, columns, found, profiles, checkboxes),
    ]
    return "\n".join(lines) + "\n"


def text(value: str) -> str:
    """The value in YAML's double quotes."""
    return json.dumps(value, ensure_ascii=False)


def _heading(
    path: Path,
    feed: str,
    table: SourceTable,
    profiles: dict[str, Profile],
    found: dict[str, Match],
    key: list[str],
) -> list[str]:
    plain_name = path.name.removesuffix(".gz")
    pattern = f"{path.parent.name}/*{Path(plain_name).suffix}" if path.parent.name else plain_name
    lines = [
        f"# Drafted from {plain_name}: look at every line with a question mark or 'not sure', then `crlm validate` the file.",
        *(f"# not sure: {doubt}" for doubt in table.doubts),
        'version: "1"',
        f"feed: {feed}",
        f"file_pattern: {text(pattern)}  # the files below the hospital's landing folder; not sure that all are named so",
        f"format: {table.format}",
        *(
            f"{name}: {text(value) if isinstance(value, str) else str(value).lower()}"
            for name, value in table.settings.items()
        ),
    ]
    missing = sorted({value for profile in profiles.values() for value in profile.missing})
    if missing:
        lines.append(
            f"missing_values: [{', '.join(map(text, ['', *missing]))}]  # seen in the file; not sure that all mean missing"
        )
    if any(profiles[match.column].has_decimal_comma for match in found.values() if match.column in profiles):
        lines.append('decimal_sign: ","')
    is_sure = len(key) == 1 and key[0] in KEY_COLUMNS
    lines.append(
        f"key: [{', '.join(key)}]" + ("" if is_sure else "  # not sure: does this name a record once and for all?")
    )
    return lines


def _key(feed: str, found: dict[str, Match], profiles: dict[str, Profile]) -> list[str]:
    if "order_number" in found:
        return ["message_control_id", "order_number"]
    patient = canonical_feeds()[feed].patient_column
    for name in KEY_COLUMNS:
        if name in found and found[name].column in profiles:
            return [name] if profiles[found[name].column].is_unique else [patient, name]
    dates = [name for name in DATES_OF_RECORD if name in found and name != "last_contact_date"]
    is_once = patient in found and profiles[found[patient].column].is_unique
    return [patient] if is_once or not dates else [patient, dates[0]]


def _checkbox_groups(profiles: dict[str, Profile]) -> dict[str, list[str]]:
    """REDCap's groups of checkboxes: name -> codes."""
    groups: dict[str, list[str]] = {}
    for name in profiles:
        if "___" in name:
            group, code = name.split("___", 1)
            groups.setdefault(group, []).append(code)
    return groups


def _field(
    name: str,
    column: CanonicalColumn,
    match: Match,
    profiles: dict[str, Profile],
    key: list[str],
    checkboxes: dict[str, list[str]],
) -> list[str]:
    profile = profiles.get(match.column, Profile([]))
    settings, doubts = [f"column: {text(match.column)}"], []
    if not match.is_sure:
        also = f", or is it {', '.join(match.others)}?" if match.others else ""
        doubts.append(f"not sure that '{match.column}' is the {plain(name)}{also}")
    if column.type in ("date", "timestamp"):
        settings, doubts = [*settings, *_formats(profile, doubts)], doubts
    elif column.type in ("code", "code_list"):
        if match.column in checkboxes:
            settings.append("is_checkbox: true")
            settings.append(_codes(column, {code: None for code in checkboxes[match.column]}, doubts))
        else:
            counts = profile.counts
            if column.type == "code_list" and profile.separator:
                settings.append(f"separator: {text(profile.separator)}")
                counts = profile.counts_of_parts
            settings.append(_codes(column, dict(counts.most_common(MAX_CODES)), doubts))
            if len(counts) > MAX_CODES:
                doubts.append(f"{len(counts)} different values, more than codes have")
    elif column.unit and (unit := _unit_in(match.column, column.unit)):
        settings.append(f"unit: {unit}")
        doubts.append(f"the unit is taken from the column's name; the warehouse keeps {column.unit}")
    if name in key or column.without_it or name in ("mrn", *DATES_OF_RECORD):
        settings.append("required: true")
        if profile.n and len(profile.values) < profile.n:
            doubts.append(
                f"missing in {profile.n - len(profile.values):,} of {profile.n:,} records, which would be rejected"
            )
    line = f"  {name}: {{{', '.join(settings)}}}"
    return [line + (f"  # {'; '.join(doubts)}" if doubts else "")]


def _formats(profile: Profile, doubts: list[str]) -> list[str]:
    formats = profile.date_formats
    if not formats:
        doubts.append("no date format reads the values: give `formats`")
        return [f'formats: ["{UNKNOWN_WORD}"]']
    if profile.reads_both_ways:
        doubts.append("not sure: every date also reads with day and month the other way round")
    if any("%y" in one for one in formats):
        doubts.append("not sure of the century: years of two digits are taken from 1930 to 2029")
        return [f"formats: [{', '.join(map(text, formats))}]", "two_digit_years_from: 1930"]
    return [f"formats: [{', '.join(map(text, formats))}]"]


def _codes(column: CanonicalColumn, counts: dict[str, int | None], doubts: list[str]) -> str:
    counts = dict(sorted(counts.items()))
    taken = {code: _word(code, column.words) for code in counts}
    if set(taken) <= set(YES_NO) and set(column.words) == {"yes", "no"}:
        taken = {code: YES_NO[code] for code in taken}
        doubts.append("not sure: 1 taken for yes, as is usual")
    unknown = [code for code, word in taken.items() if word is None]
    if unknown or not taken:
        doubts.append(f"put for each ? one of: {', '.join(column.words)}")
    seen = ", ".join(f"{text(code)} {n:,} times" for code, n in counts.items() if n is not None)
    if seen:
        doubts.append(f"seen: {seen}")
    pairs = taken or {UNKNOWN_WORD: None}
    return "codes: {" + ", ".join(f"{text(code)}: {text(word or UNKNOWN_WORD)}" for code, word in pairs.items()) + "}"


def _word(code: str, known: list[str]) -> str | None:
    """The canonical word that the code means beyond doubt; None where it may be another."""
    spelled = {plain(code), code.lower().strip()}
    for word in known:
        if spelled & {plain(word), word.lower(), *words()["words"].get(word, [])}:
            return word
    spellings = {
        spelling: word
        for word in known
        for spelling in [plain(word), *words()["words"].get(word, [])]
        if len(spelling) > 4
    }
    best = (
        process.extractOne(plain(code), list(spellings), scorer=fuzz.ratio, score_cutoff=SURE_WORD)
        if len(plain(code)) > 4
        else None
    )
    return spellings[best[0]] if best else None


def _unit_in(source: str, canonical: str) -> str | None:
    found = [unit for word, unit in UNITS_IN_NAMES.items() if word in plain(source).split()]
    return found[0] if found and found[0] != canonical else None


def _what_is_left(
    feed: str,
    columns: dict[str, CanonicalColumn],
    found: dict[str, Match],
    profiles: dict[str, Profile],
    checkboxes: dict[str, list[str]],
) -> list[str]:
    """The warehouse's columns that nothing was found for, and the file's that nothing was made of, as comments."""
    lines = []
    for name, column in columns.items():
        if name not in found:
            wanted = column.without_it or (
                "nobody knows whose records they are" if name == canonical_feeds()[feed].patient_column else ""
            )
            lines.append(f"  # {name}: no column found" + (f" - {wanted}: give it" if wanted else ""))
    used = {match.column for match in found.values()}
    left = [name for name in profiles if name not in used and name.split("___")[0] not in used]
    if left:
        lines.append(f"  # columns of the file that are not used: {', '.join(left)}")
    return lines
