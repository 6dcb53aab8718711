"""lscpu -JB -> what the machine says of its processor. Format: lscpu(1), JSON, sizes in bytes. No measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from assay.measurement import Execution
from assay.read.claims import claim
from assay.read.sources.spare_cores.output import STDOUT, Output, spoilt, text, whole

TASK = "lscpu"
IMPLEMENTATION = "lscpu"

_TEXTS = {"Architecture:": "claimed_isa", "Model name:": "claimed_processor", "Vendor ID:": "claimed_vendor"}
_COUNTS = {
    "CPU(s):": "claimed_vcpus",
    "Thread(s) per core:": "claimed_threads_per_core",
    "Core(s) per socket:": "claimed_cores_per_socket",
    "Socket(s):": "claimed_sockets",
    "NUMA node(s):": "numa_nodes",
}
_CACHES = {"L1d cache:": "l1d_bytes", "L2 cache:": "l2_bytes", "L3 cache:": "l3_bytes"}
_NEEDED = ("Architecture:", "CPU(s):", "Model name:")
_CACHE = re.compile(r"(\d{1,15}) \((\d{1,6}) instances?\)")
_VECTORS = ("avx", "avx2", "avx512f", "amx_tile", "asimd", "sve", "sve2")


class _Field(msgspec.Struct):
    field: str
    data: str | None = None


class _Document(msgspec.Struct):
    lscpu: list[_Field]


_DOCUMENT = msgspec.json.Decoder(_Document)


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """Processor, counts, caches and vector extensions as `claimed_*` and machine facts. Spoilt: no such JSON, a needed field
    missing."""
    try:
        document = _DOCUMENT.decode(text(files))
    except (msgspec.DecodeError, RecursionError) as error:
        raise spoilt("unreadable", STDOUT, str(error)[:160], "lscpu's JSON") from None
    fields = {entry.field: entry.data or "" for entry in document.lscpu}
    for name in _NEEDED:
        if not fields.get(name):
            raise spoilt("incomplete-result", STDOUT, "nothing", "a value", name)
    return Output(run, profile=_profile(fields))


def _profile(fields: Mapping[str, str]) -> dict[str, Any]:
    profile: dict[str, Any] = {key: claim(fields[name]) for name, key in _TEXTS.items() if fields.get(name)}
    for name, key in _COUNTS.items():
        count = whole(fields.get(name, ""))
        if count is not None:
            profile[key] = count
    for name, key in _CACHES.items():
        if size := _CACHE.fullmatch(fields.get(name, "")):
            profile[key] = int(size[1])
    flags = set(fields.get("Flags:", "")[:20_000].split())
    profile["vector_extensions"] = [name for name in _VECTORS if name in flags]
    return profile
