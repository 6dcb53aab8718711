"""Any statistics give valid documents in which every value can be traced."""

from __future__ import annotations

import orjson
import pytest
from assay.check.rules.completeness import units_of
from assay.dataset.build import build_documents
from assay.dataset.trace import measured_values, trace_steps
from assay.dataset.validate import validate_documents
from assay.measurement import UNITS
from dataset_content import Series, make_content
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NUMBERS = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-12)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
BENCHMARKS = {
    "stream": ["triad_bandwidth", "copy_bandwidth"],
    "stream_cache": ["l1_bandwidth"],
    "hpl": ["gflops"],
    "hpl_mkl": ["gflops"],
    "cache_latency": ["l1_latency", "dram_latency"],
    "core_clock": ["sustained_clock"],
    "vectorization": ["vector_bandwidth", "scalar_bandwidth"],
    "dgemm": ["widest_gflops", "narrow_gflops", "avx512_gflops", "avx2_gflops"],
}


@st.composite
def any_series(draw: st.DrawFn) -> Series:
    known = draw(st.booleans())
    benchmark = draw(st.sampled_from(sorted(BENCHMARKS)) if known else WORDS)
    metric = draw(st.sampled_from(BENCHMARKS[benchmark]) if benchmark in BENCHMARKS else WORDS)
    return Series(
        subject=draw(st.sampled_from(["m7i.large", "c7g.large", "c7a.large", "host-1a2b3c4d", "u-6tb1.metal"])),
        benchmark=benchmark,
        metric=metric,
        unit=draw(st.sampled_from(units_of(benchmark, metric) or sorted(UNITS))),
        values=draw(st.lists(st.lists(NUMBERS, max_size=3), min_size=1, max_size=3).filter(any)),
        implementation=draw(st.sampled_from(["a", "b"]) | WORDS),
        version=draw(st.sampled_from(["1", "2", "unknown"])),
        threads=draw(st.sampled_from(["all", "one", "unknown"])),
        build_flags=draw(st.sampled_from(["-O3", "unknown"])),
    )


def distinct(series: list[Series]) -> list[Series]:
    keys = {(s.subject, s.benchmark, s.metric, s.implementation, s.version, s.threads, s.build_flags): s for s in series}
    return list(keys.values())


def holds_null(tree: object) -> bool:
    if isinstance(tree, dict | list):
        return any(map(holds_null, tree.values() if isinstance(tree, dict) else tree))
    return tree is None


def check(series: list[Series]) -> None:
    documents = build_documents(make_content(distinct(series)))
    validate_documents(documents)
    decoded = {name: orjson.loads(raw) for name, raw in documents.items() if name.endswith(".json")}
    assert not holds_null(decoded["memory-benchmarks.json"])
    published = 0
    for name, document in decoded.items():
        for keys in measured_values(document):
            assert list(trace_steps(decoded, name, keys))[-1]["step"] == "raw_file"
            published += 1
    assert published >= len(distinct(series))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(any_series(), min_size=1, max_size=6))
def test_any_statistics_give_valid_documents_with_a_way_back_from_every_value(series: list[Series]) -> None:
    check(series)


@pytest.mark.full
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(any_series(), min_size=1, max_size=12))
def test_any_statistics_at_length(series: list[Series]) -> None:
    check(series)
