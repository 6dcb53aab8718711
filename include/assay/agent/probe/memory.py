"""Memory: how much, of which kind, on which NUMA nodes, in which pages."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.agent.probe.files import fields, number, numbers_in_list, size_bytes, text, without_empty

_DEVICE = 17
_TYPE_AT, _SPEED_AT = 0x12, 0x15
_TYPES = {0x13: "DDR2", 0x18: "DDR3", 0x1A: "DDR4", 0x1E: "LPDDR4", 0x22: "DDR5", 0x23: "LPDDR5", 0x20: "HBM", 0x21: "HBM2"}
"""Memory types of SMBIOS 3.7, table 78, as far as they carry benchmarks today."""


def read_memory(root: Path) -> dict[str, Any]:
    """Bytes in all and available, the limit of the control group, kind and speed of the modules, and large pages."""
    info = fields(text(root / "proc/meminfo") or "")
    kind, speed = memory_modules(_bytes(root / "sys/firmware/dmi/tables/DMI"))
    huge = root / "sys/kernel/mm/transparent_hugepage/enabled"
    return without_empty(
        {
            "total_bytes": size_bytes(info.get("MemTotal")),
            "available_bytes": size_bytes(info.get("MemAvailable") or info.get("MemFree")),
            "swap_bytes": size_bytes(info.get("SwapTotal")),
            "limit_bytes": number(root / "sys/fs/cgroup/memory.max"),
            "type": kind or _edac_type(root),
            "speed_mt_s": speed,
            "transparent_huge_pages": _chosen(text(huge)),
            "huge_page_bytes": size_bytes(info.get("Hugepagesize")),
        }
    )


@dataclass(frozen=True)
class Node:
    """A NUMA node: its number, its cores, its memory (bytes; None: not known), its distance to each node in their order."""

    number: int
    cpus: tuple[int, ...]
    memory_bytes: int | None
    distances: tuple[int, ...]


def numa_nodes(root: Path = Path("/")) -> list[Node]:
    """The NUMA nodes as the kernel lists them; none where it does not."""
    nodes = []
    for number_of_node in numbers_in_list(text(root / "sys/devices/system/node/online")):
        folder = root / f"sys/devices/system/node/node{number_of_node}"
        shown = re.search(r"MemTotal:\s+(\d+ kB)", text(folder / "meminfo") or "")
        distances = tuple(int(part) for part in (text(folder / "distance") or "").split() if part.isdigit())
        cpus = tuple(numbers_in_list(text(folder / "cpulist")))
        nodes.append(Node(number_of_node, cpus, size_bytes(shown.group(1)) if shown else None, distances))
    return nodes


def read_numa(root: Path) -> dict[str, Any]:
    """Nodes with how many cores they have, their memory and distances."""
    nodes = [
        without_empty(
            {
                "node": node.number,
                "cpus": len(node.cpus),
                "memory_bytes": node.memory_bytes,
                "distances": list(node.distances),
            }
        )
        for node in numa_nodes(root)
    ]
    return without_empty({"nodes": len(nodes) or None, "each": nodes})


def memory_modules(table: bytes) -> tuple[str | None, int | None]:
    """Type and configured speed (MT/s) of the first installed memory module in the SMBIOS table, which only root can read.

    Nothing else is taken from it: it also holds serial numbers.
    """
    at = 0
    while at + 4 <= len(table):
        kind, length = table[at], table[at + 1]
        if length < 4:
            break
        if kind == _DEVICE and length > _SPEED_AT + 1 and at + length <= len(table):
            (size,) = struct.unpack_from("<H", table, at + 0x0C)
            (speed,) = struct.unpack_from("<H", table, at + (0x20 if length > 0x21 else _SPEED_AT))
            if size not in (0, 0xFFFF):
                return _TYPES.get(table[at + _TYPE_AT]), speed if 0 < speed < 0xFFFF else None
        end = table.find(b"\0\0", at + length)
        if end < 0:
            break
        at = end + 2
    return None, None


def _edac_type(root: Path) -> str | None:
    for path in sorted(root.glob("sys/devices/system/edac/mc/mc*/dimm*/dimm_mem_type")):
        found = re.search(r"(LP)?DDR\d", text(path) or "")
        if found:
            return found.group()
    return None


def _chosen(shown: str | None) -> str | None:
    found = re.search(r"\[(\w+)\]", shown or "")
    return found.group(1) if found else None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
