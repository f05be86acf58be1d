"""The listener: frames by the hl7 library's MLLP server, messages to the disk in groups, an answer to each when it is there."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.ingestion.contract import SourceContract
from orchestration.ingestion.listener.acknowledgement import (
    ACCEPTED,
    ERROR,
    REJECTED,
    Header,
    Rejected,
    answer,
    check,
    header_of,
)
from orchestration.ingestion.listener.spool import Spool, place_of

MAX_MESSAGE_BYTES = 64 * 2**20
TICK_SECONDS = 1.0
# what a contract of this kind of message takes
TYPES = {"ORU": {"ORU"}, "ADT": {"ADT"}, "MDM": {"MDM"}}


class NothingToListenFor(Exception):
    """The hospital has no contract for HL7 v2 messages."""


def listener_for(
    hospital: str, landing_folder: Path, contracts: list[SourceContract], say: Callable[[str], None] = lambda text: None
) -> "Listener":
    """A listener for the messages that the hospital's contracts take, each type into the folder of its contract.

    Raises:
        NothingToListenFor: no contract of format hl7_v2.
        AlreadyListening: another listener writes there.
    """
    own = [one for one in contracts if one.source_system == hospital and one.format == "hl7_v2"]
    if not own:
        raise NothingToListenFor(f"'{hospital}' has no contract of format hl7_v2")
    places: dict[tuple[Path, str], Spool] = {}
    spools: dict[str, Spool] = {}
    for contract in own:
        folder, name = place_of(contract.file_pattern)
        place = (landing_folder / hospital / folder, name)
        if place not in places:
            places[place] = Spool(*place)
        for kind in TYPES.get(contract.message_type, {contract.message_type}):
            spools.setdefault(kind, places[place])
    for contract in own:
        folder, name = place_of(contract.file_pattern)
        for kind in contract.passes_over:
            # passed over here and taken by nobody else: it is kept all the same
            spools.setdefault(kind, places[landing_folder / hospital / folder, name])
    return Listener(spools, say)


def tls_context(certificate: Path | None, key: Path | None, client_ca: Path | None) -> ssl.SSLContext | None:
    """TLS by these PEM files; None without a certificate.

    Raises:
        OSError (ssl.SSLError among them): a file is not there, or no such thing.
    """
    if certificate is None:
        if key or client_ca:
            raise OSError("TLS needs a certificate")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


@dataclass
class Listener:
    """`spools`: type of message -> where its messages go."""

    spools: dict[str, Spool]
    say: Callable[[str], None] = lambda text: None
    n_received: int = 0
    n_refused: int = 0
    _waiting: asyncio.Queue = field(default_factory=asyncio.Queue)
    _disk: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def serve(
        self, host: str, port: int, tls: ssl.SSLContext | None = None, ready: Callable[[int], None] = lambda port: None
    ) -> None:
        """Listen until cancelled; then what was received lands."""
        from hl7.mllp import start_hl7_server

        server = await start_hl7_server(
            self._connected, host=host, port=port, ssl=tls, limit=MAX_MESSAGE_BYTES, encoding="latin-1"
        )
        writing, ticking = asyncio.create_task(self._write()), asyncio.create_task(self._tick())
        ready(server.sockets[0].getsockname()[1])
        try:
            await asyncio.gather(server.serve_forever(), writing, ticking)
        finally:
            server.close()
            for task in (writing, ticking):
                task.cancel()
            for spool in set(self.spools.values()):
                spool.close()

    async def _connected(self, reader, writer) -> None:
        try:
            while True:
                message = await reader.readblock()
                reply = await self._received(message)
                if reply is not None:
                    writer.writeblock(reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ssl.SSLError):
            # a message that is not whole was not acknowledged: its sender keeps it
            pass
        except Exception as error:
            # the library's own complaint about a frame that is none; not its text, which quotes the bytes
            self.say(f"a connection was closed: {type(error).__name__}")
        finally:
            writer.close()

    async def _received(self, message: bytes) -> bytes | None:
        header = Header()
        try:
            header = header_of(message)
            check(header, set(self.spools))
            written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            await self._waiting.put((self.spools[header.type], message, written))
            await written
        except Rejected as refusal:
            self.n_refused += 1
            self.say(f"rejected: {refusal}")
            return answer(header, REJECTED, str(refusal))
        except OSError as error:
            self.n_refused += 1
            self.say(f"not written: {error.strerror or error}")
            return answer(header, ERROR, "the message cannot be stored now; send it again later")
        self.n_received += 1
        return answer(header, ACCEPTED)

    async def _write(self) -> None:
        """All messages that wait, at once: one flush of the disk serves everybody who is connected."""
        while True:
            waiting = [await self._waiting.get()]
            while not self._waiting.empty():
                waiting.append(self._waiting.get_nowait())
            for spool in {spool for spool, _, _ in waiting}:
                own = [(message, written) for which, message, written in waiting if which is spool]
                try:
                    async with self._disk:
                        await asyncio.to_thread(spool.write, [message for message, _ in own])
                        spool.land_if_due()
                except OSError as error:
                    for _, written in own:
                        if not written.done():
                            written.set_exception(error)
                else:
                    for _, written in own:
                        if not written.done():
                            written.set_result(None)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            async with self._disk:
                for spool in set(self.spools.values()):
                    spool.land_if_due()
