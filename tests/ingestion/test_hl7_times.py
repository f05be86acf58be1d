"""When messages were sent (MSH-7): one order for all messages of a file, whether or not they tell their distance from UTC."""

import pyarrow as pa
import pytest

from orchestration.ingestion.contract import FieldContract, SourceContract
from orchestration.ingestion.readers import hl7_segments, read_records
from orchestration.ingestion.readers.account import account_of
from orchestration.ingestion.readers.hl7_times import in_utc


def records(*messages: str, message_type: str = "ORU") -> pa.Table:
    fields = {"message_control_id": "MSH-10", "mrn": "PID-3.1", "accession_number": "PID-3.1"}
    contract = SourceContract(
        version="1",
        feed="pathology_messages",
        file_pattern="*",
        format="hl7_v2",
        message_type=message_type,
        key=["message_control_id"],
        time_zone="Europe/Berlin",
        fields={name: FieldContract(column=path, required=True) for name, path in fields.items()},
    )
    return read_records("".join(messages).encode(), contract)


def message(sent_at: str, kind: str = "ORU^R01", group: str = "OBR|1||S1|D") -> str:
    return f"MSH|^~\\&|L|H|C|W|{sent_at}||{kind}|M1|T|2.5.1\rPID|1||A1\r{group}\rOBX|1|TX|D||x||||||F\r"


def sent(*times: str) -> list[str | None]:
    return records(*map(message, times))["source_updated_at"].to_pylist()


def test_a_file_whose_messages_tell_no_distance_keeps_its_words():
    assert sent("20090610", "20090610120000.5", "") == ["20090610", "20090610120000.5", None]


def test_a_file_whose_messages_tell_their_distance_is_in_utc():
    assert sent("20090610120000+0200", "20090610120000.5-0500") == ["20090610100000", "20090610170000"]


def test_messages_without_a_distance_among_others_are_at_the_hospitals_local_time():
    assert sent("20090110120000", "20090110123000+0100") == ["20090110110000", "20090110113000"]
    assert sent("20090610123000+0100", "20090610120000") == ["20090610113000", "20090610100000"]


@pytest.mark.parametrize("first", ["20090110120000", "20090110123000+0100"])
def test_the_parts_that_a_large_file_is_read_in_have_one_order(monkeypatch, first):
    monkeypatch.setattr(hl7_segments, "PART_BYTES", 10)
    (second,) = {"20090110120000", "20090110123000+0100"} - {first}
    assert set(sent(first, second, second)) == {"20090110110000", "20090110113000"}


def test_a_document_that_takes_the_place_of_another_does_so_by_the_same_order(monkeypatch):
    monkeypatch.setattr(hl7_segments, "PART_BYTES", 10)
    replacing = message("20090110120000", "MDM^T10", "TXA|1|SP||||||||||S2|S1")
    table = records(replacing, message("20090110123000+0100", "MDM^T02", "TXA|1|SP||||||||||S3"), message_type="MDM")
    assert table["source_updated_at"].to_pylist() == ["20090110110000", "20090110113000"]
    assert [one.updated_at for one in account_of(table).withdrawals] == ["20090110110000"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2009", "20081231230000"),
        ("200906101030+0200", "20090610083000"),
        ("20090101003000+0130", "20081231230000"),
        ("20090610120000-0030", "20090610123000"),
        ("20090230", None),
        ("20090610120000+2500", None),
        ("20090610120000+02", "20090610100000"),
        ("00010101000000+0100", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_a_time_in_utc(written, meant):
    # +02 is no distance of HL7: the hospital's own counts
    assert in_utc(pa.array([written]), "Europe/Berlin").to_pylist() == [meant]
