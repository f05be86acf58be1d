"""A stray quote never puts one patient's records into another's text, and a decimal comma never moves a column."""

import pytest

from tests.ingestion.test_formats_text import NOTES_CONTRACT, rejected, write_contract

REPORTS_CONTRACT = """
version: "1"
feed: pathology_messages
system: reports
file_pattern: reports/*.csv
format: {format}
{more}
key: [message_control_id]
fields:
  message_control_id: {{column: id, required: true}}
  mrn: {{column: mrn, required: true}}
  accession_number: {{column: accession, required: true}}
  collected_date: {{column: day, formats: ["%Y-%m-%d"], required: true}}
  report_status: {{column: status, codes: {{F: final}}, required: true}}
lines:
  - {{section: final_diagnosis, column: text}}
"""
HEADER = "id,mrn,accession,day,status,text\n"
BEHIND_A_QUOTE = "text stands straight behind the closing quote of a field of lines {}: a quote in these lines is stray"
SWALLOWED = (
    "the quoted text of lines {} holds a line with the shape of a record: a quote in these lines is stray or not closed"
)


@pytest.fixture
def reports(warehouse):
    write_contract(warehouse, "reports", REPORTS_CONTRACT.format(format="delimited", more=""))
    return warehouse


def texts(warehouse) -> list[tuple]:
    return warehouse.rows(
        "SELECT message_control_id, observations[1].value FROM raw.pathology_messages ORDER BY message_control_id"
    )


