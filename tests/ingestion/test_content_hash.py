"""The hash of what a reader fills in: the same for ever, or every record of a warehouse would come once more."""

import hashlib

import pyarrow as pa
import pytest

from orchestration.ingestion.content_hash import with_content_hash
from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.raw_schema import OBSERVATION_FIELDS

CONTRACT = SourceContract.model_construct(feed="pathology_messages", fields={})
LINE = {"sequence": 1, "set_id": "1", "loinc_code": "22634-0", "section": None, "specimen": "", "label": None,
        "value": "Leberteilresektat é", "unit": None, "status": "F", "kind": "text"}  # fmt: skip
AS_TEXT = "1\x1f1\x1f22634-0\x1f\0\x1f\x1f\0\x1fLeberteilresektat é\x1f\0\x1fF\x1ftext"
NOTHING = "\x1f".join("\0" * len(OBSERVATION_FIELDS))


def _records(parts: list[str | None], lines: list[list[dict | None] | None]) -> pa.Table:
    fields = [(name, pa.int32() if kind == "INTEGER" else pa.string()) for name, kind in OBSERVATION_FIELDS.items()]
    observations = pa.array(lines, pa.list_(pa.struct(fields)))
    return pa.table({"report_part": pa.array(parts, pa.string()), "observations": observations})


@pytest.mark.parametrize(
    ("part", "lines", "text"),
    [
        ("pathology", [LINE, LINE], f"{AS_TEXT}\x1e{AS_TEXT}"),
        ("pathology", [], ""),
        ("pathology", None, None),
        (None, [LINE], AS_TEXT),
        (None, None, None),
        ("", [None, LINE], f"{NOTHING}\x1e{AS_TEXT}"),
    ],
)
def test_of_part_and_lines(part: str | None, lines: list | None, text: str | None) -> None:
    meant = "\x1f".join(one for one in (part, text) if one is not None)
    # also in the middle of a table, as a slice of longer columns
    records = _records(["before", part, "after"], [[LINE], lines, [LINE, LINE]])
    for table, place in ((records, 1), (records.slice(1, 1), 0), (records.slice(1), 0)):
        hashed = with_content_hash(table, CONTRACT)["content_hash"][place].as_py()
        assert hashed == hashlib.md5(meant.encode()).hexdigest()


def test_where_a_reader_fills_in_nothing() -> None:
    assert with_content_hash(pa.table({"a": ["1", "2"]}), CONTRACT)["content_hash"].to_pylist() == ["", ""]
    assert with_content_hash(pa.table({"a": pa.array([], pa.string())}), CONTRACT)["content_hash"].to_pylist() == []


def test_of_more_records_than_are_hashed_at_once() -> None:
    records = _records(["p"] * 2_500, [[LINE]] * 2_500)
    assert len(set(with_content_hash(records, CONTRACT)["content_hash"].to_pylist())) == 1
