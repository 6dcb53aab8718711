"""The system around the benchmark: kernel, virtualization, and how busy the machine is as the session starts."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.agent.probe.files import text, without_empty

SAMPLE_S = 0.25
_CONTAINERS = ((".dockerenv", "docker"), ("run/.containerenv", "podman"))
_BUSY_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def read_kernel(root: Path) -> dict[str, Any]:
    """Kernel and distribution. Not the build string: it can hold the name of who built it, and where."""
    names = {}
    for line in (text(root / "etc/os-release") or "").splitlines():
        name, _, value = line.partition("=")
        names[name] = value.strip("\"'")
    return without_empty(
        {
            "system": platform.system(),
            "release": platform.release(),
            "distribution": names.get("ID"),
            "distribution_version": names.get("VERSION_ID"),
            "libc": " ".join(platform.libc_ver()).strip() or None,
            "python": platform.python_version(),
        }
    )


def read_virtualization(root: Path, lscpu: Mapping[str, str], flags: list[str]) -> dict[str, Any]:
    """Hypervisor, its kind, who made the (virtual) machine, and the container runtime."""
    hypervisor = lscpu.get("Hypervisor vendor") or text(root / "sys/hypervisor/type")
    return without_empty(
        {
            "virtual": hypervisor is not None or "hypervisor" in flags,
            "hypervisor": hypervisor,
            "type": lscpu.get("Virtualization type"),
            "vendor": text(root / "sys/class/dmi/id/sys_vendor"),
            "container": next((name for path, name in _CONTAINERS if (root / path).exists()), None),
        }
    )


def read_load(root: Path) -> dict[str, Any]:
    """Load averages, and the share of the last quarter of a second that cores were busy or taken by other virtual machines."""
    average = (text(root / "proc/loadavg") or "").split()
    before = _cpu_times(root)
    time.sleep(SAMPLE_S)
    after = _cpu_times(root)
    spent = {name: after[name] - before[name] for name in after if name in before}
    total = sum(spent.values())
    idle = spent.get("idle", 0) + spent.get("iowait", 0)
    return without_empty(
        {
            "average_1m": float(average[0]) if len(average) > 2 else None,
            "average_5m": float(average[1]) if len(average) > 2 else None,
            "busy_percent": round(100 * (total - idle) / total, 1) if total > 0 else None,
            "steal_percent": round(100 * spent.get("steal", 0) / total, 1) if total > 0 else None,
        }
    )


def _cpu_times(root: Path) -> dict[str, int]:
    line = (text(root / "proc/stat") or "").split("\n", 1)[0].split()
    return {name: int(value) for name, value in zip(_BUSY_FIELDS, line[1:], strict=False) if value.isdigit()}
