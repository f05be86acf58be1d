"""The columns of an HL7 v2 contract: the text of a path such as PID-3[MR].1 for every group."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ingestion.contract.formats.hl7_v2 import FIELD_PATH, ORDER_NUMBER
from orchestration.ingestion.readers.byte_ranges import count_between
from orchestration.ingestion.readers.hl7_groups import Groups
from orchestration.ingestion.readers.hl7_places import segment_of_group
from orchestration.ingestion.readers.hl7_segments import (
    Segments,
    code_of,
    component,
    component_range,
    field,
    field_range,
    first_repetition_ends,
)
from orchestration.ingestion.readers.hl7_text import typed_text


def field_column(segments: Segments, groups: Groups, path: str) -> pa.Array:
    """The text of one path for every group; null where the segment, field, repetition or component is not there."""
    if path == ORDER_NUMBER:
        return pa.array(groups.order_number).cast(pa.string())
    match = FIELD_PATH.match(path)
    rows, is_missing = segment_of_group(segments, groups, code_of(match["segment"].encode()))
    # MSH-1 is the separator itself, so MSH fields stand one place earlier than those of other segments
    number = int(match["field"]) - (match["segment"] == "MSH")
    if match["choice"] or match["subcomponent"]:
        return _as_typed(chosen_part(field(segments, rows, number, is_missing), path))
    start, end, is_absent = field_range(segments, rows, number)
    is_missing = is_missing | is_absent
    if match["component"]:
        end = first_repetition_ends(segments.text, start, end)
        start, end, is_absent = component_range(segments.text, start, end, int(match["component"]))
        is_missing |= is_absent
    column = segments.text.column(start, end, is_missing)
    has_escape = (count_between(segments.text.positions(b"\\"), start, end) > 0) & ~is_missing
    return _as_typed(column) if has_escape.any() else column


def chosen_part(column: pa.Array, path: str) -> pa.Array:
    """The repetition, component and subcomponent that the path names of its field."""
    match = FIELD_PATH.match(path)
    if not match["component"] and not match["choice"]:
        return column
    subcomponent = int(match["subcomponent"]) if match["subcomponent"] else None
    return component(column, int(match["component"] or 1), match["choice"], subcomponent)


def _as_typed(column: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring(column.cast(pa.string()), "\\")).as_py():
        return column
    return typed_text(column.cast(pa.string()), repetitions_are_lines=False)
