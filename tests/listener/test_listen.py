"""`crlm listen` with a real client: what is acknowledged is on the disk, whatever happens next."""

import asyncio
import os
import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import duckdb
import hl7
import pytest
from hl7.client import MLLPClient
from hl7.mllp import open_hl7_connection

from orchestration.ingestion.contract import load_hospitals
from orchestration.ingestion.listener import listener_for
from orchestration.ingestion.listener.spool import Spool, place_of
from orchestration.ingestion.load_feed import load_feed
from tests.ingestion.conftest import PATHOLOGY_CONTRACT
from tests.patience import PATIENCE_SECONDS

N_MESSAGES = 10_000
N_BEFORE_KILL = 4_000


def message(number: int, kind: str = "ORU^R01") -> str:
    return (
        f"MSH|^~\\&|LAB|NORTH|CRLM|STUDY|20200101||{kind}|M{number}|P|2.5\rPID|1||P{number % 500}\r"
        f"OBR|1||A{number}||||20200101||||||||||||||||||F\rOBX|1|TX|22637-3^D||Margin {number} mm||||||F\r"
    )


@pytest.fixture
def north(tmp_path: Path) -> Path:
    """A data folder with a hospital that sends HL7 v2 results."""
    contracts = tmp_path / "contracts" / "north"
    contracts.mkdir(parents=True)
    (contracts / "hospital.yml").write_text("name: North\nis_simulated: true\n", encoding="utf-8")
    (contracts / "pathology.yml").write_text(PATHOLOGY_CONTRACT, encoding="utf-8")
    return tmp_path


class Listening:
    """The command in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        environment = os.environ | {
            "CRLM_DATA_DIR": str(folder / "data"),
            "CRLM_CONTRACTS_DIR": str(folder / "contracts"),
        }
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "orchestration.command_line",
                "listen",
                "--hospital",
                "north",
                "--port",
                "0",
                *options,
            ],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        said = self.process.stderr.readline()
        listens = re.search(r":(\d+)", said)
        assert listens, said + self.process.stderr.read()
        self.port = int(listens[1])

    def end(self, how: int) -> str:
        self.process.send_signal(how)
        return self.process.communicate(timeout=PATIENCE_SECONDS)[0]


def send(port: int, first: int, last: int, stop_after: int | None, process=None) -> list[int]:
    """Messages one after the other by the library's client; returns the numbers that were acknowledged."""
    acknowledged = []
    try:
        with MLLPClient("127.0.0.1", port) as client:
            for number in range(first, last):
                reply = hl7.parse(client.send_message(message(number)).decode("latin-1").strip("\x0b\x1c\r"))
                if str(reply.segment("MSA")[1]) == "AA" and str(reply.segment("MSA")[2]) == f"M{number}":
                    acknowledged.append(number)
                if stop_after is not None and len(acknowledged) == stop_after:
                    os.kill(process.pid, signal.SIGKILL)
    except (OSError, IndexError, hl7.exceptions.HL7Exception, ValueError):
        pass
    return acknowledged


def loaded(folder: Path) -> list[tuple[str, int]]:
    connection = duckdb.connect()
    contracts = load_hospitals(folder / "contracts")
    load_feed(connection, folder / "data" / "landing", contracts, "pathology_messages", "night")
    return connection.execute(
        "SELECT message_control_id, count(*) FROM raw.pathology_messages GROUP BY 1 ORDER BY 1"
    ).fetchall()


def test_no_acknowledged_message_is_lost_and_none_is_there_twice_when_the_listener_is_killed(north):
    listening = Listening(north)
    acknowledged = send(listening.port, 0, N_MESSAGES, N_BEFORE_KILL, listening.process)
    listening.process.communicate(timeout=PATIENCE_SECONDS)
    assert N_BEFORE_KILL <= len(acknowledged) < N_MESSAGES

    # the client sends again what it has no answer for, beginning with the one that was under way
    listening = Listening(north)
    rest = send(listening.port, acknowledged[-1] + 1, N_MESSAGES, None)
    said = listening.end(signal.SIGTERM)

    assert [*acknowledged, *rest] == list(range(N_MESSAGES))
    assert f"{len(rest):,} message(s) received" in said
    assert loaded(north) == sorted((f"M{number}", 1) for number in range(N_MESSAGES))
    files = [path for path in (north / "data" / "landing" / "north" / "pathology").iterdir() if path.suffix == ".hl7"]
    assert files and all(path.stat().st_mode & 0o077 == 0 for path in files)


