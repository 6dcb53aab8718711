"""An example of every document, made from its schema: each field with a plausible value, each list and map with one member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SESSION = "20241120T093011Z-3fa9c2d41b7e"

_BY_PATTERN = {
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$": "2024-11-20T11:10:00Z",
    r"^\d{4}-\d{2}-\d{2}$": "2024-11-20",
    r"^[0-9a-f]{64}$": _DIGEST,
    r"^\d{8}T\d{6}Z-[0-9a-f]{12}$": _SESSION,
    r"^\d+$": "6",
    r"^\d{4}-(W\d{2}|Q[1-4])$": "2024-Q4",
}

_BY_NAME: Mapping[str, Any] = {
    "value": 47.9,
    "confidence_interval": [47.2, 48.6],
    "confidence_level": 0.96875,
    "mean": 47.8,
    "sample_size": 6,
    "sessions": 3,
    "coefficient_variation": 1.2,
    "quality": "A",
    "unit": "GB/s",
    "instance": "m7i.large",
    "best": "m7i.large",
    "subject": "m7i.large",
    "instance_family": "m7i",
    "processor": "Intel Xeon Scalable, 4th generation (Sapphire Rapids)",
    "memory_type": "DDR5",
    "vector_unit": "avx512f",
    "generation": 7,
    "vcpus": 2,
    "implementation": "assay-stream",
    "configuration": "assay-stream-1",
    "version": "1",
    "threads": "all",
    "size_policy": "4x-llc",
    "build_flags": "gcc 12.2.0 -O3 -march=native",
    "benchmark": "stream",
    "metric": "triad_bandwidth",
    "document": "memory-benchmarks.json",
    "field": "triad_bandwidth",
    "kind": "instance_benchmark",
    "dataset": "default",
    "licence": "CC BY 4.0",
    "attribution": "measured with Assay",
    "source": "assay-agent",
    "url": "https://example.org/dataset",
    "currency": "USD",
    "path": "memory-benchmarks.json",
    "title": "memory bandwidth by instance type.",
    "schema": "../../schemas/v1.1.0/memory-benchmark.schema.json",
    "base": "data/processed/latest/",
    "rule": "physics.latency-order",
    "file": "latency/1/stdout.txt",
    "expected": "DRAM at least 5x L1",
    "message": "L1, L2, L3 and DRAM all answer in 1.93 ns; expected DRAM at least 5x L1.",
    "since": "2024-11-19",
    "theoretical_peak": 89.6,
    "efficiency_percent": 47.2,
    "higher_is_better": True,
    "region": "us-east-1",
    "memory_bytes": 8589934592,
    "l1d_bytes": 49152,
    "l2_bytes": 2097152,
    "l3_bytes": 110100480,
    "kernel": "6.1.0",
    "virtualization": "kvm",
    "architecture": "intel",
    "architectures": "intel",
    "family": "m7i",
    "new": "m7i.large",
    "gone": "m6i.large",
    "parameters": [],
    "as_of": "2025-03-02",
    "hourly_price": 0.1008,
    "of": "triad_bandwidth",
    "level": 0.95,
    "min_sizes": 4,
    "reach": 2.0,
    "max_left_out_percent": 50.0,
    "left_out_percent": 2.1,
    "mean_left_out_percent": 2.4,
    "exponent": 0.96,
    "residual_sd": 0.02,
    "estimate": 380.2,
}
"""What a field of this name is likely to hold; used where the schema takes it."""

_KEYS: Mapping[str, tuple[str, ...]] = {
    "rankings": ("triad_bandwidth",),
    "configurations": ("assay-stream-1",),
    "variants": ("stream", "assay-stream-2"),
    "instances": ("m7i.large", "us-east-1"),
    "microarchitecture": ("intel",),
    "provisional": ("intel",),
    "provisional_microarchitecture": ("intel",),
    "families": ("m7i", "triad_bandwidth"),
    "architectures": ("intel", "triad_bandwidth"),
    "series": ("m7i.large", "triad_bandwidth"),
    "implementations": ("stream",),
    "grades": ("A",),
    "history": ("m7i",),
    "filter": ("architecture",),
    "warnings": ("stability.cv",),
    "value_per_dollar": ("triad_bandwidth",),
    "cost_per_operation": ("launch.boot_time",),
    "estimates": ("m7i", "triad_bandwidth"),
    "refused": ("m7i",),
    "documents": ("memory-benchmarks.json",),
    "counts": ("sessions",),
    "accounting": ("accepted",),
}
"""Names of the members of a map, outermost first; an instance type elsewhere."""

_UNMADE = ("migrated_from", "migration")


def example(schema: Mapping[str, Any]) -> Any:
    """An instance that satisfies a schema of ours."""
    return _Maker(schema.get("$defs", {})).make(schema, "")


class _Maker:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.definitions = definitions

    def make(self, schema: Mapping[str, Any], name: str, depth: int = 0) -> Any:
        if "$ref" in schema:
            target = self.definitions[schema["$ref"].rpartition("/")[2]]
            made = self.make(target, name, depth)
            narrowed = schema.get("properties", {})
            return {**made, **{key: self.make(value, key) for key, value in narrowed.items()}} if narrowed else made
        if "anyOf" in schema:
            made = self.make(schema["anyOf"][0], name, depth)
            narrowed = schema.get("properties", {})
            return {**made, **{key: self.make(value, key) for key, value in narrowed.items()}} if narrowed else made
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "object":
            return self._object(schema, name, depth)
        if schema.get("type") == "array":
            return self._array(schema, name, depth)
        return _leaf(schema, name)

    def _object(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        if "properties" in schema:
            return {key: self.make(value, key) for key, value in schema["properties"].items() if key not in _UNMADE}
        members = schema.get("additionalProperties")
        if not isinstance(members, Mapping) or not members:
            return _BY_NAME.get(name, {})
        keys = _KEYS.get(name, ("m7i.large",))
        return {keys[min(depth, len(keys) - 1)]: self.make(members, name, depth + 1)}

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        if "prefixItems" in schema or isinstance(_BY_NAME.get(name), list):
            return _BY_NAME.get(name, [1.0, 2.0])
        items = schema.get("items", {})
        return [self.make(items, name, depth)] if items else []


def _leaf(schema: Mapping[str, Any], name: str) -> Any:
    kind = schema.get("type")
    likely = _BY_NAME.get(name)
    if kind == "string":
        by_pattern = _BY_PATTERN.get(schema.get("pattern", ""))
        return by_pattern or (likely if isinstance(likely, str) else name)
    if kind == "boolean":
        return bool(likely)
    low, high = schema.get("minimum", schema.get("exclusiveMinimum", 1)), schema.get("maximum", schema.get("exclusiveMaximum"))
    if isinstance(likely, int | float) and likely >= low and (high is None or likely <= high):
        return likely if kind == "number" else int(likely)
    return max(1, low) if high is None else high
