"""What goes wrong in a hospital's files: which kinds, how often, and what a careful warehouse makes of each.

The table DIRT is the whole definition. A kind either changes a row in place, repeats it, or adds a record of a patient
whom nobody registered; every piece is listed in truth/dirt.csv with its file, line and expected effect.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

Row = dict[str, object]
# in a feed with this many rows every kind occurs at least once
ROWS_FOR_EVERY_KIND = 200
STRANGER_MRN = "SIM9{number:06d}"
REJECTED, FIELD, DUPLICATE, ORPHAN, NONE = (
    "record rejected",
    "field rejected",
    "duplicate",
    "orphan set aside",
    "none",
)


@dataclass(frozen=True)
class Dirt:
    """One kind of dirt in one feed. `share` is of the feed's rows; `where` says which rows it can befall."""

    kind: str
    feed: str
    field: str
    share: float
    expected_effect: str
    change: Callable[[Row, random.Random], Row] | None = None
    where: Callable[[pd.DataFrame], pd.Series] | None = None


def _set(field: str, *values: object) -> Callable[[Row, random.Random], Row]:
    return lambda row, rng: {**row, field: rng.choice(values)}


def _swap(first: str, second: str) -> Callable[[Row, random.Random], Row]:
    return lambda row, rng: {**row, first: row[second], second: row[first]}


def _present(field: str) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: rows[field].notna() & (rows[field].astype(str) != "")


def _typed_latin_1(row: Row, rng: random.Random) -> Row:
    # a lone Latin-1 byte is kept as a surrogate, which the file's writer turns back into that byte
    from simulated_hospital.phrase_book import texts

    note = rng.choice(texts("follow_up_notes", "kind")["latin_1"])
    return {**row, "note": note.encode("latin-1").decode("utf-8", errors="surrogateescape")}


def _in_mm(row: Row, rng: random.Random) -> Row:
    return {**row, "largest_met_cm": f"{float(row['largest_met_cm']) * 10:.0f}"}


def _text_date(shape: str) -> Callable[[Row, random.Random], Row]:
    return lambda row, rng: {**row, "last_contact_date": format(row["last_contact_date"], shape)}


def _message(change: Callable[[list[str]], list[str]]) -> Callable[[Row, random.Random], Row]:
    def changed(row: Row, rng: random.Random) -> Row:
        return {**row, "text": "\r".join(change(str(row["text"]).split("\r")))}

    return changed


def _obr(position: int, value: str) -> Callable[[list[str]], list[str]]:
    def changed(segments: list[str]) -> list[str]:
        fields = segments[2].split("|")
        fields[position] = value
        return [*segments[:2], "|".join(fields), *segments[3:]]

    return changed


