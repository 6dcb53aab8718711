"""The picture shows what is published, and is drawn without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from assay.dataset.build import build_documents
from assay.dataset.picture import MAX_TYPES, chart, draw
from dataset_content import fleet, make_content, simple, stream


def documents(series: list[Any]) -> dict[str, Any]:
    built = build_documents(make_content(series))
    return {name: orjson.loads(raw) for name, raw in built.items() if name.endswith(".json")}


def points(specification: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for panel in specification["vconcat"] for row in panel["data"]["values"]]


def test_every_point_is_a_published_median_with_its_interval() -> None:
    published = documents([series for series in fleet() if series.subject == "host-1a2b3c4d"])
    entry = published["memory-benchmarks.json"]["benchmarks"]["stream"]["host-1a2b3c4d"]
    rows = {row["label"]: row for row in points(chart(published))}
    triad = rows["triad, all threads"]
    assert [triad["low"], triad["high"]] == entry["triad_bandwidth"]["confidence_interval"]
    assert triad["value"] == entry["triad_bandwidth"]["value"]
    assert {"copy, one thread", "all threads", "L1", "DRAM"} <= rows.keys()


def test_latencies_in_cycles_are_drawn_in_nanoseconds() -> None:
    rows = points(chart(documents([series for series in fleet() if series.subject == "m7i.large"])))
    (l1,) = [row for row in rows if row["label"] == "L1"]
    assert l1["unit"] == "nanoseconds"
    assert l1["value"] == pytest.approx(1.6)


def test_many_types_are_ranked_best_first_and_cut() -> None:
    rows = points(chart(documents([series for k in range(30) for series in stream(f"m{k}i.large", 20 + k)])))
    values = [row["value"] for row in rows]
    assert len(values) == MAX_TYPES
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("form", ["png", "svg"])
@pytest.mark.parametrize("series", [[], fleet(), [simple("m7i.large", "passmark", "cpu_mark", "score", 5000.0)]])
def test_it_draws_what_there_is(form: str, series: list[Any]) -> None:
    picture = draw(chart(documents(series)), form)
    assert picture.startswith(b"\x89PNG" if form == "png" else b"<svg")


def test_the_command_writes_a_file(built: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in built.items():
        (tmp_path / name).write_bytes(data)
    out = tmp_path / "picture.svg"
    command = [sys.executable, "-m", "assay.dataset.picture"]
    subprocess.run([*command, str(tmp_path), str(out)], check=True)
    assert b"m7i.large" in out.read_bytes()
    wrong = subprocess.run([*command, str(tmp_path), str(tmp_path / "x.gif")], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert ".png or .svg" in wrong.stderr
