"""One table in every text dialect gives the same rows; damage is told by line and reason; units and sentinels."""

import csv
import gzip
import io

import pytest

OPERATIONS_CONTRACT = """
version: "1"
feed: registry
file_pattern: operations/*.{ending}
format: {format}
{settings}
key: [registry_record_id]
fields:
  registry_record_id: {{column: id, required: true}}
  mrn: {{column: patient, required: true}}
  last_name: {{column: name}}
  first_name: {{column: remark}}
  operation_date: {{column: operated, formats: ["%Y-%m-%d"], required: true}}
  metastasis_count: {{column: nodules}}
  cea_ng_ml: {{column: cea}}
"""

OPERATIONS = [
    ["id", "patient", "name", "remark", "operated", "nodules", "cea"],
    ["R1", "A1", "Müller", 'said "no", then;\t|\nyes', "2000-12-31", "3", "12.5"],
    ["R2", "A2", "Núñez", "", "2001-01-02", "", "0.75"],
    ["R3", "A3", "Loëb", "Zoé", "2001-02-03", "1", ""],
]

CANONICAL_OPERATIONS = [
    ("R1", "A1", "Müller", 'said "no", then;\t|\nyes', "2000-12-31", "3", "12.5"),
    ("R2", "A2", "Núñez", None, "2001-01-02", None, "0.75"),
    ("R3", "A3", "Loëb", "Zoé", "2001-02-03", "1", None),
]


def operations_contract(warehouse, *settings: str, file_format: str = "delimited", ending: str = "csv") -> None:
    text = OPERATIONS_CONTRACT.format(format=file_format, settings="\n".join(settings), ending=ending)
    write_contract(warehouse, "operations", text)


def write_contract(warehouse, name: str, text: str) -> None:
    (warehouse.contracts_folder / "a_hospital" / f"{name}.yml").write_text(text, encoding="utf-8")


