"""Bad rows are set aside with file, line, field, value and reason; every row read is accounted for."""

HEADER = "id;patient;when;what;where;left\n"


def test_each_kind_of_bad_row_is_rejected_with_its_reason_and_the_good_row_is_loaded(warehouse):
    warehouse.land(
        "treatments/t.csv",
        HEADER
        + "T1;SIM0000001;31.12.2000;op;L,P;0\n"  # line 2: sound
        + "T2;SIM0000001;31.02.2000;op;L;0\n"  # line 3: no such day
        + "T3;SIM0000001;01.02.2091;op;L;0\n"  # line 4: in the future
        + "T4;SIM0000001;01.02.1901;op;L;0\n"  # line 5: before anybody's operation
        + "T5;01.02.2001;SIM0000001;op;L;0\n"  # line 6: columns swapped
        + "T6;SIM0000001;01.02.2001;leeches;L;0\n"  # line 7: unknown code
        + "T7;SIM0000001;01.02.2001;op;L,toe;0\n"  # line 8: unknown code within a list
        + "T8;SIM0000001;01.02.2001\n"  # line 9: cut off
        + ";SIM0000001;01.02.2001;op;L;0\n"  # line 10: no key
        + "T1;SIM0000001;31.12.2000;op;L,P;0\n",  # line 11: the first row again
    )
    (load,) = warehouse.load("treatments")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected, load.rows_duplicate) == (10, 1, 8, 1)
    assert warehouse.rows("SELECT treatment_id, treatment_date, treatment_type, sites FROM raw.treatments") == [
        ("T1", "2000-12-31", "resection", "liver_elsewhere;lung")
    ]
    assert warehouse.rows(
        "SELECT source_line, scope, field, value, reason FROM raw.rejected_records ORDER BY source_line"
    ) == [
        (3, "record", "treatment_date", "31.02.2000", "not a date of the form %d.%m.%Y"),
        (4, "record", "treatment_date", "01.02.2091", "in the future"),
        (5, "record", "treatment_date", "01.02.1901", "before 1980-01-01"),
        (6, "record", "mrn", "01.02.2001", "not of the expected form"),
        (7, "record", "treatment_type", "leeches", "unknown code"),
        (8, "record", "sites", "L,toe", "unknown code in the list"),
        (9, "record", None, None, "3 fields where the header has 6"),
        (10, "record", "treatment_id", None, "required, but missing"),
    ]
    assert warehouse.rows("SELECT payload FROM raw.rejected_records WHERE source_line = 7") == [
        ("T6;SIM0000001;01.02.2001;leeches;L;0",)
    ]


def test_a_date_after_the_last_day_that_the_export_can_tell_of_is_rejected(warehouse):
    """A typing error that the clock of the load does not show: an export of 2012, loaded years later."""
    contract = warehouse.contracts_folder / "a_hospital" / "treatments.yml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(
        text.replace("not_before: 1980-01-01", "not_before: 1980-01-01, not_after: 2012-12-31"), "utf-8"
    )
    warehouse.land("treatments/t.csv", HEADER + "T1;SIM0000001;31.12.2012;op;L;0\nT2;SIM0000001;01.01.2013;op;L;0\n")
    warehouse.load("treatments")

    assert warehouse.rows("SELECT treatment_id FROM raw.treatments") == [("T1",)]
    assert warehouse.rows("SELECT source_line, scope, field, value, reason FROM raw.rejected_records") == [
        (3, "record", "treatment_date", "01.01.2013", "after 2012-12-31")
    ]


def test_a_bad_optional_field_becomes_missing_and_is_listed_while_the_record_is_loaded(warehouse):
    warehouse.land(
        "treatments/t.csv", HEADER + "T1;SIM0000001;31.12.2000;op;;perhaps\nT2;SIM0000001;31.12.2000;op;;9\n"
    )
    (load,) = warehouse.load("treatments")

    assert (load.rows_loaded, load.fields_rejected) == (2, 1)
    assert warehouse.rows("SELECT treatment_id, residual_disease FROM raw.treatments") == [("T1", None), ("T2", None)]
    assert warehouse.rows("SELECT source_line, scope, field, value, reason FROM raw.rejected_records") == [
        (2, "field", "residual_disease", "perhaps", "unknown code")
    ]


def test_line_numbers_survive_blank_lines_and_quoted_line_breaks(warehouse):
    warehouse.land(
        "treatments/t.csv",
        HEADER + '\nT1;SIM0000001;31.12.2000;op;"L,\nP";0\nT2;SIM0000001;never;op;L;0\n',
    )
    warehouse.load("treatments")

    assert warehouse.rows("SELECT source_line FROM raw.treatments") == [(3,)]
    assert warehouse.rows("SELECT source_line FROM raw.rejected_records") == [(5,)]


def test_latin_1_bytes_in_a_utf_8_file_are_read_where_the_contract_allows_it(warehouse):
    warehouse.land("treatments/t.csv", (HEADER + "Té;SIM0000001;31.12.2000;op;L;0\n").encode("latin-1"))
    warehouse.load("treatments")

    assert warehouse.rows("SELECT treatment_id FROM raw.treatments") == [("Té",)]


def test_a_file_that_cannot_be_read_is_refused_whole_and_tried_again_when_mended(warehouse):
    warehouse.land("treatments/t.csv", "id;patient\nT1;SIM0000001\n")
    (refused,) = warehouse.load("treatments", "night-1")
    assert refused.status == "refused: the header lacks the contract's column(s): when, what, where, left"
    assert warehouse.rows("SELECT count(*) FROM raw.treatments") == [(0,)]

    warehouse.land("treatments/t.csv", HEADER + "T1;SIM0000001;31.12.2000;op;L;0\n")
    (mended,) = warehouse.load("treatments", "night-2")
    assert (mended.status, mended.rows_loaded) == ("loaded", 1)


def test_an_empty_and_a_binary_file_are_refused_with_the_reason(warehouse):
    warehouse.land("treatments/a.csv", b"")
    warehouse.land("treatments/b.csv", b"id;patient\0\0\n")
    statuses = [load.status for load in warehouse.load("treatments")]

    assert statuses == [
        "refused: the file is empty",
        "refused: the file holds NUL bytes: it is binary or damaged",
    ]
    assert warehouse.rows("SELECT count(*) FROM raw.ingest_ledger WHERE status LIKE 'refused%'") == [(2,)]


def test_a_stray_quote_in_the_header_does_not_swallow_the_records_after_it(warehouse):
    text = 'id;patient;when;what;where;left;"extra\nT1;SIM0000001;31.12.2000;op;L;0;"x"\nT2;SIM0000001;31.12.2000;op;L;0;y\n'
    warehouse.land("treatments/t.csv", text)
    (load,) = warehouse.load("treatments")
    assert load.status.startswith("refused: a column's name in the header holds a line break")
