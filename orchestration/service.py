"""Dagster's page and daemon as processes: on a desk both at once, on a server each as a service of its own."""

import os
import socket
import sys
from pathlib import Path


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def become(program: str, *arguments: str) -> None:
    """Replace this process by a program of the same environment, so that signals reach it and nobody else."""
    path = str(Path(sys.executable).with_name(program))
    os.execv(path, [path, *arguments])