DIRT = (
    Dirt("impossible_date", "registry", "surgery_date", 0.0015, REJECTED, _set("surgery_date", "2001-02-31", "1999-13-04")),
    Dirt("swapped_columns", "registry", "surgery_date", 0.0010, REJECTED, _swap("surgery_date", "dob"),
         lambda rows: rows["dob"].astype(str).between("1890", "1979")),
    Dirt("unknown_code", "registry", "intent", 0.0005, FIELD, _set("intent", "7")),
    Dirt("impossible_date", "registry", "dob", 0.0010, FIELD, _set("dob", "1944-02-31")),
    Dirt("unknown_code", "registry", "sex", 0.0015, FIELD, _set("sex", "3", "F")),
    Dirt("mixed_units", "registry", "largest_met_cm", 0.0025, FIELD, _in_mm,
         lambda rows: pd.to_numeric(rows["largest_met_cm"]) > 3),
    Dirt("mixed_units", "registry", "cea_ng_ml", 0.0025, FIELD,
         lambda row, rng: {**row, "cea_ng_ml": f"{row['cea_ng_ml']} ug/L"}, _present("cea_ng_ml")),
    Dirt("duplicated_row", "registry", "", 0.0020, DUPLICATE),
    Dirt("impossible_date", "follow_up", "event_date", 0.0012, REJECTED, _set("event_date", "02/31/2004", "06/31/1999", "14/05/2006")),
    Dirt("year_2091", "follow_up", "event_date", 0.0005, REJECTED,
         lambda row, rng: {**row, "event_date": f"{str(row['event_date'])[:6]}2091"}),
    Dirt("unknown_code", "follow_up", "finding", 0.0008, REJECTED, _set("finding", "NEDD", "3", "susp?")),
    Dirt("unknown_code", "follow_up", "sites", 0.0004, FIELD, _set("sites", "spleen", "liver_marg")),
    Dirt("swapped_columns", "follow_up", "event_type", 0.0005, REJECTED, _swap("event_type", "modality"), _present("modality")),
    Dirt("duplicated_row", "follow_up", "", 0.0025, DUPLICATE),
    Dirt("orphan_record", "follow_up", "mrn", 0.0015, ORPHAN),
    Dirt("latin_1_text", "follow_up", "note", 0.0025, NONE, _typed_latin_1),
    Dirt("impossible_date", "treatments", "treatment_date", 0.0020, REJECTED, _set("treatment_date", "31.02.2004", "00.07.2001")),
    Dirt("swapped_columns", "treatments", "treatment", 0.0010, REJECTED, _swap("treatment", "treatment_date")),
    Dirt("unknown_code", "treatments", "treatment", 0.0010, REJECTED, _set("treatment", "hyperthermia", "RFA?")),
    Dirt("unknown_code", "treatments", "residual", 0.0020, FIELD, _set("residual", "R0", "?")),
    Dirt("duplicated_row", "treatments", "", 0.0030, DUPLICATE),
    Dirt("orphan_record", "treatments", "mrn", 0.0030, ORPHAN),
    Dirt("text_date", "vital_status", "last_contact_date", 0.0020, NONE, _text_date("%Y-%m-%d")),
    Dirt("text_date", "vital_status", "last_contact_date", 0.0010, REJECTED, _text_date("%d %B %Y")),
    Dirt("year_2091", "vital_status", "last_contact_date", 0.0010, REJECTED, _set("last_contact_date", date(2091, 3, 14))),
    Dirt("unknown_code", "vital_status", "vital_status", 0.0010, REJECTED, _set("vital_status", "Z", "?")),
    Dirt("unknown_code", "vital_status", "cause", 0.0010, FIELD, _set("cause", "C78.7"), _present("cause")),
    Dirt("duplicated_row", "vital_status", "", 0.0020, DUPLICATE),
    Dirt("orphan_record", "vital_status", "mrn", 0.0020, ORPHAN),
    Dirt("truncated_message", "pathology", "OBX", 0.0020, REJECTED, _message(lambda segments: [*segments[:2], ""])),
    Dirt("broken_segment", "pathology", "OBX", 0.0015, REJECTED,
         _message(lambda segments: [*segments[:-2], segments[-2][:18], ""])),
    Dirt("impossible_date", "pathology", "OBR-7", 0.0010, REJECTED, _message(_obr(7, "20010231"))),
    Dirt("unknown_code", "pathology", "OBR-25", 0.0010, REJECTED, _message(_obr(25, "Q"))),
    Dirt("duplicated_row", "pathology", "", 0.0025, DUPLICATE),
    Dirt("orphan_record", "pathology", "mrn", 0.0020, ORPHAN),
)  # fmt: skip
KEYS = {
    "registry": "record_id",
    "follow_up": "event_id",
    "treatments": "treatment_id",
    "vital_status": "mrn",
    "pathology": "control_id",
}
DIRT_COLUMNS = ["kind", "feed", "row", "mrn", "field", "expected_effect"]


