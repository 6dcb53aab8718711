"""Views, summaries, prices, trends and tables: nothing but the core numbers, filtered, grouped, priced or dated."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import Any

import duckdb
import orjson
import pandas as pd
import pyarrow.parquet as pq
import pytest
from assay.dataset.api import api_documents
from assay.dataset.build import build_documents
from assay.dataset.content import DatasetContent
from assay.dataset.prices import PRICE_COLUMNS
from assay.dataset.schema import schema_files
from assay.dataset.summaries import scaling_exponent
from assay.dataset.validate import validate_documents
from assay.measurement import MEASUREMENT_COLUMNS
from assay.summarize.statistics import STATISTIC_COLUMNS
from dataset_content import Series, make_content, session_name, simple, stream


def documents(content: DatasetContent) -> dict[str, Any]:
    built = build_documents(content)
    validate_documents(built)
    return {name: orjson.loads(raw) for name, raw in built.items() if name.endswith(".json")}


VIEWS = {
    "intel-instances.json": {"m7i.large", "host-1a2b3c4d"},
    "graviton-instances.json": {"c7g.large"},
    "amd-instances.json": set(),
    "compute-optimized.json": {"c7g.large"},
    "general-purpose.json": {"m7i.large"},
    "memory-optimized.json": set(),
    "stream-results.json": {"m7i.large", "c7g.large", "host-1a2b3c4d"},
}


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_a_view_holds_the_core_entries_of_the_types_that_pass(decoded: dict[str, Any], name: str) -> None:
    view, core = decoded[name], decoded["memory-benchmarks.json"]["benchmarks"]["stream"]
    assert view["benchmarks"]["stream"] == {instance: core[instance] for instance in VIEWS[name]}
    assert {"stream", "stream_cache", "hpl", "hpl_mkl"} <= view["benchmarks"].keys()
    assert ("c7a.large" in view["provisional"]["stream"]) == (
        name in ("amd-instances.json", "compute-optimized.json", "stream-results.json")
    )


def test_a_view_merges_memory_cpu_and_microarchitecture(decoded: dict[str, Any]) -> None:
    view = decoded["intel-instances.json"]
    assert view["filter"] == {"architecture": "intel"}
    assert view["benchmarks"]["hpl"]["m7i.large"] == decoded["cpu-benchmarks.json"]["benchmarks"]["hpl"]["m7i.large"]
    assert view["microarchitecture"] == {"intel": decoded["microarch-benchmarks.json"]["microarchitecture"]["intel"]}
    (variant,) = view["variants"]["stream"]
    assert variant in view["configurations"]


def test_a_metric_view_holds_its_benchmark_alone(decoded: dict[str, Any]) -> None:
    view = decoded["hpl-results.json"]
    assert set(view["benchmarks"]["hpl"]) == {"m7i.large", "c7g.large", "host-1a2b3c4d"}
    assert view["benchmarks"]["stream"] == {}
    assert "passmark" not in view["benchmarks"]
    assert view["microarchitecture"] == {}


def test_numa_is_local_against_remote() -> None:
    series = [
        simple("m7i.large", "numa", metric, unit, level, threads="one")
        for metric, unit, level in (
            ("local_bandwidth", "GB/s", 100.0),
            ("remote_bandwidth", "GB/s", 60.0),
            ("local_latency", "nanoseconds", 90.0),
            ("remote_latency", "nanoseconds", 140.0),
        )
    ]
    entry = documents(make_content(series))["numa-performance.json"]["numa"]["m7i.large"]
    assert entry["nodes"] == 1
    assert entry["remote_latency"]["value"] == 140.0


def test_a_family_says_how_its_types_spread_and_scale() -> None:
    series = [
        simple(f"m7i.{size}", "hpl", "gflops", "GFLOPS", 20.0 * vcpus)
        for size, vcpus in (("large", 2), ("xlarge", 4), ("4xlarge", 16))
    ]
    series.append(simple("c7g.large", "hpl", "gflops", "GFLOPS", 30.0))
    found = documents(make_content(series))
    family = found["family-summary.json"]["families"]["m7i"]["gflops"]
    assert (family["types"], family["min"], family["median"], family["max"]) == (3, 40.0, 80.0, 320.0)
    assert family["best"] == "m7i.4xlarge"
    assert family["scaling_exponent"] == pytest.approx(1.0)
    assert [member["vcpus"] for member in family["members"]] == [16, 4, 2]
    assert set(found["architectural-summary.json"]["architectures"]) == {"intel", "graviton"}


def test_a_slope_needs_three_sizes() -> None:
    assert scaling_exponent([2, 4, 4], [1.0, 2.0, 2.0]) is None
    assert scaling_exponent([2, 4, 8], [0.0, 2.0, 2.0]) is None
    assert scaling_exponent([2, 4, 8], [10.0, 20.0, 40.0]) == pytest.approx(1.0)
    assert scaling_exponent([2, 4, 8], [5.0, 5.0, 5.0]) == pytest.approx(0.0, abs=1e-9)


def test_a_price_gives_value_per_dollar_and_a_missing_one_a_reason() -> None:
    prices = pd.DataFrame(
        [
            ("m7i.large", "us-east-1", 0.1008, "", "price list", "2025-03-02"),
            ("m7i.large", "eu-south-2", None, "", "price list", "2025-03-02"),
            ("m7i.large", "il-central-1", 0.0, "not offered in this region", "price list", "2025-03-02"),
            ("r7i.large", "us-east-1", 0.13, "", "price list", "2025-03-02"),
        ],
        columns=list(PRICE_COLUMNS),
    )
    series = [*stream("m7i.large", 47.9), simple("m7i.large", "cache_latency", "l1_latency", "nanoseconds", 1.6, threads="one")]
    found = documents(replace(make_content(series), prices=prices))
    (instance,) = found["price-performance.json"]["instances"].values()
    triad = found["memory-benchmarks.json"]["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]["value"]
    per_dollar = instance["us-east-1"]["value_per_dollar"]
    assert per_dollar["triad_bandwidth"]["value"] == pytest.approx(triad / 0.1008, rel=1e-6)
    assert per_dollar["triad_bandwidth"]["unit"] == "GB/s per USD/h"
    assert "cache_latency.l1_latency" not in per_dollar
    assert instance["us-east-1"]["hourly_price"] == {"value": 0.1008, "source": "price list", "as_of": "2025-03-02"}
    assert instance["eu-south-2"] == {"hourly_price": None, "reason": "not offered"}
    assert instance["il-central-1"] == {"hourly_price": None, "reason": "not offered in this region"}


def days(level_by_day: list[float]) -> Series:
    """A metric on one session a day, from 2024-11-20 on: the session's number counts hours."""
    values: list[list[float]] = [[] for _ in range(24 * len(level_by_day))]
    for day, level in enumerate(level_by_day):
        values[24 * day] = [level * 0.999, level, level * 1.001]
    return Series("m7i.large", "hpl", "gflops", "GFLOPS", values)


