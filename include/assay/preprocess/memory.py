"""Memory that is free again, back to the system: between a table and its picture, and between two files."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

import pyarrow as pa

_STATM = Path("/proc/self/statm")


def give_back() -> None:
    """Both allocators keep what they were given; a process that makes large things one after the other pays for all of them."""
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(AttributeError, OSError):  # where the C library has no such thing
        ctypes.CDLL(None).malloc_trim(0)


def resident_bytes() -> int:
    """How much memory this process holds now; 0 where the system does not say (other than Linux)."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
