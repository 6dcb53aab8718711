"""A session of the agent: everything in it is read, and whatever is wrong with a file becomes a problem, never an exception."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from assay.measurement import execution_frame, measurement_frame
from assay.read.content import SessionContent
from assay.read.registry import source_readers
from assay.read.sources import assay_agent
from assay.session import Manifest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import DATA

FOLDER = DATA / "assay_agent/session"
MANIFEST = Manifest.parse((FOLDER / "manifest.json").read_bytes())
FILES = {file.path: (FOLDER / file.path).read_bytes() for file in MANIFEST.files}
WHOLE = assay_agent.read_session(MANIFEST, FILES)


def _with(path: str, raw: bytes | None) -> SessionContent:
    files = {**FILES, path: raw} if raw is not None else {name: content for name, content in FILES.items() if name != path}
    return assay_agent.read_session(MANIFEST, files)


def _changed(path: str, **fields: Any) -> bytes:
    document = json.loads(FILES[path])
    return json.dumps({name: value for name, value in {**document, **fields}.items() if value != "gone"}).encode()


def _frames(content: SessionContent) -> None:
    """The rows fit the tidy tables."""
    measurement_frame((content.session, content.subject, run, number, file) for run, number, file in content.measurements)
    execution_frame((content.session, content.subject, run) for run in content.executions)


def test_the_registry_finds_the_reader() -> None:
    assert source_readers()["assay-agent"] is assay_agent


def test_a_whole_session_has_no_problem_and_every_execution() -> None:
    assert WHOLE.problems == []
    described = [path for path in FILES if path.endswith("/execution.json")]
    assert len(WHOLE.executions) == len(described) == 15
    assert {run.file for run in WHOLE.executions} == set(described)
    assert {run.status for run in WHOLE.executions} == {"finished", "missing"}
    _frames(WHOLE)


def test_every_promised_metric_is_there_once_an_execution() -> None:
    values = [
        (run.tool, run.threads, run.execution, number.benchmark, number.metric)
        for run, number, _ in WHOLE.measurements
        if number.iteration is None
    ]
    assert len(values) == len(set(values))
    promised = {
        ("stream", threads, "stream", f"{kernel}_bandwidth")
        for threads in ("all", "one")
        for kernel in ("copy", "scale", "add", "triad")
    }
    promised |= {("hpl", threads, "hpl", "gflops") for threads in ("all", "one")}
    promised |= {("core_clock", threads, "core_clock", "sustained_clock") for threads in ("all", "one")}
    promised |= {("latency", "one", "cache_latency", f"{level}_latency") for level in ("l1", "l2", "l3", "dram")}
    assert set(values) == {(tool, threads, run, *rest) for tool, threads, *rest in promised for run in (1, 2)}


def test_every_measurement_names_the_raw_file_it_was_read_from() -> None:
    assert all(file in FILES and run.file.rpartition("/")[0] == file.rpartition("/")[0] for run, _, file in WHOLE.measurements)


def test_the_execution_carries_what_makes_its_numbers_comparable() -> None:
    run = next(run for run in WHOLE.executions if run.tool == "stream" and run.threads == "all")
    assert run.implementation == "assay-stream"
    assert run.version == "1"
    assert run.size_policy == "4x-llc-huge-pages"
    assert run.build_flags == "gcc 12.2.0 -O3 -march=native -std=gnu11 -pthread"
    assert run.problem_size == 4 * 32 * 2**20
    assert run.thread_count == 2
    assert run.exit_code == 0
    assert run.started_at is not None
    assert MANIFEST.started_at <= run.started_at <= MANIFEST.ended_at
    solve = next(run for run in WHOLE.executions if run.tool == "hpl")
    assert (solve.implementation, solve.build_flags) == ("lapack-dgetrf", "none")
    assert solve.version.startswith("OpenBLAS ")


def test_a_missing_tool_is_an_execution_with_its_reason_and_no_problem() -> None:
    run = next(run for run in WHOLE.executions if run.status == "missing")
    assert (run.tool, run.error) == ("stress_ng", "no stress-ng on PATH; install the package stress-ng")


def test_the_profile_of_a_host_says_itself_what_it_is() -> None:
    profile = WHOLE.profile
    assert profile["instance_family"] == "host"
    assert profile["architecture"] == "amd"
    assert profile["processor"] == "AMD EPYC"
    assert (profile["l1d_bytes"], profile["l2_bytes"], profile["l3_bytes"]) == (32 << 10, 1 << 20, 32 << 20)
    assert profile["llc_total_bytes"] == 32 << 20
    assert (profile["vcpus"], profile["physical_cores"], profile["numa_nodes"]) == (2, 2, 1)
    assert (profile["vector_unit"], profile["vector_bits"]) == ("avx512f", 512)
    assert profile["virtualization"] == "KVM"
    assert "generation" not in profile


def test_of_an_instance_type_the_catalogue_says_what_it_is_and_the_machine_only_claims() -> None:
    manifest = Manifest(
        kind=MANIFEST.kind,
        subject="m7i.large",
        started_at=MANIFEST.started_at,
        ended_at=MANIFEST.ended_at,
        source=MANIFEST.source,
        files=MANIFEST.files,
    )
    profile = assay_agent.read_session(manifest, FILES).profile
    assert (profile["architecture"], profile["claimed_architecture"]) == ("intel", "amd")
    assert (profile["instance_family"], profile["claimed_processor"]) == ("m7i", "AMD EPYC")


@pytest.mark.parametrize("path", ["profile.json", "stream-all/1/execution.json", "stream-all/1/stdout.txt"])
@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (None, "missing-file"),
        (b"", "unreadable"),
        (b"\xff\xfe\x00", "unreadable"),
        (b'{"tool": ', "unreadable"),
        (b"[" * 200_000 + b"]" * 200_000, "unreadable"),
        (b'{"cpu": ' + b'{"a":' * 100_000, "unreadable"),
        (b"null", "unreadable"),
        (b"\x00" * 1000, "unreadable"),
    ],
    ids=["gone", "empty", "not UTF-8", "cut", "deep list", "deep object", "null", "zeros"],
)
def test_a_bad_file_is_one_named_problem_and_the_rest_is_read(path: str, raw: bytes | None, why: str) -> None:
    content = _with(path, raw)
    assert [(found.rule, found.file) for found in content.problems] == [(f"reading.{why}", path)]
    lost = {"profile.json": "", "stream-all/1/execution.json": "stream-all/1/", "stream-all/1/stdout.txt": "stream-all/1/"}[path]
    kept = [file for _, _, file in WHOLE.measurements if not lost or not file.startswith(lost)]
    assert [file for _, _, file in content.measurements] == kept
    assert all(len(found.message) < 1_000 and "\n" not in found.message for found in content.problems)


def test_the_output_of_another_tool_is_unreadable_with_its_line() -> None:
    (found,) = _with("stream-all/1/stdout.txt", FILES["latency-one/1/stdout.txt"]).problems
    assert (found.rule, found.file) == ("reading.unreadable", "stream-all/1/stdout.txt")
    assert "line 1" in found.message
    assert "assay-stream" in found.message


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"tool": "hpl"}, "reading.unreadable"),
        ({"execution": 2}, "reading.unreadable"),
        ({"execution": 0}, "reading.unreadable"),
        ({"threads": "two"}, "reading.unreadable"),
        ({"status": "gone"}, "reading.unreadable"),
        ({"status": "done"}, "reading.unreadable"),
        ({"problem_size": 2**80}, "reading.unreadable"),
        ({"problem_size": -1}, "reading.unreadable"),
        ({"exit_code": "0"}, "reading.unreadable"),
        ({"duration_s": 1e300}, "reading.unreadable"),
        ({"started_at": "yesterday"}, "reading.unreadable"),
        ({"started_at": "0001-01-01T00:00:00Z"}, "reading.unreadable"),
        ({"started_at": "2024-01-01T00:00:00"}, "reading.unreadable"),
        ({"implementation": "geekbench"}, "reading.unknown-suite"),
        ({"outputs": []}, "reading.missing-file"),
    ],
)
def test_a_description_that_contradicts_itself_or_its_place_is_a_problem(fields: Mapping[str, Any], rule: str) -> None:
    content = _with("stream-all/1/execution.json", _changed("stream-all/1/execution.json", **fields))
    assert [found.rule for found in content.problems] == [rule]
    assert not [file for _, _, file in content.measurements if file.startswith("stream-all/1/")]
    _frames(content)


def test_fields_that_are_not_known_are_let_pass() -> None:
    content = _with("stream-all/1/execution.json", _changed("stream-all/1/execution.json", colour="blue", nested={"a": [1]}))
    assert content.problems == []
    assert len(content.measurements) == len(WHOLE.measurements)


@pytest.mark.parametrize("status", ["started", "failed", "timeout"])
def test_an_execution_that_did_not_finish_is_kept_and_gives_no_number(status: str) -> None:
    raw = _changed("stream-all/1/execution.json", status=status, error="killed", exit_code=-9)
    content = _with("stream-all/1/execution.json", raw)
    assert content.problems == []
    run = next(run for run in content.executions if run.file == "stream-all/1/execution.json")
    assert (run.status, run.error, run.exit_code) == (status, "killed", -9)
    assert not [file for _, _, file in content.measurements if file.startswith("stream-all/1/")]


def test_what_a_document_says_is_made_safe_to_hand_on() -> None:
    raw = _changed("stream-all/1/execution.json", version="1\n\x00 10.0.0.7 " + "x" * 1000)
    run = next(run for run in _with("stream-all/1/execution.json", raw).executions if run.file == "stream-all/1/execution.json")
    assert "10.0.0.7" not in run.version
    assert len(run.version) <= 200
    assert run.version.isprintable()


def test_a_session_without_any_execution_is_a_problem() -> None:
    content = assay_agent.read_session(MANIFEST, {"profile.json": FILES["profile.json"]})
    assert [found.rule for found in content.problems] == ["reading.missing-file"]


def test_a_session_without_any_file_is_problems() -> None:
    content = assay_agent.read_session(MANIFEST, {})
    assert {found.file for found in content.problems} == {"profile.json", "execution.json"}
    assert content.profile == {"instance_family": "host", "architecture": "other"}


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_bytes_in_any_file_give_rows_or_problems_never_an_exception(data: st.DataObject) -> None:
    files = dict(FILES)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(sorted(files)))
        raw = files[path]
        cut = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(cut, len(raw)))
        files[path] = raw[:cut] + data.draw(st.one_of(st.binary(max_size=30), st.sampled_from(list(FILES.values())))) + raw[end:]
    content = assay_agent.read_session(MANIFEST, files)
    _frames(content)
    assert set(map(type, content.profile.values())) <= {str, int, float, bool, list}


@settings(max_examples=100, deadline=None)
@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
        max_leaves=20,
    ),
    field=st.sampled_from(sorted(json.loads(FILES["stream-all/1/execution.json"]))),
    profile_field=st.sampled_from(sorted(json.loads(FILES["profile.json"]))),
)
def test_any_json_in_any_field_gives_rows_or_problems_never_an_exception(document: Any, field: str, profile_field: str) -> None:
    content = assay_agent.read_session(
        MANIFEST,
        {
            **FILES,
            "stream-all/1/execution.json": _changed("stream-all/1/execution.json", **{field: document}),
            "profile.json": _changed("profile.json", **{profile_field: document}),
        },
    )
    _frames(content)


def test_executions_are_read_in_the_order_of_their_numbers() -> None:
    files = {}
    for number in (1, 2, 10):
        raw = _changed("stream-all/1/execution.json", execution=number)
        files |= {f"stream-all/{number}/execution.json": raw, f"stream-all/{number}/stdout.txt": FILES["stream-all/1/stdout.txt"]}
    content = assay_agent.read_session(MANIFEST, {"profile.json": FILES["profile.json"], **files})
    assert [run.execution for run in content.executions] == [1, 2, 10]
