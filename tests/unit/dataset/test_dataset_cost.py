"""What a dollar buys: the prices' document and the ranking `cost_efficiency`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pandas as pd
import pytest
from assay.dataset.build import build_documents
from assay.dataset.content import DatasetContent
from assay.dataset.trace import trace
from assay.dataset.validate import validate_documents
from assay.reference.prices import PRICE_COLUMNS
from dataset_content import Series, make_content, simple, stream
from hypothesis import given, settings
from hypothesis import strategies as st

REGION = "us-east-1"


def priced(series: Sequence[Series], hourly: dict[str, float | None], region: str = REGION) -> DatasetContent:
    rows = [(name, region, price, None if price else "not offered", "price list", "2026-01-19") for name, price in hourly.items()]
    frame = pd.DataFrame(rows, columns=list(PRICE_COLUMNS)).astype({"hourly_price": "float64"})
    return replace(make_content(series), prices=frame)


def built(content: DatasetContent) -> tuple[dict[str, bytes], dict[str, Any]]:
    documents = build_documents(content)
    validate_documents(documents)
    return documents, {name: orjson.loads(raw) for name, raw in documents.items() if name.endswith(".json")}


def steady(subject: str, level: float, spread: float) -> list[Series]:
    values = [[level - spread, level, level + spread]]
    names = ("triad_bandwidth", "copy_bandwidth")
    return [Series(subject, "stream", name, "GB/s", values) for name in names]


def test_cost_efficiency_divides_value_and_interval_by_the_price_and_shares_ranks() -> None:
    series = [*steady("m7i.large", 40.0, 2.0), *steady("c7g.large", 30.0, 1.5), *steady("m7i.2xlarge", 100.0, 1.0)]
    content = priced(series, {"m7i.large": 0.10, "c7g.large": 0.08, "m7i.2xlarge": 0.4})
    documents, found = built(content)
    ranking = found["instance-rankings.json"]["rankings"]["cost_efficiency"]
    assert (ranking["of"], ranking["region"], ranking["unit"]) == ("triad_bandwidth", REGION, "GB/s per USD/h")
    assert ranking["key"] == found["instance-rankings.json"]["rankings"]["triad_bandwidth"]["key"]
    rows = [(row["rank"], row["instance"], row["value"], row["confidence_interval"]) for row in ranking["ranks"]]
    assert rows == [
        (1, "m7i.large", 400.0, [380.0, 420.0]),
        (1, "c7g.large", 375.0, [356.25, 393.75]),
        (2, "m7i.2xlarge", 250.0, [247.5, 252.5]),
    ]
    assert [row["hourly_price"] for row in ranking["ranks"]] == [0.1, 0.08, 0.4]
    steps = trace(documents, "instance-rankings.json", "rankings.cost_efficiency.ranks[0].value")
    assert steps[-1]["step"] == "raw_file"


def test_it_stands_beside_the_other_rankings_and_in_none_of_what_follows_from_them() -> None:
    series = [*steady("m7i.large", 40.0, 2.0), *steady("c7g.large", 30.0, 1.5)]
    _, found = built(priced(series, {"m7i.large": 0.10, "c7g.large": 0.08}))
    assert "cost_efficiency" not in found["memory-benchmarks.json"]["rankings"]
    assert "cost_efficiency" not in found["family-summary.json"]["families"]["m7i"]
    assert "triad_bandwidth" in found["trends.json"]["series"]["m7i.large"]


def test_without_two_priced_types_there_is_none() -> None:
    series = [*steady("m7i.large", 40.0, 2.0), *steady("c7g.large", 30.0, 1.5)]
    for hourly in ({}, {"m7i.large": 0.1}, {"m7i.large": 0.1, "c7g.large": None}):
        _, found = built(priced(series, hourly))
        assert "cost_efficiency" not in found["instance-rankings.json"]["rankings"]
    _, found = built(priced(series, {"m7i.large": 0.1, "c7g.large": 0.1}, region="eu-west-1"))
    assert "cost_efficiency" not in found["instance-rankings.json"]["rankings"]


def test_it_is_of_the_first_metric_that_the_dataset_has() -> None:
    series = [simple(name, "hpl", "gflops", "GFLOPS", level) for name, level in (("m7i.large", 40.0), ("c7g.large", 30.0))]
    _, found = built(priced(series, {"m7i.large": 0.1, "c7g.large": 0.1}))
    assert found["instance-rankings.json"]["rankings"]["cost_efficiency"]["of"] == "gflops"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(1, 1e4), st.floats(0.001, 0.3), st.floats(0.001, 100)), min_size=2, max_size=4))
def test_any_ranks_follow_from_the_published_intervals(rows: list[tuple[float, float, float]]) -> None:
    names = ["m7i.large", "c7g.large", "r7i.large", "c7a.large"][: len(rows)]
    series = [each for name, (level, spread, _) in zip(names, rows, strict=True) for each in steady(name, level, level * spread)]
    _, found = built(priced(series, {name: price for name, (_, _, price) in zip(names, rows, strict=True)}))
    ranks = found["instance-rankings.json"]["rankings"]["cost_efficiency"]["ranks"]
    assert [row["value"] for row in ranks] == sorted((row["value"] for row in ranks), reverse=True)
    expected, first = 0, None
    for row in ranks:
        low, high = row["confidence_interval"]
        if first is None or high < first[0] or low > first[1]:
            expected, first = expected + 1, (low, high)
        assert row["rank"] == expected
        assert low <= row["value"] <= high


def test_time_costs_and_cycles_are_no_time() -> None:
    series = [
        *stream("m7i.large", 47.9),
        simple("m7i.large", "cache_latency", "dram_latency", "nanoseconds", 100.0, threads="one"),
        simple("m7i.large", "launch", "boot_time", "seconds", 36.0),
        simple("m7i.large", "pipeline", "branch_miss", "cycles", 15.0),
    ]
    _, found = built(priced(series, {"m7i.large": 0.1}))
    entry = found["price-performance.json"]["instances"]["m7i.large"][REGION]
    assert entry["cost_per_operation"]["launch.boot_time"] == {"value": pytest.approx(0.001), "unit": "USD"}
    assert entry["cost_per_operation"]["cache_latency.dram_latency"]["value"] == pytest.approx(100e-9 / 3600 * 0.1)
    assert set(entry["cost_per_operation"]) == {"launch.boot_time", "cache_latency.dram_latency"}
    assert {"triad_bandwidth"} <= set(entry["value_per_dollar"])
    assert not any("latency" in name or "pipeline" in name for name in entry["value_per_dollar"])


def test_a_provisional_type_has_its_price_and_nothing_per_dollar() -> None:
    content = priced([*stream("m7i.large", 47.9), *stream("c7a.large", 60.0, sessions=1)], {"m7i.large": 0.1, "c7a.large": 0.1})
    _, found = built(content)
    instances = found["price-performance.json"]["instances"]
    assert set(instances["c7a.large"][REGION]) == {"hourly_price"}
    assert "value_per_dollar" in instances["m7i.large"][REGION]


def test_a_value_per_dollar_leads_back_to_the_raw_files() -> None:
    documents, _ = built(priced(stream("m7i.large", 47.9), {"m7i.large": 0.1}))
    path = f"/instances/m7i.large/{REGION}/value_per_dollar/triad_bandwidth/value"
    assert trace(documents, "price-performance.json", path)[-1]["step"] == "raw_file"
