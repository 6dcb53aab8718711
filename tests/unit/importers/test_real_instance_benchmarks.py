"""The 124 real results of AWS Instance Benchmarks; what must come out is computed here, by other code than the reader's."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from assay.collect.importers import FoundSession, finder
from assay.read.content import SessionContent
from assay.read.sources.aws_instance_benchmarks import read_session
from assay.reference.names import parse_type


@pytest.fixture(scope="module")
def folder(test_data: Path) -> Path:
    return test_data / "instance-benchmarks"


@pytest.fixture(scope="module")
def found(folder: Path) -> list[FoundSession]:
    everything = list(finder("aws-instance-benchmarks")(folder, "default", None))
    assert all(isinstance(one, FoundSession) for one in everything)
    return [one for one in everything if isinstance(one, FoundSession)]


@pytest.fixture(scope="module")
def contents(found: list[FoundSession]) -> dict[str, SessionContent]:
    return {one.source_file: _read(one) for one in found}


@pytest.fixture(scope="module")
def documents(folder: Path) -> dict[str, Any]:
    return {path.relative_to(folder).as_posix(): json.loads(path.read_bytes()) for path in sorted(folder.rglob("*.json"))}


def _read(one: FoundSession) -> SessionContent:
    return read_session(one.manifest, {name: path.read_bytes() for name, path in one.paths.items()})


def claimed(contents: dict[str, SessionContent], name: str) -> Counter[Any]:
    return Counter(str(content.profile.get(name, "absent")) for content in contents.values())


def test_all_124_files_are_sessions_of_66_types(found: list[FoundSession]) -> None:
    assert len(found) == len({one.manifest.session for one in found}) == 124
    assert len({one.manifest.subject for one in found}) == 66


def test_every_file_is_read_without_a_problem(contents: dict[str, SessionContent]) -> None:
    assert [content.problems for content in contents.values() if content.problems] == []
    assert Counter(number.benchmark for c in contents.values() for _, number, _ in c.measurements) == {"stream": 492, "hpl": 2}


def test_the_numbers_are_those_of_the_files(contents: dict[str, SessionContent], documents: dict[str, Any]) -> None:
    for name, document in documents.items():
        payload = document.get("performance_data") or document["performance"]["memory"]
        numbers = {number.metric: number.value for _, number, _ in contents[name].measurements}
        for kernel, entry in payload.get("stream", {}).items():
            assert numbers[f"{kernel}_bandwidth"] == entry["bandwidth"], name
        if "hpl" in payload:
            assert numbers == {"gflops": payload["hpl"]["gflops"], "execution_time": payload["hpl"]["execution_time"]}


def test_the_three_labels_that_the_payload_contradicts_are_handed_on(contents: dict[str, SessionContent]) -> None:
    contradicted = [name for name, c in contents.items() if [c.profile["claimed_suite"]] != c.profile["claimed_payload"]]
    assert sorted(Path(name).stem for name in contradicted) == [
        "i3.large-hpl-20250629-095154",
        "i3.large-hpl-20250629-095209",
        "m7i.large-hpl-20250629-082020",
    ]


def test_the_mixed_vocabulary_of_architectures_is_handed_on_and_the_facts_are_the_catalogue_s(
    contents: dict[str, SessionContent],
) -> None:
    assert claimed(contents, "claimed_architecture") == {"x86_64": 76, "arm64": 22, "graviton": 5, "absent": 21}
    wrong = [
        n
        for n, c in contents.items()
        if c.profile.get("claimed_architecture") == "graviton" and c.profile["architecture"] == "intel"
    ]
    assert len(wrong) == 4
    assert all("m7i.large" in name for name in wrong)
    for content in contents.values():
        assert content.profile["instance_family"] == parse_type(content.subject).family
        assert {"architecture", "instance_family", "generation", "processor", "memory_type"} <= set(content.profile)


def test_flags_containers_checksums_and_clocks_are_handed_on(contents: dict[str, SessionContent]) -> None:
    neoverse = [n for n, c in contents.items() if "neoverse" in c.profile["claimed_build_flags"] and "m7i" in n]
    assert len(neoverse) == 4
    assert claimed(contents, "claimed_container")["absent"] == 21
    assert claimed(contents, "claimed_digests")["absent"] == 21
    assert len(claimed(contents, "claimed_digests")) == 2
    assert claimed(contents, "claimed_runs") == {"1": 103, "absent": 21}
    assert claimed(contents, "claimed_confidence") == {"1": 103, "absent": 21}
    assert claimed(contents, "claimed_utc_offsets") == {"['+00:00', '-07:00']": 124}
    assert claimed(contents, "claimed_empty_fields") == {"['public_ip']": 8, "absent": 116}
    assert claimed(contents, "claimed_version") == {"latest": 124}
    assert claimed(contents, "has_public_ip") == {"True": 116, "False": 8}
    assert claimed(contents, "has_instance_id") == {"True": 124}


def test_no_address_and_no_instance_id_of_any_file_leaves_the_reader(
    contents: dict[str, SessionContent], documents: dict[str, Any]
) -> None:
    for name, document in documents.items():
        handed_on = repr(contents[name])
        for secret in (
            document["metadata"]["instance_id"],
            document["system_info"]["private_ip"],
            document["system_info"]["public_ip"],
        ):
            assert not secret or secret not in handed_on
        assert not re.search(r"\b(?:\d{1,3}\.){3}\d{1,3}\b", handed_on), name


def test_the_key_is_the_same_for_every_file_of_a_suite(contents: dict[str, SessionContent]) -> None:
    keys = {
        (run.implementation, run.version, run.threads, run.size_policy, run.build_flags)
        for content in contents.values()
        for run in content.executions
    }
    unknown = "unknown (aws-instance-benchmarks)"
    assert keys == {("stream", *[unknown] * 4), ("hpl", *[unknown] * 4)}


def test_the_same_sessions_come_out_in_any_order(found: list[FoundSession], folder: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted(folder.rglob("*.json"), reverse=True)):
        (tmp_path / f"{number:03d}.json").write_bytes(path.read_bytes())
    again = list(finder("aws-instance-benchmarks")(tmp_path, "default", None))
    assert {one.manifest.session for one in again if isinstance(one, FoundSession)} == {one.manifest.session for one in found}
