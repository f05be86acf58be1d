"""The table of test_formats_text as workbook and Parquet file; packed, damaged, half written and vanished files."""

import gzip
import io
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.ingestion.contract import load_hospitals, read_hospitals
from orchestration.ingestion.load_feed import record_unclaimed_files
from orchestration.ingestion.load_file import load_file
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.ingestion.readers import landed_file
from orchestration.ingestion.readers.landed_file import UnreadableFile, take_landed_file
from tests.ingestion.test_formats_text import (
    CANONICAL_OPERATIONS,
    canonical_operations,
    operations_contract,
    operations_text,
    status_of_one_load,
)

TYPED_OPERATIONS = [
    ["id", "patient", "name", "remark", "operated", "nodules", "cea"],
    ["R1", "A1", "Müller", 'said "no", then;\t|\nyes', date(2000, 12, 31), 3, 12.5],
    ["R2", "A2", "Núñez", None, date(2001, 1, 2), None, 0.75],
    ["R3", "A3", "Loëb", "Zoé", date(2001, 2, 3), 1, None],
]


def workbook(rows: list[list], sheet: str = "Sheet1", first_sheets: dict[str, list[list]] | None = None) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, content in {**(first_sheets or {}), sheet: rows}.items():
        page = book.create_sheet(name)
        for row in content:
            page.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def parquet(rows: list[list], **types: pa.DataType) -> bytes:
    columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
    table = pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue()


# workbooks


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
def test_a_workbook_with_real_dates_and_numbers_gives_the_same_rows(warehouse, is_packed):
    operations_contract(warehouse, file_format="excel", ending="xlsx")
    content = workbook(TYPED_OPERATIONS)
    warehouse.land(f"operations/o.xlsx{'.gz' if is_packed else ''}", gzip.compress(content) if is_packed else content)

    assert status_of_one_load(warehouse) == "loaded"
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS
    assert warehouse.rows("SELECT source_line, payload FROM raw.registry WHERE mrn = 'A3'") == [
        (
            4,
            '{"id": "R3", "patient": "A3", "name": "Loëb", "remark": "Zoé", "operated": "2001-02-03",'
            ' "nodules": "1", "cea": null}',
        )
    ]


def test_a_workbook_of_text_cells_and_times_at_midnight_gives_the_same_rows(warehouse):
    operations_contract(warehouse, file_format="excel", ending="xlsx")
    rows = [list(row) for row in TYPED_OPERATIONS]
    rows[1][4:] = ["2000-12-31", "3", "12.5"]
    rows[2][4:] = [datetime(2001, 1, 2, 0, 0), "", " 0.75 "]
    warehouse.land("operations/o.xlsx", workbook(rows))
    warehouse.load("registry")
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


def test_blank_rows_of_a_workbook_are_no_records_and_keep_their_numbers(warehouse):
    operations_contract(warehouse, file_format="excel", ending="xlsx")
    rows = [TYPED_OPERATIONS[0], TYPED_OPERATIONS[1], [None] * 7, TYPED_OPERATIONS[2], ["", None], TYPED_OPERATIONS[3]]
    warehouse.land("operations/o.xlsx", workbook(rows))
    (load,) = warehouse.load("registry")

    assert load.rows_read == 3
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS
    assert warehouse.rows("SELECT source_line FROM raw.registry ORDER BY ALL") == [(2,), (4,), (6,)]


