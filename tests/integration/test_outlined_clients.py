"""The two clients that were outlined when the dataset's format was agreed, written from that outline alone and run unchanged over
HTTP against trees that were published from real sessions; and every endpoint, with the size and hash that the index states."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen

import jsonschema_rs
import pytest
from assay.collect.host import measure_host
from assay.collect.imports import import_folder
from assay.process import process_arrived
from assay.publish.snapshot import publish_snapshot
from assay.session import Manifest
from assay.settings import Settings
from assay.storage import store_session
from assay.workspace import Workspace
from published_site import Site, check_out, serve

pytestmark = pytest.mark.enable_socket

DATA = Path(__file__).resolve().parents[1] / "data/assay_agent"
CENTURY_S = 100 * 365 * 86400

PYTHON = """
import json, sys
from urllib.request import urlopen

base = sys.argv[1]

def fetch(name):
    with urlopen(f"{base}/{name}") as answer:
        return json.load(answer)

memory = fetch("memory-benchmarks.json")
microarch = fetch("microarch-benchmarks.json")
rows = []
for instance, entry in memory["benchmarks"]["stream"].items():
    triad, about = entry["triad_bandwidth"], entry["metadata"]
    rows.append({
        "instance": instance,
        "family": about["instance_family"],
        "architecture": about["architecture"],
        "triad": triad["value"],
        "copy": entry["copy_bandwidth"]["value"],
        "low": triad["confidence_interval"][0],
        "high": triad["confidence_interval"][1],
        "n": triad["sample_size"],
        "microarchitecture": microarch["microarchitecture"].get(about["architecture"], {}),
    })
print(json.dumps(rows))
"""

JAVASCRIPT = """
const [base, profile] = process.argv.slice(2);
const workload = JSON.parse(profile);
const fetchJson = async (name) => (await fetch(`${base}/${name}`)).json();
const [memory, cpu, microarch] = await Promise.all(
  ["memory-benchmarks.json", "cpu-benchmarks.json", "microarch-benchmarks.json"].map(fetchJson),
);
const scores = [];
for (const [type, entry] of Object.entries(memory.benchmarks.stream)) {
  let score = 0;
  score += entry.triad_bandwidth.value * workload.memory;
  if (cpu.benchmarks.hpl[type]) score += cpu.benchmarks.hpl[type].gflops.value * workload.compute;
  if (workload.vectorization && microarch.intel[type]) score *= microarch.intel[type].vectorization_ratio;
  scores.push({ type, score, metadata: entry.metadata });
}
scores.sort((a, b) => b.score - a.score);
console.log(JSON.stringify(scores.slice(0, 10)));
"""


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """As everywhere; the recorded session may be of any day, whatever the clock of this machine says."""
    return Settings(home=tmp_path / "home", database_url=database_url, tool_seconds=1, clock_tolerance_seconds=CENTURY_S)  # type: ignore[arg-type]


def publish(workspace: Workspace, folder: Path) -> Path:
    """Judges and publishes what has arrived; gives the tree as a static host gets it."""
    process_arrived(workspace)
    publish_snapshot(workspace)
    return check_out(workspace, folder)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tree of the recorded session lies for all tests of this module."""
    return tmp_path_factory.mktemp("outlined") / "site"


