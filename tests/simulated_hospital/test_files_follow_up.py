"""Three literal patients, and a cohort read back: what the files show is what the truth says."""

import numpy as np
import pandas as pd
import pytest

from simulated_hospital.truth import truth_of_patients
from simulated_hospital.writers.follow_up import draw_looks, follow_up_rows, with_second_primaries, with_sites_in_words
from simulated_hospital.writers.registry import registry_rows
from simulated_hospital.writers.treatments import treatment_rows
from simulated_hospital.writers.vital_status import vital_status_rows

SEEDS = range(40)
WINDOW_DAYS = 60


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    """Ann never recurs. Ben recurs at the margin and, 20 days later, in the lung, and dies. Cyd is salvaged, then bone."""
    return pd.DataFrame(
        {
            "mrn": ["SIM0000001", "SIM0000002", "SIM0000003"],
            "registry_record_id": ["R0000001", "R0000002", "R0000003"],
            "is_eligible": True,
            "exclusion_reason": "",
            "operation_date": pd.to_datetime(["2000-01-01", "2001-01-01", "2002-01-01"]),
            "margin_mm": [12.0, 0.0, 4.5],
            "margin_group": [">=10 mm", "positive", "1.0-9.9 mm"],
            "unresolved_kind": ["unresolved_bound", "", ""],
            "last_assessment_days": [1000, 310, 1100],
            "last_contact_days": [1010, 400, 1150],
            "is_dead": [False, True, False],
            "death_days": [np.nan, 400, np.nan],
            "cause_of_death": [None, "cancer", None],
        }
    )


@pytest.fixture(scope="module")
def site_events() -> pd.DataFrame:
    rows = [
        (1, 200, "liver_at_margin"),
        (1, 220, "lung"),
        (1, 260, "brain"),
        (2, 300, "liver_elsewhere"),
        (2, 900, "bone"),
    ]
    return pd.DataFrame(rows, columns=["patient", "day", "site"])


@pytest.fixture(scope="module")
def treatments() -> pd.DataFrame:
    rows = [
        (1, 215, "chemotherapy", "liver_at_margin;lung", "present", False, np.nan),
        (2, 370, "resection", "liver_elsewhere", "none", True, 430.0),
    ]
    columns = ["patient", "day", "treatment_type", "sites", "residual_disease", "is_salvage", "no_evidence_day"]
    return pd.DataFrame(rows, columns=columns)


def rows_of(patients, site_events, treatments, seed):
    looks = draw_looks(patients, site_events, treatments, np.random.default_rng(seed))
    return looks, follow_up_rows(looks, patients)


def first_evidence(rows: pd.DataFrame) -> pd.DataFrame:
    """mrn, site, first date of evidence, read from the feed's rows by the study's definition alone."""
    found = rows[rows["finding"].isin(["suspicious", "definite"])].copy()
    found["date"] = pd.to_datetime(found["event_date"], format="%m/%d/%Y")
    found = found.assign(site=found["sites"].str.split(";")).explode("site")[["mrn", "site", "date", "finding"]]
    definite = found[found["finding"] == "definite"]
    pairs = found[found["finding"] == "suspicious"].merge(definite, on=["mrn", "site"], suffixes=("", "_definite"))
    gap = (pairs["date_definite"] - pairs["date"]).dt.days
    confirmed = pairs[(gap >= 0) & (gap <= WINDOW_DAYS)]
    evidence = pd.concat([definite, confirmed[definite.columns]])
    return evidence.groupby(["mrn", "site"], as_index=False)["date"].min()


