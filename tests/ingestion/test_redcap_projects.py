"""REDCap beyond one row a record: longitudinal projects, repeating events, label headers, missing-data codes, EAV."""

import pytest

from tests.ingestion.test_formats_text import rejected, status_of_one_load, write_contract
from tests.ingestion.test_tables_as_they_come import notices

LOOKS = """
version: "1"
feed: follow_up
file_pattern: redcap/*.csv
format: redcap
SETTINGS
key: [KEY]
fields:
  event_id: {column: EVENT_ID, required: true}
  mrn: {column: mrn, required: true}
  event_date: {column: fu_date, formats: ["%Y-%m-%d"], required: true}
  event_type: {constant: imaging}
  finding: {column: res, codes: {"0": no_evidence_of_disease, "3": definite}, required: true}
"""
SITES = '  sites: {column: site, is_checkbox: true, codes: {"1": liver, "2": lung}, required_when_present: true}\n'


def looks_contract(
    warehouse, *settings: str, key: str = "event_id", event_id: str = "record_id", more: str = ""
) -> None:
    text = LOOKS.replace("SETTINGS", "\n".join(settings)).replace("[KEY]", f"[{key}]").replace("EVENT_ID", event_id)
    write_contract(warehouse, "looks", text + more)


def looks(warehouse) -> list[tuple]:
    return warehouse.rows("SELECT mrn, event_date, finding FROM raw.follow_up ORDER BY ALL")


# longitudinal projects

CLASSIC = (
    "record_id,redcap_event_name,mrn,op_date,fu_date,res\n"
    "1,baseline_arm_1,900001,2004-03-01,,\n"
    "1,fu_1_arm_1,,,2005-04-03,0\n"
    "1,fu_2_arm_1,,,2006-04-03,3\n"
    "2,fu_1_arm_1,,,2005-05-03,0\n"  # before the row that has its MRN
    "2,baseline_arm_1,900002,2004-04-01,,\n"
    "3,fu_1_arm_1,,,2005-05-03,0\n"  # nobody says whose
)
CLASSIC_LOOKS = [
    ("900001", "2005-04-03", "no_evidence_of_disease"),
    ("900001", "2006-04-03", "definite"),
    ("900002", "2005-05-03", "no_evidence_of_disease"),
]


@pytest.mark.parametrize(
    "settings", [[], ["events: [fu_1_arm_1, fu_2_arm_1]"]], ids=["rows that hold a look", "events named"]
)
def test_in_a_classic_longitudinal_project_the_mrn_stands_in_one_row_and_the_event_tells_looks_apart(
    warehouse, settings
):
    looks_contract(warehouse, *settings)
    warehouse.land("redcap/r.csv", CLASSIC)
    (load,) = warehouse.load("follow_up")
    assert (load.rows_read, load.rows_loaded, load.rows_rejected, load.rows_duplicate) == (4, 3, 1, 0)
    assert looks(warehouse) == CLASSIC_LOOKS
    assert len(warehouse.rows("SELECT DISTINCT record_key FROM raw.follow_up")) == 3
    assert rejected(warehouse) == [(7, "mrn", None, "required, but missing")]


def test_the_same_export_again_changes_nothing_and_a_corrected_event_is_a_version_of_its_look(warehouse):
    looks_contract(warehouse)
    warehouse.land("redcap/r.csv", CLASSIC)
    warehouse.load("follow_up")
    warehouse.land("redcap/r.csv", CLASSIC.replace("2006-04-03,3", "2006-04-04,3"))
    (load,) = warehouse.load("follow_up", "night-2")
    assert (load.rows_loaded, load.rows_duplicate) == (1, 2)
    assert warehouse.rows("SELECT count(DISTINCT record_key), count(*) FROM raw.follow_up") == [(3, 4)]


def test_the_forms_of_one_record_in_other_events_are_not_filled_in(warehouse):
    # the second look has no date; the first one's is not lent to it
    looks_contract(warehouse)
    warehouse.land(
        "redcap/r.csv",
        "record_id,redcap_event_name,mrn,fu_date,res\n1,fu_1_arm_1,900001,2005-04-03,0\n1,fu_2_arm_1,,,3\n",
    )
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected) == (1, 1)
    assert rejected(warehouse) == [(3, "event_date", None, "required, but missing")]


