"""A Spark Connect server on this machine for as long as a test needs it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.patience import PATIENCE_SECONDS, free_port


@dataclass(frozen=True)
class Server:
    """A running server; killing it is a test's own affair."""

    address: str
    process: subprocess.Popen

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def sail_server(log: Path) -> Iterator[Server]:
    """Sail in a process of its own; what it says goes to `log`."""
    port = free_port()
    command = [Path(sys.executable).with_name("sail"), "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
    with log.open("a") as said, subprocess.Popen(command, stdout=said, stderr=said, cwd=log.parent) as process:
        try:
            wait_for(port, process, log)
            yield Server(f"sc://127.0.0.1:{port}", process)
        finally:
            process.kill()


def wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    """Until the server listens.

    Raises:
        RuntimeError: it ended, or does not listen within minutes; the message has the end of its log.
    """
    for _ in range(10 * PATIENCE_SECONDS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text()[-2000:]}")
        time.sleep(0.1)
    raise RuntimeError(f"the server does not listen: {log.read_text()[-2000:]}")
