"""Root is bound by no permission: within this block the process is, as the user of a service would be."""

import contextlib
import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

VERSION_3 = 0x20080522
OVERRIDES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: to read, write and enter whatever the permissions say."""


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


@contextlib.contextmanager
def bound_by_permissions(tmp_path: Path) -> Iterator[None]:
    """Skips the test where the process cannot be bound. Threads that begin within the block are bound too."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, before = _Header(VERSION_3, 0), (_Sets * 2)()
    if not hasattr(libc, "capset") or libc.capget(ctypes.byref(header), before) != 0:
        pytest.skip("the capabilities of a process can be asked for on Linux only")
    bound = (_Sets * 2)(*before)
    bound[0].effective = before[0].effective & ~OVERRIDES
    if libc.capset(ctypes.byref(header), bound) != 0:
        pytest.skip("this process may not give up its capabilities")
    try:
        _skip_unless_bound(tmp_path)
        yield
    finally:
        libc.capset(ctypes.byref(header), before)


def _skip_unless_bound(tmp_path: Path) -> None:
    closed = tmp_path / "closed_to_its_owner"
    closed.touch(mode=0)
    try:
        closed.read_bytes()
    except PermissionError:
        return
    finally:
        closed.unlink()
    pytest.skip("permissions do not bind this process, whatever its capabilities")