def test_a_value_of_another_event_is_filled_in_where_the_contract_says_so(warehouse):
    write_contract(
        warehouse,
        "operations",
        """
version: "1"
feed: registry
file_pattern: redcap/*.csv
format: redcap
events: [op_arm_1]
key: [registry_record_id]
fields:
  registry_record_id: {column: record_id, required: true}
  mrn: {column: mrn, required: true}
  operation_date: {column: op_date, formats: ["%Y-%m-%d"], required: true}
  sex: {column: sex, from_event: baseline_arm_1, codes: {"1": male, "2": female}}
""",
    )
    warehouse.land(
        "redcap/r.csv",
        "record_id,redcap_event_name,mrn,op_date,sex\n"
        "1,baseline_arm_1,900001,,2\n1,op_arm_1,,2004-03-01,1\n2,baseline_arm_1,900002,,\n2,op_arm_1,,2004-04-01,1\n",
    )
    warehouse.load("registry")
    assert warehouse.rows("SELECT mrn, operation_date, sex FROM raw.registry ORDER BY ALL") == [
        ("900001", "2004-03-01", "female"),
        ("900002", "2004-04-01", None),
    ]


def test_a_record_with_two_mrns_lends_neither_and_is_told(warehouse):
    looks_contract(warehouse)
    warehouse.land(
        "redcap/r.csv",
        "record_id,redcap_event_name,mrn,fu_date,res\n"
        "1,baseline_arm_1,900001,,\n1,fu_1_arm_1,900002,2005-04-03,0\n1,fu_2_arm_1,,2006-04-03,0\n",
    )
    warehouse.load("follow_up")
    assert looks(warehouse) == [("900002", "2005-04-03", "no_evidence_of_disease")]
    assert [(kind, what, n) for kind, what, n, *_ in notices(warehouse)] == [("warning", "mrn", 1)]


def test_repeating_events_are_looks_of_their_own(warehouse):
    looks_contract(warehouse, "events: [visit_arm_1]", key="mrn, event_id", event_id="record_id")
    warehouse.land(
        "redcap/r.csv",
        "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,mrn,fu_date,res\n"
        "1,baseline_arm_1,,,900001,,\n"
        "1,visit_arm_1,,1,,2005-04-03,0\n"
        "1,visit_arm_1,,2,,2006-04-03,3\n"
        "1,visit_arm_1,labs,1,,,\n",
    )
    (load,) = warehouse.load("follow_up")
    assert (load.rows_read, load.rows_loaded) == (2, 2)
    assert looks(warehouse) == CLASSIC_LOOKS[:2]


def test_the_instances_of_one_instrument_in_two_events_do_not_replace_each_other(warehouse):
    looks_contract(warehouse, "instrument: follow_up", key="mrn, event_id", event_id="redcap_repeat_instance")
    warehouse.land(
        "redcap/r.csv",
        "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,mrn,fu_date,res\n"
        "1,baseline_arm_1,,,900001,,\n"
        "1,year_1_arm_1,follow_up,1,,2005-04-03,0\n"
        "1,year_2_arm_1,follow_up,1,,2006-04-03,3\n",
    )
    (load,) = warehouse.load("follow_up")
    assert load.rows_loaded == 2
    assert len(warehouse.rows("SELECT DISTINCT record_key FROM raw.follow_up")) == 2


def test_a_patients_last_word_is_one_whatever_the_event_it_stands_in(warehouse):
    write_contract(
        warehouse,
        "vital",
        """
version: "1"
feed: vital_status
file_pattern: redcap/*.csv
format: redcap
key: [mrn]
fields:
  mrn: {column: mrn, required: true}
  vital_status: {constant: alive}
  last_contact_date: {column: fu_date, formats: ["%Y-%m-%d"], required: true}
""",
    )
    warehouse.land("redcap/r.csv", CLASSIC)
    warehouse.load("vital_status")
    assert warehouse.rows("SELECT DISTINCT record_key FROM raw.vital_status ORDER BY ALL") == [("900001",), ("900002",)]


# labels and missing-data codes

LABELS = (
    '"Record ID","Event Name","Repeat Instrument","Repeat Instance",mrn,fu_date,res,"{0} (choice=Liver)","{0} (choice=Lung)"\n'
    "1,Baseline,,,900001,,,Unchecked,Unchecked\n"
    "1,Year 1,Follow Up,1,,2005-04-03,3,Checked,Unchecked\n"
    "1,Year 1,Follow Up,2,,2005-04-04,3,Checked,Checked\n"
    "1,Year 1,Follow Up,3,,2005-04-05,0,Unchecked,Unchecked\n"
)