def test_the_contract_names_the_sheet_and_without_it_the_only_one_with_its_columns_is_read(warehouse):
    operations_contract(warehouse, "sheet: Leber", file_format="excel", ending="xlsx")
    warehouse.land("operations/o.xlsx", workbook(TYPED_OPERATIONS, "Leber", {"Notes": [["read me"]]}))
    warehouse.load("registry")
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS

    operations_contract(warehouse, file_format="excel", ending="xlsx")
    warehouse.land("operations/o.xlsx", workbook(TYPED_OPERATIONS, "Leber", {"Notes": [["read me"], ["now"]]}))
    assert status_of_one_load(warehouse) == "loaded"
    assert warehouse.rows("SELECT kind, what, reason FROM raw.load_notices") == [
        ("not read", "sheet", "a sheet that has not the contract's columns")
    ]

    operations_contract(warehouse, "sheet: Lunge", file_format="excel", ending="xlsx")
    warehouse.land("operations/o.xlsx", workbook(TYPED_OPERATIONS, "Leber"))
    assert status_of_one_load(warehouse) == "refused: the workbook has no sheet 'Lunge'"


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([], "refused: the first visible sheet is empty, and no other has the contract's columns"),
        (TYPED_OPERATIONS[:1], "loaded"),
        (
            [[*row, row[1]] for row in TYPED_OPERATIONS],
            "refused: the header names the contract's column(s) more than once: patient",
        ),
    ],
    ids=["empty sheet", "header only", "column twice"],
)
def test_a_workbook_without_records_or_with_a_doubtful_header(warehouse, rows, status):
    operations_contract(warehouse, file_format="excel", ending="xlsx")
    warehouse.land("operations/o.xlsx", workbook(rows))
    assert status_of_one_load(warehouse) == status
    assert warehouse.rows("SELECT count(*) FROM raw.registry") == [(0,)]


# Parquet


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
def test_a_parquet_file_with_typed_columns_gives_the_same_rows(warehouse, is_packed):
    operations_contract(warehouse, file_format="parquet", ending="parquet")
    content = parquet(TYPED_OPERATIONS, operated=pa.date32(), nodules=pa.int64(), cea=pa.float64())
    name = f"operations/o.parquet{'.gz' if is_packed else ''}"
    warehouse.land(name, gzip.compress(content) if is_packed else content)

    assert status_of_one_load(warehouse) == "loaded"
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS
    assert warehouse.rows("SELECT source_line, payload::JSON ->> '$.operated' FROM raw.registry ORDER BY ALL") == [
        (1, "2000-12-31"),
        (2, "2001-01-02"),
        (3, "2001-02-03"),
    ]


def test_other_parquet_types_for_the_same_values_give_the_same_rows(warehouse):
    operations_contract(warehouse, file_format="parquet", ending="parquet")
    rows = [list(row) for row in TYPED_OPERATIONS]
    rows[1][6], rows[2][6] = Decimal("12.50"), Decimal("0.75")
    words = pa.dictionary(pa.int8(), pa.string())
    warehouse.land(
        "operations/o.parquet",
        parquet(
            rows, name=words, remark=pa.large_string(), operated=pa.date64(), nodules=pa.int8(), cea=pa.decimal128(9, 2)
        ),
    )
    warehouse.load("registry")
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


def test_dates_that_parquet_keeps_as_times_at_midnight_are_dates_as_in_a_workbook(warehouse):
    operations_contract(warehouse, file_format="parquet", ending="parquet")
    rows = [row[:4] + [datetime(*row[4].timetuple()[:3])] + row[5:] for row in TYPED_OPERATIONS[1:]]
    warehouse.land("operations/o.parquet", parquet([TYPED_OPERATIONS[0], *rows], operated=pa.timestamp("ns")))
    warehouse.load("registry")
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


def test_whole_numbers_that_parquet_keeps_as_floats_are_the_codes_and_sentinels_of_the_contract(warehouse):
    # what pandas makes of a column of whole numbers as soon as one is missing
    operations_contract(warehouse, 'missing_values: ["", "-999"]', file_format="parquet", ending="parquet")
    path = warehouse.contracts_folder / "a_hospital" / "operations.yml"
    path.write_text(
        path.read_text(encoding="utf-8") + '  sex: {column: sex, codes: {"1": male, "2": female}}\n', encoding="utf-8"
    )
    rows = [[*row, extra] for row, extra in zip(TYPED_OPERATIONS, ["sex", 1.0, None, 2.0], strict=True)]
    rows[2][5], rows[3][6] = -999.0, -999.0
    warehouse.land("operations/o.parquet", parquet(rows, nodules=pa.float64(), cea=pa.float64(), sex=pa.float64()))
    (load,) = warehouse.load("registry")

    assert load.fields_rejected == 0
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS
    assert warehouse.rows("SELECT sex FROM raw.registry ORDER BY mrn") == [("male",), (None,), ("female",)]


