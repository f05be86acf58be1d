"""Twenty faults of the catalogue, each planted overnight on a small hospital: the landing gate closes, or says what is stale."""

import pytest

from tests.fault_study.clean_cohorts import grow_side_by_side
from tests.fault_study.clean_nights import Growth, standing_warnings
from tests.fault_study.study import Finding, Study, prepare, run_catalogue

BLOCKED = (
    "registry_sex_recoded", "follow_up_suspicious_is_definite", "registry_sizes_in_mm", "registry_dates_swapped", "registry_ids_renumbered",
    "registry_patients_twice", "follow_up_lung_and_liver_swapped", "follow_up_recurrences_halved", "follow_up_all_at_the_margin",
    "follow_up_no_more_margin", "treatments_residual_emptied", "treatments_mrns_shuffled", "vital_status_nobody_dies",
    "vital_status_contact_is_extract", "pathology_cm_is_mm", "pathology_wrong_patients", "all_test_patients",
)  # fmt: skip
WARNED = ("follow_up_missing", "pathology_half_missing", "vital_status_sheet_renamed")


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    study = Study(tmp_path_factory.mktemp("faults"), patients=120, derive=False)
    prepare(study)
    return {finding.name: finding for finding in run_catalogue(study, [*BLOCKED, *WARNED])}


@pytest.mark.parametrize("name", [*BLOCKED, *WARNED])
def test_a_fault_planted_overnight_is_seen(findings, name):
    told = findings[name]
    assert told.outcome == ("warned" if name in WARNED else "blocked"), told.message
    assert told.names_feed and told.names_cause, told.message


def test_clean_hospitals_that_grow_have_open_gates_and_no_standing_warning(tmp_path):
    grown = grow_side_by_side(tmp_path / "clean", [Growth(100, 31, False), Growth(100, 31, True)], base=None)
    assert [standing_warnings(nights) for nights in grown.values()] == [[], []]
