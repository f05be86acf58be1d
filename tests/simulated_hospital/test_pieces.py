"""A hospital of several pieces: its first is the hospital that it always was, and nothing of two pieces has one name."""

import csv
import filecmp

import pandas as pd
import pytest

from simulated_hospital.hospital import simulate
from simulated_hospital.pieces import PIECE_PATIENTS, pieces_of

FEEDS = {
    "registry/hepatectomy_registry{}.csv": (",", "record_id"),
    "follow_up/follow_up{}.csv": (",", "event_id"),
    "treatments/recurrence_treatments{}.csv": (";", "treatment_id"),
}


def rows(path, delimiter):
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.fixture(scope="module")
def two_pieces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_pieces")
    summary = simulate(100, 7, folder, piece_patients=60)
    return folder, folder / "landing" / "simulated_hospital", summary


def test_the_first_piece_is_the_hospital_of_its_size(two_pieces, tmp_path):
    simulate(60, 7, tmp_path)
    alone = tmp_path / "landing" / "simulated_hospital"
    files = sorted(path.relative_to(alone).as_posix() for path in alone.rglob("*") if path.is_file())
    assert len(files) > 20
    assert filecmp.cmpfiles(alone, two_pieces[1], files, shallow=False) == (files, [], [])


@pytest.mark.parametrize(("name", "form"), FEEDS.items())
def test_no_record_and_no_patient_of_one_piece_is_another_s(two_pieces, name, form):
    delimiter, key = form
    first, second = (rows(two_pieces[1] / name.format(suffix), delimiter) for suffix in ("", "_002"))
    for column in (key, "mrn"):
        both = {row[column] for row in first} & {row[column] for row in second}
        assert both == set()
    assert len(second) > 10


def test_messages_of_two_pieces_share_no_control_id_and_no_accession(two_pieces):
    named = {"": [set(), set()], "_002": [set(), set()]}
    for path in (two_pieces[1] / "pathology").glob("*.hl7"):
        ids, accessions = named["_002" if path.stem.endswith("_002") else ""]
        for line in path.read_bytes().decode().split("\r"):
            if line.startswith("MSH|"):
                ids.add(line.split("|")[9])
            if line.startswith("OBR|"):
                accessions.add(line.split("|")[3])
    assert min(len(found) for pair in named.values() for found in pair) > 30
    assert [first & second for first, second in zip(named[""], named["_002"], strict=True)] == [set(), set()]


def test_the_truth_is_of_all_pieces_in_one_order(two_pieces):
    folder, landing, summary = two_pieces
    truth = pd.read_csv(folder / "truth" / "patients.csv", keep_default_na=False)
    assert truth["mrn"].is_unique and truth["mrn"].is_monotonic_increasing
    assert (truth["is_eligible"].sum(), len(truth)) == (100, 105)
    assert (summary["n_patients"], summary["n_ineligible"]) == (100, 5)
    registered = {
        row["record_id"]
        for name in ("", "_002")
        for row in rows(landing / f"registry/hepatectomy_registry{name}.csv", ",")
    }
    assert set(truth["registry_record_id"]) <= registered
    assert sorted(path.name for path in (folder / "truth").iterdir()) == ["dirt.csv", "patients.csv", "simulation.json"]


def test_dirt_of_a_later_piece_is_listed_with_its_file_and_line(two_pieces):
    folder, landing, _ = two_pieces
    dirt = pd.read_csv(folder / "truth" / "dirt.csv", keep_default_na=False)
    assert list(dirt["source_file"]) == sorted(dirt["source_file"])
    listed = dirt[dirt["source_file"] == "follow_up/follow_up_002.csv"]
    lines = (landing / "follow_up/follow_up_002.csv").read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    assert len(listed) > 3
    assert all(piece.mrn in lines[piece.source_line - 1] for piece in listed.itertuples())


def test_a_country_s_pieces_number_their_strangers_and_patients_in_seven_digits():
    pieces = pieces_of(1_776_000, 2012)
    assert sum(piece.n_patients for piece in pieces) == 1_776_000
    assert len({piece.seed for piece in pieces}) == len(pieces) == 89
    last = pieces[-1]
    assert last.patients_before + 1.04 * last.n_patients < 9_000_000
    assert (last.strangers_before + 1_000) * 10 < 1_000_000
    assert pieces_of(PIECE_PATIENTS, 5)[0].suffix == ""
    with pytest.raises(ValueError, match="between 1 and"):
        pieces_of(8_000_000, 1)
