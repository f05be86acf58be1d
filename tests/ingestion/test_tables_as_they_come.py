"""Delimited tables in the shapes that systems really write: titles above the header, sep= lines, units, escapes, zips, wide form."""

import io
import zipfile

import pytest

from tests.ingestion.test_formats_text import rejected, status_of_one_load, write_contract

LOOKS = """
version: "1"
feed: follow_up
file_pattern: looks/*.csv
format: delimited
delimiter: ";"
SETTINGS
key: [event_id]
fields:
  event_id: {column: id, required: true}
  mrn: {column: mrn, required: true}
  event_date: {column: dt, formats: ["%d/%m/%Y"], required: true}
  event_type: {constant: imaging}
  finding: {column: res, codes: {"0": no_evidence_of_disease, "3": definite}, required: true}
  note: {column: note}
"""

OPERATIONS = """
version: "1"
feed: registry
file_pattern: "op/*"
format: delimited
key: [registry_record_id]
fields:
  registry_record_id: {column: id, required: true}
  mrn: {column: mrn, required: true}
  operation_date: {column: op, formats: ["%Y-%m-%d"]}
  largest_metastasis_cm: {column: size}
  cea_ng_ml: {column: cea}
"""
HEADER = "id;mrn;dt;res;note\n"
ONE_LOOK = [("1", "900001", "2005-04-13", "definite", None)]


def looks_contract(warehouse, *settings: str, fields: str = "") -> None:
    write_contract(warehouse, "looks", LOOKS.replace("SETTINGS", "\n".join(settings)) + fields)


def looks(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT event_id, mrn, event_date, finding, note FROM raw.follow_up ORDER BY ALL")


def lines(warehouse) -> list[int]:
    return [line for (line,) in warehouse.rows("SELECT source_line FROM raw.follow_up ORDER BY ALL")]


def notices(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT kind, what, n, source_line, reason FROM raw.load_notices ORDER BY ALL")


def zipped(**files: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return written.getvalue()


def with_a_damaged_stream(archive: bytes) -> bytes:
    """The first file's packed bytes are no longer what the packing method writes; the directory is sound."""
    at = 30 + int.from_bytes(archive[26:28], "little") + int.from_bytes(archive[28:30], "little")
    return archive[:at] + b"\xff" * 8 + archive[at + 8 :]


# where the table begins


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n", "sep=;;;;;\n"])
@pytest.mark.parametrize("delimiter", ['";"', "sniff", '","'])
def test_excels_line_that_names_the_delimiter_is_no_header(warehouse, first, delimiter):
    looks_contract(warehouse)
    path = warehouse.contracts_folder / "a_hospital" / "looks.yml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('delimiter: ";"', f"delimiter: {delimiter}"), encoding="utf-8"
    )
    warehouse.land("looks/a.csv", first + HEADER + "1;900001;13/04/2005;3;\n")
    assert status_of_one_load(warehouse, "follow_up") == "loaded"
    assert looks(warehouse) == ONE_LOOK
    assert lines(warehouse) == [3]
    assert notices(warehouse) == []


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("Follow-up of liver patients\nprinted 2010\n\n", 5),
        ("Looks;;;;\n", 3),
        ("Number;Patient;Date;Result;Remark\n", 3),
    ],
    ids=["a title", "a title as wide as the table", "labels over names"],
)
def test_a_header_below_the_first_line_is_found_and_what_stands_above_it_is_listed(warehouse, above, line):
    looks_contract(warehouse)
    warehouse.land("looks/a.csv", above + HEADER + "1;900001;13/04/2005;3;\n")
    (load,) = warehouse.load("follow_up")
    assert (load.rows_read, load.rows_loaded) == (1, 1)
    assert looks(warehouse) == ONE_LOOK
    assert lines(warehouse) == [line]
    n = len(above.strip().split("\n"))
    assert notices(warehouse) == [
        ("not read", "lines above the header", n, 1, "what stands above the header is no record")
    ]


def test_the_contract_may_say_where_the_header_is(warehouse):
    looks_contract(warehouse, "header_row: 3")
    warehouse.land("looks/a.csv", HEADER + "old;names;of;the;table\n" + HEADER + "1;900001;13/04/2005;3;\n")
    assert status_of_one_load(warehouse, "follow_up") == "loaded"
    assert looks(warehouse) == ONE_LOOK

    warehouse.land("looks/b.csv", HEADER)
    assert status_of_one_load(warehouse, "follow_up") == (
        "refused: the file has no line 3, where the contract's `header_row` says that the header is"
    )