def with_listener(folder: Path, act, tls=None):
    """Run `act(port, listener)` beside a listener in this process."""

    async def run():
        listener = listener_for("north", folder / "data" / "landing", load_hospitals(folder / "contracts"))
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(listener.serve("127.0.0.1", 0, tls, port.set_result))
        try:
            return await act(await port, listener)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    return asyncio.run(run())


async def answer_to(port: int, text: str, tls=None) -> tuple[str, str, str]:
    """MSA-1, MSA-2 and MSA-3."""
    reader, writer = await open_hl7_connection("127.0.0.1", port, ssl=tls, encoding="latin-1")
    writer.writeblock(text.encode("latin-1"))
    await writer.drain()
    reply = (await reader.readblock()).decode("latin-1")
    writer.close()
    found = (reply.split("\r")[1].split("|") + ["", ""])[1:4]
    return found[0], found[1], found[2]


def test_what_cannot_be_taken_is_rejected_with_the_reason(north):
    async def act(port, listener):
        return [
            await answer_to(port, message(1, "ORM^O01")),
            await answer_to(port, "PID|1||P1\r"),
            await answer_to(port, message(1).replace("|M1|", "||")),
            await answer_to(port, message(1).replace("|2.5\r", "|2.5|||AL\r")),
            await answer_to(port, message(2)),
        ]

    answers = with_listener(north, act)

    assert answers[0] == ("AR", "M1", "messages of type ORM are not taken here (taken: ORU)")
    assert answers[1] == ("AR", "", "the message does not begin with an MSH segment")
    assert answers[2] == ("AR", "", "MSH-10 is empty: the message cannot be acknowledged")
    assert answers[3] == ("CA", "M1", ""), "enhanced mode: an accept acknowledgement"
    assert answers[4] == ("AA", "M2", "")
    assert loaded(north) == [("M1", 1), ("M2", 1)]


def test_a_full_disk_is_an_error_and_the_message_is_not_taken(north, monkeypatch):
    async def act(port, listener):
        def full(self, messages):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(Spool, "write", full)
            refused = await answer_to(port, message(1))
        return refused, await answer_to(port, message(1))

    refused, taken = with_listener(north, act)
    assert refused == ("AE", "M1", "the message cannot be stored now; send it again later")
    assert taken[0] == "AA"
    assert loaded(north) == [("M1", 1)]


def test_over_tls_only_with_tls(north, tmp_path):
    certificate = tmp_path / "north.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(certificate), "-out", str(tmp_path / "crt.pem"),
         "-days", "2", "-subj", "/CN=localhost"],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is not installed")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "crt.pem", certificate)
    client = ssl.create_default_context(cafile=tmp_path / "crt.pem")
    client.check_hostname = False

    async def act(port, listener):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(answer_to(port, message(1)), PATIENCE_SECONDS)
        return await answer_to(port, message(2), client)

    assert with_listener(north, act, server)[0] == "AA"
    assert loaded(north) == [("M2", 1)]


def test_a_message_cut_off_by_a_kill_is_not_landed_and_two_listeners_do_not_share_a_folder(tmp_path):
    spool = Spool(tmp_path / "in", "*.hl7")
    spool.write([b"MSH|whole\r"])
    with pytest.raises(Exception, match="another listener writes into"):
        Spool(tmp_path / "in", "*.hl7")
    with spool.current.open("ab") as file:
        file.write(b"\x0bMSH|cut o")
    spool._lock.close()

    Spool(tmp_path / "in", "*.hl7")

    (landed,) = (tmp_path / "in").glob("*.hl7")
    assert landed.read_bytes() == b"\x0bMSH|whole\r\x1c\r"


def test_files_are_named_so_that_their_contract_finds_them():
    assert [(str(folder), name) for folder, name in map(place_of, ["path/*.hl7", "*.hl7", "**/oru_*.txt", "in/all.hl7"])] == [
        ("path", "*.hl7"), (".", "*.hl7"), (".", "oru_*.txt"), ("in", "*.hl7"),
    ]  # fmt: skip
