"""The same content gives the same bytes: in any row order, in any process, on any machine."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from assay.dataset.build import build_documents, digest_of, rebase
from assay.dataset.content import PreviousSnapshot
from assay.dataset.encode import rounded, to_json
from dataset_content import fleet, make_content
from hypothesis import given
from hypothesis import strategies as st

TESTS = Path(__file__).resolve().parents[2]
SCRIPT = """
import hashlib, json, sys
from dataset_content import make_content
from assay.dataset.build import build_documents
documents = build_documents(make_content())
print(json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in documents.items()}))
"""


def hashes(documents: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in documents.items()}


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_does_not_matter(built: dict[str, bytes], seed: int) -> None:
    def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.sample(frac=1, random_state=seed)

    content = make_content()
    content = replace(
        content,
        statistics=shuffled(content.statistics),
        sessions=shuffled(content.sessions),
        raw_files=shuffled(content.raw_files),
        findings=shuffled(content.findings),
        measurements=shuffled(content.measurements),
    )
    assert hashes(build_documents(content)) == hashes(built)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_with_another_hash_seed_gives_the_same_bytes(built: dict[str, bytes], hash_seed: str) -> None:
    include = TESTS.parent / "include"
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{include}{os.pathsep}{TESTS}", "TZ": "Asia/Tokyo"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == hashes(built)


def test_string_columns_of_any_dtype_give_the_same_bytes(built: dict[str, bytes]) -> None:
    content = make_content()
    names = ["subject", "benchmark", "metric", "implementation", "version", "threads", "size_policy", "build_flags", "unit"]
    for dtype in ("object", "category", "string"):
        statistics = content.statistics.astype(dict.fromkeys(names, dtype))
        assert hashes(build_documents(replace(content, statistics=statistics))) == hashes(built)


def test_a_snapshot_before_changes_only_what_says_so(built: dict[str, bytes]) -> None:
    moved = build_documents(make_content(previous=PreviousSnapshot("2024-11-19", build_documents(make_content(fleet()[:8])))))
    assert {name for name in built if built[name] != moved[name]} == {
        "changes.json",
        "metadata.json",
        "bundle.json",
        "manifest.json",
    }
    assert digest_of(moved) == digest_of(built)
    assert hashes(rebase(moved, None)) == hashes(built)


def test_one_more_session_changes_the_digest(built: dict[str, bytes]) -> None:
    series = fleet()
    series[0].values = [*series[0].values, [48.0, 48.1]]
    assert digest_of(build_documents(make_content(series))) != digest_of(built)


def with_another(benchmark: str, *values: float) -> dict[str, bytes]:
    """The documents of the fleet and of one more session of c7g.large, in which one benchmark ran."""
    series = fleet()
    one = next(each for each in series if (each.subject, each.benchmark, each.threads) == ("c7g.large", benchmark, "all"))
    one.values = [*one.values, list(values)]
    return build_documents(make_content(series))


ALWAYS = {"metadata.json", "bundle.json", "manifest.json", "statistics.parquet", "measurements.parquet"}
"""What tells of every session that went in."""

OF_THE_TYPE = {
    "instance-rankings.json",
    "graviton-instances.json",
    "compute-optimized.json",
    "family-summary.json",
    "architectural-summary.json",
    "predictions.json",
    "trends.json",
}
"""What is said of c7g.large, whatever was measured."""


@pytest.mark.parametrize(
    ("benchmark", "values", "own"),
    [
        ("hpl", [54.9, 55.3], {"cpu-benchmarks.json", "hpl-results.json"}),
        ("stream", [54.9, 55.3], {"memory-benchmarks.json", "stream-results.json"}),
        ("bw_mem", [23001.0, 23002.0], {"memory-benchmarks.json"}),
    ],
)
def test_one_more_session_changes_only_the_documents_that_it_touches(
    built: dict[str, bytes], benchmark: str, values: list[float], own: set[str]
) -> None:
    more = with_another(benchmark, *values)
    assert more.keys() == built.keys()
    assert {name for name in built if built[name] != more[name]} == ALWAYS | OF_THE_TYPE | own


def test_a_document_is_as_old_as_the_newest_session_in_it(built: dict[str, bytes]) -> None:
    more = with_another("hpl", 54.9, 55.3)

    def updated(name: str) -> str:
        return str(json.loads(more[f"{name}.json"])["last_updated"])

    for name in ("metadata", "cpu-benchmarks", "graviton-instances", "instance-rankings", "trends"):
        assert updated(name) == "2024-11-20T12:10:00Z", name
    for name in ("memory-benchmarks", "intel-instances", "microarch-benchmarks"):
        assert updated(name) == "2024-11-20T11:10:00Z", name
    assert updated("amd-instances") == "2024-11-20T09:10:00Z", "one session of an AMD type, the first of the day"
    assert updated("memory-optimized") == "2024-11-20T09:10:00Z", "empty since the first session"


def test_documents_hold_no_time_but_that_of_sessions(built: dict[str, bytes]) -> None:
    ends = {moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode() for moment in make_content().sessions["ended_at"]}
    for name, data in built.items():
        assert set(re.findall(rb"\d{4}-\d\d-\d\dT[\d:.]+Z?", data)) <= ends, name


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_rounded_once_and_for_all(value: float) -> None:
    assert rounded(rounded(value)) == rounded(value)
    assert rounded(value) == pytest.approx(value, rel=1e-6, abs=1e-300)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_refused_not_written_as_null(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        rounded(value)


def test_the_encoding_is_that_of_the_standard_library() -> None:
    document = {"b": [1.5, 123456.7, 0.1, -3, 1], "a": {"é": "ü\n"}, "c": [], "d": {}}
    expected = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert to_json(document).decode() == expected
