"""Run one command in a process group of its own, with a time limit, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LARGEST_OUTPUT_BYTES = 64 << 20
GRACE_S = 2.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: the signal that ended it), whether its time was up, and its wall time."""

    exit_code: int
    timed_out: bool
    seconds: float


def run_command(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdout: Path, stderr: Path, timeout_s: float
) -> Ended:
    """Run it and keep what it prints. When the time is up, or anything interrupts the wait, its whole process group is killed.

    Raises OSError if it cannot be started. It cannot write a file of more than LARGEST_OUTPUT_BYTES, and it dies with its parent.
    """
    with stdout.open("wb") as out, stderr.open("wb") as err:
        began = time.monotonic()
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            process_group=0,
            preexec_fn=_child_limits(),
        )
        timed_out = False
        try:
            process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            kill_group(process)
        return Ended(process.returncode, timed_out, time.monotonic() - began)


def kill_group(process: subprocess.Popen[bytes], grace_s: float = GRACE_S) -> None:
    """End a process that leads its own group, and every child that it left: first politely, then by SIGKILL."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=grace_s)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def stop_with_parent(parent: int) -> None:
    """Ask the kernel to end this process when the one that started it ends. Raises SystemExit if that happened already."""
    _death_signal(signal.SIGTERM)()
    if os.getppid() != parent:
        raise SystemExit(f"the process {parent} that started the agent is gone")


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _child_limits() -> Callable[[], None]:
    die = _death_signal(signal.SIGKILL)

    def limit() -> None:
        die()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        most = LARGEST_OUTPUT_BYTES if hard == resource.RLIM_INFINITY else min(LARGEST_OUTPUT_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most if soft == resource.RLIM_INFINITY else min(most, soft), hard))

    return limit


def _death_signal(number: signal.Signals) -> Callable[[], None]:
    """A function that sets the signal this process gets when its parent ends; it does nothing where there is no such thing."""
    control = getattr(ctypes.CDLL(None), "prctl", None)

    def ask() -> None:
        if control is not None:
            control(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)

    return ask
