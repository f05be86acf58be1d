"""REDCap exports: first rows, repeating instruments, checkbox groups; raw codes and labels give the same rows."""

import pytest

from tests.ingestion.test_formats_text import rejected, status_of_one_load, write_contract

REGISTRY_CONTRACT = """
version: "1"
feed: registry
file_pattern: redcap/*.csv
format: redcap
key: [registry_record_id]
fields:
  registry_record_id: {column: record_id, required: true}
  mrn: {column: mrn, required: true}
  operation_date: {column: surgery_date, formats: ["%Y-%m-%d"], required: true}
  sex: {column: sex, codes: {"1": male, "2": female, Male: male, Female: female}}
"""

FOLLOW_UP_CONTRACT = """
version: "1"
feed: follow_up
file_pattern: redcap/*.csv
format: redcap
instrument: INSTRUMENT
key: [event_id]
fields:
  event_id: {column: visit_id, required: true}
  mrn: {column: mrn, required: true}
  event_date: {column: visit_date, formats: ["%Y-%m-%d"], required: true}
  event_type: {constant: imaging}
  finding: {column: finding, codes: {"0": no_evidence_of_disease, "2": definite, None: no_evidence_of_disease,
            Recurrence: definite}, required: true}
  sites:
    column: site
    is_checkbox: true
    codes: {"1": liver_at_margin, "2": lung, "3": bone}
    required_when_present: true
"""

HEADER = (
    "record_id,redcap_repeat_instrument,redcap_repeat_instance,mrn,surgery_date,sex,"
    "visit_id,visit_date,finding,site___1,site___2,site___3\n"
)

RAW_EXPORT = (
    HEADER
    + "1,,,A1,2000-12-31,1,,,,,,\n"
    + "1,follow_up,1,,,,V1,2001-03-01,0,0,0,0\n"
    + "1,follow_up,2,,,,V2,2001-06-01,2,1,0,1\n"
    + "1,treatment,1,,,,,,,,,\n"
    + "2,,,A2,2001-01-15,2,,,,,,\n"
    + "2,follow_up,1,,,,V3,2001-04-01,2,0,1,0\n"
)

LABEL_EXPORT = (
    HEADER
    + "1,,,A1,2000-12-31,Male,,,,,,\n"
    + "1,Follow-up,1,,,,V1,2001-03-01,None,Unchecked,Unchecked,Unchecked\n"
    + "1,Follow-up,2,,,,V2,2001-06-01,Recurrence,Checked,Unchecked,Checked\n"
    + "1,Treatment,1,,,,,,,,,\n"
    + "2,,,A2,2001-01-15,Female,,,,,,\n"
    + "2,Follow-up,1,,,,V3,2001-04-01,Recurrence,Unchecked,Checked,Unchecked\n"
)

FOLLOW_UPS = [
    (3, "V1", "A1", "2001-03-01", "no_evidence_of_disease", None),
    (4, "V2", "A1", "2001-06-01", "definite", "liver_at_margin;bone"),
    (7, "V3", "A2", "2001-04-01", "definite", "lung"),
]


def redcap_contracts(warehouse, instrument: str = "follow_up") -> None:
    write_contract(warehouse, "redcap_registry", REGISTRY_CONTRACT)
    write_contract(warehouse, "redcap_follow_up", FOLLOW_UP_CONTRACT.replace("INSTRUMENT", instrument))


def follow_ups(warehouse) -> list[tuple]:
    return warehouse.rows(
        "SELECT source_line, event_id, mrn, event_date, finding, sites FROM raw.follow_up ORDER BY source_line"
    )


def test_a_flat_raw_export_is_read_like_any_delimited_file(warehouse):
    redcap_contracts(warehouse)
    warehouse.land("redcap/r.csv", 'record_id,mrn,surgery_date,sex\n1,A1,2000-12-31,1\n"2",A2,2001-01-15,\n')
    (load,) = warehouse.load("registry")

    assert (load.rows_read, load.rows_loaded) == (2, 2)
    assert warehouse.rows("SELECT source_line, registry_record_id, mrn, operation_date, sex FROM raw.registry") == [
        (2, "1", "A1", "2000-12-31", "male"),
        (3, "2", "A2", "2001-01-15", None),
    ]


@pytest.mark.parametrize(
    ("export", "instrument"), [(RAW_EXPORT, "follow_up"), (LABEL_EXPORT, "Follow-up")], ids=["raw", "labels"]
)
def test_first_rows_and_repeating_instruments_of_one_export_go_to_their_feeds(warehouse, export, instrument):
    redcap_contracts(warehouse, instrument)
    warehouse.land("redcap/r.csv", export)

    (load,) = warehouse.load("registry")
    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (2, 2, 0)
    assert warehouse.rows("SELECT source_line, registry_record_id, mrn, operation_date, sex FROM raw.registry") == [
        (2, "1", "A1", "2000-12-31", "male"),
        (6, "2", "A2", "2001-01-15", "female"),
    ]
    (load,) = warehouse.load("follow_up")
    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (3, 3, 0)
    assert follow_ups(warehouse) == FOLLOW_UPS


def test_an_export_whose_repeat_columns_have_their_labels_is_read_too(warehouse):
    redcap_contracts(warehouse, "Follow-up")
    warehouse.land(
        "redcap/r.csv",
        LABEL_EXPORT.replace(
            "redcap_repeat_instrument,redcap_repeat_instance", '"Repeat Instrument","Repeat Instance"'
        ),
    )
    warehouse.load("follow_up")
    assert follow_ups(warehouse) == FOLLOW_UPS


