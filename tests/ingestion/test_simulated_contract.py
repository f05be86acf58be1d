"""The simulated hospital's contract on literal rows: what is not recorded or not known comes in, and is said."""

import shutil

import pytest

from orchestration.ingestion.contract import CONTRACTS_FOLDER
from tests.incremental.hospital import Hospital

REGISTRY = (
    "record_id,mrn,last_name,first_name,dob,sex,surgery_date,procedure,intent,residual,diagnosis,primary_site,primary_nodes,"
    "primary_resection_date,liver_mets_date,mets_count,largest_met_cm,cea_ng_ml,extrahepatic_disease,hai_pump,preop_chemo\n"
    "R1,SIM0000001,A,A,1950-01-01,1,2005-01-10,1,,,,1,0,2004-01-01,2004-12-01,1,3.0,5,0,0,0\n"
    "R2,SIM0000002,B,B,1950-01-01,1,2005-01-10,1,7,0,1,1,0,2004-01-01,2004-12-01,1,3.0,5,0,0,0\n"
)
FOLLOW_UP = (
    "event_id,mrn,event_date,event_type,modality,finding,sites,note,site_words\n"
    "E1,SIM0000001,07/29/2005,imaging,CT,definite,liver_margin;spleen,,\n"
    "E2,SIM0000001,07/30/2005,imaging,CT,definite,,,lung and retroperitoneum\n"
    "E3,SIM0000001,07/31/2005,biopsy,,definite,,,\n"
    "E4,SIM0000001,08/01/2005,imaging,CT,definite,lung;lung,,\n"
)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Hospital:
    hospital = Hospital(tmp_path_factory.mktemp("hospital"))
    shutil.copytree(CONTRACTS_FOLDER, hospital.folder / "contracts")
    hospital.land("registry/hepatectomy_registry.csv", REGISTRY)
    hospital.land("follow_up/follow_up.csv", FOLLOW_UP)
    hospital.load()
    return hospital


def test_an_operation_without_diagnosis_intent_or_completeness_is_loaded(hospital):
    rows = hospital.query("SELECT mrn, operative_intent, residual_disease, diagnosis FROM raw.registry ORDER BY mrn")
    assert rows == [("SIM0000001", None, None, None), ("SIM0000002", None, "R0", "colorectal_liver_metastasis")]
    assert hospital.query("SELECT field, value, scope FROM raw.rejected_records WHERE feed = 'registry'") == [
        ("operative_intent", "7", "field")
    ]


def test_sites_in_unknown_codes_are_kept_as_words_and_a_finding_without_a_site_is_kept(hospital):
    rows = hospital.query("SELECT event_id, sites, sites_text FROM raw.follow_up ORDER BY event_id")
    assert rows == [
        ("E1", None, "liver_margin;spleen"),
        ("E2", None, "lung and retroperitoneum"),
        ("E3", None, None),
        ("E4", "lung;lung", "lung;lung"),
    ]
    assert hospital.query("SELECT field, value, scope FROM raw.rejected_records WHERE feed = 'follow_up'") == [
        ("sites", "liver_margin;spleen", "field")
    ]
