"""The JavaScript client in Node over real HTTP: the same numbers as the Python client, the same care."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assay.client import Dataset
from assay.dataset.build import build_documents
from assay.publish.companions import companion_files
from dataset_content import fleet, make_content, simple, stream
from published_site import Site, serve, write_tree

pytestmark = pytest.mark.enable_socket

TYPESCRIPT = "typescript@5.9.3"
MEMORY = "memory-benchmarks.json"
TYPES = ["m7i.large", "m7i.xlarge", "c7g.large", "c7a.large"]


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed; the JavaScript client needs it")
    return found


@pytest.fixture(scope="module")
def built() -> dict[str, bytes]:
    vectors = [
        simple("m7i.large", "vectorization", "vector_bandwidth", "GB/s", 93.0, threads="one"),
        simple("m7i.large", "vectorization", "scalar_bandwidth", "GB/s", 50.0, threads="one"),
    ]
    return build_documents(make_content([*fleet(), *stream("m7i.xlarge", 48.0), *vectors]))


@pytest.fixture
def site(tmp_path: Path, built: dict[str, bytes]) -> Iterator[Site]:
    root = write_tree(tmp_path / "site", built)
    write_tree(root, built, "2024-11-20")
    for name, data in companion_files().items():
        file = root / "data/api" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    with serve(root) as site:
        yield site


@pytest.fixture
def ask(node: str, site: Site) -> Any:
    """Runs the body of a module in which `open(options)` opens the site; gives what it returns, or how it failed."""

    def run(body: str, timeout: float = 60) -> Any:
        script = site.root / "data/api" / "asked.mjs"
        script.write_text(
            f"""
            import * as client from "./assay.js";
            import {{ writeFile }} from "node:fs/promises";
            const site = {json.dumps(site.url)};
            const open = (options) => client.openDataset(site, {{ pauseMs: 5, ...options }});
            const root = {json.dumps(str(site.root))};
            try {{
              const answer = await (async () => {{ {body} }})();
              console.log(JSON.stringify({{ answer }}));
            }} catch (error) {{
              if (!(error instanceof client.AssayClientError)) throw error;
              console.log(JSON.stringify({{ code: error.code, message: error.message }}));
            }}
            """
        )
        done = subprocess.run([node, str(script)], capture_output=True, text=True, check=False, timeout=timeout)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_both_clients_read_the_same_numbers(ask: Any, site: Site) -> None:
    rows = ask("return await (await open()).results({ variants: true })")["answer"]
    frame = Dataset(site.root).results(variants=True)
    columns = ["instance", "family", "architecture", "benchmark", "metric", "value", "unit", "ci_low", "ci_high", "n"]
    columns += ["provisional", "derived", "variant", "document"]

    def key(row: Any) -> str:
        cells = [row.get(name) for name in columns]
        return repr([float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else cell for cell in cells])

    ours = json.loads(frame[columns].to_json(orient="records", double_precision=15))
    assert sorted(map(key, rows)) == sorted(map(key, ours))


def test_both_clients_say_the_same_of_types(ask: Any, site: Site) -> None:
    rows = ask(f"return await open().compare({json.dumps(TYPES)})")["answer"]
    frame = Dataset(site.root).compare(TYPES)
    said = {(row["benchmark"], row["metric"], row["instance"]): (row["verdict"], row["ratio"]) for row in rows}
    assert said.keys() == set(zip(frame["benchmark"], frame["metric"], frame["instance"], strict=True))
    for row in frame.itertuples():
        verdict, ratio = said[row.benchmark, row.metric, row.instance]
        assert verdict == row.verdict
        assert (ratio is None) if row.ratio != row.ratio else ratio == pytest.approx(row.ratio)
    assert {verdict for verdict, _ in said.values()} >= {"baseline", "better", "no difference beyond noise"}


def test_rankings_filters_trends_quarantine_and_prices(ask: Any) -> None:
    answer = ask("""
        const dataset = open();
        return {
          all: await dataset.rank("triad_bandwidth"),
          intel: await dataset.rank("triad_bandwidth", { architecture: "intel" }),
          measured: (await dataset.results({ provisional: false, family: ["c7a", "c7g"] })).map((row) => row.instance),
          rankings: await dataset.rankings(),
          trends: await dataset.trends({ instance: "m7i.large", ranking: "triad_bandwidth" }),
          quarantine: await dataset.quarantine(),
          prices: await dataset.prices(),
          metadata: await dataset.metadata(),
          files: await dataset.verify(),
        };
    """)["answer"]
    assert answer["all"][0]["instance"] == "c7g.large"
    assert {row["instance"] for row in answer["intel"]} == {"m7i.large", "m7i.xlarge", "host-1a2b3c4d"}
    assert set(answer["measured"]) == {"c7g.large"}
    assert "gflops" in answer["rankings"]
    (series,) = answer["trends"]
    assert series["points"]
    assert answer["quarantine"][0]["subject"] == "t3.micro"
    assert answer["metadata"]["licence"] == "CC BY 4.0"
    assert answer["files"] > 20
    assert isinstance(answer["prices"], list)


def test_a_document_is_asked_for_once_and_then_by_its_etag(ask: Any, site: Site) -> None:
    ask("const one = open(); await Promise.all([one.results(), one.results()]); await open().results(); return 0")
    assert site.asked(MEMORY) == [200, 304]


def test_a_cache_of_ones_own_outlives_the_program(ask: Any, site: Site) -> None:
    body = """
        const { readFile } = await import("node:fs/promises");
        const file = `${root}/copies.json`;
        const kept = new Map(JSON.parse(await readFile(file, "utf8").catch(() => "[]")));
        const cache = {
          get: async (url) => {
            const [etag, body] = kept.get(url) ?? [];
            return etag && { etag, body: new Uint8Array(Buffer.from(body, "base64")) };
          },
          set: async (url, copy) => { kept.set(url, [copy.etag, Buffer.from(copy.body).toString("base64")]); },
        };
        const rows = await open({ cache }).results();
        await writeFile(file, JSON.stringify([...kept]));
        return rows.length;
    """
    first, second = ask(body)["answer"], ask(body)["answer"]
    assert first == second > 0
    assert site.asked(MEMORY) == [200, 304]


@pytest.mark.parametrize("fault", ["503", "429:0", "drop", "cut"])
def test_a_host_that_fails_for_a_moment_is_asked_again(ask: Any, site: Site, fault: str) -> None:
    site.faults = [fault, fault, fault]
    assert ask("return (await open().results()).length")["answer"] > 0


def test_failures_say_what_happened(ask: Any, site: Site) -> None:
    site.faults = ["503"] * 4
    assert ask("return await open().results()")["code"] == "unreachable"
    assert ask("return await open({ snapshot: '2020-01-01' }).results()")["code"] == "not-published"
    assert "there are" in ask("return await open().rank('speed')")["message"]
    assert ask("return await open().document('nothing.json')")["code"] == "not-published"
    assert ask("return await open().document('../../x.json')")["code"] == "not-published"
    assert ask("return await open({ maxBytes: 100 }).results()")["code"] == "corrupt"
    assert ask("return await open().compare(['m7i.large'])")["code"] == "usage"
    assert ask("return await open().compare(['m7i.large', 'x9.huge'])")["code"] == "not-published"
    assert ask("client.openDataset('ftp://host/')")["code"] == "usage"
    refused = ask("client.openDataset('https://me:secret@host/')")
    assert refused["code"] == "usage"
    assert "secret" not in refused["message"]
    site.faults = ["slow"]
    assert "Timeout" in ask("return await open({ timeoutMs: 200, attempts: 1 }).results()")["message"]


def test_changed_bytes_are_refused_unless_nobody_wants_to_know(ask: Any, site: Site) -> None:
    file = site.root / "data/processed/latest" / MEMORY
    file.write_bytes(file.read_bytes().replace(b"GB/s", b"MB/s"))
    assert ask("return await open().results()")["code"] == "corrupt"
    assert ask("return (await open({ verify: false }).results()).length")["answer"] > 0


def test_two_snapshots_are_never_mixed(ask: Any, site: Site) -> None:
    later = write_tree(site.root.parent / "later", build_documents(make_content([*fleet(), *stream("m7i.xlarge", 90.0)])))
    move = f"""
        const {{ cp }} = await import("node:fs/promises");
        const publish = () => cp({json.dumps(str(later / "data/processed/latest"))}, `${{root}}/data/processed/latest`,
          {{ recursive: true, force: true }});
    """
    mixed = ask(f"{move} const one = open(); await one.results(); await publish(); return await one.rank('triad_bandwidth')")
    assert mixed["code"] == "superseded"


def test_one_that_is_published_before_a_number_is_read_is_taken_whole(ask: Any, site: Site) -> None:
    later = write_tree(site.root.parent / "later", build_documents(make_content([*fleet(), *stream("m7i.2xlarge", 90.0)])))
    answer = ask(f"""
        const {{ cp }} = await import("node:fs/promises");
        const one = open();
        await one.documents();
        await cp({json.dumps(str(later / "data/processed/latest"))}, `${{root}}/data/processed/latest`,
          {{ recursive: true, force: true }});
        return (await one.rank("triad_bandwidth"))[0].instance;
    """)
    assert answer == {"answer": "m7i.2xlarge"}


def test_a_snapshots_folder_is_a_base_too(ask: Any) -> None:
    answer = ask("const one = client.openDataset(`${site}data/processed/v1.0/2024-11-20`); return [one.snapshot, one.base]")
    assert answer["answer"][0] == "2024-11-20"


def test_types_and_module_export_the_same_names(ask: Any) -> None:
    exported = set(ask("return Object.keys(client)")["answer"])
    types = companion_files()["assay.d.ts"].decode()
    assert exported == set(re.findall(r"^export declare (?:const|class|function) (\w+)", types, re.MULTILINE))


USE = """
import { openDataset, compareResults, AssayClientError, MemoryCache, type Result, type Comparison } from "./assay.js";