def test_the_truth_of_the_three_patients_is_what_their_story_says(patients, site_events, treatments):
    looks, _ = rows_of(patients, site_events, treatments, 1)
    truth = truth_of_patients(patients, site_events, treatments, looks).set_index("mrn")
    ann, ben, cyd = (truth.loc[mrn] for mrn in patients["mrn"])
    assert (ann["first_recurrence_date"], ann["initial_sites"], ann["is_isolated_liver"], ann["is_salvaged"]) == (
        "",
        "",
        False,
        False,
    )
    assert (ann["margin_group"], ann["documented_margin_group"]) == (">=10 mm", "unresolved")
    assert (ann["last_assessment_date"], ann["last_contact_date"], ann["death_date"]) == (
        "2002-09-27",
        "2002-10-07",
        "",
    )
    assert (ben["first_recurrence_date"], ben["initial_sites"]) == ("2001-07-20", "liver_at_margin;lung")
    assert (ben["is_isolated_liver"], ben["has_margin_site"], ben["death_date"]) == (False, True, "2002-02-05")
    assert (cyd["initial_sites"], cyd["is_isolated_liver"], cyd["has_margin_site"]) == ("liver_elsewhere", True, False)
    assert (cyd["first_liver_recurrence_date"], cyd["is_salvaged"], cyd["salvage_date"]) == (
        "2002-10-28",
        True,
        "2003-01-06",
    )


def test_the_files_of_the_three_patients_show_their_story_whatever_the_chance(patients, site_events, treatments):
    start = dict(zip(patients["mrn"], patients["operation_date"], strict=True))
    n_suspicious_first = 0
    for seed in SEEDS:
        _, rows = rows_of(patients, site_events, treatments, seed)
        evidence = first_evidence(rows)
        days = {(e.mrn, e.site): (e.date - start[e.mrn]).days for e in evidence.itertuples()}
        assert days == {
            ("SIM0000002", "liver_margin"): 200,
            ("SIM0000002", "lung"): 220,
            ("SIM0000002", "brain"): 260,
            ("SIM0000003", "liver_other"): 300,
            ("SIM0000003", "bone"): 900,
        }
        rows = rows.assign(day=(pd.to_datetime(rows["event_date"], format="%m/%d/%Y") - rows["mrn"].map(start)).dt.days)
        assert rows.groupby("mrn")["day"].max().to_dict() == {"SIM0000001": 1000, "SIM0000002": 310, "SIM0000003": 1100}
        assert rows["day"].min() >= 1
        assert set(rows.loc[rows["finding"].isin(["NED"]) & (rows["mrn"] == "SIM0000002"), "day"] < 200) == {True}
        cyd = rows[rows["mrn"] == "SIM0000003"]
        assert cyd.loc[(cyd["day"] > 370) & (cyd["finding"] == "NED"), "day"].min() == 430
        assert cyd.loc[cyd["day"].between(371, 899), "finding"].eq("NED").all()
        n_suspicious_first += "suspicious" in set(cyd.loc[cyd["day"] == 300, "finding"])
    assert 1 <= n_suspicious_first <= 20


def test_imaging_comes_every_three_to_six_months_and_alarms_without_recurrence_are_put_to_rest(
    patients, site_events, treatments
):
    n_alarms = 0
    for seed in SEEDS:
        looks, _ = rows_of(patients, site_events, treatments, seed)
        ann = looks[looks["patient"] == 0]
        imaging = ann[ann["event_type"] == "imaging"]
        assert np.diff(imaging["day"], prepend=0).max() <= 210
        assert "definite" not in set(ann["finding"])
        assert imaging.iloc[-1][["day", "finding"]].tolist() == [1000, "NED"]
        n_alarms += imaging["finding"].isin(["suspicious", "indeterminate"]).sum()
    assert n_alarms >= 3


def test_rows_carry_the_hospitals_codes_and_date_shapes(patients, site_events, treatments):
    _, rows = rows_of(patients, site_events, treatments, 1)
    ben = rows[(rows["mrn"] == "SIM0000002") & (rows["event_date"] == "07/20/2001")]
    assert ben["sites"].tolist() == ["liver_margin"]
    assert rows["event_id"].is_unique
    assert treatment_rows(treatments, patients).iloc[0].tolist() == [
        "T0000001", "SIM0000002", "04.08.2001", "chemotherapy", "liver_margin,lung", "present",
    ]  # fmt: skip
    vital = vital_status_rows(patients, np.random.default_rng(0))
    assert vital.iloc[0].tolist() == ["SIM0000001", "A", pd.Timestamp("2002-10-07").date(), None, None]
    assert vital.iloc[1]["vital_status"] == "D"
    assert vital.iloc[1]["death_date"] == pd.Timestamp("2002-02-05").date()


