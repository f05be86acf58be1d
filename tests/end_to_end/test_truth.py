"""What the warehouse derived against what the simulated hospital knows: equal, or explained by a listed piece of dirt."""

import pandas as pd
import pytest

from tests.end_to_end.conftest import PATIENTS


@pytest.fixture(scope="module")
def compared(road) -> pd.DataFrame:
    """One row an eligible patient of the truth, with what the warehouse derived (NaN: not in the cohort)."""
    derived = road.restricted(
        """
        SELECT i.mrn, o.margin_group AS derived_margin_group, m.margin_mm AS derived_margin_mm,
               d.index_operation_date AS derived_operation_date, f.recurrence_days, f.is_isolated_liver AS derived_isolated_liver,
               f.has_margin_site AS derived_margin_site, f.has_salvage AS derived_salvage
        FROM marts.index_operations o
        JOIN raw.patient_identifiers i USING (study_id)
        JOIN intermediate.index_operations d USING (study_id)
        LEFT JOIN marts.resection_margins m USING (study_id)
        LEFT JOIN marts.first_recurrences f USING (study_id)
        """
    )
    derived["derived_recurrence_date"] = pd.to_datetime(derived["derived_operation_date"]) + pd.to_timedelta(
        derived["recurrence_days"], unit="D"
    )
    truth = road.truth("patients")
    truth["first_recurrence_date"] = pd.to_datetime(truth["first_recurrence_date"])
    return truth[truth["is_eligible"]].merge(derived, on="mrn", how="left", indicator="found")


def is_so(truths: pd.Series) -> pd.Series:
    """True where it is said to be so; what is not known is not."""
    return truths.astype("boolean").fillna(False).astype(bool)


def test_every_clean_eligible_patient_is_in_the_cohort_and_no_ineligible_one_is(road, compared):
    assert len(compared) == PATIENTS
    clean = compared[compared["is_clean"]]
    assert clean["found"].eq("both").all()
    truth = road.truth("patients")
    ineligible = set(truth.loc[~truth["is_eligible"], "mrn"])
    in_cohort = road.restricted("SELECT mrn FROM raw.patient_identifiers JOIN marts.index_operations USING (study_id)")
    assert ineligible
    assert not ineligible & set(in_cohort["mrn"])


def test_no_clean_patients_margin_is_wrong_and_few_that_are_documented_stay_open(compared):
    clean = compared[compared["is_clean"]]
    is_open = clean["derived_margin_group"].eq("unresolved")
    wrong = clean[~is_open & (clean["derived_margin_group"] != clean["documented_margin_group"])]
    assert wrong[["mrn", "documented_margin_group", "derived_margin_group"]].empty
    is_documented = clean["documented_margin_group"].ne("unresolved")
    assert is_open[is_documented].mean() <= 0.01
    measured = clean.dropna(subset=["derived_margin_mm"])
    measured = measured[measured["documented_margin_group"] != "unresolved"]
    assert len(measured) > PATIENTS / 2
    assert (measured["derived_margin_mm"] - measured["margin_mm"]).abs().max() < 1e-9


def test_first_recurrence_and_its_pattern_equal_the_truth_for_every_clean_patient(compared):
    clean = compared[compared["is_clean"]]
    same_date = clean["derived_recurrence_date"].eq(clean["first_recurrence_date"]) | (
        clean["derived_recurrence_date"].isna() & clean["first_recurrence_date"].isna()
    )
    assert clean.loc[~same_date, ["mrn", "first_recurrence_date", "derived_recurrence_date"]].empty
    recurred = clean[clean["first_recurrence_date"].notna()]
    assert len(recurred) > PATIENTS / 4
    # a site that was left blank or cannot be read has no known pattern
    for derived, true in (("derived_isolated_liver", "is_isolated_liver"), ("derived_margin_site", "has_margin_site")):
        known = recurred[recurred[true].notna()]
        assert len(known) > 0.9 * len(recurred)
        assert is_so(known[derived]).eq(is_so(known[true])).all()
    salvage = is_so(recurred["derived_salvage"]).eq(is_so(recurred["is_salvaged"]))
    assert recurred.loc[~salvage, ["mrn", "derived_salvage", "is_salvaged"]].empty


def test_every_piece_of_dirt_had_its_listed_effect_and_nothing_else_was_rejected(road):
    dirt = road.truth("dirt")
    dirt["source_file"] = "simulated_hospital/" + dirt["source_file"]
    rejected = road.restricted("SELECT source_file, source_line, scope FROM raw.rejected_records")
    loaded_lines = pd.concat(
        road.restricted(f"SELECT source_file, source_line, record_id FROM raw.{feed}")
        for feed in ("registry", "pathology_messages", "follow_up", "treatments", "vital_status")
    )
    set_aside = road.restricted("SELECT source_record_id AS record_id FROM intermediate.records_set_aside")

    place = ["source_file", "source_line"]
    records = rejected.loc[rejected["scope"] == "record", place]
    fields = rejected.loc[rejected["scope"] == "field", place]
    aside = loaded_lines[loaded_lines["record_id"].isin(set_aside["record_id"])][place]
    happened = {
        "record rejected": {tuple(row) for row in records.to_numpy()},
        "field rejected": {tuple(row) for row in fields.to_numpy()},
        "orphan set aside": {tuple(row) for row in aside.to_numpy()},
    }
    listed = {
        effect: {tuple(row) for row in dirt.loc[dirt["expected_effect"] == effect, place].to_numpy()}
        for effect in dirt["expected_effect"].unique()
    }
    assert happened["record rejected"] == listed["record rejected"]
    assert happened["field rejected"] == listed["field rejected"]
    assert listed["orphan set aside"] <= happened["orphan set aside"]
    lines_in_raw = {tuple(row) for row in loaded_lines[place].to_numpy()}
    assert not listed["duplicate"] & lines_in_raw
    assert listed["none"] <= lines_in_raw


def test_no_margin_is_silently_wrong_not_even_a_dirty_patients(compared):
    dirty = compared[~compared["is_clean"] & compared["found"].eq("both")]
    assert len(dirty) > 0
    wrong = dirty[
        (dirty["derived_margin_group"] != dirty["documented_margin_group"])
        & (dirty["derived_margin_group"] != "unresolved")
    ]
    assert wrong[["mrn", "documented_margin_group", "derived_margin_group"]].empty
