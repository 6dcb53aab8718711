"""What is published of a machine: a fixed choice of fields from the profiles of its sessions, never a name, address or id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from assay.dataset.models.base import ARCHITECTURES
from assay.dataset.redact import redact
from assay.reference import catalogue
from assay.reference.names import is_instance_type, parse_type

TEXT_FIELDS = ("processor", "cpu_family", "cpu_model", "memory_type", "vector_unit", "kernel", "virtualization")
COUNT_FIELDS = ("generation", "numa_nodes", "vcpus", "physical_cores", "memory_bytes", "l1d_bytes", "l2_bytes", "l3_bytes")

HOST_PREFIX = "host-"


def subjects(sessions: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The published metadata of every subject in `sessions` (session, subject, profile), by subject.

    Of two sessions that disagree on a field, the later one (by session id) is believed.
    """
    merged: dict[str, dict[str, Any]] = {}
    ordered = sessions.sort_values("session", kind="stable")
    for subject, profile in zip(ordered["subject"], ordered["profile"], strict=True):
        known = merged.setdefault(str(subject), {})
        if isinstance(profile, Mapping):
            known.update({name: value for name, value in profile.items() if value is not None})
    return {subject: describe(subject, merged[subject]) for subject in sorted(merged)}


def describe(subject: str, profile: Mapping[str, Any]) -> dict[str, Any]:
    """The published metadata of one subject.

    Of an instance type the catalogue says what it is, and its name says family and architecture where the catalogue does not
    know it; the profile says the rest. What is not known is absent, except family and architecture, which every client reads.
    """
    facts = {**profile, **_of_type(subject)}
    architecture = facts.get("architecture")
    described: dict[str, Any] = {
        "instance_family": str(facts.get("instance_family") or "unknown"),
        "architecture": architecture if architecture in ARCHITECTURES else "other",
    }
    for name in TEXT_FIELDS:
        value = facts.get(name)
        if isinstance(value, str) and value.strip():
            described[name] = redact(value.strip())
    for name in COUNT_FIELDS:
        value = facts.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            described[name] = value
    if facts.get("burstable") is True:
        described["burstable"] = True
    return described


def _of_type(subject: str) -> dict[str, Any]:
    if subject.startswith(HOST_PREFIX):
        return {"instance_family": "host"}
    known = catalogue.facts(subject)
    if known:
        return {**known, "physical_cores": known["cores"]}
    if not is_instance_type(subject):
        return {}
    name = parse_type(subject)
    said = {"instance_family": name.family, "generation": name.generation, "architecture": name.processor}
    return {field: value for field, value in said.items() if value is not None}