def test_a_parquet_file_without_rows_is_taken_and_one_without_the_columns_refused(warehouse):
    operations_contract(warehouse, file_format="parquet", ending="parquet")
    table = pa.table({name: pa.array([], pa.string()) for name in TYPED_OPERATIONS[0]})
    written = io.BytesIO()
    pq.write_table(table, written)
    warehouse.land("operations/o.parquet", written.getvalue())
    (load,) = warehouse.load("registry")
    assert (load.status, load.rows_read) == ("loaded", 0)

    warehouse.land("operations/o.parquet", parquet([row[:5] for row in TYPED_OPERATIONS]))
    assert status_of_one_load(warehouse) == "refused: the header lacks the contract's column(s): nodules, cea"


@pytest.mark.parametrize("name", ["payload", "source_line", "structure_problem", "record_number"])
@pytest.mark.parametrize("file_format", ["excel", "parquet"])
def test_a_column_of_the_hospital_may_have_the_name_of_one_of_the_readers_own(warehouse, file_format, name):
    operations_contract(warehouse, file_format=file_format, ending="any")
    rows = [[*row, extra] for row, extra in zip(TYPED_OPERATIONS, [name, "77", "77", "77"], strict=True)]
    warehouse.land("operations/o.any", workbook(rows) if file_format == "excel" else parquet(rows))

    assert status_of_one_load(warehouse) == "loaded"
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS
    first = 2 if file_format == "excel" else 1
    assert warehouse.rows("SELECT source_line, payload::JSON ->> '$.id' FROM raw.registry ORDER BY mrn") == [
        (first, "R1"),
        (first + 1, "R2"),
        (first + 2, "R3"),
    ]


@pytest.mark.parametrize("file_format", ["excel", "parquet"])
def test_columns_that_differ_in_capital_letters_only_are_told_apart(warehouse, file_format):
    operations_contract(warehouse, file_format=file_format, ending="any")
    rows = [[extra, *row] for row, extra in zip(TYPED_OPERATIONS, ["PATIENT", "X1", "X2", "X3"], strict=True)]
    warehouse.land("operations/o.any", workbook(rows) if file_format == "excel" else parquet(rows))

    assert status_of_one_load(warehouse) == "loaded"
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


# damage


