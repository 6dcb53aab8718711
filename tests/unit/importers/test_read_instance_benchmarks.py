"""Results of AWS Instance Benchmarks -> measurements, claims and problems."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from assay.measurement import UNITS, measurement_frame
from assay.read.content import SessionContent
from assay.read.sources.aws_instance_benchmarks import RESULT_FILE, UNKNOWN, read_session
from hypothesis import given
from hypothesis import strategies as st
from importer_samples import (
    COREMARK,
    EMPTY_MD5,
    HPL,
    INSTANCE_ID,
    KERNELS,
    PRIVATE_IP,
    PUBLIC_IP,
    cache,
    manifest,
    shape_a,
    shape_b,
    stream,
)

SOURCE_FILE = "2025-06-29/m7i.large-stream-20250629-120001.json"


def read(document: Any, subject: str = "m7i.large", source_file: str = SOURCE_FILE) -> SessionContent:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    files = {RESULT_FILE: raw}
    labels = {"source_file": source_file}
    return read_session(manifest(files, subject=subject, source="aws-instance-benchmarks", labels=labels), files)


def values(content: SessionContent) -> dict[str, float]:
    return {number.metric: number.value for _, number, _ in content.measurements}


def rules(content: SessionContent) -> list[str]:
    return [problem.rule for problem in content.problems]


@pytest.mark.parametrize("document", [shape_a(), shape_b()], ids=["legacy", "schema 1.0.0"])
def test_the_kernels_of_stream_are_read_from_every_shape(document: dict[str, Any]) -> None:
    content = read(document)
    assert values(content) == {f"{kernel}_bandwidth": value for kernel, value in KERNELS.items()}
    assert content.problems == []
    assert {(number.benchmark, number.unit) for _, number, _ in content.measurements} == {("stream", "GB/s")}


def test_the_inner_metadata_may_hold_a_time_only() -> None:
    document = shape_b()
    del document["performance"]["memory"]["metadata"]["instanceType"]
    content = read(document)
    assert len(content.measurements) == 4
    assert "claimed_inner_instance_type" not in content.profile


def test_parts_of_the_key_that_the_source_does_not_tell_are_unknown_of_this_source() -> None:
    [run] = read(shape_b()).executions
    assert (run.version, run.threads, run.size_policy, run.build_flags) == (UNKNOWN,) * 4
    assert UNKNOWN == "unknown (aws-instance-benchmarks)"
    assert run.duration_s == 219.25


def test_hpl_keeps_its_problem_size_and_time() -> None:
    content = read(shape_b(suite="hpl", hpl=HPL))
    assert values(content) == {"gflops": 1.5, "execution_time": 1.25}
    assert [number.problem_size for _, number, _ in content.measurements] == [1000, 1000]
    assert content.executions[0].problem_size == 1000


@pytest.mark.parametrize("unit", ["ns", "nanoseconds"])
def test_cache_access_times_are_nanoseconds_with_their_working_set(unit: str) -> None:
    content = read(shape_b(suite="cache", cache=cache(unit)))
    assert values(content) == {"l1_latency": 1.0, "l2_latency": 4.0, "l3_latency": 20.0, "dram_latency": 90.0}
    assert {number.unit for _, number, _ in content.measurements} == {"nanoseconds"}
    assert content.measurements[0][1].problem_size == 16 * 1024


def test_coremark_keeps_a_time_of_zero_for_the_rules_to_see() -> None:
    content = read(shape_b(suite="coremark", coremark=COREMARK))
    assert values(content) == {"score": 36.5, "execution_time": 0.0}
    assert content.measurements[0][1].problem_size == 10_000_000


def test_a_mean_over_several_runs_is_marked_as_a_summary() -> None:
    kernels = {name: {"bandwidth": value, "std_dev": 0.5, "unit": "GB/s"} for name, value in KERNELS.items()}
    document = shape_b(stream=kernels)
    document["performance"]["memory"]["metadata"]["iterations"] = 4
    assert {(number.summary_n, number.summary_sd) for _, number, _ in read(document).measurements} == {(4, 0.5)}
    assert {number.summary_n for _, number, _ in read(shape_b()).measurements} == {None}


def test_units_are_converted_to_those_of_the_table() -> None:
    content = read(shape_b(stream=stream(copy={"bandwidth": 11_500.0, "unit": "MB/s"})))
    assert values(content)["copy_bandwidth"] == pytest.approx(11.5)
    assert {number.unit for _, number, _ in content.measurements} <= set(UNITS)


def test_more_fields_never_make_a_shape_unknown() -> None:
    document = shape_b() | {"provenance": {"host": [1, 2]}, "notes": None}
    document["performance"]["memory"]["stream"]["copy"]["samples"] = [1, 2, 3]
    document["performance"]["memory"]["numa"] = {"localBandwidth": 1}
    assert len(read(document).measurements) == 4


def test_the_catalogue_gives_the_facts_and_the_file_only_claims() -> None:
    profile = read(shape_b()).profile
    assert (profile["architecture"], profile["instance_family"], profile["generation"]) == ("intel", "m7i", 7)
    assert profile["claimed_architecture"] == profile["claimed_system_architecture"] == "graviton"
    assert profile["claimed_suite"] == "stream"
    assert profile["claimed_payload"] == ["stream"]
    assert profile["claimed_container"].endswith(":intel-icelake")
    assert profile["claimed_build_flags"] == "-O3 -mcpu=neoverse-v1"
    assert profile["claimed_version"] == "latest"
    assert profile["claimed_digests"][0] == EMPTY_MD5
    assert (profile["claimed_runs"], profile["claimed_confidence"]) == (1, 1)
    assert profile["claimed_utc_offsets"] == ["+00:00", "-07:00"]
    assert profile["claimed_empty_fields"] == ["public_ip"]
    assert (profile["file_name_instance_type"], profile["file_name_suite"]) == ("m7i.large", "stream")


def test_claims_that_are_absent_stay_absent() -> None:
    profile = read(shape_a()).profile
    assert not {"claimed_digests", "claimed_runs", "claimed_container", "claimed_architecture", "claimed_empty_fields"} & set(
        profile
    )


def test_an_unknown_instance_type_keeps_its_numbers_and_has_no_facts() -> None:
    content = read(shape_b("m99x.large"), subject="m99x.large")
    assert len(content.measurements) == 4
    assert content.profile["instance_type_known"] is False
    assert "architecture" not in content.profile


@pytest.mark.parametrize("document", [shape_a(), shape_b()])
def test_no_address_and_no_id_leaves_the_reader(document: dict[str, Any]) -> None:
    document["execution_context"]["compiler_optimizations"] += f" -DHOST={PUBLIC_IP} arn:aws:ec2:x {INSTANCE_ID}"
    document["metadata"]["environment"] = {"containerImage": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{PRIVATE_IP}"}
    content = read(document)
    handed_on = repr(content)
    for secret in (INSTANCE_ID, PUBLIC_IP, PRIVATE_IP, "123456789012", "arn:aws"):
        assert secret not in handed_on
    assert content.profile["has_private_ip"] is True
    assert content.profile["has_instance_id"] is True
    assert content.profile["has_public_ip"] is (document["system_info"]["public_ip"] != "")


@pytest.mark.parametrize("kernel", [None, {"unit": "GB/s"}, {"bandwidth": None, "unit": "GB/s"}])
def test_a_missing_kernel_is_a_problem_and_no_part_is_handed_on(kernel: Any) -> None:
    content = read(shape_b(stream=stream(triad=kernel)))
    assert rules(content) == ["reading.missing-metric"]
    assert "stream.triad.bandwidth" in content.problems[0].message
    assert content.measurements == []


@pytest.mark.parametrize("unit", ["GiB/s", "", None, "parsecs"])
def test_an_unknown_unit_is_a_problem(unit: str | None) -> None:
    assert rules(read(shape_b(stream=stream(add={"bandwidth": 1.0, "unit": unit})))) == ["reading.unknown-unit"]


@pytest.mark.parametrize("payload", [{"vector_ops": {"score": 1}}, {"fftw": {}}])
def test_an_unknown_suite_in_a_known_envelope_is_a_problem_that_names_it(payload: dict[str, Any]) -> None:
    content = read(shape_b(suite="stream", **payload))
    assert rules(content) == ["reading.unknown-suite"]
    assert next(iter(payload)) in content.problems[0].value
    assert content.profile["claimed_payload"] == list(payload)


@pytest.mark.parametrize(("suite", "rule"), [("stream", "reading.incomplete-result"), ("dgemm", "reading.unknown-suite")])
def test_no_payload_at_all_is_a_problem(suite: str, rule: str) -> None:
    document = shape_b(suite=suite)
    document["performance"] = {"memory": {}}
    assert rules(read(document)) == [rule]


def test_a_suite_that_the_label_does_not_name_is_read_for_the_rules_to_compare() -> None:
    content = read(shape_b(suite="hpl"))
    assert len(content.measurements) == 4
    assert (content.profile["claimed_suite"], content.profile["claimed_payload"]) == ("hpl", ["stream"])


def test_a_run_that_the_source_does_not_call_completed_is_a_problem() -> None:
    document = shape_b()
    document["system_info"]["status"] = "failed"
    content = read(document)
    assert rules(content) == ["reading.not-completed"]
    assert content.executions[0].status == "failed"
    assert content.measurements == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("12.5", '"12.5"'),
        lambda text: text.replace("12.5", "1e999"),
        lambda text: text.replace("12.5", "NaN"),
        lambda text: text.replace("12.5", "true"),
        lambda text: text[: len(text) // 2],
    ],
)
def test_a_payload_of_another_type_is_unreadable_and_says_where(change: Any) -> None:
    content = read(change(json.dumps(shape_b())).encode())
    assert rules(content) == ["reading.unreadable"]
    assert content.measurements == []


def test_the_claims_of_an_unreadable_payload_are_still_read() -> None:
    content = read(shape_b(stream={"copy": "fast"}))
    assert rules(content) == ["reading.unreadable"]
    assert "$.performance.memory.stream.copy" in content.problems[0].value
    assert content.profile["claimed_architecture"] == "graviton"


def test_a_session_without_its_file_is_a_problem() -> None:
    content = read_session(manifest({"other.txt": b""}, source="aws-instance-benchmarks"), {"other.txt": b""})
    assert rules(content) == ["reading.missing-file"]


def test_the_rows_fit_the_tidy_table() -> None:
    content = read(shape_b(suite="hpl", hpl=HPL))
    frame = measurement_frame((content.session, content.subject, run, number, file) for run, number, file in content.measurements)
    assert list(frame["metric"]) == ["gflops", "execution_time"]
    assert list(frame["problem_size"]) == [1000, 1000]


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=30) | st.integers() | st.floats(allow_nan=True, allow_infinity=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_any_value_anywhere_in_a_result_is_read_or_a_problem(data: st.DataObject) -> None:
    shapes = [shape_a(), shape_b(), shape_b(hpl=HPL), shape_b(cache=cache())]
    document: Any = deepcopy(data.draw(st.sampled_from(shapes)))  # they share parts, which the next example finds as they were
    for _ in range(data.draw(st.integers(1, 3))):
        place = document
        while True:
            key = data.draw(st.sampled_from(sorted(place)))
            if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
                break
            place = place[key]
        place[key] = data.draw(JSON)
    content = read(json.dumps(document).encode())
    assert content.measurements or content.problems
    for _, number, _ in content.measurements:
        assert abs(number.value) < float("inf")
    json.dumps(dict(content.profile), allow_nan=False)


@given(st.binary(max_size=500))
def test_any_bytes_are_a_problem_and_never_an_exception(raw: bytes) -> None:
    assert rules(read(raw)) == ["reading.unreadable"] or rules(read(raw)) == ["reading.incomplete-result"]


@pytest.mark.parametrize(
    "raw", [b"[" * 500_000, b'{"performance":' * 200_000, b'{"metadata":{"timestamp":' + b"1" * 5_000 + b"}}"]
)
def test_depth_and_length_do_not_break_the_reader(raw: bytes) -> None:
    assert read(raw).problems