def test_records_above_the_header_are_not_taken_for_a_title(warehouse):
    looks_contract(warehouse)
    warehouse.land("looks/a.csv", "1;900001;13/04/2005;3;\n" + HEADER + "2;900002;14/04/2005;0;\n")
    assert status_of_one_load(warehouse, "follow_up") == (
        "refused: a line above the header has the shape of a record: the lines are out of order, or two files in one"
    )


# rows and delimiters


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "1;900001;13/04/2005;3;;\n",
        HEADER.replace("note", "note;") + "1;900001;13/04/2005;3;\n",
        HEADER.replace("note", "note;") + "1;900001;13/04/2005;3;;\n",
        HEADER + '1;900001;13/04/2005;3;"";;\n',
        HEADER + "1;900001;13/04/2005;3;;\r",
    ],
    ids=["rows", "header", "both", "quoted", "by the slow road"],
)
def test_a_delimiter_at_the_end_of_each_line_is_no_field(warehouse, text):
    looks_contract(warehouse)
    warehouse.land("looks/a.csv", text.replace("\n", "\r") if text.endswith("\r") else text)
    assert status_of_one_load(warehouse, "follow_up") == "loaded"
    assert looks(warehouse) == ONE_LOOK


def test_one_longer_row_among_others_holds_a_delimiter_within_a_value_and_is_rejected(warehouse):
    looks_contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1;900001;13/04/2005;3;\n2;900002;13/04/2005;3;a;\n")
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected) == (1, 1)
    assert rejected(warehouse) == [(3, None, None, "6 fields where the header has 5")]


@pytest.mark.parametrize("settings", [['escape_character: "\\\\"'], []], ids=["declared", "found"])
def test_quotes_escaped_by_a_backslash_end_no_field(warehouse, settings):
    looks_contract(warehouse, *settings)
    warehouse.land(
        "looks/a.csv",
        HEADER + '1;900001;13/04/2005;3;"a \\"new\\"; lesion\nin segment 4"\n2;900002;14/04/2005;0;plain\n',
    )
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected) == (2, 0)
    assert looks(warehouse) == [
        ("1", "900001", "2005-04-13", "definite", 'a "new"; lesion\nin segment 4'),
        ("2", "900002", "2005-04-14", "no_evidence_of_disease", "plain"),
    ]
    assert lines(warehouse) == [2, 4]
    assert [kind for kind, *_ in notices(warehouse)] == ([] if settings else ["warning"])


def test_a_database_that_escapes_delimiters_writes_its_missing_values_as_n(warehouse):
    looks_contract(warehouse, 'escape_character: "\\\\"')
    warehouse.land("looks/a.csv", HEADER + "1;900001;13/04/2005;3;segment 4\\; 5\n2;900002;14/04/2005;0;\\N\n")
    warehouse.load("follow_up")
    assert [note for *_, note in looks(warehouse)] == ["segment 4; 5", None]


# a row of units

CEA = """
version: "1"
feed: registry
file_pattern: operations/*.csv
format: delimited
SETTINGS
key: [registry_record_id]
fields:
  registry_record_id: {column: id, required: true}
  mrn: {column: mrn, required: true}
  operation_date: {column: dt, formats: ["%Y-%m-%d"], required: true}
  cea_ng_ml: {column: cea}
  largest_metastasis_cm: {column: size, unit: mm}
"""


@pytest.mark.parametrize("units", [",,,ng/mL,mm", ",,,[ng/ml],(mm)", ",,yyyy-mm-dd,ng/mL,"])
def test_a_row_of_units_is_no_patient(warehouse, units):
    write_contract(warehouse, "cea", CEA.replace("SETTINGS", ""))
    warehouse.land("operations/o.csv", f"id,mrn,dt,cea,size\n{units}\nR1,900001,2004-03-01,5,35\n")
    (load,) = warehouse.load("registry")
    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (1, 1, 0)
    assert warehouse.rows("SELECT cea_ng_ml, largest_metastasis_cm FROM raw.registry") == [("5.0", "3.5")]
    assert [what for _, what, *_ in notices(warehouse)] == ["row of units"]


