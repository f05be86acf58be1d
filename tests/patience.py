"""How long a test waits on a machine that has other work: minutes, and not at all for a process that has already ended."""

import random
import time
from collections.abc import Callable
from subprocess import Popen

from orchestration.page.service import port_is_free

PATIENCE_SECONDS = 600


def wait_until(
    condition: Callable[[], bool], what: str, process: Popen | None = None, said: Callable[[], str] = str
) -> None:
    """Fails at once, with what the process said, when it has ended before."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process is None or process.poll() is None, (
            f"{what} did not come about, the process ended with {process.returncode}:\n{said()}"
        )
        assert time.monotonic() < deadline, f"{what} did not come about:\n{said()}"
        time.sleep(0.2)


def free_port() -> int:
    """Of those that no connection gets by chance while a server is on its way (Linux gives 32768 and above), by chance, so that
    two runs of the tests on one machine rarely ask for the same."""
    chance = random.SystemRandom()
    return next(port for port in chance.sample(range(20000, 32000), 500) if port_is_free(port))
