"""The laboratory's messages: for every operation one report, in as many versions as it took, and some that are noise."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd

from simulated_hospital.phrase_book import Pathologist, choose_report_phrase, pathologists, texts
from simulated_hospital.pieces import Piece
from simulated_hospital.writers.hl7 import Person, message_body, message_header, sending_delay
from simulated_hospital.writers.report_text import Operation, ReportWriter, Specimen
from simulated_hospital.writers.specimens import NO_REPORT, draw_operation

# How the report of an operation came about; the rest is one final report
VERSION_SHARES = {
    "corrected": 0.03,
    "margin_in_addendum": 0.035,
    "other_addendum": 0.07,
    "preliminary": 0.05,
    "cancelled_order": 0.007,
    "earlier_biopsy": 0.04,
}
GROUP_MEMBERS_MM = ((0.0,), (0.3, 0.5, 0.8), (1.0, 2.0, 4.0, 7.0), (10.0, 12.0, 20.0))


@dataclass(frozen=True)
class Message:
    """One message before it has a control id: `body` is PID, OBR and OBX segments."""

    mrn: str
    accession_number: str
    reported_at: datetime
    body: str


def margin_group_index(margin_mm: float) -> int:
    """0 positive, 1 below 1 mm, 2 [1, 10) mm, 3 from 10 mm."""
    return 0 if margin_mm == 0 else 1 if margin_mm < 1 else 2 if margin_mm < 10 else 3


def write_reports(
    operations: pd.DataFrame,
    seed: int,
    progress: Callable[[float], None] = lambda share: None,
    piece: Piece | None = None,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """All messages about `operations`, in order of sending, and how many operations had each kind of history.

    Args:
        operations: mrn, last_name, first_name, birth_date, sex, operation_date, procedure_type, metastasis_count,
            largest_metastasis_cm, margin_mm, unresolved_kind ('' = can be settled), diagnosis, has_colon.
        piece: of which the operations are; its messages and accessions have numbers, its files names of their own.

    Returns:
        Frame mrn, accession_number, reported_at, control_id, text (whole message), source_file, is_only_message; counts.
    """
    ordered = operations.sort_values(["operation_date", "mrn"], kind="stable")
    messages: list[Message] = []
    histories: dict[str, int] = {}
    numbers: dict[int, int] = defaultdict(lambda: piece.accessions_before if piece else 0)
    for position, row in enumerate(ordered.itertuples(index=False)):
        if position % 2000 == 0:
            progress(position / len(ordered))
        if row.unresolved_kind == NO_REPORT:
            histories[NO_REPORT] = histories.get(NO_REPORT, 0) + 1
            continue
        desk = _Desk(row, random.Random(f"{seed}/pathology/{row.mrn}/{row.operation_date:%Y%m%d}"), numbers)
        messages += desk.messages()
        histories[desk.history] = histories.get(desk.history, 0) + 1
    return _sent(messages, piece), histories


def _sent(messages: list[Message], piece: Piece | None) -> pd.DataFrame:
    before, suffix = (piece.messages_before, piece.suffix) if piece else (0, "")
    messages = sorted(messages, key=lambda message: (message.reported_at, message.accession_number, message.body))
    rows = []
    for number, message in enumerate(messages, start=before + 1):
        sent_at = message.reported_at + sending_delay(message.accession_number)
        control_id = f"SIMLIS{number:09d}"
        text = message_header(control_id, sent_at) + message.body
        file = f"pathology/pathology_{message.reported_at.year}{suffix}.hl7"
        rows.append((message.mrn, message.accession_number, message.reported_at, control_id, text, file))
    columns = ["mrn", "accession_number", "reported_at", "control_id", "text", "source_file"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["is_only_message"] = ~frame["accession_number"].duplicated(keep=False)
    return frame


class _Desk:
    """The pathologist's desk for one operation: which reports leave it, and when."""

    def __init__(self, row: object, rng: random.Random, numbers: dict[int, int]) -> None:
        self.row, self.rng, self.numbers = row, rng, numbers
        self.person = Person(row.mrn, row.last_name, row.first_name, row.birth_date, row.sex)
        self.pathologist: Pathologist = rng.choice(pathologists())
        self.history = self._draw_history()

    def _draw_history(self) -> str:
        draw = self.rng.random()
        for history, share in VERSION_SHARES.items():
            if draw < share:
                # an unsettled margin stays unsettled: neither a correction nor an addendum brings it
                needs_margin = history in ("corrected", "margin_in_addendum")
                return "final" if needs_margin and self.row.unresolved_kind else history
            draw -= share
        return "final"

    def messages(self) -> list[Message]:
        accession = self._accession(self.row.operation_date)
        return getattr(self, f"_{self.history}")(accession)

    # --- histories --------------------------------------------------------------------------------------------------

    def _final(self, accession: str) -> list[Message]:
        return [self._message(accession, self._days(3, 8), "F", self._report(self._operation()))]

    def _corrected(self, accession: str) -> list[Message]:
        true_mm, group = float(self.row.margin_mm), margin_group_index(float(self.row.margin_mm))
        wrong_mm = self.rng.choice(GROUP_MEMBERS_MM[self.rng.choice([other for other in range(4) if other != group])])
        corrected = self._operation(floor_mm=wrong_mm)
        first_day = self._days(3, 8)
        second_day = first_day + timedelta(days=self.rng.randint(5, 40), hours=1)
        lines = self._report(corrected)
        comment = self._phrase("comment_correction", earlier=f"{first_day:%Y-%m-%d}")
        return [
            self._message(accession, first_day, "F", self._report(_with_margin(corrected, true_mm, wrong_mm))),
            self._message(accession, second_day, "C", [*lines[:-1], ("comment", "", comment), lines[-1]]),
        ]

    def _margin_in_addendum(self, accession: str) -> list[Message]:
        operation = replace(self._operation(), has_frozen_section=False)
        first_day = self._days(3, 8)
        writer = ReportWriter(operation, self.pathologist, self.rng)
        base = writer.write("diagnosis", is_pending=True)
        kind = "positive" if operation.margin_mm == 0 else "measured"
        return [
            self._message(accession, first_day, "F", base),
            self._addendum(accession, first_day, writer.addendum(kind)),
        ]

    def _other_addendum(self, accession: str) -> list[Message]:
        first_day = self._days(3, 8)
        return [
            self._message(accession, first_day, "F", self._report(self._operation())),
            self._addendum(accession, first_day, [self._phrase("addendum_other")]),
        ]

    def _preliminary(self, accession: str) -> list[Message]:
        wrong_mm = self.rng.choice((2, 3, 5, 12))
        part = "preliminary_margin" if self.rng.random() < 0.3 else "preliminary"
        lines = [("final_diagnosis", "", self._phrase(part, wrong_mm=wrong_mm))]
        return [
            self._message(accession, self._days(1, 2), "P", lines),
            self._message(accession, self._days(3, 8), "F", self._report(self._operation())),
        ]

    def _cancelled_order(self, accession: str) -> list[Message]:
        second = self._accession(self.row.operation_date)
        cancelled = self._message(second, self._days(1, 2), "X", [("comment", "", self._phrase("cancelled"))])
        return [*self._final(accession), cancelled]

    def _earlier_biopsy(self, accession: str) -> list[Message]:
        taken = self.row.operation_date - timedelta(days=self.rng.randint(45, 150))
        reported = datetime.combine(taken, datetime.min.time()) + timedelta(days=2, hours=self.rng.randint(8, 17))
        title = self.rng.choice(texts("specimen_titles", "kind")["biopsy"])
        found = self._phrase("biopsy", core_mm=self.rng.randint(3, 14)).split(" // ")
        lines = [("final_diagnosis", "A", text) for text in (f"A. {title}:", *found)]
        biopsy = self._accession(taken)
        body = message_body(self.person, biopsy, taken, reported, "F", lines)
        return [Message(self.row.mrn, biopsy, reported, body), *self._final(accession)]

    # --- pieces -----------------------------------------------------------------------------------------------------

    def _operation(self, floor_mm: float = 0.0) -> Operation:
        row = self.row
        count = 1 if pd.isna(row.metastasis_count) else int(row.metastasis_count)
        size = 2.5 if pd.isna(row.largest_metastasis_cm) else float(row.largest_metastasis_cm)
        return draw_operation(
            self.rng,
            float(row.margin_mm),
            size,
            count,
            row.procedure_type,
            row.diagnosis,
            bool(row.has_colon),
            row.unresolved_kind,
            floor_mm,
        )

    def _report(self, operation: Operation) -> list[tuple[str, str, str]]:
        writer, places = self.pathologist, ["diagnosis", "microscopic", "synoptic"]
        weights = [writer.diagnosis_share, writer.microscopic_share, writer.synoptic_share]
        if operation.unresolved_kind not in ("", "unresolved_negative", "unresolved_not_assessable"):
            places, weights = ["diagnosis"], [1.0]
        place = self.rng.choices(places, weights)[0]
        return ReportWriter(operation, writer, self.rng).write(place)

    def _message(self, accession: str, reported: datetime, status: str, lines: list[tuple[str, str, str]]) -> Message:
        body = message_body(self.person, accession, self.row.operation_date, reported, status, lines)
        return Message(self.row.mrn, accession, reported, body)

    def _addendum(self, accession: str, first_day: datetime, found: list[str]) -> Message:
        text = [self._phrase("addendum_title"), *found, f"Electronically signed: {self.pathologist.name} (simulated)"]
        reported = first_day + timedelta(days=self.rng.randint(4, 25), hours=2)
        return self._message(accession, reported, "F", [("addendum", "", line) for line in text])

    def _phrase(self, part: str, **values: object) -> str:
        return choose_report_phrase(self.rng, part, self.pathologist.style).format_map(values)

    def _days(self, first: int, last: int) -> datetime:
        """A time of day `first` to `last` days after the operation."""
        start = datetime.combine(self.row.operation_date, datetime.min.time())
        return start + timedelta(days=self.rng.randint(first, last), minutes=self.rng.randint(8 * 60, 18 * 60))

    def _accession(self, collected: date) -> str:
        self.numbers[collected.year] += 1
        return f"S{collected.year % 100:02d}-{self.numbers[collected.year]:05d}"


def _with_margin(operation: Operation, old_mm: float, new_mm: float) -> Operation:
    """The same operation with the deciding lesion at another width."""

    def moved(specimen: Specimen) -> Specimen:
        return replace(
            specimen,
            lesions=tuple(
                replace(lesion, margin_mm=new_mm) if lesion.margin_mm == old_mm else lesion
                for lesion in specimen.lesions
            ),
        )

    # an additional margin beside a main specimen (wrongly) called involved would be another story
    kept = tuple(moved(s) for s in operation.specimens if new_mm >= 1 or s.kind != "additional_margin")
    return replace(operation, specimens=kept, margin_mm=new_mm)


def write_messages(frame: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the messages (text, source_file, in order) below `folder`; returns the files."""
    paths = []
    for source_file, messages in frame.groupby("source_file", sort=True):
        path = folder / str(source_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(messages["text"]).encode("utf-8"))
        paths.append(path)
    return paths