def truncated(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


@pytest.mark.parametrize(
    ("file_format", "name", "content", "reason"),
    [
        ("delimited", "o.csv", b"", "the file is empty"),
        ("delimited", "o.csv.gz", gzip.compress(b""), "the file is empty"),
        ("excel", "o.xlsx", b"", "the file is empty"),
        ("parquet", "o.parquet", b"", "the file is empty"),
        (
            "delimited",
            "o.csv",
            operations_text().encode() + b"\0\0\0\n",
            "the file holds NUL bytes: it is binary or damaged",
        ),
        (
            "delimited",
            "o.csv",
            operations_text().encode("utf-16"),
            "line 1 is not utf-8 text and the contract declares no fallback_encoding",
        ),
        (
            "delimited",
            "o.csv.gz",
            truncated(gzip.compress(operations_text().encode())),
            "the gzip file is cut off or damaged",
        ),
        (
            "delimited",
            "o.csv.gz",
            gzip.compress(operations_text().encode()) + b"and more",
            "the gzip file is cut off or damaged",
        ),
        (
            "excel",
            "o.xlsx",
            truncated(workbook(TYPED_OPERATIONS)),
            "not readable as an Excel workbook: damaged or cut off",
        ),
        (
            "excel",
            "o.xlsx",
            operations_text().encode(),
            "this is text, no Excel workbook, whatever its name says: a contract with format `delimited` reads it",
        ),
        (
            "parquet",
            "o.parquet",
            truncated(parquet(TYPED_OPERATIONS)),
            "not readable as a Parquet file: damaged or cut off",
        ),
        ("parquet", "o.parquet", operations_text().encode(), "not readable as a Parquet file: damaged or cut off"),
    ],
)
def test_a_damaged_file_is_refused_with_its_reason_and_loaded_the_next_night_once_mended(
    warehouse, file_format, name, content, reason
):
    ending = name.split(".")[1]
    operations_contract(warehouse, file_format=file_format, ending=ending)
    sound = {
        "csv": operations_text().encode(),
        "xlsx": workbook(TYPED_OPERATIONS),
        "parquet": parquet(TYPED_OPERATIONS),
    }
    warehouse.land(f"operations/{name}", content)
    (refused,) = warehouse.load("registry", "night-1")
    assert (refused.status, refused.rows_read) == (f"refused: {reason}", 0)

    warehouse.land(f"operations/{name}", sound[ending])
    (mended,) = warehouse.load("registry", "night-2")
    assert (mended.status, mended.rows_loaded) == ("loaded", 3)
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS
    assert warehouse.rows("SELECT run_id, source_file, size_bytes, status FROM raw.ingest_ledger ORDER BY run_id") == [
        ("night-1", f"a_hospital/operations/{name}", len(content), f"refused: {reason}"),
        ("night-2", f"a_hospital/operations/{name}", len(sound[ending]), "loaded"),
    ]


def test_a_refused_file_is_tried_and_refused_again_every_night_and_the_others_are_loaded(warehouse):
    operations_contract(warehouse)
    warehouse.land("operations/a.csv.gz", truncated(gzip.compress(operations_text().encode())))
    warehouse.land("operations/b.csv", operations_text())

    assert [load.status for load in warehouse.load("registry", "night-1")] == [
        "refused: the gzip file is cut off or damaged",
        "loaded",
    ]
    assert [load.status for load in warehouse.load("registry", "night-2")] == [
        "refused: the gzip file is cut off or damaged"
    ]
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


def test_a_gzip_of_200_megabytes_of_zeros_is_refused_before_it_is_unpacked_whole(warehouse):
    operations_contract(warehouse)
    warehouse.land("operations/o.csv.gz", gzip.compress(bytes(200_000_000)))
    assert status_of_one_load(warehouse) == (
        "refused: the gzip file unpacks to more than 64 MiB, beyond all proportion to its size"
    )


def test_a_gzip_in_two_members_is_one_file(warehouse):
    operations_contract(warehouse)
    text = operations_text().encode()
    warehouse.land("operations/o.csv.gz", gzip.compress(text[:50]) + gzip.compress(text[50:]))
    warehouse.load("registry")
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


# files that change, vanish or belong to nobody


class ChangingFile:
    """An open file that something happens to just after it was read."""

    def __init__(self, file, happens):
        self.file, self.happens = file, happens

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def fileno(self) -> int:
        return self.file.fileno()

    def read(self) -> bytes:
        content = self.file.read()
        self.happens()
        return content


class ChangingPath(type(Path())):
    """A path whose file, when it is opened, has something happen to it while it is read."""

    def open(self, *arguments, **settings):
        return ChangingFile(super().open(*arguments, **settings), self.happens)


def changing(path: Path, happens) -> ChangingPath:
    changing_path = ChangingPath(path)
    ChangingPath.happens = staticmethod(happens)
    return changing_path


def test_a_file_is_taken_with_the_hash_of_its_bytes_as_landed(tmp_path):
    path = tmp_path / "o.csv"
    path.write_bytes(b"abc")
    landed = take_landed_file(path)
    assert (landed.content, landed.size_bytes) == (b"abc", 3)
    assert landed.file_hash == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_replaced_by_another_of_the_same_size_while_it_is_read_is_not_taken(tmp_path):
    path, later = tmp_path / "o.csv", tmp_path / "later.csv"
    path.write_bytes(b"abc")
    later.write_bytes(b"xyz")
    os.utime(later, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))

    with pytest.raises(UnreadableFile, match="^the file changed while it was being read$"):
        take_landed_file(changing(path, lambda: later.replace(path)))


