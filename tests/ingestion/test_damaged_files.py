"""Ten thousand damaged files: each is read or refused with a reason, no undamaged record is lost, every account adds up."""

import base64
import io
import json
import random
import re
from collections import Counter

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from orchestration.ingestion.contract import FieldContract, SourceContract
from orchestration.ingestion.contract.report_lines import ReportLine
from orchestration.ingestion.load_file import load_file
from orchestration.ingestion.raw_schema import create_raw_schema
from orchestration.ingestion.readers import READER_FAILED, UnreadableFile, read_records
from orchestration.ingestion.readers.account import account_of
from orchestration.settings import PROJECT_ROOT
from tests.ingestion.damage import damaged
from tests.ingestion.test_hl7_reports import PDF

ADT_EVENTS = PROJECT_ROOT / "orchestration" / "ingestion" / "readers" / "adt_events.yml"
N_FILES = 10_000
# odd, so that every format has its turn
LOADED_OF = 19
ROWS = [
    ["E1", "A1", "2001-02-03", "CT", 'a note; with "quotes"'],
    ["E2", "A2", "2001-02-04", "MRI", "Zoé\nsecond line"],
    ["E3", "A3", "2001-02-05", "CT", ""],
    ["E4", "A4", "never", "CT", "plain"],
    ["E5", "A5", "2001-02-07", "US", "plain"],
]
NAMES = ["id", "mrn", "day", "how", "note"]


def follow_up(file_format: str, **settings) -> SourceContract:
    fields = {
        "event_id": FieldContract(column="id", required=True),
        "mrn": FieldContract(column="mrn", required=True),
        "event_date": FieldContract(column="day", formats=["%Y-%m-%d"], required=True),
        "modality": FieldContract(column="how"),
        "note": FieldContract(column="note"),
    }
    return SourceContract(
        version="1",
        feed="follow_up",
        file_pattern="*",
        format=file_format,
        key=["event_id"],
        fields=fields,
        source_system="h",
        **settings,
    )


def hl7(feed: str, message_type: str) -> SourceContract:
    fields = {
        "message_control_id": FieldContract(column="MSH-10", required=True),
        "order_number": FieldContract(column="order_number", required=True),
        "mrn": FieldContract(column="PID-3[MR].1", required=True),
    }
    if message_type == "ADT":
        fields["retired_mrn"] = FieldContract(column="MRG-1.1", required=True)
    return SourceContract(
        version="1",
        feed=feed,
        file_pattern="*",
        format="hl7_v2",
        message_type=message_type,
        key=["message_control_id", "order_number"],
        fields=fields,
        source_system="h",
    )


