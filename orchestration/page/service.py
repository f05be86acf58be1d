"""Dagster's page and daemon as processes: on a desk both at once (`crlm ui`), on a server each as a service (`crlm serve`)."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

DEFINITIONS = ("-m", "orchestration.definitions")
SECONDS_TO_END = 10
"""After so long a process that was asked to end is ended."""


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def page_command(port: int, host: str = "127.0.0.1") -> list[str]:
    """Dagster's page, which answers to this machine's own names only."""
    return [sys.executable, "-m", "orchestration.page.guarded", *DEFINITIONS, "--host", host, "--port", str(port)]


def daemon_command() -> list[str]:
    """What begins nights, works off the queue and tells people."""
    return [str(Path(sys.executable).with_name("dagster-daemon")), "run", *DEFINITIONS]


def become(command: Sequence[str]) -> None:
    """Replace this process by the command, so that a service manager's signals reach it and nobody else."""
    os.execv(command[0], list(command))


def run_together(commands: Sequence[Sequence[str]]) -> int:
    """Run the commands side by side until one ends, or until Ctrl-C or SIGTERM; then end the others at once.

    Returns the exit status of the one that ended by itself; 0 when it was asked to.
    """
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, frame: asked.append(received))
    # groups of their own, so that Ctrl-C reaches them once, from here
    running = [subprocess.Popen(command, start_new_session=True) for command in commands]
    try:
        while not asked and all(process.poll() is None for process in running):
            time.sleep(0.1)
        ended = next((process.returncode for process in running if process.returncode is not None), 0)
    finally:
        _end(running)
    return 0 if asked else ended


def _end(running: Sequence[subprocess.Popen]) -> None:
    for process in running:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + SECONDS_TO_END
    for process in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
        # what it started may have outlived it
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