def test_a_trend_is_the_median_of_each_day_with_its_interval() -> None:
    trends = documents(make_content([days([40.0, 41.0])]))["trends.json"]
    series = trends["series"]["m7i.large"]["gflops"]
    assert series["unit"] == "GFLOPS"
    assert series["key"]["benchmark"] == "hpl"
    assert series["points"] == [
        {
            "date": f"2024-11-{20 + day}",
            "value": level,
            "confidence_interval": [pytest.approx(level * 0.999), pytest.approx(level * 1.001)],
            "sample_size": 3,
            "source": day,
        }
        for day, level in enumerate((40.0, 41.0))
    ]
    assert trends["sources"]["m7i.large"] == [[session_name("m7i.large", 24 * day)] for day in range(2)]
    assert series["change_points"] == []


def test_a_change_of_level_is_found_and_dated() -> None:
    series = documents(make_content([days([40.0] * 12 + [50.0] * 12)]))["trends.json"]["series"]["m7i.large"]["gflops"]
    (change,) = series["change_points"]
    assert change["date"] == "2024-12-02"
    assert change["change_percent"] == pytest.approx(25.0, abs=0.1)
    assert change["confidence"] > 0.99


def test_the_tables_hold_every_row_with_its_columns_described(built: dict[str, bytes]) -> None:
    content = make_content()
    for name, frame, columns in (
        ("statistics.parquet", content.statistics, STATISTIC_COLUMNS),
        ("measurements.parquet", content.measurements, MEASUREMENT_COLUMNS),
    ):
        table = pq.read_table(io.BytesIO(built[name]))
        assert table.column_names == list(columns)
        assert table.num_rows == len(frame)
        for field in table.schema:
            assert field.metadata[b"description"].decode() == columns[field.name][1]


def test_duckdb_recomputes_a_published_median_from_the_tables(
    built: dict[str, bytes], decoded: dict[str, Any], tmp_path: Any
) -> None:
    path = tmp_path / "measurements.parquet"
    path.write_bytes(built["measurements.parquet"])
    triad = decoded["memory-benchmarks.json"]["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]
    (median, n) = duckdb.execute(
        "SELECT median(value), count(*) FROM read_parquet(?) WHERE subject = 'm7i.large' AND metric = 'triad_bandwidth' "
        "AND threads = 'all' AND implementation = 'assay-stream' AND iteration IS NULL",
        [str(path)],
    ).fetchone()
    assert n == triad["sample_size"]
    assert median == pytest.approx(triad["value"], rel=1e-6)


def test_the_bundle_is_the_core_documents_in_one(decoded: dict[str, Any]) -> None:
    bundled = decoded["bundle.json"]["documents"]
    assert {"memory-benchmarks.json", "cpu-benchmarks.json", "microarch-benchmarks.json", "metadata.json"} <= bundled.keys()
    assert all(decoded[name] == document for name, document in bundled.items())


def test_every_endpoint_states_size_and_hash_of_its_file(built: dict[str, bytes]) -> None:
    api = api_documents(built)
    validate_documents(api)
    endpoints = {row["path"]: row for row in orjson.loads(api["endpoints.json"])["endpoints"]}
    assert endpoints.keys() == built.keys()
    for name, data in built.items():
        assert endpoints[name]["bytes"] == len(data)
        assert endpoints[name]["sha256"] == hashlib.sha256(data).hexdigest()
        assert endpoints[name]["title"]
        if name.endswith(".json"):
            assert endpoints[name]["schema"].removeprefix("data/") in schema_files()


def test_filters_name_what_occurs(built: dict[str, bytes]) -> None:
    filters = orjson.loads(api_documents(built)["filters.json"])
    assert filters["architecture"] == ["amd", "graviton", "intel"]
    assert filters["family"] == ["c7a", "c7g", "host", "m7i"]
    assert "stream.triad_bandwidth" in filters["metric"]