@pytest.fixture
def recorded(once: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The tree of a session that our agent measured on a machine with an Intel processor, as its bytes were kept."""
    if not once.exists():
        workspace: Workspace = request.getfixturevalue("workspace")
        folder = DATA / "vector-session"
        manifest = Manifest.parse((folder / "manifest.json").read_bytes())
        store_session(workspace.storage, folder, manifest)
        publish(workspace, once)
    with serve(once) as site:
        yield site


def python_client(site: Site, tmp_path: Path) -> list[dict[str, Any]]:
    script = tmp_path / "outlined.py"
    script.write_text(PYTHON)
    command = [sys.executable, str(script), f"{site.url}data/processed/latest"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # type: ignore[no-any-return]


def javascript_client(site: Site, tmp_path: Path, **workload: Any) -> list[dict[str, Any]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the JavaScript client needs it")
    script = tmp_path / "outlined.mjs"
    script.write_text(JAVASCRIPT)
    profile = json.dumps({"memory": 0.6, "compute": 0.4, "vectorization": False, **workload})
    command = [node, str(script), f"{site.url}data/processed/latest", profile]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # type: ignore[no-any-return]


def fetched(site: Site, path: str) -> bytes:
    with urlopen(urljoin(site.url, path), timeout=10) as answer:
        return bytes(answer.read())


def check_python(site: Site, tmp_path: Path) -> list[dict[str, Any]]:
    rows = python_client(site, tmp_path)
    for row in rows:
        assert row["low"] <= row["triad"] <= row["high"]
        assert row["copy"] > 0
        assert row["n"] >= 3
        assert row["family"]
        assert row["architecture"] in ("intel", "amd", "graviton", "other")
        assert isinstance(row["microarchitecture"], dict)
    return rows


def check_endpoints(site: Site) -> int:
    index = json.loads(fetched(site, "data/api/endpoints.json"))
    for endpoint in index["endpoints"]:
        data = fetched(site, f"{index['base']}{endpoint['path']}")
        assert (len(data), hashlib.sha256(data).hexdigest()) == (endpoint["bytes"], endpoint["sha256"]), endpoint["path"]
        if "schema" in endpoint:
            schema = json.loads(fetched(site, endpoint["schema"]))
            assert jsonschema_rs.Draft202012Validator(schema).is_valid(json.loads(data)), endpoint["path"]
        else:
            assert not endpoint["path"].endswith(".json"), f"{endpoint['path']} has no schema"
    served = {path.name for path in (site.root / index["base"]).iterdir()}
    named = {endpoint["path"] for endpoint in index["endpoints"] if not endpoint["path"].startswith("../")}
    assert named == served, "every file is an endpoint, and every endpoint a file"
    return len(served)


def test_the_outlined_python_client_reads_a_measured_machine(recorded: Site, tmp_path: Path) -> None:
    (row,) = check_python(recorded, tmp_path)
    assert (row["instance"], row["family"], row["architecture"], row["n"]) == ("host-5a9e01c7", "host", "intel", 3)
    vectors = row["microarchitecture"]["avx512_performance"]["host-5a9e01c7"]
    assert vectors["vectorization_ratio"] == pytest.approx(
        vectors["vector_bandwidth"]["value"] / vectors["scalar_bandwidth"]["value"], rel=1e-6
    )


def test_the_outlined_javascript_client_scores_it_and_the_vectorization_profile_changes_the_score(
    recorded: Site, tmp_path: Path
) -> None:
    (plain,) = javascript_client(recorded, tmp_path)
    (vectorized,) = javascript_client(recorded, tmp_path, vectorization=True)
    (memory_only,) = javascript_client(recorded, tmp_path, compute=0)
    assert plain["metadata"]["architecture"] == "intel"
    ratio = json.loads(fetched(recorded, "data/processed/latest/microarch-benchmarks.json"))["intel"][plain["type"]]
    assert ratio["vectorization_ratio"] > 1.2
    assert vectorized["score"] == pytest.approx(plain["score"] * ratio["vectorization_ratio"])
    assert memory_only["score"] < plain["score"], "the LU solve counts"


def test_every_endpoint_answers_with_the_size_and_hash_that_the_index_states(recorded: Site) -> None:
    assert check_endpoints(recorded) > 20


@pytest.mark.full
def test_the_outlined_clients_read_this_machine_measured_now(workspace: Workspace, tmp_path: Path) -> None:
    measure_host(workspace, executions=3)
    with serve(publish(workspace, tmp_path / "site")) as site:
        (row,) = check_python(site, tmp_path)
        (plain,), (vectorized,) = javascript_client(site, tmp_path), javascript_client(site, tmp_path, vectorization=True)
        assert (vectorized["score"] != plain["score"]) == (row["architecture"] == "intel")
        check_endpoints(site)


@pytest.mark.full
@pytest.mark.parametrize("source", ["aws-instance-benchmarks", "spare-cores"])
def test_the_outlined_clients_read_other_peoples_results(
    workspace: Workspace, test_data: Path, tmp_path: Path, source: str
) -> None:
    import_folder(workspace, source, test_data / source.removeprefix("aws-"))
    with serve(publish(workspace, tmp_path / "site")) as site:
        rows = check_python(site, tmp_path)
        ranked = javascript_client(site, tmp_path, vectorization=True)
        assert len(ranked) == min(10, len(rows))
        assert [row["score"] for row in ranked] == sorted((row["score"] for row in ranked), reverse=True)
        check_endpoints(site)