def test_the_payload_is_the_repeating_row_as_it_stands_in_the_file(warehouse):
    redcap_contracts(warehouse)
    warehouse.land("redcap/r.csv", RAW_EXPORT)
    warehouse.load("follow_up")
    assert warehouse.rows("SELECT payload FROM raw.follow_up WHERE event_id = 'V2'") == [
        ("1,follow_up,2,,,,V2,2001-06-01,2,1,0,1",)
    ]


def test_a_repeating_row_keeps_its_own_mrn_and_one_without_a_first_row_has_none(warehouse):
    redcap_contracts(warehouse)
    warehouse.land(
        "redcap/r.csv",
        HEADER
        + "7,follow_up,1,,,,V9,2001-03-01,0,0,0,0\n"  # line 2: record 7 has no first row
        + "1,follow_up,1,,,,V1,2001-03-01,0,0,0,0\n"  # line 3: before its record's first row
        + "1,follow_up,2,B1,,,V2,2001-03-02,0,0,0,0\n"  # line 4: an MRN of its own
        + "1,,,A1,2000-12-31,1,,,,,,\n",
    )
    (load,) = warehouse.load("follow_up")

    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (3, 2, 1)
    assert follow_ups(warehouse) == [
        (3, "V1", "A1", "2001-03-01", "no_evidence_of_disease", None),
        (4, "V2", "B1", "2001-03-02", "no_evidence_of_disease", None),
    ]
    assert rejected(warehouse) == [(2, "mrn", None, "required, but missing")]


def test_a_box_that_is_neither_ticked_nor_unticked_rejects_the_row(warehouse):
    redcap_contracts(warehouse)
    warehouse.land("redcap/r.csv", RAW_EXPORT.replace("V2,2001-06-01,2,1,0,1", "V2,2001-06-01,2,1,maybe,1"))
    (load,) = warehouse.load("follow_up")

    assert (load.rows_loaded, load.rows_rejected) == (2, 1)
    assert rejected(warehouse) == [(4, "sites", "1;2=maybe;3", "unknown code in the list")]


def test_a_ticked_box_whose_code_the_contract_does_not_know_rejects_the_row(warehouse):
    redcap_contracts(warehouse)
    warehouse.land("redcap/r.csv", RAW_EXPORT.replace("site___3", "site___99"))
    warehouse.load("follow_up")
    assert rejected(warehouse) == [(4, "sites", "1;99", "unknown code in the list")]


def test_a_row_that_is_too_short_is_rejected_whatever_it_belongs_to(warehouse):
    redcap_contracts(warehouse)
    warehouse.land("redcap/r.csv", RAW_EXPORT.replace("1,treatment,1,,,,,,,,,\n", "1,treatment,1\n"))

    for feed, n_rows in (("registry", 2), ("follow_up", 3)):
        (load,) = warehouse.load(feed)
        assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (n_rows + 1, n_rows, 1)
    assert warehouse.rows("SELECT feed, source_line, reason, payload FROM raw.rejected_records ORDER BY feed") == [
        ("follow_up", 5, "3 fields where the header has 12", "1,treatment,1"),
        ("registry", 5, "3 fields where the header has 12", "1,treatment,1"),
    ]


def test_a_stray_quote_changes_nothing_about_instruments_and_boxes(warehouse):
    redcap_contracts(warehouse)
    warehouse.land(
        "redcap/r.csv",
        RAW_EXPORT.replace(",site___3\n", ",site___3,note\n")
        .replace("0\n", '0,5" scar\n')
        .replace("1\n", "1,\n")
        .replace(",,\n", ",,,\n"),
    )
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected) == (3, 0)
    assert follow_ups(warehouse) == FOLLOW_UPS


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        (
            "redcap_repeat_instrument",
            "form",
            "the header lacks redcap_repeat_instrument, so instrument 'follow_up' cannot be told",
        ),
        ("site___", "place___", "the header lacks the contract's checkbox column(s) site___... or site (choice=...)"),
        ("visit_date", "date", "the header lacks the contract's column(s): visit_date"),
        ("record_id", "study_number", "the header lacks the contract's column(s): record_id or Record ID"),
        (",sex,", ",mrn,", "the header names the contract's column(s) more than once: mrn"),
    ],
)
def test_an_export_without_what_the_contract_needs_is_refused(warehouse, right, wrong, reason):
    redcap_contracts(warehouse)
    warehouse.land("redcap/r.csv", RAW_EXPORT.replace(right, wrong))
    assert status_of_one_load(warehouse, "follow_up") == f"refused: {reason}"


def test_an_export_in_which_the_instrument_has_no_rows_yet_has_no_records(warehouse):
    redcap_contracts(warehouse, "biopsy")
    warehouse.land("redcap/r.csv", RAW_EXPORT)
    (load,) = warehouse.load("follow_up")
    assert (load.status, load.rows_read) == ("loaded", 0)


def test_an_export_with_a_header_only_has_no_records(warehouse):
    redcap_contracts(warehouse)
    warehouse.land("redcap/r.csv", HEADER)
    assert [(load.status, load.rows_read) for feed in ("registry", "follow_up") for load in warehouse.load(feed)] == [
        ("loaded", 0),
        ("loaded", 0),
    ]


def test_a_plain_column_with_the_name_of_a_checkbox_group_does_not_stand_in_its_way(warehouse):
    redcap_contracts(warehouse)
    lines = RAW_EXPORT.splitlines()
    warehouse.land("redcap/r.csv", "".join(f"{line},{'site' if line == lines[0] else 'x'}\n" for line in lines))
    assert status_of_one_load(warehouse, "follow_up") == "loaded"
    assert follow_ups(warehouse) == FOLLOW_UPS