@pytest.mark.parametrize("codes", ['{"1": liver, "2": lung}', "{Liver: liver, Lung: lung}"], ids=["codes", "labels"])
def test_label_headers_of_checkboxes_are_choices(warehouse, codes):
    sites = f"  sites: {{column: Sites, is_checkbox: true, codes: {codes}, required_when_present: true}}\n"
    looks_contract(
        warehouse,
        "instrument: Follow Up",
        "record_id: Record ID",
        key="mrn, event_id",
        event_id="Repeat Instance",
        more=sites,
    )
    warehouse.land("redcap/r.csv", LABELS.format("Sites"))
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected) == (3, 0)
    assert warehouse.rows("SELECT event_id, sites FROM raw.follow_up ORDER BY ALL") == [
        ("1", "liver"),
        ("2", "liver;lung"),
        ("3", None),
    ]


def test_a_ticked_choice_that_no_code_maps_rejects_the_row(warehouse):
    looks_contract(
        warehouse,
        "instrument: Follow Up",
        "record_id: Record ID",
        key="mrn, event_id",
        event_id="Repeat Instance",
        more=SITES.replace("site,", "Sites,").replace(', "2": lung', ""),
    )
    warehouse.land("redcap/r.csv", LABELS.format("Sites"))
    (load,) = warehouse.load("follow_up")
    assert (load.rows_loaded, load.rows_rejected) == (2, 1)
    assert rejected(warehouse) == [(4, "sites", "1;Lung", "unknown code in the list")]


@pytest.mark.parametrize(
    ("boxes", "sites"),
    [
        (("1", "0", "0"), "liver"),
        (("0", "0", "1"), None),  # 'unknown' is ticked
        (("UNK", "UNK", "0"), None),  # the whole group is missing, as some exports write it
        (("1", "0", "1"), "liver"),
    ],
)
def test_a_missing_data_code_makes_no_choice(warehouse, boxes, sites):
    looks_contract(warehouse, 'missing_values: ["", "-999", UNK]', key="mrn, event_id", more=SITES)
    warehouse.land(
        "redcap/r.csv",
        f"record_id,mrn,fu_date,res,site___1,site___2,site____999\n1,900001,2005-04-03,3,{','.join(boxes)}\n",
    )
    (load,) = warehouse.load("follow_up")
    assert load.rows_loaded == 1
    assert warehouse.rows("SELECT sites FROM raw.follow_up") == [(sites,)]


# EAV

EAV = (
    "record,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,field_name,value\n"
    "1,baseline_arm_1,,,mrn,900001\n"
    "1,year_1_arm_1,follow_up,1,fu_date,2005-04-03\n"
    "1,year_1_arm_1,follow_up,1,res,3\n"
    "1,year_1_arm_1,follow_up,1,site,1\n"
    "1,year_1_arm_1,follow_up,1,site,2\n"
    "1,year_1_arm_1,follow_up,2,fu_date,2006-04-03\n"
    '1,year_1_arm_1,follow_up,2,res,"0"\n'
    "1,year_1_arm_1,follow_up,3,fu_date,2007-04-03\n"
    "1,year_1_arm_1,follow_up,3,fu_date,2007-05-03\n"
    "1,year_1_arm_1,follow_up,3,res,0\n"
)


def test_an_eav_export_is_the_rows_that_its_values_make(warehouse):
    looks_contract(
        warehouse, "instrument: follow_up", key="mrn, event_id", event_id="redcap_repeat_instance", more=SITES
    )
    warehouse.land("redcap/r.csv", EAV)
    (load,) = warehouse.load("follow_up")
    assert (load.rows_read, load.rows_loaded, load.rows_rejected) == (3, 2, 1)
    assert warehouse.rows(
        "SELECT mrn, event_id, event_date, finding, sites, source_line FROM raw.follow_up ORDER BY ALL"
    ) == [
        ("900001", "1", "2005-04-03", "definite", "liver;lung", 3),
        ("900001", "2", "2006-04-03", "no_evidence_of_disease", None, 7),
    ]
    assert warehouse.rows("SELECT payload FROM raw.follow_up WHERE event_id = '2'") == [
        ('1,year_1_arm_1,follow_up,2,fu_date,2006-04-03\n1,year_1_arm_1,follow_up,2,res,"0"',)
    ]
    assert rejected(warehouse) == [(9, None, None, "a field has two values in one instance of its form")]


def test_an_export_that_does_not_tell_its_events_is_refused_where_the_contract_needs_them(warehouse):
    looks_contract(warehouse, "events: [fu_1_arm_1]")
    warehouse.land("redcap/r.csv", "record_id,mrn,fu_date,res\n1,900001,2005-04-03,0\n")
    assert status_of_one_load(warehouse, "follow_up") == (
        "refused: the header lacks redcap_event_name, so the contract's `events` cannot be told"
    )
