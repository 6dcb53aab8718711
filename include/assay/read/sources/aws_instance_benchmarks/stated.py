"""What a result claims of itself -> the session's profile, for the rules to hold against the instance catalogue.

No address and no id leaves this module; whether there is one does.
"""

from __future__ import annotations

import re
from typing import Any

from assay.read.claims import claim
from assay.read.sources.aws_instance_benchmarks.shapes import (
    Context,
    Document,
    Environment,
    Inner,
    Metadata,
    System,
    Validation,
)

_NO_METADATA, _NO_CONTEXT, _NO_SYSTEM, _NO_ENVIRONMENT = Metadata(), Context(), System(), Environment()
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_MOST = 1e15
"""No count and no duration reaches this; what does is no number to hand on."""


def stated(document: Document, inner: Inner | None, source_file: str) -> dict[str, Any]:
    """The claims that are there, by name:

    `claimed_<field>` for a text or a number; `claimed_digests`: the checksums; `claimed_utc_offsets`: those of the clocks at
    start and end; `claimed_empty_fields`: fields that hold an empty text for none; `file_name_instance_type`,
    `file_name_suite`: what the name of the imported file says; `has_public_ip`, `has_private_ip`, `has_instance_id`: whether
    the file holds one.
    """
    metadata = document.metadata or _NO_METADATA
    context = document.execution_context or _NO_CONTEXT
    system = document.system_info or _NO_SYSTEM
    profile: dict[str, Any] = {
        "has_public_ip": bool(system.public_ip),
        "has_private_ip": bool(system.private_ip),
        "has_instance_id": bool(metadata.instance_id),
    }
    empty = []
    for name, text in (
        ("claimed_schema_version", document.schema_version),
        ("claimed_suite", metadata.benchmark_suite),
        ("claimed_architecture", metadata.processor_architecture),
        ("claimed_system_architecture", system.architecture),
        ("claimed_instance_family", metadata.instance_family),
        ("claimed_system_family", system.instance_family),
        ("claimed_region", metadata.region),
        ("claimed_container", (metadata.environment or _NO_ENVIRONMENT).container_image),
        ("claimed_build_flags", context.compiler_optimizations),
        ("claimed_version", context.benchmark_version),
        ("claimed_status", system.status),
        ("claimed_inner_instance_type", inner.instance_type if inner else None),
        ("public_ip", system.public_ip if system.public_ip == "" else None),
        ("private_ip", system.private_ip if system.private_ip == "" else None),
        ("instance_id", metadata.instance_id if metadata.instance_id == "" else None),
    ):
        if text.__class__ is str:
            if text:
                profile[name] = claim(text)
            else:
                empty.append(name.removeprefix("claimed_"))
    if empty:
        profile["claimed_empty_fields"] = empty
    _self_praise(profile, document.validation)
    _number(profile, "claimed_duration_s", metadata.duration_seconds)
    offsets = [_offset(text) for text in (metadata.timestamp, inner.timestamp if inner else None) if text.__class__ is str]
    if offsets:
        profile["claimed_utc_offsets"] = offsets
    parts = source_file.rpartition("/")[2].rpartition(".")[0].rsplit("-", 3)
    if len(parts) == 4:
        profile["file_name_instance_type"], profile["file_name_suite"] = claim(parts[0]), claim(parts[1])
    return profile


def _self_praise(profile: dict[str, Any], validation: Validation | None) -> None:
    if validation is None:
        return
    if validation.checksums is not None:
        stated = (validation.checksums.md5, validation.checksums.sha256)
        profile["claimed_digests"] = [claim(digest) for digest in stated if isinstance(digest, str) and digest]
    if validation.reproducibility is not None:
        _number(profile, "claimed_runs", validation.reproducibility.runs)
        _number(profile, "claimed_confidence", validation.reproducibility.confidence)


def _number(profile: dict[str, Any], name: str, value: object) -> None:
    if isinstance(value, int | float) and abs(value) < _MOST:
        profile[name] = value


def _offset(text: str) -> str:
    """The offset that a clock's text ends in, `Z` as `+00:00`; empty where it says none."""
    if text.endswith(("Z", "z")):
        return "+00:00"
    return text[-6:] if _OFFSET.fullmatch(text[-6:]) else ""