def delimited_text(delimiter: str) -> bytes:
    def written(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if set(value) & {delimiter, '"', "\n"} else value

    return "".join(delimiter.join(map(written, row)) + "\n" for row in [NAMES, *ROWS]).encode()


def redcap_text() -> bytes:
    header = "record_id,redcap_repeat_instrument,redcap_repeat_instance,id,mrn,day,how,note\n"
    first = "".join(f"{n},,,,A{n},,,\n" for n in range(1, 6))
    looks = "".join(f"{n},look,1,E{n},,2001-02-0{n},CT,plain\n" for n in range(1, 6))
    return (header + first + looks).encode()


def workbook() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in [NAMES, *ROWS]:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def parquet() -> bytes:
    buffer = io.BytesIO()
    columns = {name: pa.array(column) for name, column in zip(NAMES, zip(*ROWS, strict=True), strict=True)}
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def messages(kind: str) -> bytes:
    body = {
        "ORU^R01": "OBR|1||S{n}|11529-5\rOBX|1|TX|22637-3^D^LN|A|margin \\T\\ ink ~4 mm||||||F\r"
        "OBR|2||S{n}b\rOBX|1|TX|22637-3|A|x||||||F\r",
        "ADT^A40": "MRG|B{n}^^^H^MR\r",
    }[kind]
    return "".join(
        f"MSH|^~\\&|L|H|C|W|20000102||{kind}|M{n}|T|2.5.1\rPID|1||9^^^H^SS~A{n}^^^H^MR\r" + body.format(n=n)
        for n in range(1, 5)
    ).encode()


def messages_with_documents() -> bytes:
    """A report in RTF, one in HTML, one in PDF, one in all three."""
    rtf = base64.b64encode(rb"{\rtf1\ansi margin \b 4 mm\b0.\par}").decode()
    page = base64.b64encode(b"<html><body><p>margin 4 mm</p></body></html>").decode()
    documents = [("RTF", rtf), ("HTML", page), ("PDF", PDF)]
    return "".join(
        f"MSH|^~\\&|L|H|C|W|20000102||ORU^R01|M{n}|T|2.5.1\rPID|1||A{n}^^^H^MR\rOBR|1||S{n}|11529-5\r"
        + "".join(
            f"OBX|{place}|ED|22637-3|A|^application^{kind}^Base64^{data}||||||F\r"
            for place, (kind, data) in enumerate(documents, start=1)
            if n in (place, 4)
        )
        for n in range(1, 5)
    ).encode()


def reports() -> SourceContract:
    """A table of reports, one of them in RTF and one in HTML."""
    return SourceContract(
        version="1", feed="pathology_messages", file_pattern="*", format="delimited", key=["message_control_id"], source_system="h",
        fields={
            "message_control_id": FieldContract(column="id", required=True), "mrn": FieldContract(column="mrn", required=True),
        },
        lines=[
            ReportLine(section="final_diagnosis", column="text"),
            ReportLine(section="synoptic", label="Margin", column="mm", unit="mm"),
        ],
    )  # fmt: skip


REPORTS = (
    b"id,mrn,text,mm\nK1,A1,plain text,4\nK2,A2,{\\rtf1\\ansi margin 4 mm.},\n"
    b"K3,A3,<div><p>margin 4 mm</p></div>,<1\nK4,A4,,0.5\n"
)


def resources() -> bytes:
    looks = [
        {
            "resourceType": "Observation",
            "id": f"E{n}",
            "subject": {"reference": f"Patient/p{n}"},
            "note": [{"text": "plain"}],
        }
        for n in range(1, 5)
    ]
    patients = [
        {"resourceType": "Patient", "id": f"p{n}", "identifier": [{"system": "mrn", "value": f"A{n}"}]}
        for n in range(1, 5)
    ]
    return b"".join(json.dumps(one).encode() + b"\n" for one in [*patients, *looks])


def fhir() -> SourceContract:
    fields = {
        "event_id": FieldContract(column="id", required=True),
        "mrn": FieldContract(column="subject -> Patient.identifier[mrn].value", required=True),
        "note": FieldContract(column="note.text"),
    }
    return SourceContract(
        version="1",
        feed="follow_up",
        file_pattern="*",
        format="fhir",
        resource="Observation",
        key=["event_id"],
        fields=fields,
        source_system="h",
    )


def sound_files() -> list[tuple[SourceContract, bytes, bytes | None]]:
    """Contract, content, and the end of a record where records are lines of text."""
    return [
        (follow_up("delimited", delimiter=";"), delimited_text(";"), b"\n"),
        (
            follow_up("delimited", delimiter="sniff", encoding="sniff", ends_with_newline=False),
            delimited_text("\t"),
            b"\n",
        ),
        (follow_up("redcap", instrument="look"), redcap_text(), b"\n"),
        (follow_up("excel"), workbook(), None),
        (follow_up("parquet"), parquet(), None),
        (hl7("pathology_messages", "ORU"), messages("ORU^R01"), b"\r"),
        (hl7("patient_merges", "ADT"), messages("ADT^A40"), b"\r"),
        (fhir(), resources(), b"\n"),
        (hl7("pathology_messages", "ORU"), messages_with_documents(), b"\r"),
        (reports(), REPORTS, b"\n"),
    ]


def undamaged_lines(sound: bytes, content: bytes, end: bytes, contract: SourceContract) -> set[str]:
    """The records' lines that still stand in the damaged file as they were, between two line ends."""
    lines = sound.split(end)[1:-1]
    if contract.format == "redcap":
        lines = [line for line in lines if b",look," in line]
    if contract.format == "fhir":
        lines = [line for line in lines if b'"Observation"' in line]
    # letters beyond ASCII may rightly be read otherwise when the damage makes the file look like another encoding
    return {line.decode() for line in lines if line and line.isascii() and end + line + end in content}


@pytest.fixture(scope="module")
def files() -> list[tuple[SourceContract, bytes, bytes, bytes | None]]:
    chance = random.Random(2012)
    originals = sound_files()
    chosen = [originals[number % len(originals)] for number in range(N_FILES)]
    return [(contract, sound, damaged(sound, chance), end) for contract, sound, end in chosen]


def test_sound_originals_are_read_whole():
    for contract, content, _ in sound_files():
        table = read_records(content, contract)
        assert table.num_rows >= 4, contract.format
        assert table["structure_problem"].null_count == table.num_rows, contract.format


def test_each_damaged_file_is_read_or_refused_and_no_undamaged_record_is_lost(files):
    outcomes: Counter = Counter()
    for contract, sound, content, end in files:
        try:
            table = read_records(content, contract)
        except UnreadableFile as refusal:
            assert READER_FAILED not in str(refusal), (contract.format, content)
            outcomes[contract.format, "refused"] += 1
            continue
        outcomes[contract.format, "read"] += 1
        assert table.column_names[:3] == ["source_line", "payload", "structure_problem"]
        if end is not None and not content.startswith(b"\x1f\x8b"):
            kept = "\n".join(payload or "" for payload in table["payload"].to_pylist())
            passed_over = messages_that_merge_nobody(content) if account_of(table).passed_over else ""
            lost = [
                line
                for line in undamaged_lines(sound, content, end, contract)
                if _as_kept(line, contract) not in kept and line not in passed_over
            ]
            assert lost == [], (contract.format, content)
    # were everything refused, nothing would be shown; were nothing, the damage would be none
    for contract, _, end in sound_files():
        # a binary file hardly ever survives
        assert outcomes[contract.format, "read"] > (100 if end else 0)
        assert outcomes[contract.format, "refused"] > 50


def messages_that_merge_nobody(content: bytes) -> str:
    """Damage may make another event of one (A40, A41), whose message is passed over and counted."""
    events = yaml.safe_load(ADT_EVENTS.read_text(encoding="utf-8"))
    others = {event for kind in ("merge", "link", "unlink") for event in events[kind]}
    parts = re.split(rb"[\r\n]+(?=MSH)", content)
    told = [re.match(rb"MSH(?:\|[^|\r]*){7}\|ADT\^(\w+)", part) for part in parts]
    left = [part for part, event in zip(parts, told, strict=True) if event and event[1].decode() not in others]
    return b"\n".join(left).decode("utf-8", "replace")


def _as_kept(line: str, contract: SourceContract) -> str:
    """How a payload quotes the line: FHIR resources are written anew."""
    return json.dumps(json.loads(line), ensure_ascii=False) if contract.format == "fhir" else line


def test_every_account_adds_up_for_what_is_loaded(files, tmp_path):
    with duckdb.connect() as connection:
        create_raw_schema(connection)
        for number, (contract, _, content, _) in enumerate(files[::LOADED_OF]):
            path = tmp_path / "h" / f"{number}.any"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            load = load_file(connection, path, tmp_path, contract, "night")
            assert load.rows_read == load.rows_loaded + load.rows_rejected + load.rows_duplicate
        accounts = connection.execute(
            """SELECT source_file, feed, rows_loaded, rows_rejected FROM raw.ingest_ledger WHERE status = 'loaded'"""
        ).fetchall()
        found = connection.execute(
            """SELECT source_file, count(*) FILTER (kind = 'loaded'), count(*) FILTER (kind = 'rejected') FROM (
                   SELECT source_file, 'loaded' AS kind FROM raw.follow_up
                   UNION ALL SELECT source_file, 'loaded' FROM raw.pathology_messages
                   UNION ALL SELECT source_file, 'loaded' FROM raw.patient_merges
                   UNION ALL SELECT source_file, 'rejected' FROM raw.rejected_records WHERE scope = 'record'
               ) GROUP BY source_file"""
        ).fetchall()
    assert len(accounts) > N_FILES / LOADED_OF / 4
    expected = {name: (loaded, rejected) for name, _, loaded, rejected in accounts if loaded or rejected}
    assert {name: (loaded, rejected) for name, loaded, rejected in found} == expected
