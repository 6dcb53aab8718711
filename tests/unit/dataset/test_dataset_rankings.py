"""Rankings: one list per ranking key; types that cannot be told apart share a rank."""

from __future__ import annotations

from typing import Any

import orjson
from assay.dataset.build import build_documents
from dataset_content import Series, make_content, simple, stream
from hypothesis import given, settings
from hypothesis import strategies as st


def rankings(series: list[Series]) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(build_documents(make_content(series))["instance-rankings.json"])
    return document["rankings"]  # type: ignore[no-any-return]


def metric(subject: str, values: list[float], **options: Any) -> Series:
    return Series(subject, "hpl", "gflops", "GFLOPS", [values], **options)


def test_overlap_with_the_first_of_the_rank_decides() -> None:
    ranks = rankings(
        [metric("a.x", [10, 11, 12]), metric("b.x", [9, 10, 11]), metric("c.x", [7, 8, 9.5]), metric("d.x", [1, 2, 3])]
    )
    # c overlaps b but not a, the first of the rank: it starts rank 2. Ranks are dense.
    assert [(row["instance"], row["rank"]) for row in ranks["gflops"]["ranks"]] == [
        ("a.x", 1),
        ("b.x", 1),
        ("c.x", 2),
        ("d.x", 3),
    ]


def test_a_latency_is_better_when_it_is_smaller() -> None:
    ranking = rankings(
        [
            simple(name, "cache_latency", "l1_latency", "nanoseconds", level, threads="one")
            for name, level in (("a.x", 2.0), ("b.x", 1.0))
        ]
    )["cache_latency.l1_latency"]
    assert ranking["higher_is_better"] is False
    assert [row["instance"] for row in ranking["ranks"]] == ["b.x", "a.x"]


def test_different_ranking_keys_are_never_in_one_list() -> None:
    series = [*stream("a.x", 50), *stream("b.x", 40), *stream("c.x", 60, size_policy="budget"), *stream("a.x", 55, version="2")]
    lists = rankings(series)
    triads = {name: ranking for name, ranking in lists.items() if name.startswith("triad_bandwidth")}
    assert [row["instance"] for row in triads["triad_bandwidth"]["ranks"]] == ["a.x", "b.x"]
    assert len(triads) == 3
    assert len({tuple(sorted(ranking["key"].items())) for ranking in triads.values()}) == 3


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.floats(1, 100), min_size=3, max_size=6), min_size=1, max_size=8))
def test_in_any_ranking_types_of_a_rank_overlap_its_first_and_the_next_rank_does_not(values: list[list[float]]) -> None:
    rows = rankings([metric(f"t{number}.x", numbers) for number, numbers in enumerate(values)])["gflops"]["ranks"]
    assert [row["value"] for row in rows] == sorted((row["value"] for row in rows), reverse=True)
    first = rows[0]
    for before, row in zip([rows[0], *rows], rows, strict=False):
        overlaps = row["confidence_interval"][1] >= first["confidence_interval"][0]
        overlaps &= row["confidence_interval"][0] <= first["confidence_interval"][1]
        if row["rank"] == before["rank"]:
            assert overlaps
        else:
            assert row["rank"] == before["rank"] + 1
            assert not overlaps
            first = row
