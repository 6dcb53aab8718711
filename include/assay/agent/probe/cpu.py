"""The processor: model, vector units, cores, caches, clock policy."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.agent.probe.files import fields, number, numbers_in_list, size_bytes, text, without_empty

_VENDORS = {"0x41": "ARM", "0xc0": "Ampere", "0x48": "HiSilicon", "0x61": "Apple"}
_VECTORS_X86 = (("avx512f", 512), ("avx", 256), ("sse2", 128))


def read_lscpu() -> dict[str, str]:
    """What `lscpu -J` says, by field; empty where there is no lscpu."""
    try:
        result = subprocess.run(["lscpu", "-J"], env={**os.environ, "LC_ALL": "C"}, capture_output=True, timeout=20, check=False)
        return parse_lscpu(result.stdout)
    except (OSError, subprocess.TimeoutExpired):
        return {}


def parse_lscpu(raw: bytes) -> dict[str, str]:
    """Fields of lscpu's JSON, which is flat in older versions and nested in newer ones; empty if it is not that."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    found: dict[str, str] = {}
    waiting = document.get("lscpu", []) if isinstance(document, dict) else []
    waiting = list(waiting) if isinstance(waiting, list) else []
    while waiting:
        entry = waiting.pop(0)
        if isinstance(entry, dict):
            if isinstance(entry.get("field"), str) and isinstance(entry.get("data"), str):
                found.setdefault(entry["field"].rstrip(":"), entry["data"])
            waiting = [*(entry.get("children") or []), *waiting]
    return found


def read_cpu(root: Path, lscpu: Mapping[str, str]) -> dict[str, Any]:
    """Model, vendor, flags and numbers of cores."""
    info = fields((text(root / "proc/cpuinfo") or "").split("\n\n", 1)[0])
    flags = sorted(set((info.get("flags") or info.get("Features") or "").split()))
    implementer = info.get("CPU implementer", "")
    vendor = info.get("vendor_id") or lscpu.get("Vendor ID") or _VENDORS.get(implementer)
    return without_empty(
        {
            "architecture": platform.machine(),
            "vendor": vendor,
            "model_name": lscpu.get("Model name") or info.get("model name"),
            "family": info.get("cpu family"),
            "model": info.get("model") or info.get("CPU part"),
            "stepping": info.get("stepping") or info.get("CPU revision"),
            "microcode": info.get("microcode"),
            "flags": flags,
            "vector_bits": _vector_bits(root, flags),
            **_cores(root),
        }
    )


def read_caches(root: Path, lscpu: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every kind of cache: level, type, bytes of one, how many of them, cores that share one, line and ways."""
    found: dict[tuple[int, str, int], dict[str, Any]] = {}
    seen: set[tuple[int, str, str]] = set()
    for folder in sorted(root.glob("sys/devices/system/cpu/cpu[0-9]*/cache/index[0-9]*")):
        level, kind, size = number(folder / "level"), text(folder / "type"), size_bytes(text(folder / "size"))
        shared = text(folder / "shared_cpu_list") or folder.parts[-3]
        if level is None or kind is None or size is None or (level, kind, shared) in seen:
            continue
        seen.add((level, kind, shared))
        entry = found.setdefault(
            (level, kind, size),
            without_empty(
                {
                    "level": level,
                    "type": kind.lower(),
                    "bytes": size,
                    "shared_by": len(numbers_in_list(shared)) or None,
                    "line_bytes": number(folder / "coherency_line_size"),
                    "ways": number(folder / "ways_of_associativity"),
                }
            ),
        )
        entry["instances"] = entry.get("instances", 0) + 1
    return [found[key] for key in sorted(found)] or _caches_elsewhere(lscpu)


def read_clock(root: Path) -> dict[str, Any]:
    """Governor, driver and limits of the clock, where the kernel shows them; a virtual machine mostly does not."""
    policies = sorted(root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq"))
    governors = sorted({found for folder in policies if (found := text(folder / "scaling_governor"))})
    first = policies[0] if policies else root / "none"
    no_turbo, boost = (number(root / "sys/devices/system/cpu" / name) for name in ("intel_pstate/no_turbo", "cpufreq/boost"))
    return without_empty(
        {
            "governor": ",".join(governors) or None,
            "driver": text(first / "scaling_driver"),
            "min_khz": number(first / "cpuinfo_min_freq"),
            "max_khz": number(first / "cpuinfo_max_freq"),
            "boost": None if no_turbo is None and boost is None else (boost == 1 or no_turbo == 0),
        }
    )


def _cores(root: Path) -> dict[str, Any]:
    online = numbers_in_list(text(root / "sys/devices/system/cpu/online"))
    cores, sockets = set(), set()
    for cpu in online:
        topology = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
        socket, core = number(topology / "physical_package_id"), text(topology / "thread_siblings_list")
        if core is not None:
            cores.add((socket, core))
            sockets.add(socket)
    logical = len(online) or os.cpu_count()
    return {
        "logical_cpus": logical,
        "usable_cpus": usable_cpus(root),
        "physical_cores": len(cores) or None,
        "sockets": len(sockets) or None,
        "threads_per_core": round(len(online) / len(cores)) if cores else None,
    }


def usable_cpus(root: Path) -> int:
    """Cores that this process may use: its affinity, and the quota of its control group if that is less."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = (text(root / "sys/fs/cgroup/cpu.max") or "max").split()
    if len(quota) == 2 and quota[0].isdigit() and quota[1].isdigit() and int(quota[1]) > 0:
        allowed = min(allowed, max(1, -(-int(quota[0]) // int(quota[1]))))
    return max(1, allowed)


def _vector_bits(root: Path, flags: list[str]) -> int | None:
    """Width of the widest vector unit that the processor reports. SVE states its length in bytes for the default of a process."""
    if "sve" in flags:
        length = number(root / "proc/sys/abi/sve_default_vector_length")
        return max(128, 8 * length) if length else 128
    if "asimd" in flags or "neon" in flags:
        return 128
    return next((bits for flag, bits in _VECTORS_X86 if flag in flags), None)


def _caches_elsewhere(lscpu: Mapping[str, str]) -> list[dict[str, Any]]:
    """Cache sizes from lscpu (sum of all of a kind, since util-linux 2.34) or from the C library, where the kernel shows none."""
    kinds = [("L1d", 1, "data", "SC_LEVEL1_DCACHE_SIZE")]
    kinds += [(f"L{level}", level, "unified", f"SC_LEVEL{level}_CACHE_SIZE") for level in (2, 3)]
    found = []
    for name, level, kind, constant in kinds:
        shown = lscpu.get(f"{name} cache", "")
        size, _, rest = shown.partition("(")
        total, instances = size_bytes(size), int(rest.split()[0]) if rest and rest.split()[0].isdigit() else 1
        if total:
            found.append({"level": level, "type": kind, "bytes": total // instances, "instances": instances})
        elif constant in os.sysconf_names and os.sysconf(constant) > 0:
            found.append({"level": level, "type": kind, "bytes": os.sysconf(constant), "instances": 1})
    return found