const dataset = openDataset("https://example.org/", { cache: new MemoryCache(), timeoutMs: 1000 });
const rows: Result[] = await dataset.results({ architecture: "graviton", metric: ["triad_bandwidth"] });
const compared: Comparison[] = compareResults(rows, ["a", "b"]);
const words: string[] = compared.map((row) => `${row.verdict} ${row.ratio?.toFixed(2)} ${rows[0]?.ci_low ?? "none"}`);
const licence: string = (await dataset.metadata()).licence;
try {
  await dataset.rank("triad_bandwidth", { family: "m7i" });
} catch (error) {
  if (error instanceof AssayClientError && error.code === "unreachable") console.log(words, licence);
}
// @ts-expect-error an architecture that there is not
await dataset.results({ architecture: "vax" });
// @ts-expect-error a number may be missing
const low: number = rows[0].ci_low;
"""


@pytest.mark.full
def test_the_types_satisfy_a_strict_compiler(node: str, tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed; the types are checked with TypeScript from there")
    got = subprocess.run(
        [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), TYPESCRIPT],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if got.returncode != 0:
        pytest.skip(f"npm cannot fetch {TYPESCRIPT}: {got.stderr[-300:]}")
    for name in ("assay.js", "assay.d.ts"):
        (tmp_path / name).write_bytes(companion_files()[name])
    (tmp_path / "use.ts").write_text(USE)
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext"]
    (tmp_path / "package.json").write_text('{"type": "module"}')
    done = subprocess.run(
        [node, str(tmp_path / "node_modules/typescript/bin/tsc"), *options, "--lib", "es2022,dom", "use.ts"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
