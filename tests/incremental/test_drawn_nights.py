"""Nights of corrections drawn at random, one after the other, against one build from scratch: whatever lands, in any order."""

import random

import pytest

from tests.incremental.hospital import (
    Hospital,
    differences,
    follow_up_rows,
    land_follow_up,
    land_merge,
    land_report,
)

N_NIGHTS = 2
CHANGES_A_NIGHT = 9


class Drawing:
    """What may land in a night: patients, records and days by chance, also of patients who changed before."""

    def __init__(self, hospital: Hospital, seed: int) -> None:
        self.hospital = hospital
        self.chance = random.Random(seed)
        self.looks = follow_up_rows(hospital)
        self.mrns = sorted({look["mrn"] for look in self.looks})
        self.reports: list[tuple[str, str, str]] = []

    def look(self, **values: str) -> dict[str, str]:
        return {**self.chance.choice(self.looks), **values}

    def mrn(self) -> str:
        # few, so that changes meet
        return self.chance.choice(self.mrns[:12])

    def change(self, name: str) -> None:
        kind = self.chance.choice(
            [self.correct, self.withdraw, self.move_look, self.amend, self.move_report, self.merge]
        )
        kind(name)

    def correct(self, name: str) -> None:
        finding, sites = self.chance.choice([("definite", "liver_margin;lung"), ("suspicious", "bone"), ("NED", "")])
        land_follow_up(self.hospital, name, self.look(finding=finding, sites=sites))

    def withdraw(self, name: str) -> None:
        land_follow_up(self.hospital, name, self.look(status="W"))

    def move_look(self, name: str) -> None:
        land_follow_up(self.hospital, name, self.look(mrn=self.mrn()))

    def amend(self, name: str) -> None:
        mrn, accession, collected = self.chance.choice(self.reports)
        land_report(
            self.hospital,
            name,
            mrn,
            accession,
            collected,
            f"Liver, parenchymal margin {self.chance.randint(0, 20)} mm.",
        )

    def move_report(self, name: str) -> None:
        _, accession, collected = self.chance.choice(self.reports)
        land_report(self.hospital, name, self.mrn(), accession, collected, "Liver, parenchymal margin free of tumor.")

    def merge(self, name: str) -> None:
        # also chains and circles
        land_merge(self.hospital, name, *self.chance.sample(self.mrns[:12], 2))


@pytest.mark.parametrize("seed", [1])
def test_any_nights_leave_what_a_build_from_scratch_leaves(first_night, tmp_path, seed):
    hospital = first_night.copied_to(tmp_path / "nights")
    drawing = Drawing(hospital, seed)
    drawing.reports = hospital.query(
        """SELECT mrn, accession_number, strftime(CAST(collected_date AS DATE), '%Y%m%d') FROM raw.pathology_messages
           ORDER BY ALL LIMIT 30"""
    )
    for night in range(N_NIGHTS):
        for change in range(CHANGES_A_NIGHT):
            # a build from scratch takes the files in by name
            drawing.change(f"z{night}_{change}")
        hospital.night()
    assert hospital.query("SELECT count(DISTINCT invocation_id) FROM intermediate.recomputed_rows") == [(N_NIGHTS,)]
    assert differences(hospital, hospital.rebuilt(tmp_path / "scratch")) == {}