def test_a_row_of_units_that_says_another_unit_than_the_contract_refuses_the_file(warehouse):
    write_contract(warehouse, "cea", CEA.replace("SETTINGS", ""))
    warehouse.land("operations/o.csv", "id,mrn,dt,cea,size\n,,,ng/mL,cm\nR1,900001,2004-03-01,5,3.5\n")
    assert status_of_one_load(warehouse) == (
        "refused: the row of units under the header says cm where the contract reads 'largest_metastasis_cm' in mm: give it its `unit`"
    )


def test_the_contract_may_say_that_there_is_a_row_of_units_or_that_there_is_none(warehouse):
    write_contract(warehouse, "cea", CEA.replace("SETTINGS", "units_row: true"))
    warehouse.land("operations/o.csv", "id,mrn,dt,cea,size\nno.,no.,day,per ml,across\nR1,900001,2004-03-01,5,35\n")
    (load,) = warehouse.load("registry")
    assert (load.rows_read, load.rows_loaded) == (1, 1)

    write_contract(warehouse, "cea", CEA.replace("SETTINGS", "units_row: false"))
    warehouse.land("operations/p.csv", "id,mrn,dt,cea,size\n,,,ng/mL,mm\n")
    (load,) = [load for load in warehouse.load("registry") if load.source_file.endswith("p.csv")]
    assert (load.rows_read, load.rows_rejected) == (1, 1)


# what a spreadsheet left behind


def test_an_error_of_a_spreadsheet_is_no_value_whatever_the_column(warehouse):
    looks_contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1;900001;13/04/2005;3;#REF!\n2;#N/A;13/04/2005;3;\n")
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected, load.fields_rejected) == (1, 1, 1)
    assert looks(warehouse) == ONE_LOOK
    assert rejected(warehouse) == [
        (2, "note", "#REF!", "an error of a spreadsheet"),
        (3, "mrn", "#N/A", "an error of a spreadsheet"),
    ]


@pytest.mark.parametrize(
    "mrn", ['="000451"', '"=""000451"""', "\u200b000451", "000451\ufeff", " 000451\u00a0"], ids=str.encode
)
def test_what_a_program_put_around_an_identifier_is_no_part_of_it(warehouse, mrn):
    looks_contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + f"1;{mrn};13/04/2005;3;\n")
    warehouse.load("follow_up")
    assert looks(warehouse) == [("1", "000451", "2005-04-13", "definite", None)]


def test_an_identifier_shown_as_a_power_of_ten_is_no_identifier(warehouse):
    looks_contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1;9.00001E+11;13/04/2005;3;\n2;E+12;13/04/2005;3;9.1E+11 is the number\n")
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected) == (1, 1)
    assert rejected(warehouse) == [
        (2, "mrn", "9.00001E+11", "an identifier shown as a power of ten: its digits are lost")
    ]


def test_a_placeholder_is_no_patient_and_a_number_that_a_data_frame_made_of_one_is_the_same_patient(warehouse):
    looks_contract(warehouse)
    said = ["NULL", "n/a", "900001.0", "9.0.0", "900002.00", "<NA>", "(null)", "unk", "Not Available", "000000"]
    rows = [f"{number};{mrn};13/04/2005;3;" for number, mrn in enumerate([*said, "\\N", "4.51E5"])]
    warehouse.land("looks/a.csv", HEADER + "\n".join(rows) + "\n")
    warehouse.load("follow_up")
    assert [mrn for _, mrn, *_ in looks(warehouse)] == ["900001", "9.0.0", "900002"]
    assert [reason for *_, reason in rejected(warehouse)] == [
        *["a placeholder, no patient"] * 7,
        "required, but missing",
        "an identifier shown as a power of ten: its digits are lost",
    ]


