"""The examples that are published with a dataset, each run as it stands against a published tree over real HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from assay.dataset.build import build_documents
from assay.publish.companions import companion_files
from assay.publish.local import LocalRepository
from assay.publish.plan import Plan, plan
from dataset_content import make_content
from documented import snippets
from fsspec.implementations.http import HTTPFileSystem
from published_site import Site, serve

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    planned = plan(LocalRepository(folder / "dataset.git"), build_documents(make_content()))
    assert isinstance(planned, Plan)
    for path, data in planned.change.write.items():
        file = folder / "site" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder / "site"


@pytest.fixture
def site(tree: Path) -> Iterator[Site]:
    with serve(tree) as site:
        yield site


def run(site: Site, program: str, example: str, *arguments: str, cwd: Path | None = None, home: Path | None = None) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed; {example} needs it")
    done = subprocess.run(
        [found, str(site.root / "data/api/examples" / example), site.url, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home or cwd or site.root)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def triad(site: Site, instance: str) -> float:
    memory = json.loads((site.root / "data/processed/latest/memory-benchmarks.json").read_bytes())
    return float(memory["benchmarks"]["stream"][instance]["triad_bandwidth"]["value"])


def test_a_snapshot_carries_client_types_and_examples(site: Site) -> None:
    for name, data in companion_files().items():
        assert (site.root / "data/api" / name).read_bytes() == data
    assert {"assay.js", "assay.d.ts", "examples/README.md"} <= companion_files().keys()


def test_every_example_is_named_in_the_readme_and_run_here() -> None:
    page = companion_files()["examples/README.md"].decode()
    here = Path(__file__).read_text()
    names = [
        name.removeprefix("examples/") for name in companion_files() if name.startswith("examples/") and "README" not in name
    ]
    assert len(names) == 5
    for name in names:
        assert f"`{name}`" in page
        assert f'"{name}"' in here, f"{name} has no test"


def test_pandas_alone(site: Site) -> None:
    said = run(site, sys.executable, "read_with_pandas.py")
    assert "m7i.large" in said
    assert str(triad(site, "m7i.large"))[:5] in said


def test_the_client(site: Site, tmp_path: Path) -> None:
    for _ in range(2):
        said = run(site, sys.executable, "read_with_client.py", "m7i.large", "c7g.large", home=tmp_path / "home")
    assert "measured with Assay (CC BY 4.0)" in said
    assert "better" in said
    assert site.asked("memory-benchmarks.json") == [200, 304]


def test_javascript(site: Site) -> None:
    said = run(site, "node", "read_with_javascript.mjs")
    assert said.startswith("measured with Assay (CC BY 4.0)\n1. c7g.large: ")
    assert "triad_bandwidth m7i.large" in said
    assert "times: worse" in said


def test_curl(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "fetched"
    folder.mkdir()
    for _ in range(2):
        assert run(site, "sh", "read_with_curl.sh", cwd=folder) == "memory-benchmarks.json: OK\n"
    assert site.asked("memory-benchmarks.json") == [200, 304]
    assert (folder / "memory-benchmarks.json").read_bytes() == (
        site.root / "data/processed/latest/memory-benchmarks.json"
    ).read_bytes()


def test_duckdb(site: Site, tmp_path: Path) -> None:
    said = run(site, sys.executable, "query_with_duckdb.py", home=tmp_path)
    assert [line.split()[:2] for line in said.splitlines()] == [
        ["assay-stream", "c7g.large"],
        ["assay-stream", "m7i.large"],
        ["assay-stream", "host-1a2b3c4d"],
        ["hpcc-stream", "m7i.large"],
    ]
    assert f"{triad(site, 'm7i.large'):.2f}".rstrip("0") in said


def test_duckdb_reads_the_tables_over_http_in_parts(site: Site) -> None:
    # What its own extension does where it can be fetched, by the file system interface that it offers to Python.
    class Host(HTTPFileSystem):  # type: ignore[misc]
        def modified(self, path: str) -> datetime:
            return datetime(2024, 11, 20, tzinfo=UTC)

    with duckdb.connect() as connection:
        connection.register_filesystem(Host())
        for table, least in (("statistics", 30), ("measurements", 150)):
            url = f"{site.url}data/processed/latest/{table}.parquet"
            (rows,) = connection.execute("SELECT count(*) FROM read_parquet($url)", {"url": url}).fetchone() or (0,)
            assert rows >= least
    assert any("Range" in headers for headers in site.headers)
    assert 206 in site.asked("statistics.parquet")


ADDRESS = "https://example.org/dataset/"


def test_the_python_of_the_page_about_clients(site: Site, tmp_path: Path) -> None:
    (snippet,) = (one for one in snippets("clients.md") if "from assay.client" in one)
    lines = [line.partition("  #")[0].strip() for line in snippet.replace(ADDRESS, site.url).splitlines()]
    program = "\n".join(f"print(len({line}))" if line.startswith("dataset.") else line for line in lines)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HOME": str(tmp_path)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    results, best, compared, table = map(int, done.stdout.split())
    assert results > 0
    assert best == 3, "three types are ranked"
    assert compared > 0
    assert table > results


def test_the_javascript_of_the_page_about_clients(site: Site, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the JavaScript client needs it")
    (snippet,) = (one for one in snippets("clients.md") if "openDataset" in one)
    # Node imports no module over HTTP: it is taken out of the same tree.
    program = snippet.replace(f"{ADDRESS}data/api/assay.js", (site.root / "data/api/assay.js").as_uri())
    file = tmp_path / "snippet.mjs"
    file.write_text(f"{program.replace(ADDRESS, site.url)}\nconsole.log(rows.length, ranked.length, compared.length);\n")
    done = subprocess.run([node, str(file)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    rows, ranked, compared = map(int, done.stdout.split())
    assert rows > 0
    assert ranked == 1, "one type of the family m7i"
    assert compared > 0
