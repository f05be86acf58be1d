"""The process that computes families of statistics, two at a time, each in a copy of itself that ends with it.

Run as `python -m orchestration.computing` by `orchestration.computing.beside`, which sends through its standard input one
frame after another, then the plan and the names; each family comes back through its standard output when it is done. It opens no
file, and nothing that it holds is locked: a copy shares the frames with it, and what a family took of memory goes with its copy.
When the night's process ends, however that comes, its end of the input closes, and all of them end.
"""

import gc
import os
import pickle
import selectors
import signal
import sys
import threading
from collections.abc import Sequence
from typing import IO

from analysis.results import attempts
from analysis.results.families import FAMILIES, compute_family
from orchestration.computing.messages import Answer, Work
from orchestration.dbt_build.child import end_with_parent

AT_ONCE = 2
"""Families at a time: of more the memory would grow with the machine's cores (docs/performance.md)."""
A_PIECE = 1 << 20
BY_NAME = {family.name: family for family in FAMILIES}


def received(messages: IO[bytes]) -> Work | None:
    """The work as it comes in: frames by name, then a Work without them; None where the night ends first."""
    inputs = {}
    while True:
        try:
            message = pickle.load(messages)
        except EOFError:
            return None
        if isinstance(message, Work):
            return message._replace(inputs=inputs)
        name, frame = message
        inputs[name] = frame


def answer_of(work: Work, name: str) -> Answer:
    """A family's tables, or the error that it ended with."""
    family = BY_NAME[name]
    try:
        return Answer(name, compute_family(family, {need: work.inputs[need] for need in family.needs}, work.plan))
    except Exception as error:
        return Answer(name, error=error)


def sendable(answer: Answer) -> bytes:
    """The answer as bytes; of an error that cannot be sent its kind."""
    try:
        sent = pickle.dumps(answer)
        pickle.loads(sent)
    except Exception:
        return pickle.dumps(Answer(answer.name, error=RuntimeError(type(answer.error).__name__)))
    return sent


def begin_copy(work: Work, name: str, others: Sequence[int]) -> tuple[int, int]:
    """A copy of this process computes a family; its process id and the pipe on which the answer comes."""
    reads, writes = os.pipe()
    parent, process = os.getpid(), os.fork()
    if process:
        os.close(writes)
        return process, reads
    status = 1
    try:
        for descriptor in (reads, *others):
            os.close(descriptor)
        threading.Thread(target=end_with_parent, args=(parent,), daemon=True).start()
        with os.fdopen(writes, "wb") as pipe:
            pipe.write(sendable(answer_of(work, name)))
        status = 0
    finally:
        # nothing of this process' own end is done twice
        os._exit(status)


def next_family(waiting: Sequence[str], is_longest_running: bool) -> str:
    """Of families that wait, the longest first: the longest; while one that was taken so runs, the next that the night asks for (its
    steps go by name), so that what is done is written while the rest is computed."""
    return min(waiting) if is_longest_running else waiting[0]


def compute(work: Work, night: IO[bytes], answers: IO[bytes]) -> None:
    """Every family, at most so many at a time; returns early when the night has ended."""
    waiting, running, parts = list(work.names), {}, {}
    longest: int | None = None
    selector = selectors.DefaultSelector()
    selector.register(night, selectors.EVENT_READ)
    while waiting or running:
        while waiting and len(running) < min(AT_ONCE, os.cpu_count() or 1):
            name = next_family(waiting, is_longest_running=longest in running)
            waiting.remove(name)
            process, pipe = begin_copy(work, name, [answers.fileno(), *running])
            longest = pipe if longest not in running else longest
            running[pipe], parts[pipe] = (name, process), []
            selector.register(pipe, selectors.EVENT_READ)
        for key, _ in selector.select():
            if key.fileobj is night:
                for _, process in running.values():
                    os.kill(process, signal.SIGKILL)
                return
            pipe = key.fd
            if piece := os.read(pipe, A_PIECE):
                parts[pipe].append(piece)
                continue
            selector.unregister(pipe)
            os.close(pipe)
            name, process = running.pop(pipe)
            _, ended, used = os.wait4(process, 0)
            status = os.waitstatus_to_exitcode(ended)
            print(
                f"{name}: {used.ru_utime + used.ru_stime:.1f} processor s, {used.ru_maxrss // 1024} MB",
                file=sys.stderr,
                flush=True,
            )
            sent = b"".join(parts.pop(pipe))
            answers.write(sent if status == 0 else pickle.dumps(Answer(name, ended_by=status)))
            answers.flush()


def main() -> None:
    """Wait for the work, and do it."""
    # the night's process is told, and ends this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # what a library prints must not come between the answers
    os.dup2(2, 1)
    night = sys.stdin.buffer
    if (work := received(night)) is None:
        return
    if len(work.names) > 1:
        # the two cores have a process each
        attempts.AT_ONCE = 1
    # the copies share what is here: Python's look for unused objects would write to all of it
    gc.collect()
    gc.freeze()
    compute(work, night, answers)
