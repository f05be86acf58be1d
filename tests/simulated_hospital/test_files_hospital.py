"""A whole simulated hospital on disk: the same again from the same seed, its dirt where it is listed, its truth true."""

import csv
import filecmp
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook

from simulated_hospital.dirt import DIRT
from simulated_hospital.hospital import SECOND_HOSPITAL, simulate
from simulated_hospital.practices import PRACTICES
from simulated_hospital.writers.follow_up import SITE_WORDS
from tests.simulated_hospital.test_files_follow_up import first_evidence

PATIENTS = 420
CODES_OF_WORDS = {words: code for code, words in SITE_WORDS.items()}
SITE_NAMES = {"liver_margin": "liver_at_margin", "liver_other": "liver_elsewhere"}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hospital")
    simulate(PATIENTS, 7, folder)
    return folder


@pytest.fixture(scope="module")
def landing(hospital) -> Path:
    return hospital / "landing" / "simulated_hospital"


@pytest.fixture(scope="module")
def truth(hospital) -> pd.DataFrame:
    return pd.read_csv(hospital / "truth" / "patients.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def dirt(hospital) -> pd.DataFrame:
    return pd.read_csv(hospital / "truth" / "dirt.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def records(landing) -> dict[str, dict[int, dict]]:
    """Every record of every file by file and line, read with nothing but the standard library and openpyxl."""
    found = {}
    for name, delimiter in (
        ("registry/hepatectomy_registry.csv", ","),
        ("follow_up/follow_up.csv", ","),
        ("treatments/recurrence_treatments.csv", ";"),
    ):
        text = (landing / name).read_bytes().decode("latin-1")
        found[name] = dict(enumerate(csv.DictReader(text.splitlines(), delimiter=delimiter), start=2))
    sheet = load_workbook(landing / "vital_status" / "vital_status.xlsx")["vital_status"]
    header, *rows = sheet.iter_rows(values_only=True)
    found["vital_status/vital_status.xlsx"] = {
        line: dict(zip(header, row, strict=True)) for line, row in enumerate(rows, start=2)
    }
    for path in sorted((landing / "pathology").glob("*.hl7")):
        segments = path.read_bytes().decode("utf-8").split("\r")
        starts = [number for number, segment in enumerate(segments, start=1) if segment.startswith("MSH")]
        found[f"pathology/{path.name}"] = {
            start: {"segments": segments[start - 1 : end - 1]}
            for start, end in zip(starts, [*starts[1:], len(segments)], strict=True)
        }
    return found


def mrn_of(record: dict) -> str:
    return record["segments"][1].split("|")[3].split("^")[0] if "segments" in record else record["mrn"]


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(hospital, tmp_path):
    simulate(PATIENTS, 7, tmp_path / "again")
    simulate(PATIENTS, 8, tmp_path / "other")
    files = sorted(path.relative_to(hospital).as_posix() for path in hospital.rglob("*") if path.is_file())
    assert len(files) > 20
    same, differing, missing = filecmp.cmpfiles(hospital, tmp_path / "again", files, shallow=False)
    assert (same, differing, missing) == (files, [], [])
    _, differing, missing = filecmp.cmpfiles(hospital, tmp_path / "other", files, shallow=False)
    assert set(files) - set(differing) - set(missing) == {"landing/simulated_hospital/SIMULATED.txt"}


def test_a_smaller_simulation_leaves_nothing_of_a_larger_one(tmp_path):
    simulate(40, 1, tmp_path)
    (tmp_path / "landing" / "simulated_hospital" / "pathology" / "pathology_1901.hl7").write_text("MSH")
    simulate(3, 1, tmp_path)
    assert not (tmp_path / "landing" / "simulated_hospital" / "pathology" / "pathology_1901.hl7").exists()
    assert len(pd.read_csv(tmp_path / "truth" / "patients.csv")) == 4


def test_progress_runs_from_nothing_to_all(tmp_path):
    shares = []
    simulate(2, 1, tmp_path, progress=lambda share, what: shares.append(share))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_it_refuses_to_draw_nobody(tmp_path):
    with pytest.raises(ValueError, match="between 1 and"):
        simulate(0, 1, tmp_path)


def test_everything_says_that_it_is_simulated(landing, records):
    assert "SIMULATED" in (landing / "SIMULATED.txt").read_text()
    for name, rows in records.items():
        assert all(re.fullmatch(r"SIM\d{7}", mrn_of(record)) for record in rows.values()), name
    registry = records["registry/hepatectomy_registry.csv"].values()
    assert all(row["last_name"].startswith("Simpat") for row in registry)


def test_every_kind_of_dirt_occurs_and_no_place_is_listed_twice(dirt):
    assert {(d.kind, d.field, d.expected_effect) for d in DIRT} == set(
        dirt[["kind", "field", "expected_effect"]].itertuples(index=False, name=None)
    )
    assert not dirt.duplicated(["source_file", "source_line"]).any()


def test_dirt_is_one_to_two_percent_of_the_rows(dirt, records):
    assert 0.01 <= len(dirt) / sum(len(rows) for rows in records.values()) <= 0.02


def test_every_listed_piece_of_dirt_is_at_its_file_and_line(dirt, records):
    registered = {row["mrn"] for row in records["registry/hepatectomy_registry.csv"].values()}
    for piece in dirt.itertuples():
        rows = records[piece.source_file]
        record = rows[piece.source_line]
        assert mrn_of(record) == piece.mrn
        if piece.kind == "duplicated_row":
            before = max(line for line in rows if line < piece.source_line)
            assert rows[before] == record
        elif piece.kind == "orphan_record":
            assert piece.mrn not in registered
        else:
            assert is_spoiled(piece, record), (piece, record)


def is_spoiled(piece, record: dict) -> bool:
    """Whether the record at the listed place really has this fault."""
    if "segments" in record:
        segments = record["segments"]
        obr = segments[2].split("|") if len(segments) > 2 else []
        return {
            "truncated_message": lambda: [segment[:3] for segment in segments] == ["MSH", "PID"],
            "broken_segment": lambda: segments[-1].startswith("OBX|") and segments[-1].count("|") < 11,
            "impossible_date": lambda: obr[7] == "20010231",
            "unknown_code": lambda: obr[25] not in ("F", "C", "P", "X"),
        }[piece.kind]()
    value = record[piece.field]
    return {
        "impossible_date": lambda: pd.isna(pd.to_datetime(value, errors="coerce", format=date_shape(piece))),
        "year_2091": lambda: "2091" in str(value),
        "unknown_code": lambda: value not in known_codes(piece.field),
        "swapped_columns": lambda: (
            str(value) < "1980" if piece.field == "surgery_date" else value not in known_codes(piece.field)
        ),
        "mixed_units": lambda: value.endswith("ug/L") or float(value) > 30,
        "latin_1_text": lambda: not value.isascii(),
        "text_date": lambda: isinstance(value, str),
    }[piece.kind]()


def date_shape(piece) -> str:
    return {"registry": "%Y-%m-%d", "follow_up": "%m/%d/%Y", "treatments": "%d.%m.%Y"}[piece.source_file.split("/")[0]]


def known_codes(field: str) -> set[str]:
    return {
        "intent": {"1", "2", ""}, "sex": {"1", "2"}, "finding": {"NED", "indeterminate", "suspicious", "definite", "second primary"},
        "event_type": {"imaging", "biopsy", "clinic_visit"}, "vital_status": {"A", "D"}, "cause": {"cancer", "other", "unknown"},
        "sites": {"", "liver_margin", "liver_other", "lung", "lymph_node", "peritoneum", "pelvis", "bone", "brain", "other"},
        "treatment": {"resection", "ablation", "radiotherapy", "chemotherapy", "supportive_care"},
        "residual": {"none", "present", "unknown"},
    }[field]  # fmt: skip


def test_latin_1_lines_are_not_utf_8_and_all_others_are(landing, dirt):
    lines = (landing / "follow_up" / "follow_up.csv").read_bytes().split(b"\n")
    not_utf_8 = set()
    for number, line in enumerate(lines, start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            not_utf_8.add(number)
    listed = dirt[dirt["kind"] == "latin_1_text"]
    assert not_utf_8 == set(listed["source_line"])
    assert set(listed["expected_effect"]) == {"none"}


def test_a_patient_is_clean_exactly_when_no_dirt_is_theirs(truth, dirt):
    clean = truth["is_clean"].astype(str) == "True"
    assert (clean == ~truth["mrn"].isin(dirt["mrn"])).all()
    assert clean.mean() > 0.7


def test_losing_a_record_never_makes_another_one_stand_for_it(truth, dirt, records):
    """A rejected registry row is its patient's only one, a rejected message its report's only version."""
    rejected = dirt[dirt["expected_effect"] == "record rejected"]
    registry = pd.Series([row["mrn"] for row in records["registry/hepatectomy_registry.csv"].values()]).value_counts()
    assert (registry[rejected.loc[rejected["source_file"].str.startswith("registry"), "mrn"]] == 1).all()
    accession = re.compile(r"^OBR\|1\|\|([^^]+)")
    messages = [
        record["segments"] for name, rows in records.items() if name.startswith("pathology") for record in rows.values()
    ]
    versions = pd.Series([accession.match(segments[2])[1] for segments in messages if len(segments) > 2]).value_counts()
    for piece in rejected[rejected["source_file"].str.startswith("pathology")].itertuples():
        segments = records[piece.source_file][piece.source_line]["segments"]
        if len(segments) > 2:
            assert versions[accession.match(segments[2])[1]] == 1


def test_the_follow_up_of_every_clean_patient_shows_the_true_recurrence(truth, records):
    rows = pd.DataFrame(records["follow_up/follow_up.csv"].values())
    # what the practices make of a patient's looks is told by the stories of the dbt project
    practised = truth.loc[truth["practices"] != "", "mrn"]
    rows = rows[~rows["mrn"].isin(practised)]
    truth = truth[truth["practices"] == ""]
    in_words = rows["site_words"] != ""
    assert in_words.any()
    rows.loc[in_words, "sites"] = rows.loc[in_words, "site_words"].map(
        lambda text: ";".join(CODES_OF_WORDS[word] for word in text.split(" and "))
    )
    clean = truth[(truth["is_clean"].astype(str) == "True")].set_index("mrn")
    evidence = first_evidence(rows[rows["mrn"].isin(clean.index)])
    evidence["site"] = evidence["site"].replace(SITE_NAMES)
    first = evidence.groupby("mrn")["date"].min()
    shown = first.dt.strftime("%Y-%m-%d").reindex(clean.index).fillna("")
    assert shown.to_dict() == clean["first_recurrence_date"].to_dict()
    initial = evidence[(evidence["date"] - first.reindex(evidence["mrn"]).to_numpy()).dt.days <= 30].sort_values("site")
    sites = initial.groupby("mrn")["site"].agg(";".join).reindex(clean.index).fillna("")
    assert sites.to_dict() == clean["initial_sites"].to_dict()
    assert (clean["first_recurrence_date"] != "").sum() > 100
    last = pd.to_datetime(rows["event_date"], format="%m/%d/%Y", errors="coerce").groupby(rows["mrn"]).max()
    followed = clean[clean["exclusion_reason"] != "no follow-up after the operation"]
    assert last.reindex(followed.index).dt.strftime("%Y-%m-%d").to_dict() == followed["last_assessment_date"].to_dict()


def test_who_is_not_eligible_can_be_told_from_the_registry(truth, records):
    registry = (
        pd.DataFrame(records["registry/hepatectomy_registry.csv"].values()).drop_duplicates().set_index("record_id")
    )
    index = registry.loc[truth["registry_record_id"]].reset_index()
    reasons = truth["exclusion_reason"]
    assert truth["is_eligible"].sum() == PATIENTS
    assert 0.03 <= (~truth["is_eligible"]).mean() <= 0.05
    assert index.loc[reasons == "not a colorectal liver metastasis", "diagnosis"].isin(["2", "3"]).all()
    assert (index.loc[reasons == "no operation with curative intent", "intent"] == "2").all()
    assert (index.loc[reasons == "macroscopically incomplete resection (R2)", "residual"] == "2").all()
    before = truth[reasons == "liver resected before"]
    assert (registry["mrn"].value_counts()[before["mrn"]] == 2).all()
    for column, reason in (
        ("residual", "completeness of the resection"),
        ("intent", "intent of the operation"),
        ("diagnosis", "diagnosis"),
    ):
        assert (index.loc[reasons == f"{reason} not recorded", column] == "").all()
        assert (reasons == f"{reason} not recorded").any()
    clean = (truth["is_eligible"] & truth["is_clean"]).to_numpy()
    sound = (index["diagnosis"] == "1") & (index["intent"] == "1") & index["residual"].isin(["0", "1"])
    assert sound[clean].all()
    assert (index["mrn"] == truth["mrn"]).all()
    assert (index["surgery_date"] == truth["operation_date"])[clean].all()


def test_resected_liver_recurrences_are_later_registry_rows_with_reports_of_their_own(truth, records):
    registry = pd.DataFrame(records["registry/hepatectomy_registry.csv"].values())
    later = registry.merge(truth[truth["is_eligible"] & truth["is_clean"]], on="mrn")
    later = later[later["surgery_date"] > later["operation_date"]]
    assert len(later) > 10
    collected = {
        (mrn_of(record), record["segments"][2].split("|")[7])
        for name, rows in records.items()
        if name.startswith("pathology")
        for record in rows.values()
        if len(record["segments"]) > 2
    }
    assert all((row.mrn, row.surgery_date.replace("-", "")) in collected for row in later.itertuples())


def test_the_simulation_file_names_seed_size_and_versions(hospital):
    simulation = json.loads((hospital / "truth" / "simulation.json").read_text())
    assert (simulation["seed"], simulation["n_patients"]) == (7, PATIENTS)
    assert {"numpy", "pandas"} <= set(simulation["versions"])


def rows_by_mrn(records, name: str) -> pd.DataFrame:
    return pd.DataFrame(records[name].values()).set_index("mrn", drop=False)


def of_practice(truth: pd.DataFrame, name: str) -> pd.DataFrame:
    """The clean patients whom a practice befell: at least one."""
    found = truth[truth["practices"].str.contains(name, regex=False) & (truth["is_clean"].astype(str) == "True")]
    assert len(found) > 0, name
    return found


def test_every_practice_befalls_about_its_share_of_patients(hospital, truth):
    counted = json.loads((hospital / "truth" / "simulation.json").read_text())["practices"]
    named = truth["practices"][truth["practices"] != ""].str.split("; ").explode().value_counts()
    assert set(counted) == set(PRACTICES)
    assert named.to_dict() == {name: n for name, n in counted.items() if n}
    assert (truth["practices"] != "").mean() < 0.25


def test_sites_left_blank_or_in_odd_words_are_a_recurrence_at_a_site_not_stated(truth, records):
    looks = rows_by_mrn(records, "follow_up/follow_up.csv")
    for name in ("site left blank", "site in odd words"):
        for patient in of_practice(truth, name).itertuples():
            disease = looks.loc[[patient.mrn]].query("finding in ('definite', 'suspicious')")
            assert set(disease["sites"]) == {""}
            assert (disease["site_words"] == "").all() == (name == "site left blank")
            assert patient.initial_sites == "not_stated"
            assert patient.first_liver_recurrence_date == ""
            assert str(patient.is_isolated_liver) != "True"


def test_where_surveillance_stops_the_death_stays_known_and_nothing_is_seen_after(truth, records):
    stopped = of_practice(truth, "surveillance stops early")
    assert (stopped["first_recurrence_date"] == "").all()
    looks = rows_by_mrn(records, "follow_up/follow_up.csv")
    last = pd.to_datetime(looks["event_date"], format="%m/%d/%Y", errors="coerce").groupby(level=0).max()
    assert (last[stopped["mrn"]].dt.strftime("%Y-%m-%d").to_numpy() == stopped["last_assessment_date"].to_numpy()).all()
    gap = (pd.to_datetime(stopped["last_contact_date"]) - pd.to_datetime(stopped["last_assessment_date"])).dt.days
    assert gap.max() > 365
    treated = rows_by_mrn(records, "treatments/recurrence_treatments.csv")
    assert not set(treated["mrn"]) & set(stopped["mrn"])


def test_a_specimen_that_proves_a_recurrence_is_reported_after_the_resection_that_salvaged_it(truth, records):
    looks = rows_by_mrn(records, "follow_up/follow_up.csv")
    for patient in of_practice(truth, "specimen proves it").itertuples():
        own = looks.loc[[patient.mrn]].assign(day=lambda rows: pd.to_datetime(rows["event_date"], format="%m/%d/%Y"))
        recurred, salvaged = pd.Timestamp(patient.first_recurrence_date), pd.Timestamp(patient.salvage_date)
        assert set(own.loc[own["day"] == recurred, "finding"]) == {"suspicious"}
        proof = own[(own["event_type"] == "biopsy") & (own["finding"] == "definite") & (own["day"] > salvaged)].iloc[0]
        assert 3 <= (proof["day"] - salvaged).days <= 14
        assert not ((own["finding"] == "definite") & (own["day"] > recurred) & (own["day"] <= salvaged)).any()
        assert str(patient.is_salvaged) == "True"


def test_what_is_said_at_a_clinic_alone_dates_nothing(truth, records):
    looks = rows_by_mrn(records, "follow_up/follow_up.csv")
    said = looks[(looks["event_type"] == "clinic_visit") & (looks["finding"] == "definite")]
    listed = truth[truth["practices"].str.contains("clinic statement")]
    assert set(said["mrn"]) - set(truth.loc[truth["is_clean"].astype(str) != "True", "mrn"]) <= set(listed["mrn"])
    before = of_practice(truth, "clinic statement before the image").set_index("mrn")["first_recurrence_date"]
    days = pd.to_datetime(said["event_date"], format="%m/%d/%Y").groupby(level=0).min().reindex(before.index)
    assert (days < pd.to_datetime(before)).all()
    assert (of_practice(truth, "no image bears out")["first_recurrence_date"] == "").all()


def test_a_second_hospital_has_its_own_hazard_margins_and_columns_and_leaves_the_first_as_it_is(hospital, tmp_path):
    simulate(PATIENTS, 7, tmp_path, hospitals=2)
    first = [path.relative_to(hospital).as_posix() for path in hospital.rglob("*") if path.is_file()]
    _, differing, missing = filecmp.cmpfiles(hospital, tmp_path, first, shallow=False)
    assert (differing, missing) == ([], [])
    header = (
        (tmp_path / "landing" / SECOND_HOSPITAL / "registry" / "hepatectomy_registry.csv").read_text().split("\n")[0]
    )
    assert not {"cea_ng_ml", "hai_pump", "preop_chemo"} & set(header.split(","))
    truths = [
        pd.read_csv(folder / "patients.csv", keep_default_na=False)
        for folder in (
            tmp_path / "truth",
            tmp_path / "truth" / SECOND_HOSPITAL,
        )
    ]
    recurred = [(truth["first_recurrence_date"] != "").mean() for truth in truths]
    positive = [(truth["margin_group"] == "positive").mean() for truth in truths]
    assert recurred[1] > recurred[0] + 0.15
    assert positive[1] > positive[0] + 0.05
    simulate(40, 1, tmp_path)
    assert not (tmp_path / "landing" / SECOND_HOSPITAL).exists()
    with pytest.raises(ValueError, match="hospitals"):
        simulate(40, 1, tmp_path, hospitals=3)