def test_a_registry_row_holds_raw_codes_and_empty_for_missing():
    operation = pd.DataFrame(
        {
            "mrn": ["SIM0000007"], "last_name": "Simpat00007", "first_name": "Lou", "birth_date": pd.Timestamp("1940-02-03"),
            "sex": "female", "operation_date": pd.Timestamp("1999-05-06"), "procedure_type": "wedge_resection",
            "intent": "curative", "residual_disease": "R1", "diagnosis": "colorectal_liver_metastasis",
            "primary_site": "rectum", "is_node_positive": True, "primary_resection_date": pd.Timestamp("1998-01-02"),
            "liver_metastasis_date": pd.NaT, "metastasis_count": 3, "largest_metastasis_cm": 4.25, "cea_ng_ml": np.nan,
            "has_extrahepatic_disease": False, "has_hai_pump": True, "had_preoperative_chemotherapy": False,
        }
    )  # fmt: skip
    row = registry_rows(operation, np.random.default_rng(0)).iloc[0]
    assert row[["sex", "surgery_date", "procedure", "intent", "residual", "diagnosis", "primary_site", "primary_nodes"]].tolist() == [
        "2", "1999-05-06", "3", "1", "1", "1", "2", "1",
    ]  # fmt: skip
    assert (row["liver_mets_date"], row["cea_ng_ml"], row["mets_count"], row["extrahepatic_disease"]) == (
        "",
        "",
        "3",
        "0",
    )


def test_a_second_primary_takes_the_place_of_a_clear_look_before_any_recurrence_and_changes_nothing_else():
    """A thousand patients with three clear images and a biopsy; every other one recurs at the second image."""
    n = 1000
    days = pd.DataFrame({"day": [100, 110, 200, 300], "event_type": ["imaging", "biopsy", "imaging", "imaging"]})
    looks = (
        pd.DataFrame({"patient": range(n)})
        .merge(days, how="cross")
        .assign(finding="NED", sites="", modality="CT", note="")
    )
    recurred = (looks["patient"] % 2 == 0) & (looks["day"] == 200)
    looks.loc[recurred, ["finding", "sites"]] = ["definite", "lung"]

    found = with_second_primaries(looks, np.random.default_rng(1))

    changed = found[found["finding"] == "second primary"]
    assert 2 <= len(changed) <= 30
    assert set(changed["event_type"]) == {"imaging"}
    assert (changed.loc[changed["patient"] % 2 == 0, "day"] == 100).all()
    assert set(changed["sites"]) <= {"lung", "other", "pelvis"}
    assert changed["note"].str.contains("second primary|another origin").all()
    same = found.index.difference(changed.index)
    pd.testing.assert_frame_equal(found.loc[same], looks.loc[same])
    assert (found[["patient", "day", "event_type"]] == looks[["patient", "day", "event_type"]]).all(axis=None)


def test_a_few_looks_name_their_sites_in_words_that_the_study_s_list_explains():
    looks = pd.DataFrame({"sites": ["liver_margin;lung", "bone", "lymph_node", ""] * 250})
    written = with_sites_in_words(looks, np.random.default_rng(1))
    in_words = written[written["site_words"] != ""]
    assert 10 <= len(in_words) <= 90
    assert set(in_words["site_words"]) == {"Resection margin and pulmonary", "spine", "retroperitoneal nodes"}
    assert (in_words["sites"] == "").all()
    others = written.index.difference(in_words.index)
    assert (written.loc[others, "sites"] == looks.loc[others, "sites"]).all()