def operations_text(delimiter: str = ",", decimal_sign: str = ".", line_end: str = "\n") -> str:
    written = io.StringIO(newline="")
    rows = [[*row[:-1], row[-1].replace(".", decimal_sign)] for row in OPERATIONS]
    csv.writer(written, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    return written.getvalue()


def canonical_operations(warehouse) -> list[tuple]:
    return warehouse.rows(
        """SELECT registry_record_id, mrn, last_name, first_name, operation_date, metastasis_count, cea_ng_ml
           FROM raw.registry ORDER BY registry_record_id"""
    )


def rejected(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT source_line, field, value, reason FROM raw.rejected_records ORDER BY ALL")


def status_of_one_load(warehouse, feed: str = "registry") -> str:
    (load,) = warehouse.load(feed)
    return load.status


# dialects


def test_the_table_as_it_stands_in_a_file_with_its_lines_and_its_records_verbatim(warehouse):
    operations_contract(warehouse)
    warehouse.land(
        "operations/o.csv",
        "id,patient,name,remark,operated,nodules,cea\n"
        'R1,A1,Müller,"said ""no"", then;\t|\n'
        'yes",2000-12-31,3,12.5\n'
        "R2,A2,Núñez,,2001-01-02,,0.75\n"
        "R3,A3,Loëb,Zoé,2001-02-03,1,\n",
    )
    (load,) = warehouse.load("registry")

    assert (load.status, load.rows_read, load.rows_loaded, load.fields_rejected) == ("loaded", 3, 3, 0)
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS
    assert warehouse.rows("SELECT source_line, payload FROM raw.registry ORDER BY source_line") == [
        (2, 'R1,A1,Müller,"said ""no"", then;\t|\nyes",2000-12-31,3,12.5'),
        (4, "R2,A2,Núñez,,2001-01-02,,0.75"),
        (5, "R3,A3,Loëb,Zoé,2001-02-03,1,"),
    ]


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("is_sniffed", [False, True], ids=["declared", "sniffed"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "pipe"])
def test_every_delimiter_gives_the_same_rows(warehouse, delimiter, is_sniffed, is_packed):
    declared = "\\t" if delimiter == "\t" else delimiter
    operations_contract(warehouse, f'delimiter: "{"sniff" if is_sniffed else declared}"')
    text = operations_text(delimiter).encode()
    warehouse.land(f"operations/o.csv{'.gz' if is_packed else ''}", gzip.compress(text) if is_packed else text)

    assert status_of_one_load(warehouse) == "loaded"
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("utf-8-sig", "utf-8-sig"),
        ("latin-1", "latin-1"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("sniff", "utf-8"),
        ("sniff", "utf-8-sig"),
        ("sniff", "cp1252"),
        ("sniff", "utf-16"),
    ],
)
def test_every_encoding_gives_the_same_rows(warehouse, declared, written, is_packed):
    operations_contract(warehouse, f"encoding: {declared}")
    text = operations_text().encode(written)
    warehouse.land(f"operations/o.csv{'.gz' if is_packed else ''}", gzip.compress(text) if is_packed else text)

    assert status_of_one_load(warehouse) == "loaded"
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


def test_big_endian_utf_16_is_told_by_its_mark(warehouse):
    operations_contract(warehouse, "encoding: sniff")
    warehouse.land("operations/o.csv", b"\xfe\xff" + operations_text().encode("utf-16-be"))
    warehouse.load("registry")
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


def test_sniffing_takes_what_is_no_utf_8_for_windows_1252_with_its_curly_quotes(warehouse):
    operations_contract(warehouse, "encoding: sniff")
    warehouse.land("operations/o.csv", operations_text().replace("Loëb", "L’œb€").encode("cp1252"))
    warehouse.load("registry")
    assert warehouse.rows("SELECT last_name FROM raw.registry ORDER BY ALL") == [("L’œb€",), ("Müller",), ("Núñez",)]


def test_bytes_of_another_encoding_are_refused_with_their_line(warehouse):
    operations_contract(warehouse)
    warehouse.land("operations/o.csv", operations_text().replace("ü", "u").encode("latin-1"))
    assert (
        status_of_one_load(warehouse)
        == "refused: line 4 is not utf-8 text and the contract declares no fallback_encoding"
    )


@pytest.mark.parametrize("line_end", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_other_line_ends_give_the_same_rows_and_lines(warehouse, line_end):
    operations_contract(warehouse)
    warehouse.land("operations/o.csv", operations_text(line_end=line_end))
    warehouse.load("registry")

    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS
    assert warehouse.rows("SELECT source_line FROM raw.registry ORDER BY ALL") == [(2,), (4,), (5,)]
    assert warehouse.rows("SELECT payload FROM raw.registry WHERE registry_record_id = 'R3'") == [
        ("R3,A3,Loëb,Zoé,2001-02-03,1,",)
    ]


def test_a_line_break_within_quotes_stays_as_the_file_has_it(warehouse):
    operations_contract(warehouse)
    warehouse.land("operations/o.csv", operations_text(line_end="\r\n").replace("|\nyes", "|\r\nyes"))
    warehouse.load("registry")
    assert warehouse.rows("SELECT first_name FROM raw.registry WHERE mrn = 'A1'") == [('said "no", then;\t|\r\nyes',)]


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        (
            [],
            "refused: the last line has no end: the file may be half written"
            " (a system that never ends its last line: set `ends_with_newline: false` in the contract)",
        ),
        (["ends_with_newline: false"], "loaded"),
    ],
)
def test_a_last_line_without_end_is_refused_unless_the_contract_expects_it(warehouse, settings, status):
    operations_contract(warehouse, *settings)
    warehouse.land("operations/o.csv", operations_text().removesuffix("\n"))

    assert status_of_one_load(warehouse) == status
    assert canonical_operations(warehouse) == (CANONICAL_OPERATIONS if status == "loaded" else [])


def test_a_last_line_without_end_is_taken_on_the_slow_road_too(warehouse):
    operations_contract(warehouse, "ends_with_newline: false")
    warehouse.land("operations/o.csv", operations_text().replace("Zoé", '5" tube').removesuffix("\n"))
    warehouse.load("registry")
    assert canonical_operations(warehouse)[2] == ("R3", "A3", "Loëb", '5" tube', "2001-02-03", "1", None)