def test_a_file_still_being_written_is_not_taken(tmp_path):
    path = tmp_path / "o.csv"
    path.write_bytes(b"abc")
    with pytest.raises(UnreadableFile, match="^the file changed while it was being read$"):
        take_landed_file(changing(path, lambda: path.write_bytes(b"abcdef")))


def test_a_file_deleted_while_it_is_read_is_not_taken(tmp_path):
    path = tmp_path / "o.csv"
    path.write_bytes(b"abc")
    with pytest.raises(UnreadableFile, match="^the file cannot be opened: No such file or directory$"):
        take_landed_file(changing(path, path.unlink))


def test_a_file_that_changed_while_it_was_read_is_loaded_the_next_night(warehouse, monkeypatch):
    operations_contract(warehouse)
    warehouse.land("operations/o.csv", operations_text())
    with monkeypatch.context() as patch:
        identities = iter([(1, 2, 3), (1, 2, 4)])
        patch.setattr(landed_file, "_identity", lambda status: next(identities))
        (refused,) = warehouse.load("registry", "night-1")
    (loaded,) = warehouse.load("registry", "night-2")

    assert refused.status == "refused: the file changed while it was being read"
    assert (loaded.status, loaded.rows_loaded) == ("loaded", 3)


def test_a_file_that_vanished_before_it_was_read_is_refused_and_stands_in_the_ledger(warehouse):
    operations_contract(warehouse)
    create_raw_schema(warehouse.connection)
    (contract,) = [found for found in load_hospitals(warehouse.contracts_folder) if found.feed == "registry"]
    path = warehouse.landing / "a_hospital" / "operations" / "gone.csv"
    load = load_file(warehouse.connection, path, warehouse.landing, contract, "night-1")

    assert load.status == "refused: the file cannot be opened: No such file or directory"
    assert warehouse.rows("SELECT source_file, file_hash, size_bytes, status FROM raw.ingest_ledger") == [
        ("a_hospital/operations/gone.csv", "", 0, "refused: the file cannot be opened: No such file or directory")
    ]


def test_a_file_that_no_contract_names_stands_in_the_ledger(warehouse):
    operations_contract(warehouse)
    warehouse.land("operations/o.csv", operations_text())
    warehouse.land("operations/o.csv.gz", gzip.compress(operations_text().encode()))
    warehouse.land("operations/o.CSV.bak", "abc")  # misnamed
    warehouse.land("scans/s.dcm", b"\0\1")  # of no feed
    warehouse.land("operations/readme.txt", "beside the files, where it may be a misnamed one")
    warehouse.land("readme.txt", "a note to people")
    warehouse.land("operations/.o.csv.part", "half")
    warehouse.land("operations/~$o.xlsx", "lock")
    elsewhere = warehouse.landing / "b_hospital" / "o.csv"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"id\n")
    warehouse.load("registry")
    hospitals = read_hospitals(warehouse.contracts_folder)

    assert record_unclaimed_files(warehouse.connection, warehouse.landing, hospitals, "night-1") == [
        "a_hospital/operations/o.CSV.bak",
        "a_hospital/operations/readme.txt",
        "a_hospital/scans/s.dcm",
        "b_hospital/o.csv",
    ]
    assert warehouse.rows(
        """SELECT source_system, source_file, size_bytes, rows_read, run_id, length(file_hash)
           FROM raw.ingest_ledger WHERE status = 'refused: no contract names this file' ORDER BY source_file"""
    ) == [
        ("a_hospital", "a_hospital/operations/o.CSV.bak", 3, 0, "night-1", 64),
        ("a_hospital", "a_hospital/operations/readme.txt", 48, 0, "night-1", 64),
        ("a_hospital", "a_hospital/scans/s.dcm", 2, 0, "night-1", 64),
        ("b_hospital", "b_hospital/o.csv", 3, 0, "night-1", 64),
    ]
