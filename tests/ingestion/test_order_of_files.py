"""Files that wait together are loaded in the order in which a person would count them, by night or after a rebuild."""

from pathlib import PurePath

import pytest

from orchestration.ingestion.landed_names import order_is_told, place_by_name
from tests.ingestion.test_formats_text import write_contract
from tests.ingestion.test_record_identity import REPORTS, lines, patient, report
from tests.ingestion.test_tables_as_they_come import zipped

LOOKS_CONTRACT = """
version: "1"
feed: registry
file_pattern: "{pattern}"
format: delimited
key: [registry_record_id]
fields:
  registry_record_id: {{column: id, required: true}}
  mrn: {{column: mrn, required: true}}
  residual_disease: {{column: left, codes: {{R0: R0, R1: R1}}}}
{more}
"""
HEADER = "id,mrn,left\n"
TWO_FILES_OF_A_NIGHT = (
    "warning",
    "record in several files of one night",
    1,
    2,
    "only the order of the files' names says which of their contents is the later: a time of change (`record_updated_at`), or names by"
    " year, month and day, would",
)


@pytest.fixture
def looks(warehouse):
    write_contract(warehouse, "looks", LOOKS_CONTRACT.format(pattern="registry/*.csv", more=""))
    return warehouse


def latest(warehouse) -> str:
    return warehouse.rows("SELECT arg_max(residual_disease, load_number) FROM raw.registry")[0][0]


def notices(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT kind, what, n, source_line, reason FROM raw.load_notices ORDER BY ALL")


@pytest.mark.parametrize("in_one_night", [False, True], ids=["night by night", "both in one night"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("export_9.csv", "export_10.csv"),
        ("export_2003-09-30.csv", "export_2003-10-01.csv"),
        ("2003/9/export.csv", "2003/10/export.csv"),
        ("export.csv", "export (2).csv"),
        ("export.csv", "export-2.csv.gz"),
        ("export_9.csv.gz", "export_10.csv"),
    ],
)
def test_a_correction_is_the_later_one_also_when_both_files_wait_together(warehouse, first, second, in_one_night):
    write_contract(warehouse, "looks", LOOKS_CONTRACT.format(pattern="registry/**/*.csv", more=""))
    warehouse.land(f"registry/{first}", HEADER + "K1,000451,R1\n")
    if not in_one_night:
        warehouse.load("registry", "night-1")
    warehouse.land(f"registry/{second}", HEADER + "K1,000451,R0\n")
    warehouse.load("registry", "night-2")
    assert latest(warehouse) == "R0"


def test_the_files_of_an_archive_are_counted_too(looks):
    files = {"export_10.csv": HEADER + "K1,000451,R0\n", "export_9.csv": HEADER + "K1,000451,R1\n"}
    looks.land("registry/all.csv.zip", zipped(**files))
    looks.load("registry")
    assert looks.rows("SELECT residual_disease FROM raw.registry ORDER BY record_number") == [("R1",), ("R0",)]


def test_names_are_put_in_order_by_folder_then_by_what_stands_before_the_ending():
    names = ["b/a.csv", "a/export_02.csv", "a/export_2.csv", "a/export_10.csv.gz", "a/export.csv", "a/x", "10/z", "9/z"]
    assert sorted(names, key=lambda name: place_by_name(PurePath(name))) == [
        "9/z",
        "10/z",
        "a/export.csv",
        "a/export_02.csv",
        "a/export_2.csv",
        "a/export_10.csv.gz",
        "a/x",
        "b/a.csv",
    ]


@pytest.mark.parametrize(
    ("one", "other", "is_told"),
    [
        ("r/export_9.csv", "r/export_10.csv.gz", True),
        ("r/2003-03-31.csv", "r/2003-04-01.csv", True),
        ("r/e_20031231_2359.csv", "r/e_20040101_0001.csv", True),
        ("r/31-03-2003.csv", "r/01-04-2003.csv", False),
        ("r/14-03-2003.csv", "r/15-03-2003.csv", True),
        ("r/31122003.csv", "r/01012004.csv", False),
        ("r/20122003.csv", "r/01012004.csv", False),
        ("r/311203.csv", "r/010104.csv", False),
        ("r/part_000031.csv", "r/part_000102.csv", True),
        ("r/export.csv", "r/export_final.csv", False),
        ("r/north.csv", "r/south.csv", False),
    ],
)
def test_numbers_tell_an_order_and_days_before_their_years_do_not(one, other, is_told):
    assert order_is_told(one, other) is order_is_told(other, one) is is_told


def test_a_record_that_differs_between_files_of_one_night_is_listed_where_their_names_tell_no_order(looks):
    looks.land("registry/31-03-2003.csv", HEADER + "K1,000451,R1\nK2,000452,R0\n")
    looks.land("registry/01-04-2003.csv", HEADER + "K1,000451,R0\nK2,000452,R0\nK3,000453,R0\n")
    loads = looks.load("registry")

    assert [load.n_notices for load in loads] == [0, 1]
    assert notices(looks) == [TWO_FILES_OF_A_NIGHT]


def test_nothing_is_listed_where_the_nights_the_numbers_or_the_records_themselves_tell_the_order(warehouse):
    write_contract(
        warehouse,
        "looks",
        LOOKS_CONTRACT.format(
            pattern="registry/*.csv",
            more='  record_updated_at: {column: changed, formats: ["%Y-%m-%d"]}',
        ),
    )
    header = "id,mrn,left,changed\n"
    warehouse.land("registry/31-03-2003.csv", header + "K1,000451,R1,\nK2,000452,R0,2003-03-31\n")
    warehouse.load("registry", "night-1")
    warehouse.land("registry/01-04-2003.csv", header + "K1,000451,R0,\nK2,000452,R1,2003-04-01\n")
    warehouse.load("registry", "night-2")
    warehouse.land("registry/a.csv", header + "K2,000452,R0,2003-04-02\n")
    warehouse.land("registry/b.csv", header + "K2,000452,R1,2003-04-03\n")
    warehouse.land("registry/export_9.csv", header + "K4,000454,R1,\n")
    warehouse.land("registry/export_10.csv", header + "K4,000454,R0,\n")
    warehouse.load("registry", "night-3")
    assert notices(warehouse) == []


@pytest.mark.parametrize("is_packed", [False, True], ids=["in a folder", "in an archive"])
def test_of_two_parts_of_an_export_that_name_a_resource_twice_the_later_is_believed(warehouse, is_packed):
    write_contract(warehouse, "fhir", REPORTS.replace("fhir/*.ndjson", "export/DiagnosticReport*.ndjson"))
    parts = {
        "DiagnosticReport.ndjson": lines(report("x")),
        "Patient_9.ndjson": lines(patient("900001")),
        "Patient_10.ndjson": lines(patient("900002")),
    }
    if is_packed:
        warehouse.land("export/DiagnosticReport.ndjson.zip", zipped(**parts))
    for name, content in {} if is_packed else parts.items():
        warehouse.land(f"export/{name}", content)
    warehouse.load("pathology_messages")
    assert warehouse.rows("SELECT mrn FROM raw.pathology_messages") == [("900002",)]