# decimal signs


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("delimiter", [",", ";"], ids=["comma", "semicolon"])
@pytest.mark.parametrize(("declared", "written"), [(".", "."), (",", ","), ("sniff", "."), ("sniff", ",")])
def test_either_decimal_sign_gives_the_same_rows(warehouse, declared, written, delimiter, is_packed):
    operations_contract(warehouse, f'decimal_sign: "{declared}"', f'delimiter: "{delimiter}"')
    text = operations_text(delimiter, written).encode()
    warehouse.land(f"operations/o.csv{'.gz' if is_packed else ''}", gzip.compress(text) if is_packed else text)

    assert status_of_one_load(warehouse) == "loaded"
    assert canonical_operations(warehouse) == CANONICAL_OPERATIONS


CEA_HEADER = "id;patient;name;remark;operated;nodules;cea\n"


def operations_with_cea(*values: str) -> str:
    return CEA_HEADER + "".join(f"R{n};A{n};N;;2000-12-31;2;{value}\n" for n, value in enumerate(values, start=1))


MIXED = "refused: numbers with a decimal point and numbers with a comma: declare the contract's `decimal_sign`"
AMBIGUOUS = "refused: a comma in numbers that may separate thousands: declare the contract's `decimal_sign`"


@pytest.mark.parametrize(
    ("values", "status", "numbers"),
    [
        (("12,5", "0.75"), MIXED, []),
        (("1.234,5", "7"), MIXED, []),
        (("1,234", "7"), AMBIGUOUS, []),
        (("1,234,567", "12"), AMBIGUOUS, []),
        (("1,234", "0,75"), "loaded", [("1.234",), ("0.75",)]),
        (("1234,567", "12"), "loaded", [("1234.567",), ("12.0",)]),
        (("7", "12"), "loaded", [("7.0",), ("12.0",)]),
        (("", "NA"), "loaded", [(None,), (None,)]),
    ],
)
def test_sniffing_the_decimal_sign_refuses_what_can_be_read_in_two_ways(warehouse, values, status, numbers):
    operations_contract(warehouse, 'decimal_sign: "sniff"', 'delimiter: ";"', 'missing_values: ["", NA]')
    warehouse.land("operations/o.csv", operations_with_cea(*values))

    assert status_of_one_load(warehouse) == status
    assert warehouse.rows("SELECT cea_ng_ml FROM raw.registry ORDER BY mrn") == numbers


def test_a_word_with_a_point_in_it_is_no_number_with_a_decimal_point(warehouse):
    operations_contract(warehouse, 'decimal_sign: "sniff"', 'delimiter: ";"')
    warehouse.land("operations/o.csv", operations_with_cea("12,5", "n.a."))

    assert status_of_one_load(warehouse) == "loaded"
    assert warehouse.rows("SELECT cea_ng_ml FROM raw.registry ORDER BY mrn") == [("12.5",), (None,)]
    assert rejected(warehouse) == [(3, "cea_ng_ml", "n.a.", "not a number")]


@pytest.mark.parametrize(
    ("declared", "value"), [(".", "12,5"), (",", "12.5"), (".", "1,234"), (".", "nan"), (".", "inf")]
)
def test_a_number_with_another_sign_than_declared_is_missing_and_listed(warehouse, declared, value):
    operations_contract(warehouse, f'decimal_sign: "{declared}"', 'delimiter: ";"')
    warehouse.land("operations/o.csv", operations_with_cea(value))
    (load,) = warehouse.load("registry")

    assert (load.rows_loaded, load.fields_rejected) == (1, 1)
    assert warehouse.rows("SELECT cea_ng_ml FROM raw.registry") == [(None,)]
    assert rejected(warehouse) == [(2, "cea_ng_ml", value, "not a number")]


# quotes, ragged rows, headers

NOTES_CONTRACT = """
version: "1"
feed: follow_up
file_pattern: notes/*.csv
format: delimited
key: [event_id]
fields:
  event_id: {column: id, required: true}
  mrn: {column: mrn, required: true}
  note: {column: note}
"""


@pytest.fixture
def notes(warehouse):
    write_contract(warehouse, "notes", NOTES_CONTRACT)
    return warehouse


