"""The shapes of the documents, as clients rely on them."""

from __future__ import annotations

from typing import Any

import orjson
import pandas as pd
import pytest
from assay.dataset.build import build_documents
from assay.dataset.validate import validate_documents
from assay.errors import PublicationError
from dataset_content import fleet, make_content, measurements, session_name, simple, stream


def memory(*series: Any) -> dict[str, Any]:
    documents = build_documents(make_content(series))
    validate_documents(documents)
    return orjson.loads(documents["memory-benchmarks.json"])


def test_every_document_of_the_contract_is_built_and_valid(built: dict[str, bytes]) -> None:
    assert set(built) >= {
        "memory-benchmarks.json",
        "cpu-benchmarks.json",
        "microarch-benchmarks.json",
        "instance-rankings.json",
        "metadata.json",
        "quarantine.json",
        "changes.json",
        "manifest.json",
    }
    validate_documents(built)


def test_containers_exist_even_when_nothing_was_accepted() -> None:
    built = build_documents(make_content([]))
    validate_documents(built)
    documents = {name: orjson.loads(raw) for name, raw in built.items() if name.endswith(".json")}
    for part in ("benchmarks", "provisional"):
        assert documents["memory-benchmarks.json"][part] == {"stream": {}, "stream_cache": {}}
        assert documents["cpu-benchmarks.json"][part] == {"hpl": {}, "hpl_mkl": {}}
    assert documents["memory-benchmarks.json"]["rankings"] == {"triad_bandwidth": []}
    assert documents["microarch-benchmarks.json"]["microarchitecture"] == {}
    assert documents["microarch-benchmarks.json"]["intel"] == {}
    assert documents["metadata.json"]["last_updated"] == "2024-11-20T09:00:00Z"
    assert documents["metadata.json"]["counts"]["sessions"] == 0


def test_a_dataset_without_any_session_says_that_there_is_nothing_yet() -> None:
    with pytest.raises(PublicationError, match="nothing to publish yet"):
        build_documents(make_content([], quarantine=False))


def test_a_stream_entry_is_the_median_with_everything_beside_it() -> None:
    table = measurements(stream("m7i.large", 47.9))
    triad = table[table["metric"] == "triad_bandwidth"]["value"]
    entry = memory(*stream("m7i.large", 47.9))["benchmarks"]["stream"]["m7i.large"]
    quantity = entry["triad_bandwidth"]
    assert quantity["value"] == pytest.approx(triad.median(), rel=1e-6)
    assert quantity["confidence_interval"] == pytest.approx([triad.min(), triad.max()], rel=1e-6)
    assert quantity["confidence_level"] == 0.96875
    assert quantity["mean"] == pytest.approx(triad.mean(), rel=1e-6)
    assert quantity["coefficient_variation"] == pytest.approx(100 * triad.std() / triad.mean(), rel=1e-6)
    assert (quantity["sample_size"], quantity["sessions"], quantity["unit"]) == (6, 3, "GB/s")
    assert quantity["sources"] == [session_name("m7i.large", number) for number in range(3)]
    assert entry["metadata"] == {
        "instance_family": "m7i",
        "architecture": "intel",
        "generation": 7,
        "processor": "Intel Xeon Scalable, 4th generation (Sapphire Rapids)",
        "memory_type": "DDR5",
        "numa_nodes": 1,
        "vcpus": 2,
        "physical_cores": 1,
        "memory_bytes": 8 * 1024**3,
        "l2_bytes": 2 * 1024**2,
        "vector_unit": "avx512f",
    }


def test_a_warning_is_published_with_the_number() -> None:
    entry = memory(*stream("m7i.large", 47.9))["benchmarks"]["stream"]["m7i.large"]
    assert entry["warnings"] == {"stability.cv": 1}


def test_a_type_with_fewer_than_three_executions_is_provisional_and_in_no_ranking(decoded: dict[str, Any]) -> None:
    document = decoded["memory-benchmarks.json"]
    assert "c7a.large" not in document["benchmarks"]["stream"]
    quantity = document["provisional"]["stream"]["c7a.large"]["triad_bandwidth"]
    assert quantity["sample_size"] == 2
    assert not {"confidence_interval", "confidence_level", "mean", "quality"} & quantity.keys()
    for rankings in (document["rankings"], decoded["instance-rankings.json"]["rankings"]):
        assert "c7a.large" not in str(rankings)
    assert document["total_instances"] == 4
    assert document["architectures"] == ["amd", "graviton", "intel"]


def test_a_type_stands_under_benchmarks_only_with_triad_and_copy() -> None:
    kernels = [series for series in stream("m7i.large", 47.9) if series.metric != "copy_bandwidth"]
    document = memory(*kernels)
    assert document["benchmarks"]["stream"] == {}
    assert document["provisional"]["stream"]["m7i.large"]["triad_bandwidth"]["sample_size"] == 6


