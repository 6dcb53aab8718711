"""One Airflow for one home at a time."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from assay.errors import AssayError

_PATIENCE = 20.0


@contextmanager
def stack_lock(folder: Path, what: str) -> Iterator[int]:
    """Hold the lock file of a home's Airflow; give its file descriptor, which a child process may hold on to as well.

    The kernel releases it when the last holder ends, however that ends. If the command that took the lock is gone and only its
    processes are still stopping, waits for them. Raises AssayError, naming the holder, if the lock is taken.
    """
    path = folder / "stack.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, path, time.monotonic() + _PATIENCE)
        _describe(descriptor, {"pid": os.getpid(), "what": what, "since": time.strftime("%Y-%m-%d %H:%M:%S")})
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            if psutil.pid_exists(holder.get("pid", -1)) or time.monotonic() > deadline:
                raise AssayError(
                    f"{path}: Airflow already runs on this home: `{holder.get('what', 'assay')}`, "
                    f"process {holder.get('pid', '?')}, since {holder.get('since', '?')}; "
                    "stop it, or set ASSAY_HOME to another folder"
                ) from None
            time.sleep(0.2)
        else:
            return


def _holder(descriptor: int) -> dict[str, int]:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:  # its holder is writing just now
        return {}
    return found if isinstance(found, dict) else {}


def _describe(descriptor: int, holder: dict[str, object]) -> None:
    text = json.dumps(holder).encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))
