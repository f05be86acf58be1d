"""A workbook with one cell in the last corner, and a file whose name is no UTF-8, are refused or listed; the night goes on."""

import io
import os
import zipfile

import duckdb
import pytest
from openpyxl import Workbook

from orchestration.ingestion.contract import Hospitals, load_hospitals
from orchestration.ingestion.load_feed import record_unclaimed_files
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.ingestion.readers.landed_file import UnreadableFile
from orchestration.ingestion.readers.workbook_extent import check_extent


def workbook(*cells: tuple[int, int]) -> bytes:
    book = Workbook()
    for row, column in cells:
        book.active.cell(row, column, "x")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_cell_in_the_last_corner_is_named_and_no_memory_is_asked_for_it():
    with pytest.raises(UnreadableFile, match="the sheet reaches to XFD1048576, 17,179,869,184 places for 3 cells"):
        check_extent(workbook((1, 1), (1, 2), (1048576, 16384)))


@pytest.mark.parametrize("cells", [((1, 1), (2, 2)), ((1, 1), (5000, 3)), ((1, 1), (1, 16384))])
def test_sheets_with_a_gap_are_read_all_the_same(cells):
    check_extent(workbook(*cells))


def test_a_far_cell_in_any_sheet_and_under_any_prefix_counts():
    content = workbook((1, 1), (1048576, 16384))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        for member in before.namelist():
            text = before.read(member)
            if member.startswith("xl/worksheets/"):
                member, text = "xl/worksheets/other.xml", text.replace(b"<c ", b"<x:c ")
            after.writestr(member, text)
    with pytest.raises(UnreadableFile, match="XFD1048576"):
        check_extent(out.getvalue())


def test_a_name_that_is_no_utf_8_is_listed_like_any_other(tmp_path):
    folder = os.fsencode(tmp_path)
    with open(folder + b"/letter_M\xfcller.pdf", "w"):  # noqa: PTH123 - pathlib takes no bytes
        pass
    with duckdb.connect() as connection:
        create_raw_schema(connection)
        assert record_unclaimed_files(connection, tmp_path, Hospitals(load_hospitals()), "run") == [
            "letter_M\\xfcller.pdf"
        ]
        rows = connection.execute("SELECT source_file, status FROM raw.ingest_ledger").fetchall()
    assert rows == [("letter_M\\xfcller.pdf", "refused: no contract names this file")]


def test_a_claimed_file_with_such_a_name_is_loaded_once(warehouse):
    warehouse.land("treatments/a.csv", "id;patient;when;what;where;left\nT1;SIM0000001;15.03.2000;op;L;0\n")
    path = warehouse.landing / "a_hospital" / "treatments"
    os.rename(os.fsencode(path / "a.csv"), os.fsencode(path) + b"/M\xfcller.csv")  # noqa: PTH104
    [load] = warehouse.load("treatments")
    assert (load.status, load.rows_loaded, load.source_file) == ("loaded", 1, "a_hospital/treatments/M\\xfcller.csv")
    assert warehouse.load("treatments") == []
