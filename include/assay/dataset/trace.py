"""From any published value back to the hashes of the raw files that it came from, with nothing but the published documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import orjson

from assay.dataset.manifest import MANIFEST
from assay.dataset.origin import Keys, Origin, at, origins, pointer
from assay.errors import AssayError

Step: TypeAlias = dict[str, Any]
"""One step of the way: `step` (value, quantity, session, raw_file), `text` for a person, and the facts by name."""

MEASURED_PARTS = (
    "benchmarks",
    "provisional",
    "variants",
    "microarchitecture",
    "provisional_microarchitecture",
    "rankings",
    "intel",
    "amd",
    "graviton",
    "numa",
    "families",
    "architectures",
    "series",
    "instances",
)
"""Top-level fields whose numbers come from measurements; the others describe the document."""

_DESCRIBING = frozenset(
    {
        "metadata",
        "sample_size",
        "sessions",
        "rank",
        "confidence_level",
        "warnings",
        "nodes",
        "types",
        "vcpus",
        "hourly_price",
        "confidence",
        "source",
    }
)


def trace(documents: Mapping[str, bytes], document: str, path: str) -> list[Step]:
    """The way from a value to its raw files.

    `path`: fields joined by dots (`benchmarks.stream.m7i.large.triad_bandwidth.value`; names that hold dots are recognized) or a
    JSON pointer (`/benchmarks/stream/m7i.large/triad_bandwidth`). Raises AssayError if the document or the path does not exist,
    or if what stands there does not come from measurements.
    """
    decoded = {name: orjson.loads(raw) for name, raw in documents.items() if name.endswith(".json")}
    if document not in decoded:
        raise AssayError(f"{document}: no such document in the snapshot; there are {', '.join(sorted(decoded))}")
    return list(trace_steps(decoded, document, parse_path(decoded[document], document, path)))


def trace_steps(documents: Mapping[str, Any], document: str, keys: Keys) -> Iterator[Step]:
    """The steps of `trace` for decoded documents and the keys of a value. Raises AssayError as `trace` does."""
    value = at(documents[document], keys)
    shown = value if isinstance(value, int | float | str) else "{...}"
    yield _step("value", f"{document} {pointer(keys)}: {shown}", document=document, path=pointer(keys))
    sources: set[str] = set()
    for origin in origins(documents, document, keys):
        yield _quantity_step(documents, origin)
        sources.update(origin.holder["sources"])
    sessions = {entry["session"]: entry for entry in documents[MANIFEST]["sessions"]}
    for session in sorted(sources):
        if session not in sessions:
            raise AssayError(f"{MANIFEST}: session {session}, a source of {document} {pointer(keys)}, is not listed")
        yield from _session_steps(sessions[session])


def parse_path(document: Any, name: str, path: str) -> Keys:
    """The keys of a path in a decoded document. Raises AssayError, naming what is there, if it leads nowhere."""
    parts = [_unescape(part) for part in path[1:].split("/")] if path.startswith("/") else re.split(r"[.\[\]]+", path.rstrip("]"))
    keys: list[str | int] = []
    here = document
    while parts:
        taken, key = _next_key(here, parts)
        if taken == 0:
            there = (
                sorted(here)[:8] if isinstance(here, Mapping) else f"{len(here)} items" if isinstance(here, list) else repr(here)
            )
            at_ = "/".join(map(str, keys))
            raise AssayError(f"{name}: nothing at {'.'.join(parts)!r} below /{at_}; there is {there}")
        keys.append(key)
        here = here[key]
        parts = parts[taken:]
    return tuple(keys)


def measured_values(document: Any) -> Iterator[Keys]:
    """The keys of every number in a decoded document that comes from measurements: medians, bounds, means, ratios, ranks'
    values."""
    if isinstance(document, Mapping):
        for part in MEASURED_PARTS:
            if part in document:
                yield from _numbers(document[part], (part,))


def _numbers(value: Any, path: Keys) -> Iterator[Keys]:
    if isinstance(value, Mapping):
        for key in value:
            if key not in _DESCRIBING:
                yield from _numbers(value[key], (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _numbers(item, (*path, number))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def _quantity_step(documents: Mapping[str, Any], origin: Origin) -> Step:
    holder, where = origin.holder, f"{origin.document} {pointer(origin.keys)}"
    facts = {name: holder[name] for name in ("value", "unit", "sample_size", "implementation", "configuration") if name in holder}
    text = f"{origin.via} {where}, which rests" if origin.via else f"{where} rests"
    text += f" on {len(holder['sources'])} sessions"
    if {"value", "unit", "implementation"} <= facts.keys():
        text += f": median {facts['value']} {facts['unit']}, n = {facts['sample_size']}, by {facts['implementation']}"
    spelled = documents[origin.document].get("configurations", {}).get(facts.get("configuration", ""), {})
    made_with = ", ".join(
        f"{name} {spelled[name]}" for name in ("version", "threads", "size_policy", "build_flags") if name in spelled
    )
    machine = _machine(documents[origin.document], origin.keys)
    text += (f" ({made_with})" if made_with else "") + (f", on {machine['processor']}" if "processor" in machine else "")
    return _step(
        "quantity", text, document=origin.document, path=pointer(origin.keys), machine=machine, key=dict(spelled), **facts
    )


def _machine(document: Any, keys: Keys) -> dict[str, Any]:
    for length in range(len(keys), 0, -1):
        holder = at(document, keys[:length])
        if isinstance(holder, Mapping) and isinstance(holder.get("metadata"), Mapping):
            return dict(holder["metadata"])
    return {}


def _session_steps(entry: Mapping[str, Any]) -> Iterator[Step]:
    facts = {name: entry[name] for name in ("session", "kind", "subject", "manifest_sha256")}
    yield _step(
        "session", f"session {entry['session']} of {entry['subject']}, manifest sha256 {entry['manifest_sha256']}", **facts
    )
    for file in entry["files"]:
        text = f"    {file['sha256']} {file['path']} ({file['bytes']} bytes)"
        yield _step("raw_file", text, session=entry["session"], file=file["path"], bytes=file["bytes"], sha256=file["sha256"])


def _next_key(here: Any, parts: list[str]) -> tuple[int, str | int]:
    if isinstance(here, list):
        inside = parts[0].isdigit() and int(parts[0]) < len(here)
        return (1, int(parts[0])) if inside else (0, "")
    if isinstance(here, Mapping):
        for length in range(len(parts), 0, -1):
            if ".".join(parts[:length]) in here:
                return length, ".".join(parts[:length])
    return 0, ""


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _step(step: str, text: str, **facts: Any) -> Step:
    return {"step": step, "text": text, **facts}