def test_ragged_rows_among_quoted_ones_keep_their_lines_and_their_text(notes):
    notes.land(
        "notes/n.csv",
        "id,mrn,note\n"
        'E1,A1,"two\nlines"\n'  # lines 2 and 3
        'E2,A2,"three\n\nlines",and more\n'  # lines 4 to 6: a field too many
        "\n"  # line 7
        'E3,"A3"\n'  # line 8: a field too few
        'E4,A4,"a ""word"", quoted"\n',  # line 9
    )
    (load,) = notes.load("follow_up")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (4, 2, 2)
    assert notes.rows("SELECT source_line, event_id, note, payload FROM raw.follow_up ORDER BY source_line") == [
        (2, "E1", "two\nlines", 'E1,A1,"two\nlines"'),
        (9, "E4", 'a "word", quoted', 'E4,A4,"a ""word"", quoted"'),
    ]
    assert notes.rows("SELECT source_line, reason, payload FROM raw.rejected_records ORDER BY source_line") == [
        (4, "4 fields where the header has 3", 'E2,A2,"three\n\nlines",and more'),
        (8, "2 fields where the header has 3", 'E3,"A3"'),
    ]


def test_a_stray_quote_in_the_middle_of_a_field_is_a_character_like_any_other(notes):
    notes.land(
        "notes/n.csv",
        'id,mrn,note\nE1,A1,a 5" tube\nE2,A2,"two\nlines"\n\nE3,A3\nE4,A4,10" by 3"\n',
    )
    (load,) = notes.load("follow_up")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (4, 3, 1)
    assert notes.rows("SELECT source_line, event_id, note, payload FROM raw.follow_up ORDER BY source_line") == [
        (2, "E1", 'a 5" tube', 'E1,A1,a 5" tube'),
        (3, "E2", "two\nlines", 'E2,A2,"two\nlines"'),
        (7, "E4", '10" by 3"', 'E4,A4,10" by 3"'),
    ]
    assert notes.rows("SELECT source_line, reason, payload FROM raw.rejected_records") == [
        (6, "2 fields where the header has 3", "E3,A3")
    ]


@pytest.mark.parametrize("stray", ["", '5" tube'], ids=["by itself", "after a stray quote"])
def test_a_row_whose_shape_cannot_be_read_names_no_patient_whichever_way_it_was_read(notes, stray):
    notes.land("notes/n.csv", f"id,mrn,note\nE1,A1,{stray}\nE2,A2\n")
    notes.load("follow_up")
    assert notes.rows("SELECT source_line, mrn FROM raw.rejected_records") == [(3, None)]


def test_a_quote_that_is_never_closed_refuses_the_file_and_names_the_line(notes):
    notes.land("notes/n.csv", 'id,mrn,note\nE1,A1,"two\nlines"\nE2,A2,"open\nE3,A3,n\nE4,A4,n\n')
    assert status_of_one_load(notes, "follow_up") == "refused: a quote opened in the record of line 4 is never closed"
    assert notes.rows("SELECT count(*) FROM raw.follow_up") == [(0,)]


def test_a_header_that_names_a_wanted_column_twice_is_refused(notes):
    notes.land("notes/n.csv", "id,mrn,note,mrn\nE1,A1,n,A2\n")
    assert (
        status_of_one_load(notes, "follow_up")
        == "refused: the header names the contract's column(s) more than once: mrn"
    )


def test_a_header_that_names_an_unwanted_column_twice_is_taken(notes):
    notes.land("notes/n.csv", "id,mrn,note,room,room\nE1,A1,n,1,2\n")
    notes.load("follow_up")
    assert notes.rows("SELECT event_id, mrn, note FROM raw.follow_up") == [("E1", "A1", "n")]


@pytest.mark.parametrize("header", ["id,MRN,mrn,note", "id,mrn,MRN,note"])
def test_columns_that_differ_in_capital_letters_only_are_told_apart(notes, header):
    values = {"id": "E1", "MRN": "another number", "mrn": "A1", "note": "n"}
    notes.land("notes/n.csv", f"{header}\n{','.join(values[name] for name in header.split(','))}\n")
    notes.load("follow_up")
    assert notes.rows("SELECT event_id, mrn, note FROM raw.follow_up") == [("E1", "A1", "n")]


