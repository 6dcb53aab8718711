"""The profile of the machine: everything that makes its numbers comparable, nothing that tells which machine it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.agent.probe.cpu import read_caches, read_clock, read_cpu, read_lscpu
from assay.agent.probe.memory import read_memory, read_numa
from assay.agent.probe.system import read_kernel, read_load, read_virtualization
from assay.session import format_time

PROFILE_VERSION = 1


def profile_machine(root: Path = Path("/")) -> dict[str, Any]:
    """The profile, as written to `profile.json`; reading takes a third of a second. What the machine does not tell is absent.

    Sizes are in bytes, clocks in kHz, memory speed in MT/s, shares in percent.
    """
    lscpu = read_lscpu() if root == Path("/") else {}
    cpu = read_cpu(root, lscpu)
    return {
        "profile_version": PROFILE_VERSION,
        "taken_at": format_time(datetime.now(UTC)),
        "cpu": cpu,
        "caches": read_caches(root, lscpu),
        "clock": read_clock(root),
        "memory": read_memory(root),
        "numa": read_numa(root),
        "kernel": read_kernel(root),
        "virtualization": read_virtualization(root, lscpu, cpu.get("flags", [])),
        "load": read_load(root),
    }