def payloads(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT source_line, mrn, payload FROM raw.rejected_records ORDER BY source_line")


@pytest.mark.parametrize("file_format", ["delimited", "redcap"])
def test_a_quote_that_closes_in_the_midst_of_another_patients_text_rejects_the_lines_between(warehouse, file_format):
    write_contract(warehouse, "reports", REPORTS_CONTRACT.format(format=file_format, more=""))
    warehouse.land(
        "reports/r.csv",
        HEADER + 'K1,000451,S03-1,2003-03-14,F,"Liver: margin free 12 mm\n'
        "K2,000452,S03-2,2003-03-15,F,Liver: tumor at the inked margin\n"
        'K3,000453,S03-3,2003-03-16,F,"Segment 4" resection: margin 3 mm\n'
        "K4,000454,S03-4,2003-03-17,F,Liver: margin 5 mm\n",
    )
    (load,) = warehouse.load("pathology_messages")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (4, 1, 3)
    assert texts(warehouse) == [("K4", "Liver: margin 5 mm")]
    reason = BEHIND_A_QUOTE.format("2 to 4")
    assert rejected(warehouse) == [(line, None, None, reason) for line in (2, 3, 4)]
    assert payloads(warehouse) == [
        (2, None, 'K1,000451,S03-1,2003-03-14,F,"Liver: margin free 12 mm'),
        (3, None, "K2,000452,S03-2,2003-03-15,F,Liver: tumor at the inked margin"),
        (4, None, 'K3,000453,S03-3,2003-03-16,F,"Segment 4" resection: margin 3 mm'),
    ]


def test_a_text_of_several_lines_with_a_quote_that_is_not_doubled_is_not_loaded_cut_short(reports):
    reports.land(
        "reports/r.csv",
        HEADER + 'K1,000451,S03-1,2003-03-14,F,"Liver:\nthe "left" lobe\nmargin free"\n'
        "K2,000452,S03-2,2003-03-15,F,margin 5 mm\n",
    )
    reports.load("pathology_messages")

    assert texts(reports) == [("K2", "margin 5 mm")]
    assert rejected(reports) == [
        (2, None, None, BEHIND_A_QUOTE.format("2 to 3")),
        (3, None, None, BEHIND_A_QUOTE.format("2 to 3")),
        (4, None, None, "1 fields where the header has 6"),
    ]


@pytest.mark.parametrize(
    "more", ["", 'escape_character: "\\\\"'], ids=["no escape character", "with an escape character"]
)
def test_text_behind_a_closing_quote_within_one_line_is_read_as_ever_whatever_stands_beside_it(warehouse, more):
    write_contract(warehouse, "reports", REPORTS_CONTRACT.format(format="delimited", more=more))
    escaped = 'a \\" b\n\nc' if more else 'a ""b""\n\nc'
    warehouse.land("reports/r.csv", HEADER + f'K1,"000451"0,S03-1,2003-03-14,F,"{escaped}"\n')
    (load,) = warehouse.load("pathology_messages")

    assert (load.rows_read, load.rows_loaded) == (1, 1)
    read = escaped.replace('""', '"').replace('\\"', '"')
    assert warehouse.rows("SELECT mrn, observations[1].value FROM raw.pathology_messages") == [("0004510", read)]


DITTO = (
    'K1,000451,S03-1,2003-03-14,F,"\n'
    "K2,000452,S03-2,2003-03-15,F,\"\n"
    "K3,000453,S03-3,2003-03-16,F,margin 3 mm\n"
)  # fmt: skip
CLOSED_AT_A_LINES_END = (
    'K1,000451,S03-1,2003-03-14,F,"Liver: margin free\n'
    'K2,000452,S03-2,2003-03-15,F,tumor at the margin of the block of 5"\n'
    "K3,000453,S03-3,2003-03-16,F,margin 3 mm\n"
)
IN_A_COLUMN_BEFORE = (
    'K1,000451,S03-1,",F,margin free\n'
    'K2,000452,S03-2,",F,tumor at the margin\n'
    "K3,000453,S03-3,2003-03-16,F,margin 3 mm\n"
)


@pytest.mark.parametrize("header", [HEADER, HEADER.replace("\n", ",\n")], ids=["", "wider header"])
@pytest.mark.parametrize("slow", ["", 'K4,000454,S03-4,2003-03-17,F,a 5" tube\n'], ids=["fast road", "slow road"])
@pytest.mark.parametrize(
    "lines", [DITTO, CLOSED_AT_A_LINES_END, IN_A_COLUMN_BEFORE], ids=["ditto", "at a line's end", "in another column"]
)  # fmt: skip
def test_a_regular_quoted_text_that_holds_a_line_with_the_shape_of_a_record_rejects_its_lines(
    reports, header, lines, slow
):
    reports.land("reports/r.csv", header + lines + slow)
    reports.load("pathology_messages")

    assert [key for key, _ in texts(reports)] == (["K3", "K4"] if slow else ["K3"])
    assert rejected(reports) == [(line, None, None, SWALLOWED.format("2 to 3")) for line in (2, 3)]


def test_report_texts_that_span_lines_are_no_records_however_many_commas_they_have(reports):
    text = (
        "Liver, segments 4, 5, 6, 7, and 8:\n1,2,3,4,5,6,7\nS03-2,a,b,c,d,e\nK9, 000459, S03-9, 2003-03-14, F, x\n,,,,,"
    )
    reports.land("reports/r.csv", HEADER + f'K1,000451,S03-1,2003-03-14,F,"{text}"\n')
    (load,) = reports.load("pathology_messages")
    assert (load.rows_read, load.rows_loaded, load.n_notices) == (1, 1, 0)
    assert texts(reports) == [("K1", text)]


def test_lists_of_small_numbers_in_a_note_are_no_records_of_patients_with_small_numbers(warehouse):
    write_contract(warehouse, "notes", NOTES_CONTRACT)
    warehouse.land("notes/n.csv", 'id,mrn,note\n1,7,"segments\n4,5,6"\n2,8,x\n')
    (load,) = warehouse.load("follow_up")
    assert (load.rows_read, load.rows_loaded) == (2, 2)


def test_a_table_without_a_number_of_its_own_beside_the_patients_is_not_judged_by_the_shape_of_its_lines(warehouse):
    write_contract(
        warehouse,
        "contacts",
        'version: "1"\nfeed: vital_status\nfile_pattern: contacts/*.csv\nformat: delimited\nkey: [mrn]\n'
        "fields:\n  mrn: {column: mrn, required: true}\n  vital_status: {column: said, codes: {x: alive}}\n",
    )
    warehouse.land("contacts/c.csv", 'mrn,said\n12,"margin\n12,5 mm"\n13,x\n')
    (load,) = warehouse.load("vital_status")
    assert (load.rows_read, load.rows_loaded) == (2, 2)


SIZES_CONTRACT = """
version: "1"
feed: registry
file_pattern: sizes/*.csv
format: delimited
delimiter: "{delimiter}"
key: [registry_record_id]
fields:
  registry_record_id: {{column: id, required: true}}
  mrn: {{column: mrn, required: true}}
  operation_date: {{column: day, formats: ["%Y-%m-%d"], required: true}}
  largest_metastasis_cm: {{column: size_cm}}
  metastasis_count: {{column: nodules}}
  last_name: {{column: note}}
"""
SIZES = "id,mrn,nodules,day,size_cm,note\n"


def sizes(warehouse, content: str, delimiter: str = ",") -> str:
    write_contract(warehouse, "sizes", SIZES_CONTRACT.format(delimiter=delimiter))
    warehouse.land("sizes/s.csv", content)
    (load,) = warehouse.load("registry")
    return load.status


@pytest.mark.parametrize(
    "slow", ["", 'T3,000453,2,2005-01-02,4,1,\nT4,0004"54,2,2005-01-02,4,1,\n'], ids=["fast", "slow"]
)
def test_decimal_commas_that_are_not_quoted_are_not_taken_for_a_delimiter_at_the_line_ends(warehouse, slow):
    status = sizes(warehouse, SIZES + "T1,000451,1,2003-03-14,3,5,\nT2,000452,2,2004-05-01,6,0,\n,,,,,,\n" + slow)
    assert status == (
        "refused: each row has 1 field(s) more than the header and ends in a delimiter: numbers with a decimal comma that are not"
        " quoted (fields 5 and 6?), or a delimiter at the line ends; quote such numbers, or end the header with a delimiter too"
    )
    assert warehouse.rows("SELECT count(*) FROM raw.registry") == [(0,)]


@pytest.mark.parametrize(
    ("content", "delimiter", "read"),
    [
        # a note that is no number in one of the rows
        (SIZES + "T1,000451,1,2003-03-14,3,5,\nT2,000452,2,2004-05-01,6,none,\n", ",", [("3", "5"), ("6", "none")]),
        # a size with a point: the decimal sign is no comma
        (SIZES + "T1,000451,1,2003-03-14,3.5,5,\nT2,000452,2,2004-05-01,6,7,\n", ",", [("3.5", "5"), ("6", "7")]),
        # another delimiter
        ((SIZES + "T1,000451,1,2003-03-14,3,5,\n").replace(",", ";"), ";", [("3", "5")]),
        # the header says that there is a column more
        (SIZES.replace("note", "note,") + "T1,000451,1,2003-03-14,3,5,\n", ",", [("3", "5")]),
        # the day has its place only so
        ("id,mrn,size_cm,nodules,note,day\nT1,000451,3,5,7,2003-03-14,\n", ",", [("3", "7")]),
    ],
)  # fmt: skip
def test_a_delimiter_at_the_line_ends_is_taken_for_one_where_nothing_else_fits_as_well(
    warehouse, content, delimiter, read
):
    assert sizes(warehouse, content, delimiter) == "loaded"
    found = warehouse.rows("SELECT largest_metastasis_cm, last_name FROM raw.registry ORDER BY registry_record_id")
    assert [(str(float(size)), note) for size, note in found] == [(str(float(size)), note) for size, note in read]