@pytest.mark.parametrize("name", ["payload", "source_line", "structure_problem", "record_number", "Record_Number"])
def test_a_column_of_the_hospital_may_have_the_name_of_one_of_the_readers_own(notes, name):
    notes.land("notes/n.csv", f"id,mrn,note,{name}\nE1,A1,n,77\n")

    assert status_of_one_load(notes, "follow_up") == "loaded"
    assert notes.rows("SELECT source_line, event_id, mrn, note, payload FROM raw.follow_up") == [
        (2, "E1", "A1", "n", "E1,A1,n,77")
    ]


def test_a_header_without_rows_is_a_file_with_no_records(notes):
    notes.land("notes/n.csv", "id,mrn,note\n")
    (load,) = notes.load("follow_up")
    assert (load.status, load.rows_read, load.rows_loaded) == ("loaded", 0, 0)


def test_blank_lines_are_no_records(notes):
    notes.land("notes/n.csv", "id,mrn,note\n\n\nE1,A1,n\n\r\nE2,A2,n\n\n")
    (load,) = notes.load("follow_up")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (2, 2, 0)
    assert notes.rows("SELECT source_line, event_id FROM raw.follow_up ORDER BY ALL") == [(4, "E1"), (6, "E2")]


@pytest.mark.parametrize("quote", ["", '"'], ids=["bare", "quoted"])
def test_a_note_of_three_megabytes_is_taken(notes, quote):
    notes.land("notes/n.csv", f"id,mrn,note\nE1,A1,{quote}{'x' * 3_000_000}{quote}\nE2,A2,n\n")

    assert status_of_one_load(notes, "follow_up") == "loaded"
    assert notes.rows("SELECT event_id, length(note) FROM raw.follow_up ORDER BY ALL") == [("E1", 3_000_000), ("E2", 1)]


# units, constants, missing values, rows of others

MEASURES_CONTRACT = """
version: "1"
feed: registry
file_pattern: measures/*.csv
format: delimited
missing_values: ["", "-999", NK]
key: [registry_record_id]
fields:
  registry_record_id: {column: id, required: true}
  mrn: {column: id, required: true}
  operation_date: {is_time_zero: true}
  diagnosis: {constant: colorectal_liver_metastasis}
  largest_metastasis_cm: {column: size_mm, unit: mm, maximum: 30}
  cea_ng_ml: {column: cea, unit: µg/L}
  metastasis_count: {column: nodules, missing_values: ["97", "98", "99"]}
  primary_resection_date: {column: months_to_primary, unit: months_of_30_days}
"""


@pytest.fixture
def measures(warehouse):
    write_contract(warehouse, "measures", MEASURES_CONTRACT)
    return warehouse


def test_units_become_the_warehouses_and_durations_become_days_after_time_zero(measures):
    measures.land(
        "measures/m.csv",
        "id,size_mm,cea,nodules,months_to_primary\n"
        "R1,35,7.5,2,12\n"
        "R2,7,12,3,1.5\n"
        "R3,310,+1e2,1.0,0\n"  # line 4: 31 cm
        "R4,.5,1,1.5,-1\n",  # line 5: one and a half nodules, a month before the operation
    )
    measures.load("registry")

    assert measures.rows(
        """SELECT registry_record_id, operation_date, diagnosis, largest_metastasis_cm, cea_ng_ml, metastasis_count,
                  primary_resection_date FROM raw.registry ORDER BY registry_record_id"""
    ) == [
        ("R1", "1900-01-01", "colorectal_liver_metastasis", "3.5", "7.5", "2", "1900-12-27"),
        ("R2", "1900-01-01", "colorectal_liver_metastasis", "0.7", "12.0", "3", "1900-02-15"),
        ("R3", "1900-01-01", "colorectal_liver_metastasis", None, "100.0", "1", "1900-01-01"),
        ("R4", "1900-01-01", "colorectal_liver_metastasis", "0.05", "1.0", None, None),
    ]
    assert rejected(measures) == [
        (4, "largest_metastasis_cm", "310", "above the maximum of 30"),
        (5, "metastasis_count", "1.5", "not a whole number"),
        (5, "primary_resection_date", "-1", "not a duration in months_of_30_days from the operation on"),
    ]


