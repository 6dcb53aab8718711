"""lstopo -> the machine's topology. Format: hwloc's XML. Host names and serial numbers in it are not handed on. No
measurement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from xml.parsers import expat

from assay.measurement import Execution
from assay.read.sources.spare_cores.output import STDOUT, Output, spoilt, text

TASK = "lstopo"
IMPLEMENTATION = "lstopo"

_COUNTED = {"Package": "claimed_sockets", "NUMANode": "numa_nodes", "Core": "claimed_cores", "PU": "claimed_vcpus"}
_CACHES = {"L1Cache": "l1d_bytes", "L2Cache": "l2_bytes", "L3Cache": "l3_bytes"}
_MAX_DEPTH = 64


class _Refused(Exception):
    """The XML declares an entity or is nested deeper than any topology."""


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """Packages, NUMA nodes, cores, processing units and cache sizes in bytes. Spoilt: the XML is cut or is no topology."""
    counted: Counter[str] = Counter()
    caches: dict[str, int] = {}
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise _Refused(f"nested deeper than {_MAX_DEPTH}")
        kind = attributes.get("type", "") if name == "object" else name
        counted[kind] += 1
        size = attributes.get("cache_size", "")
        if kind in _CACHES and size.isascii() and size.isdigit() and len(size) < 16:
            caches[_CACHES[kind]] = int(size)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(name: str, *rest: object) -> None:
        raise _Refused("an entity of its own")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = start, end, refuse
    try:
        parser.Parse(text(files), True)
    except (expat.ExpatError, _Refused) as error:
        cut = isinstance(error, expat.ExpatError) and error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
        rule = "truncated-output" if cut or depth > 0 else "unreadable"
        raise spoilt(rule, STDOUT, str(error), "hwloc's XML, whole") from None
    if not counted["topology"] or not counted["PU"]:
        raise spoilt("unreadable", STDOUT, "XML without processing units", "hwloc's topology")
    profile = {key: counted[kind] for kind, key in _COUNTED.items() if counted[kind]}
    return Output(run, profile={**profile, **caches})