def test_one_metric_with_too_few_executions_is_provisional_alone() -> None:
    kernels = stream("m7i.large", 47.9)
    kernels[-1].values = [[48.0]]
    document = memory(*kernels)
    assert set(document["benchmarks"]["stream"]["m7i.large"]) >= {"triad_bandwidth", "copy_bandwidth", "scale_bandwidth"}
    assert "add_bandwidth" not in document["benchmarks"]["stream"]["m7i.large"]
    assert document["provisional"]["stream"]["m7i.large"]["add_bandwidth"]["value"] == 48.0


def test_one_thread_has_fields_of_its_own(decoded: dict[str, Any]) -> None:
    stream_entry = decoded["memory-benchmarks.json"]["benchmarks"]["stream"]["m7i.large"]
    hpl_entry = decoded["cpu-benchmarks.json"]["benchmarks"]["hpl"]["m7i.large"]
    assert stream_entry["single_thread_triad_bandwidth"]["value"] < stream_entry["triad_bandwidth"]["value"]
    assert hpl_entry["single_thread_gflops"]["value"] == pytest.approx(hpl_entry["gflops"]["value"] / 4)
    # Pointer chasing runs on one thread only: nothing to tell apart.
    assert "l1_latency" in decoded["microarch-benchmarks.json"]["microarchitecture"]["intel"]["cache_analysis"]["m7i.large"]


