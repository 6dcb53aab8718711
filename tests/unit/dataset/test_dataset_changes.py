"""changes.json: what is different, what moved beyond noise, and what is not comparable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from assay.dataset.build import build_documents
from assay.dataset.content import PreviousSnapshot
from assay.dataset.validate import validate_documents
from dataset_content import Series, fleet, make_content, quarantined_pair, simple, stream


def changes(before: list[Series] | None, now: list[Series], **options: Any) -> dict[str, Any]:
    previous = None if before is None else PreviousSnapshot("2024-11-19", build_documents(make_content(before)))
    documents = build_documents(make_content(now, previous=previous, **options))
    validate_documents(documents)
    return orjson.loads(documents["changes.json"])  # type: ignore[no-any-return]


def test_the_first_snapshot_has_only_new_types() -> None:
    found = changes(None, fleet())
    assert found["since"] == ""
    assert found["new"] == ["c7a.large", "c7g.large", "host-1a2b3c4d", "m7i.large"]
    assert not any(found[name] for name in ("gone", "moved", "replaced"))


def test_the_same_again_changes_nothing() -> None:
    found = changes(fleet(), fleet())
    assert found["since"] == "2024-11-19"
    assert not any(found[name] for name in ("new", "gone", "moved", "replaced", "quarantined", "released"))


def test_types_come_and_go() -> None:
    found = changes([*stream("a1.x", 40), *stream("b1.x", 50)], [*stream("b1.x", 50), *stream("c1.x", 50)])
    assert (found["new"], found["gone"]) == (["c1.x"], ["a1.x"])


def test_a_move_beyond_noise_is_told_from_one_within() -> None:
    before = [simple("a1.x", "hpl", "gflops", "GFLOPS", 40.0), simple("b1.x", "hpl", "gflops", "GFLOPS", 40.0)]
    after = [simple("a1.x", "hpl", "gflops", "GFLOPS", 50.0), simple("b1.x", "hpl", "gflops", "GFLOPS", 40.1)]
    moved = {row["instance"]: row for row in changes(before, after)["moved"]}
    assert moved["a1.x"]["beyond_noise"] is True
    assert moved["b1.x"]["beyond_noise"] is False
    assert moved["a1.x"] | {"from": 40.0, "to": 50.0, "unit": "GFLOPS", "metric": "hpl.gflops"} == moved["a1.x"]


def test_another_configuration_is_replaced_not_moved() -> None:
    found = changes(stream("a1.x", 40, version="1"), stream("a1.x", 80, version="2"))
    assert found["moved"] == []
    assert {row["metric"] for row in found["replaced"]} >= {"stream.triad_bandwidth"}


def test_sessions_that_went_into_quarantine_and_came_out_are_named() -> None:
    (session,) = quarantined_pair()[0]["session"]
    clean = PreviousSnapshot("2024-11-19", build_documents(make_content(fleet(), quarantine=False)))
    dirty = PreviousSnapshot("2024-11-19", build_documents(make_content(fleet())))
    into = orjson.loads(build_documents(make_content(fleet(), previous=clean))["changes.json"])
    assert (into["quarantined"], into["released"]) == ([session], [])
    content = make_content(fleet(), quarantine=False, previous=dirty)
    row = {**content.sessions.iloc[0].to_dict(), "session": session, "subject": "t3.micro"}
    content.sessions.loc[len(content.sessions)] = row
    content.raw_files.loc[len(content.raw_files)] = [session, "x.txt", 1, "0" * 64]
    out = orjson.loads(build_documents(replace(content))["changes.json"])
    assert (out["quarantined"], out["released"]) == ([], [session])