@pytest.mark.parametrize(
    ("settings", "row"),
    [
        ("", "1,900001,2004-03-01,-999.0,-999.00"),
        ("", "1,900001.0,2004-03-01,-999.000,\\N"),
        ('delimiter: ";"\ndecimal_sign: ","', "1;900001;2004-03-01;-999,0;-999,00"),
    ],
)
def test_a_missing_value_is_missing_however_the_number_is_written(warehouse, settings, row):
    write_contract(
        warehouse,
        "operations",
        OPERATIONS.replace("key:", f'missing_values: ["", "-999"]\n{settings}\nkey:'),
    )
    delimiter = ";" if ";" in row else ","
    warehouse.land("op/a.csv", delimiter.join(["id", "mrn", "op", "size", "cea"]) + f"\n{row}\n")
    (load,) = warehouse.load("registry")
    assert load.fields_rejected == 0
    assert warehouse.rows("SELECT mrn, largest_metastasis_cm, cea_ng_ml FROM raw.registry") == [("900001", None, None)]


def test_a_code_that_a_data_frame_made_a_float_of_is_the_code(warehouse):
    looks_contract(warehouse)
    warehouse.land("looks/a.csv", HEADER + "1;900001;13/04/2005;3.0;\n2;900001;13/04/2006;3.5;\n")
    warehouse.load("follow_up")
    assert looks(warehouse) == ONE_LOOK
    assert [reason for *_, reason in rejected(warehouse)] == ["unknown code"]


# zip archives


def test_a_zip_archive_is_read_as_if_its_files_had_landed(warehouse):
    looks_contract(warehouse)
    content = zipped(
        a__csv=HEADER + "1;900001;13/04/2005;3;\n", b__csv=HEADER + "2;900002;14/04/2005;0;x\n", readme__txt="by hand"
    )
    warehouse.land("looks/2005.csv.zip", content)
    (load,) = warehouse.load("follow_up")
    assert (load.status, load.rows_read, load.rows_loaded) == ("loaded", 2, 2)
    assert looks(warehouse) == [*ONE_LOOK, ("2", "900002", "2005-04-14", "no_evidence_of_disease", "x")]
    assert [(kind, what, n) for kind, what, n, *_ in notices(warehouse)] == [("not read", "file in an archive", 1)]


def test_a_zip_archive_with_a_file_that_cannot_be_read_is_refused_whole(warehouse):
    looks_contract(warehouse)
    warehouse.land("looks/2005.csv.zip", zipped(a__csv=HEADER + "1;900001;13/04/2005;3;\n", b__csv="other;columns\n"))
    assert status_of_one_load(warehouse, "follow_up").startswith(
        "refused: in the zip archive, file 2 of 2: the header lacks the contract's column(s): id"
    )
    assert looks(warehouse) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(), "the zip archive holds no file"),
        (zipped(a__csv=HEADER)[:-9], "the zip archive is cut off or damaged"),
        (with_a_damaged_stream(zipped(a__csv=HEADER)), "the zip archive is cut off or damaged"),
        (
            zipped(a__csv=HEADER + ";" * 80_000_000),
            "the zip archive unpacks to 76 MiB, beyond all proportion to its size",
        ),
    ],
    ids=["empty", "cut off", "a damaged stream", "a bomb"],
)
def test_a_zip_archive_that_cannot_be_unpacked_is_refused(warehouse, content, reason):
    looks_contract(warehouse)
    warehouse.land("looks/a.csv.zip", content)
    assert status_of_one_load(warehouse, "follow_up") == f"refused: {reason}"


# columns

CHOICES = """
version: "1"
feed: follow_up
file_pattern: looks/*.csv
format: delimited
key: [event_id]
fields:
  event_id: {columns: [study, visit], joined_by: "/", required: true}
  mrn: {column: mrn_new, otherwise: [mrn_old, pid], pad_zeros_to: 6, strip_prefix: "MRN", required: true}
  event_date: {column: dt, formats: ["%Y-%m-%d"], required: true}
  event_type: {constant: imaging}
  finding: {constant: no_evidence_of_disease}
"""


def test_a_second_choice_of_column_a_key_of_two_columns_and_padded_identifiers(warehouse):
    write_contract(warehouse, "choices", CHOICES)
    warehouse.land(
        "looks/a.csv",
        "study,visit,mrn_new,mrn_old,dt\n"
        "S1,1,MRN451,9,2005-04-03\n"  # the first choice has a value
        "S1,2,,000452,2005-04-03\n"  # it has none
        "S2,1,453.0,,2005-04-03\n"  # what a data frame made of a number
        "S2,,1234567,,2005-04-03\n",  # longer than the pad; half a key is a key of its own
    )
    (load,) = warehouse.load("follow_up")
    assert load.rows_loaded == 4
    assert warehouse.rows("SELECT event_id, mrn FROM raw.follow_up ORDER BY source_line") == [
        ("S1/1", "000451"),
        ("S1/2", "000452"),
        ("S2/1", "000453"),
        ("S2/", "1234567"),
    ]