def test_the_implementation_with_most_types_fills_the_container_and_the_others_are_variants(decoded: dict[str, Any]) -> None:
    document = decoded["memory-benchmarks.json"]
    assert decoded["metadata.json"]["implementations"]["stream"] == "assay-stream"
    assert document["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]["implementation"] == "assay-stream"
    ((name, variant),) = document["variants"]["stream"].items()
    assert document["configurations"][name]["implementation"] == "hpcc-stream"
    assert variant["instances"]["m7i.large"]["triad_bandwidth"]["implementation"] == "hpcc-stream"


def test_implementations_with_equally_many_types_are_decided_by_name() -> None:
    document = memory(*stream("m7i.large", 40.0, implementation="b"), *stream("m7i.large", 50.0, implementation="a"))
    assert document["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]["implementation"] == "a"


def test_a_new_version_takes_over_once_it_has_three_executions() -> None:
    old = stream("m7i.large", 40.0, sessions=4, version="1")
    for sessions, expected in ((1, "1"), (2, "2")):
        new = stream("m7i.large", 50.0, sessions=sessions, version="2")
        for series in new:
            series.values = [[], [], [], [], *series.values]
        document = memory(*old, *new)
        quantity = document["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]
        assert document["configurations"][quantity["configuration"]]["version"] == expected


def test_any_other_benchmark_has_its_own_container(decoded: dict[str, Any]) -> None:
    assert decoded["cpu-benchmarks.json"]["benchmarks"]["passmark"]["m7i.large"]["cpu_mark"]["value"] == 5000.0
    assert decoded["memory-benchmarks.json"]["benchmarks"]["bw_mem"]["c7g.large"]["read_512mib"]["unit"] == "MB/s"


def test_cache_latencies_are_in_cycles_where_the_clock_was_measured(decoded: dict[str, Any]) -> None:
    analyses = decoded["microarch-benchmarks.json"]["microarchitecture"]
    measured, unknown = analyses["intel"]["cache_analysis"]["m7i.large"], analyses["graviton"]["cache_analysis"]["c7g.large"]
    clock = measured["core_clock"]["value"]
    assert clock == pytest.approx(2.8)
    assert measured["l1_latency"]["unit"] == "cycles"
    assert measured["l1_latency"]["value"] == pytest.approx(1.6 * clock)
    assert measured["l1_latency"]["nanoseconds"] == pytest.approx(1.6)
    assert measured["l1_latency"]["confidence_interval"][0] <= measured["l1_latency"]["value"]
    assert measured["dram_latency"]["unit"] == "nanoseconds"
    assert unknown["l1_latency"]["unit"] == "nanoseconds"
    assert "core_clock" not in unknown


def test_a_clock_of_other_sessions_converts_nothing() -> None:
    latency = simple("m7i.large", "cache_latency", "l1_latency", "nanoseconds", 1.6, threads="one")
    clock = simple("m7i.large", "core_clock", "sustained_clock", "GHz", 2.8, threads="one")
    clock.values = [[], [], [], *clock.values]
    documents = build_documents(make_content([latency, clock]))
    entry = orjson.loads(documents["microarch-benchmarks.json"])["microarchitecture"]["intel"]["cache_analysis"]["m7i.large"]
    assert entry["l1_latency"]["unit"] == "nanoseconds"


def test_efficiency_stands_only_where_the_peak_is_known(decoded: dict[str, Any]) -> None:
    hpl = decoded["cpu-benchmarks.json"]["benchmarks"]["hpl"]
    known = hpl["m7i.large"]["gflops"]
    assert known["theoretical_peak"] == pytest.approx(1 * 2.5 * 32)  # the clock with all threads; latencies take that of one
    assert known["efficiency_percent"] == pytest.approx(100 * known["value"] / known["theoretical_peak"], rel=1e-6)
    assert not {"theoretical_peak", "efficiency_percent"} & hpl["c7g.large"]["gflops"].keys()


def test_a_peak_that_the_measurement_refutes_is_left_out() -> None:
    series = [
        simple("m7i.large", "hpl", "gflops", "GFLOPS", 95.0),
        simple("m7i.large", "core_clock", "sustained_clock", "GHz", 2.8, threads="one"),
    ]
    document = orjson.loads(build_documents(make_content(series))["cpu-benchmarks.json"])
    assert "theoretical_peak" not in document["benchmarks"]["hpl"]["m7i.large"]["gflops"]


def test_ratios_follow_from_their_parts() -> None:
    series = [
        simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0),
        simple("m7i.large", "hpl_mkl", "gflops", "GFLOPS", 64.0, implementation="mkl"),
        simple("m7i.large", "core_clock", "sustained_clock", "GHz", 2.8, threads="one"),
        simple("m7i.large", "dgemm", "widest_gflops", "GFLOPS", 80.0),
        simple("m7i.large", "dgemm", "narrow_gflops", "GFLOPS", 20.0),
        simple("m7i.large", "dgemm", "avx512_gflops", "GFLOPS", 72.0),
        simple("m7i.large", "dgemm", "avx2_gflops", "GFLOPS", 40.0),
        simple("m7i.large", "vectorization", "vector_bandwidth", "GB/s", 93.0, threads="one"),
        simple("m7i.large", "vectorization", "scalar_bandwidth", "GB/s", 50.0, threads="one"),
    ]
    documents = build_documents(make_content(series))
    validate_documents(documents)
    cpu, microarch = (orjson.loads(documents[name]) for name in ("cpu-benchmarks.json", "microarch-benchmarks.json"))
    assert cpu["benchmarks"]["hpl"]["m7i.large"]["vectorization_speedup"] == 4.0
    assert cpu["benchmarks"]["hpl_mkl"]["m7i.large"]["mkl_speedup"] == 1.6
    assert cpu["benchmarks"]["hpl_mkl"]["m7i.large"]["library_efficiency"] == pytest.approx(64 / 89.6, rel=1e-6)
    vector = microarch["microarchitecture"]["intel"]["avx512_performance"]["m7i.large"]
    assert vector["vectorization_ratio"] == 1.86
    assert vector["avx512_efficiency"] == 0.9
    assert microarch["intel"]["m7i.large"]["vectorization_ratio"] == 1.86


def test_metadata_counts_and_accounting_close(decoded: dict[str, Any]) -> None:
    metadata = decoded["metadata.json"]
    accounting = metadata["accounting"]
    assert accounting["read"] == accounting["accepted"] + accounting["quarantined"] + accounting["rejected"] == 11
    assert metadata["quality_score"] == pytest.approx(10 / 11, rel=1e-6)
    assert metadata["counts"]["instance_types"] == 4
    assert metadata["counts"]["families"] == 4
    assert metadata["counts"]["measurements"] == len(measurements(fleet()))
    assert metadata["dataset_version"] == "2024-11-20"
    assert metadata["last_updated"] == "2024-11-20T11:10:00Z"
    assert metadata["attribution"] == [
        {"source": "assay-agent", "attribution": "measured with Assay", "licence": "CC BY 4.0", "sessions": 10}
    ]


def test_what_is_not_known_of_a_machine_is_absent() -> None:
    entry = memory(*stream("host-9f9f9f9f", 20.0))["benchmarks"]["stream"]["host-9f9f9f9f"]
    assert entry["metadata"] == {"instance_family": "host", "architecture": "other"}
    entry = memory(*stream("m99g.large", 20.0))["benchmarks"]["stream"]["m99g.large"]
    assert entry["metadata"] == {"instance_family": "m99g", "generation": 99, "architecture": "graviton"}


def test_statistics_over_a_session_that_is_not_accepted_are_refused() -> None:
    content = make_content()
    dropped = content.sessions.iloc[1:]
    with pytest.raises(PublicationError, match=r"statistics rest on 1 sessions that are not accepted.*assay process"):
        build_documents(type(content)(**{**vars(content), "sessions": dropped}))


def test_an_accepted_session_without_raw_files_is_refused() -> None:
    content = make_content()
    files = content.raw_files[content.raw_files["session"] != content.sessions["session"].iloc[0]]
    with pytest.raises(PublicationError, match="no raw files"):
        build_documents(type(content)(**{**vars(content), "raw_files": pd.DataFrame(files)}))