def soil(
    feed: str, rows: pd.DataFrame, is_protected: np.ndarray, rng: random.Random, strangers_before: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The feed's rows with dirt among them, and what was done: DIRT_COLUMNS, `row` being the number in the new frame.

    A row gets at most one piece of dirt. `is_protected` rows are never made unreadable: losing them would not lose a
    record but change the meaning of others (an index operation beside a repeat one, one version of a report).
    `strangers_before`: the numbers that strangers of other pieces may have; 0 for the first, which counts what it repeats too.
    """
    taken = np.zeros(len(rows), dtype=bool)
    changed: dict[int, Row] = {}
    pieces: list[tuple[str, str, int, float, str, str]] = []
    added: list[tuple[float, Row]] = []
    n_strangers = 0
    # a registry that lacks a column has no dirt in it
    for dirt in (
        dirt for dirt in DIRT if dirt.feed == feed and (feed != "registry" or dirt.field in ("", *rows.columns))
    ):
        for position in _hit(dirt, rows, taken, is_protected, rng):
            taken[position] = True
            row = rows.iloc[position].to_dict()
            place = float(position)
            if dirt.kind == "duplicated_row":
                place += 0.25
                added.append((place, row))
            elif dirt.kind == "orphan_record":
                place += 0.5
                row = _of_a_stranger(feed, row, (strangers_before + n_strangers) if strangers_before else len(added))
                n_strangers += 1
                added.append((place, row))
            else:
                row = dirt.change(row, rng)
                changed[position] = row
            # swapping columns may move the mrn's neighbours, never the mrn itself
            pieces.append((dirt.kind, feed, position, place, str(row["mrn"]), dirt.field, dirt.expected_effect))
    return _assembled(rows, changed, added, pieces)


def _hit(dirt: Dirt, rows: pd.DataFrame, taken: np.ndarray, is_protected: np.ndarray, rng: random.Random) -> list[int]:
    count = round(dirt.share * len(rows))
    if len(rows) >= ROWS_FOR_EVERY_KIND:
        count = max(1, count)
    possible = ~taken
    if dirt.expected_effect == REJECTED:
        possible &= ~is_protected
    if dirt.where is not None:
        possible &= dirt.where(rows).to_numpy(dtype=bool)
    candidates = np.flatnonzero(possible)
    return sorted(rng.sample(candidates.tolist(), min(count, len(candidates))))


def _of_a_stranger(feed: str, row: Row, number: int) -> Row:
    mrn = STRANGER_MRN.format(number=number * 10 + sorted(KEYS).index(feed) + 1)
    if feed == "pathology":
        control_id, accession = f"SIMLISX{number:08d}", f"S99-9{number:04d}X"
        text = str(row["text"]).replace(str(row["mrn"]), mrn).replace(str(row["control_id"]), control_id)
        text = text.replace(str(row["accession_number"]), accession)
        return {**row, "mrn": mrn, "control_id": control_id, "accession_number": accession, "text": text}
    key = KEYS[feed]
    return {**row, "mrn": mrn} if key == "mrn" else {**row, "mrn": mrn, key: f"{row[key]}X"}


def _assembled(
    rows: pd.DataFrame, changed: dict[int, Row], added: list[tuple[float, Row]], pieces: list[tuple]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    # object columns: a Latin-1 byte kept as a surrogate fits no other text type
    columns = {name: rows[name].to_numpy(dtype=object, copy=True) for name in rows.columns}
    for position, row in changed.items():
        for name, values in columns.items():
            values[position] = row[name]
    order = np.concatenate([np.arange(len(rows), dtype=float), [place for place, _ in added]])
    by_place = np.argsort(order, kind="stable")
    soiled = pd.DataFrame(
        {
            name: pd.Series(_with_added(values, [row[name] for _, row in added])[by_place], dtype=object)
            for name, values in columns.items()
        }
    )
    new_number = pd.Series(np.arange(len(order)), index=order[by_place])
    listed = [
        (kind, feed, int(new_number[place]), mrn, field, effect) for kind, feed, _, place, mrn, field, effect in pieces
    ]
    return soiled, pd.DataFrame(listed, columns=DIRT_COLUMNS)


def _with_added(values: np.ndarray, more: list[object]) -> np.ndarray:
    extended = np.empty(len(values) + len(more), dtype=object)
    extended[: len(values)] = values
    extended[len(values) :] = more
    return extended