def test_missing_values_count_per_field_and_per_contract_and_are_no_rejects(measures):
    measures.land(
        "measures/m.csv",
        "id,size_mm,cea,nodules,months_to_primary\n"
        "R1,99,98,97,-999\n"  # 99 mm and 98 µg/L are measured, 97 nodules are not
        "R2,-999,NK,98,NK\n"
        "R3, NK ,-999, 99 ,\n"
        "R4,97,99,96,97\n",
    )
    (load,) = measures.load("registry")

    assert (load.rows_loaded, load.fields_rejected) == (4, 0)
    assert measures.rows(
        """SELECT registry_record_id, largest_metastasis_cm, cea_ng_ml, metastasis_count, primary_resection_date
           FROM raw.registry ORDER BY registry_record_id"""
    ) == [
        ("R1", "9.9", "98.0", None, None),
        ("R2", None, None, None, None),
        ("R3", None, None, None, None),
        ("R4", "9.7", "99.0", "96", "1907-12-21"),
    ]


EVENTS_CONTRACT = """
version: "1"
feed: follow_up
file_pattern: events/*.csv
format: delimited
missing_values: ["", NK]
only_rows: {kind: [CT, MRI], status: [done]}
key: [event_id]
fields:
  event_id: {column: id, required: true}
  mrn: {column: id, required: true}
  event_date: {column: day, formats: ["%Y-%m-%d"], required: true}
  finding: {column: found, codes: {n: no_evidence_of_disease}, required_when_present: true}
  modality: {column: kind}
  note: {column: note}
"""


def test_rows_of_other_contracts_are_counted_as_passed_over_and_not_read(warehouse):
    write_contract(warehouse, "events", EVENTS_CONTRACT)
    warehouse.land(
        "events/e.csv",
        "id,day,found,kind,status,note\n"
        "E1,2001-01-01,n,CT,done,\n"
        "E2,never,?,clinic,done,\n"  # another kind: its date and finding are not judged
        "E3,2001-01-03,n, MRI ,done,x\n"
        "E4,2001-01-04,n,CT,planned,\n"
        "E5,2001-01-05,n,,done,\n"
        "E6,2001-01-06\n",  # may be ours: rejected, not lost
    )
    (load,) = warehouse.load("follow_up")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected, load.rows_passed_over) == (3, 2, 1, 3)
    assert warehouse.rows("SELECT event_id, source_line, modality FROM raw.follow_up ORDER BY ALL") == [
        ("E1", 2, "CT"),
        ("E3", 4, "MRI"),
    ]
    assert rejected(warehouse) == [(7, None, None, "2 fields where the header has 6")]
    assert warehouse.rows("SELECT rows_read, rows_passed_over FROM raw.ingest_ledger") == [(3, 3)]


def test_a_required_value_decides_over_the_record_and_an_optional_one_over_itself(warehouse):
    write_contract(warehouse, "events", EVENTS_CONTRACT)
    warehouse.land(
        "events/e.csv",
        "id,day,found,kind,status,note\n"
        "E1,NK,n,CT,done,\n"  # required: missing
        "E2,2001-13-01,n,CT,done,\n"  # required: no date
        "E3,2001-01-03,,CT,done,\n"  # required when present: may be missing
        "E4,2001-01-04,perhaps,CT,done,\n"  # required when present: must be readable
        "E5,2001-01-05,NK,CT,done,NK\n",
    )
    (load,) = warehouse.load("follow_up")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected, load.fields_rejected) == (5, 2, 3, 0)
    assert warehouse.rows("SELECT event_id, finding, note FROM raw.follow_up ORDER BY ALL") == [
        ("E3", None, None),
        ("E5", None, None),
    ]
    assert rejected(warehouse) == [
        (2, "event_date", None, "required, but missing"),
        (3, "event_date", "2001-13-01", "not a date of the form %Y-%m-%d"),
        (5, "finding", "perhaps", "unknown code"),
    ]
