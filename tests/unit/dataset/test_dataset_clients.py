"""The two clients that must work unchanged, written from their outline in the dataset's format alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from assay.dataset.build import build_documents
from dataset_content import fleet, make_content, simple

JAVASCRIPT = """
import { readFile } from "node:fs/promises";
const [folder, memoryWeight, computeWeight, vectorized] = process.argv.slice(2);
const fetchJson = async (name) => JSON.parse(await readFile(`${folder}/${name}`, "utf8"));
const memory = await fetchJson("memory-benchmarks.json");
const cpu = await fetchJson("cpu-benchmarks.json");
const microarch = await fetchJson("microarch-benchmarks.json");
const scored = [];
for (const [type, entry] of Object.entries(memory.benchmarks.stream)) {
  let score = entry.triad_bandwidth.value * Number(memoryWeight);
  if (cpu.benchmarks.hpl[type]) score += cpu.benchmarks.hpl[type].gflops.value * Number(computeWeight);
  if (vectorized === "yes" && microarch.intel[type]) score *= microarch.intel[type].vectorization_ratio;
  scored.push({ type, score, metadata: entry.metadata });
}
scored.sort((a, b) => b.score - a.score);
console.log(JSON.stringify(scored.slice(0, 10)));
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    series = [
        *fleet(),
        simple("m7i.large", "vectorization", "vector_bandwidth", "GB/s", 93.0, threads="one"),
        simple("m7i.large", "vectorization", "scalar_bandwidth", "GB/s", 50.0, threads="one"),
    ]
    for name, data in build_documents(make_content(series)).items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def python_client(base: Path) -> list[dict[str, Any]]:
    memory = json.loads((base / "memory-benchmarks.json").read_text())
    microarch = json.loads((base / "microarch-benchmarks.json").read_text())
    rows = []
    for instance, entry in memory["benchmarks"]["stream"].items():
        rows.append(
            {
                "instance": instance,
                "family": entry["metadata"]["instance_family"],
                "architecture": entry["metadata"]["architecture"],
                "triad": entry["triad_bandwidth"]["value"],
                "copy": entry["copy_bandwidth"]["value"],
                "low": entry["triad_bandwidth"]["confidence_interval"][0],
                "high": entry["triad_bandwidth"]["confidence_interval"][1],
                "n": entry["triad_bandwidth"]["sample_size"],
                "microarchitecture": microarch["microarchitecture"].get(entry["metadata"]["architecture"], {}),
            }
        )
    return rows


def test_the_python_client_reads_every_type(tree: Path) -> None:
    rows = python_client(tree)
    assert {row["instance"] for row in rows} == {"m7i.large", "c7g.large", "host-1a2b3c4d"}
    for row in rows:
        assert row["low"] <= row["triad"] <= row["high"]
        assert row["n"] >= 3
        assert all(row[name] for name in ("family", "architecture"))
    assert any(row["microarchitecture"] for row in rows)


def test_the_javascript_client_ranks_types_and_the_vectorization_profile_changes_a_score(tree: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the JavaScript client needs it")
    script = tree / "client.mjs"
    script.write_text(JAVASCRIPT)

    def ask(vectorized: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [node, str(script), str(tree), "0.6", "0.4", vectorized], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    plain, vectorized = ({row["type"]: row["score"] for row in ask(word)} for word in ("no", "yes"))
    assert set(plain) == {"m7i.large", "c7g.large", "host-1a2b3c4d"}
    assert vectorized["m7i.large"] == pytest.approx(plain["m7i.large"] * 1.86)
    assert vectorized["c7g.large"] == plain["c7g.large"]
    assert all(row["metadata"]["instance_family"] for row in ask("no"))
