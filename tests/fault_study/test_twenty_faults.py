"""Twenty faults of the catalogue, each planted overnight on a small hospital: the landing gate closes, or says what is stale."""

import shutil
from pathlib import Path

import pytest

from simulated_hospital.hospital import HOSPITAL
from tests.fault_study.catalogue import FAULTS
from tests.fault_study.clean_nights import Growth, grow, standing_warnings
from tests.fault_study.nights import night
from tests.fault_study.study import FEED_NAMES, Study, new_checks, prepare

BLOCKED = (
    "registry_sex_recoded", "follow_up_suspicious_is_definite", "registry_sizes_in_mm", "registry_dates_swapped", "registry_ids_renumbered",
    "registry_patients_twice", "follow_up_lung_and_liver_swapped", "follow_up_recurrences_halved", "follow_up_all_at_the_margin",
    "follow_up_no_more_margin", "treatments_residual_emptied", "treatments_mrns_shuffled", "vital_status_nobody_dies",
    "vital_status_contact_is_extract", "pathology_cm_is_mm", "pathology_wrong_patients", "all_test_patients",
)  # fmt: skip
WARNED = ("follow_up_missing", "pathology_half_missing", "vital_status_sheet_renamed")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    prepare(study := Study(folder, patients=120, derive=False))
    return study.base


@pytest.mark.parametrize("name", [*BLOCKED, *WARNED])
def test_a_fault_planted_overnight_is_seen(hospital, tmp_path, name):
    shutil.copytree(hospital, tmp_path / "night")
    feed, _, plant = FAULTS[name]
    plant(tmp_path / "night" / "landing" / HOSPITAL)
    outcome = night(tmp_path / "night", "the second night", until="landing")
    told = new_checks(outcome.checks, hospital)
    assert outcome.is_open == (name in WARNED)
    assert feed == "all" or FEED_NAMES.get(feed, feed) in set(told["table_name"]), told["description"].tolist()


@pytest.mark.parametrize("by_time", [False, True])
def test_a_clean_hospital_that_grows_has_open_gates_and_no_standing_warning(tmp_path, by_time):
    assert standing_warnings(grow(tmp_path / "clean", Growth(100, 31, by_time))) == []