def test_a_file_needs_one_of_the_choices_only(warehouse):
    write_contract(warehouse, "choices", CHOICES)
    warehouse.land("looks/a.csv", "study,visit,pid,dt\nS1,1,451,2005-04-03\n")
    assert status_of_one_load(warehouse, "follow_up") == "loaded"
    warehouse.land("looks/b.csv", "study,visit,dt\nS1,1,2005-04-03\n")
    assert status_of_one_load(warehouse, "follow_up") == (
        "refused: the header lacks the contract's column(s): mrn_new or mrn_old or pid"
    )


def test_zeros_before_an_identifier_are_taken_away(warehouse):
    write_contract(warehouse, "choices", CHOICES.replace("pad_zeros_to: 6", "strip_zeros: true"))
    warehouse.land(
        "looks/a.csv", "study,visit,pid,dt\nS1,1,000451,2005-04-03\nS1,2,MRN0452,2005-04-03\nS1,3,0,2005-04-03\n"
    )
    warehouse.load("follow_up")
    assert warehouse.rows("SELECT mrn FROM raw.follow_up ORDER BY source_line") == [("451",), ("452",), ("0",)]


# follow-up in wide form

WIDE = """
version: "1"
feed: follow_up
file_pattern: looks/*.csv
format: delimited
missing_values: ["", "NA"]
key: [mrn, event_id]
fields:
  event_id: {column: "{n}", required: true}
  mrn: {column: mrn, required: true}
  event_date: {column: "fu{n}_date", formats: ["%Y-%m-%d"], required: true}
  event_type: {constant: imaging}
  finding: {column: "fu{n}_result", codes: {"0": no_evidence_of_disease, "3": definite}, required: true}
"""


def test_follow_up_in_wide_form_is_a_record_a_look(warehouse):
    write_contract(warehouse, "wide", WIDE)
    warehouse.land(
        "looks/a.csv",
        "mrn,fu1_date,fu1_result,fu2_date,fu2_result,fu10_date,fu10_result,fu_note\n"
        "900001,2005-04-03,0,2006-04-03,3,,,x\n"
        "900002,NA,NA,,,2007-04-03,0,\n"  # the tenth look only
        "900003,,,,,,,never seen\n"  # no look, no record
        "900004,2005-04-03,,,,,,\n"  # a look without its result
        "900005,2005-04-03\n",  # a row of another shape
    )
    (load,) = warehouse.load("follow_up")
    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (5, 3, 2)
    assert warehouse.rows("SELECT mrn, event_id, event_date, finding, source_line FROM raw.follow_up ORDER BY ALL") == [
        ("900001", "1", "2005-04-03", "no_evidence_of_disease", 2),
        ("900001", "2", "2006-04-03", "definite", 2),
        ("900002", "10", "2007-04-03", "no_evidence_of_disease", 3),
    ]
    assert rejected(warehouse) == [
        (5, "finding", None, "required, but missing"),
        (6, None, None, "2 fields where the header has 8"),
    ]


def test_columns_that_a_program_left_without_a_number_are_told(warehouse):
    write_contract(warehouse, "wide", WIDE.replace("fu{n}_date", "date.{n}").replace("fu{n}_result", "result.{n}"))
    warehouse.land("looks/a.csv", "mrn,date,result,date.1,result.1\n900001,2004-04-03,0,2005-04-03,3\n")
    warehouse.load("follow_up")
    assert warehouse.rows("SELECT event_id, event_date FROM raw.follow_up") == [("1", "2005-04-03")]
    assert [(what, n) for _, what, n, *_ in notices(warehouse)] == [("column without a number", 2)]


def test_a_wide_table_that_lacks_one_of_its_numbered_columns_is_refused(warehouse):
    write_contract(warehouse, "wide", WIDE)
    warehouse.land("looks/a.csv", "mrn,fu1_date,fu1_result,fu2_date\n900001,2005-04-03,0,2006-04-03\n")
    assert status_of_one_load(warehouse, "follow_up") == (
        "refused: the header lacks the contract's numbered column(s): fu2_result"
    )
