"""Runs of Spare Cores' tasks -> measurements, facts of the machine and problems."""

from __future__ import annotations

import json
from typing import Any

import pytest
from assay.check.rule import Severity, Stage
from assay.check.rules.reading import RULES
from assay.measurement import UNITS
from assay.read.content import SessionContent
from assay.read.rules import WARNINGS
from assay.read.sources.spare_cores import UNKNOWN, read_session, readers
from hypothesis import given
from hypothesis import strategies as st
from importer_samples import (
    MARKS,
    MEMBENCH_HEADER,
    WHOLE,
    bw_mem,
    geekbench_report,
    geekbench_results,
    manifest,
    membench,
    meta,
    openssl_parsed,
    openssl_stdout,
    passmark,
    redis,
)

SEVERITY = {rule.id: rule.severity for rule in RULES}


def read(task: str, files: dict[str, bytes] | None = None, subject: str = "m7i.large", **changed: bytes | None) -> SessionContent:
    """A task's whole run read, with files changed (`stdout=`) or, where None, left out."""
    names = {"results": "results.json", "parsed": "parsed.json", "meta": "meta.json"}
    whole: dict[str, bytes | None] = dict(files if files is not None else WHOLE[task])
    whole |= {names.get(name, name): content for name, content in changed.items()}
    there = {name: content for name, content in whole.items() if content is not None}
    return read_session(manifest(there, subject=subject, labels={"task": task, "run": "2024-06-08T08:22:57.844344"}), there)


def values(content: SessionContent) -> dict[str, float]:
    return {number.metric: number.value for _, number, _ in content.measurements if number.iteration is None}


def rules(content: SessionContent) -> list[str]:
    return [problem.rule for problem in content.problems]


def keys(content: SessionContent, metric: str) -> tuple[str, str, str]:
    [run] = [run for run, number, _ in content.measurements if number.metric == metric and number.iteration is None]
    return run.implementation, run.version, run.threads


@pytest.mark.parametrize("task", sorted(WHOLE))
def test_a_whole_run_of_every_task_is_read_without_a_problem(task: str) -> None:
    content = read(task)
    assert content.problems == []
    assert len(content.executions) == 1
    assert content.executions[0].status == "finished"
    assert {number.unit for _, number, _ in content.measurements} <= set(UNITS)
    assert all(number.benchmark and number.metric and number.value > 0 for _, number, _ in content.measurements)


def test_the_read_stage_and_the_rules_agree_on_what_only_warns() -> None:
    assert {rule.id for rule in RULES if rule.severity is Severity.WARNING} == WARNINGS
    assert all(rule.judge is None and rule.stage is Stage.READ for rule in RULES)


def test_every_reader_has_a_sample() -> None:
    assert set(WHOLE) == set(readers())


def test_a_metric_stands_once_in_a_run() -> None:
    for task in WHOLE:
        named = [number.metric for _, number, _ in read(task).measurements if number.iteration is None]
        assert len(named) == len(set(named)), task


# How runs end


@pytest.mark.parametrize(
    ("exit_code", "rule"),
    [
        (None, "reading.never-finished"),
        (-1, "reading.not-started"),
        (-2, "reading.not-applicable"),
        (-3, "reading.precheck-failed"),
        (-4, "reading.not-reached"),
        (-5, "reading.gave-up"),
        (256, "reading.harness-error"),
        (1, "reading.tool-failed"),
        (137, "reading.tool-failed"),
        (-99, "reading.tool-failed"),
        (10**30, "reading.tool-failed"),
    ],
)
def test_every_exit_code_has_its_rule_even_beside_a_whole_output(exit_code: int | None, rule: str) -> None:
    content = read("bw_mem", meta=meta(exit_code=exit_code))
    assert rules(content) == [rule]
    assert content.measurements == []
    assert SEVERITY[rule] is Severity.QUARANTINE


def test_the_provider_s_error_is_handed_on_as_its_code_alone() -> None:
    text = "creating EC2 Instance: RequestID: f70678a2-1cf9, api error VcpuLimitExceeded: You have requested 10.1.2.3 more"
    content = read("bw_mem", meta=meta(exit_code=-1, error_msg=text), stdout=None)
    assert content.problems[0].value == "-1 (VcpuLimitExceeded)"
    assert "f70678a2" not in repr(content)


def test_an_unknown_task_is_a_problem_that_names_it() -> None:
    content = read("static_web", {"meta.json": meta(), "stdout": b"{}"})
    assert rules(content) == ["reading.unknown-suite"]
    assert content.problems[0].value == "static_web"


def test_an_unknown_task_that_never_ran_is_named_for_that() -> None:
    assert rules(read("static_web", {"meta.json": meta(exit_code=None)})) == ["reading.never-finished"]


def test_runs_of_different_commands_are_different_keys() -> None:
    policies = {read("bw_mem", meta=meta(task_hash=digit * 40)).executions[0].size_policy for digit in "aab"}
    assert policies == {f"task {'a' * 12}", f"task {'b' * 12}"}
    assert read("bw_mem", meta=meta(task_hash=None)).executions[0].size_policy == UNKNOWN


@pytest.mark.parametrize("gone", [..., None])
def test_an_older_record_may_lack_every_key_but_the_start(gone: Any) -> None:
    fields = dict.fromkeys(("error_msg", "task_hash", "version", "stdout_bytes", "stderr_bytes", "outputs", "end"), gone)
    assert read("bw_mem", meta=meta(**fields)).problems == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b'{"exit_code": "0"}', b"[" * 100_000])
def test_a_record_that_is_none_is_unreadable(raw: bytes) -> None:
    assert rules(read("bw_mem", meta=raw)) == ["reading.unreadable"]


def test_a_session_without_its_record_is_a_problem() -> None:
    assert rules(read("bw_mem", meta=None)) == ["reading.missing-file"]


@pytest.mark.parametrize("task", sorted(set(WHOLE) - {"timing", "timing_marks", "openssl", "geekbench"}))
def test_exit_code_0_without_an_output_is_a_problem(task: str) -> None:
    assert rules(read(task, stdout=None)) == ["reading.missing-file"]
    assert rules(read(task, stdout=b"")) == ["reading.incomplete-result"]
    assert rules(read(task, stdout=b" \n\n")) == ["reading.incomplete-result"]


@pytest.mark.parametrize("task", sorted(set(WHOLE) - {"timing", "timing_marks"}))
def test_an_output_that_is_not_text_is_a_problem(task: str) -> None:
    content = read(task, stdout=b"\xff\xfe" + WHOLE[task]["stdout"])
    assert content.problems
    assert SEVERITY[content.problems[0].rule] is Severity.QUARANTINE


# Sizes


def test_an_output_of_another_size_that_is_whole_was_edited() -> None:
    output = redis()
    content = read("redis", meta=meta(stdout_bytes=len(output) - 30), stdout=output)
    assert rules(content) == ["reading.size-differs"]
    assert SEVERITY["reading.size-differs"] is Severity.WARNING
    assert len(content.measurements) == 12


def test_an_output_that_cannot_show_that_it_is_whole_is_cut_when_it_is_shorter_than_recorded() -> None:
    output = membench(16)
    assert rules(read("membench", meta=meta(stdout_bytes=len(membench(16, 1024))), stdout=output)) == ["reading.truncated-output"]
    assert rules(read("membench", meta=meta(stdout_bytes=len(output)), stdout=output)) == []


# bw_mem


def test_bw_mem_is_megabytes_of_ten_to_the_six_by_operation_and_size() -> None:
    content = read("bw_mem")
    assert len(content.measurements) == 33
    assert values(content)["read_bandwidth_16kib"] == 1000.25
    assert values(content)["read_write_bandwidth_512mb"] == 1010.25
    sizes = {number.metric: number.problem_size for _, number, _ in content.measurements}
    assert (sizes["read_bandwidth_16kib"], sizes["write_bandwidth_1mb"]) == (16_384, 10**6)
    assert keys(content, "read_bandwidth_1mb") == ("bw_mem", UNKNOWN, "all")


@pytest.mark.parametrize("sizes", [9, 10, 11])
def test_a_machine_with_little_memory_has_fewer_sizes(sizes: int) -> None:
    content = read("bw_mem", stdout=bw_mem(sizes))
    assert content.problems == []
    assert len(content.measurements) == 3 * sizes


def test_a_crash_among_the_rows_is_a_problem() -> None:
    lines = bw_mem(10).decode().splitlines()
    lines.insert(10, "rd free(): invalid pointer")
    content = read("bw_mem", stdout=("\n".join(lines) + "\n").encode())
    assert rules(content) == ["reading.interleaved-output"]
    assert content.problems[0].value == "rd free(): invalid pointer"
    assert "line 11" in content.problems[0].message


@pytest.mark.parametrize("cut", [1, 5, 12, 30, 200, 400])
def test_bw_mem_cut_anywhere_is_a_problem(cut: int) -> None:
    content = read("bw_mem", stdout=bw_mem()[:-cut])
    assert rules(content) == ["reading.truncated-output"]


# membench


def test_zero_is_left_out_of_membench_where_a_measure_does_not_apply() -> None:
    content = read("membench")
    assert values(content)["read_bandwidth_16kib"] == pytest.approx(13.1072)
    assert values(content)["latency_1024kib"] == 1.5
    assert len(content.measurements) == 8
    latency = next(number for _, number, _ in content.measurements if number.metric == "latency_16kib")
    assert (latency.unit, latency.summary_n, latency.summary_sd, latency.problem_size) == ("nanoseconds", 7, 0.25, 16 * 1024)
    assert keys(content, "latency_16kib") == ("membench", "1.2.2", "one")
    assert keys(content, "read_bandwidth_16kib")[2] == "all"


@pytest.mark.parametrize("megabyte", [10**6, 2**20])
def test_the_megabyte_of_membench_is_the_one_that_agrees_with_bytes_and_time(megabyte: int) -> None:
    content = read("membench", stdout=membench(1024, megabyte=megabyte))
    assert values(content)["copy_bandwidth_1024kib"] == pytest.approx(1024 * 1024 * 4 * 100 / 0.5 / 10**6, rel=1e-4)


def test_a_bandwidth_that_agrees_with_no_megabyte_is_a_problem() -> None:
    content = read("membench", stdout=membench(1024).replace(b",copy,800.00", b",copy,900.00"))
    assert rules(content) == ["reading.unknown-unit"]
    assert content.problems[0].value == "900.0 for 100 iterations in 0.500000 s"


def test_membench_of_an_older_version_has_no_samples() -> None:
    table = "size_kb,operation,bandwidth_mb_s,latency_ns,threads,iterations,elapsed_s\n"
    table += "".join(f"32,{op},25.00,0,4,100,0.5\n" for op in ("read", "write", "copy")) + "32,latency,0,1.5,1,1,0.5\n"
    content = read("membench", stdout=table.encode())
    assert content.problems == []
    assert {number.summary_n for _, number, _ in content.measurements} == {None}


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        (
            f"{MEMBENCH_HEADER}\n16,read,0,0,0,0,4,1,0.5\n16,write,1,0,0,0,4,1,1\n16,copy,1,0,0,0,4,1,1\n16,latency,0,1,0,1,1,1,1\n",
            "incomplete-result",
        ),
        (f"{MEMBENCH_HEADER}\n16,read,5.5,0,0,0,4,1,0.5\n", "truncated-output"),
        (f"{MEMBENCH_HEADER}\n16,read,5.5,0,0,0,4,1,0.", "truncated-output"),
        (f"{MEMBENCH_HEADER}\n16,read,5.5,0\n", "interleaved-output"),
        (f"{MEMBENCH_HEADER}\nKilled\n", "interleaved-output"),
        (f"{MEMBENCH_HEADER}\n", "incomplete-result"),
        ("operation,size\nread,16\n", "unknown-format"),
    ],
)
def test_a_membench_table_that_is_not_whole_is_a_problem(table: str, rule: str) -> None:
    content = read("membench", stdout=table.encode())
    assert rules(content) == [f"reading.{rule}"]


# stress-ng


def test_stressng_gives_one_all_and_best_and_keeps_every_step() -> None:
    content = read("stressngfull", subject="m7i.xlarge", stdout=b"1,100.5\n2,205.5\n3,300.5\n4,290.5\n")
    assert values(content) == {"single_core": 100.5, "all_cores": 290.5, "best": 300.5}
    steps = [(run.thread_count, number.value) for run, number, _ in content.measurements if number.iteration is not None]
    assert steps == [(1, 100.5), (2, 205.5), (3, 300.5), (4, 290.5)]
    assert keys(content, "single_core") == ("stress-ng", "0.17.08", "one")
    assert keys(content, "all_cores")[2] == "all"


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        (b"1,100.5\n", "truncated-output"),
        (b"1,100.5\n2,2", "truncated-output"),
        (b"2,100.5\n", "interleaved-output"),
        (b"1,100.5\n1,100.5\n2,1.5\n", "interleaved-output"),
        (b"1,\n2,1.5\n", "interleaved-output"),
        (b"1,nan\n2,1.5\n", "interleaved-output"),
        (b"1,0\n2,1.5\n", "interleaved-output"),
        (b"1,100.5\nKilled\n2,1.5\n", "interleaved-output"),
    ],
)
def test_a_stressng_table_that_is_not_whole_is_a_problem(table: bytes, rule: str) -> None:
    assert rules(read("stressngfull", stdout=table)) == [f"reading.{rule}"]


def test_on_an_unknown_type_the_recorded_size_shows_a_cut() -> None:
    table = b"1,100.5\n2,205.5\n"
    assert rules(read("stressngfull", subject="zz9.large", meta=meta(stdout_bytes=len(table) + 8), stdout=table)) == [
        "reading.truncated-output"
    ]
    assert rules(read("stressngfull", subject="zz9.large", meta=meta(stdout_bytes=len(table)), stdout=table)) == []


def test_stressors_that_do_not_run_on_a_machine_are_left_out() -> None:
    assert values(read("stressng_benchmarks")) == {"atomic_single_core": 386.5, "atomic_all_cores": 379.5}


def test_a_stressor_that_did_nothing_is_a_warning() -> None:
    table = {"stressors": {"atomic": {"1": {"bogo_ops_per_sec": 1.5}}, "cache": {"1": {"bogo_ops_per_sec": 0.0}}}}
    content = read("stressng_benchmarks", stdout=json.dumps(table).encode())
    assert rules(content) == ["reading.zero-result"]
    assert values(content) == {"atomic_single_core": 1.5, "atomic_all_cores": 1.5}


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"stressors": []}', b'{"stressors": {}}', b'{"stressors": {"a": {"x": {"bogo_ops_per_sec": 1}}}}']
)
def test_stressors_of_another_form_are_a_problem(raw: bytes) -> None:
    [rule] = rules(read("stressng_benchmarks", stdout=raw))
    assert SEVERITY[rule] is Severity.QUARANTINE


# openssl


def test_openssl_takes_the_sum_and_not_the_processes() -> None:
    content = read("openssl", parsed=None)
    assert values(content) == {"sha256_16b": 1000.5, "sha256_64b": 4000.25, "aes_256_cbc_16b": 9000.5, "aes_256_cbc_64b": 8000.25}
    assert keys(content, "sha256_16b") == ("openssl speed", "3.3.0", "all")


def test_openssl_of_one_process_has_a_sum_too() -> None:
    assert values(read("openssl", parsed=None, stdout=openssl_stdout(1))) == values(read("openssl"))


def test_processes_that_print_into_one_another_do_not_spoil_the_sum() -> None:
    log = (
        openssl_stdout()
        .decode()
        .replace(
            "Got: +F:25:AES-256-CBC:4500.25:4000.12 from 1",
            "Go+R:1:x:3.0\nt: +F:25:AES-256-CBC:45\n+F:25:AES-256-CBC:4500.25:4000.12 from 1",
        )
    )
    assert values(read("openssl", parsed=None, stdout=log.encode())) == values(read("openssl"))


def test_openssl_without_its_log_is_read_and_warned_of() -> None:
    content = read("openssl", stdout=None)
    assert rules(content) == ["reading.output-left-out"]
    assert len(content.measurements) == 4


def test_two_outputs_that_disagree_are_a_warning() -> None:
    content = read("openssl", parsed=openssl_parsed().replace(b"1000.5", b"1001.5"))
    assert rules(content) == ["reading.outputs-disagree"]


@pytest.mark.parametrize("cut", [1, 20, 60, 150])
def test_an_openssl_log_cut_anywhere_is_a_problem(cut: int) -> None:
    content = read("openssl", parsed=None, stdout=openssl_stdout()[:-cut])
    # The last digit of the last sum may be lost without a trace in the text: the recorded size shows that.
    assert rules(content) in (["reading.truncated-output"], [])


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"[]", "incomplete-result"),
        (openssl_parsed()[:-20], "unreadable"),
        (b'[{"algo": "a", "block_size": 16, "speed": 0}]', "unreadable"),
        (b'[{"algo": "a", "block_size": 16, "speed": 1}, {"algo": "b", "block_size": 64, "speed": 1}]', "truncated-output"),
        (b'[{"algo": "a", "block_size": 16, "speed": "1"}]', "unreadable"),
    ],
)
def test_parsed_speeds_that_are_not_whole_are_a_problem(raw: bytes, rule: str) -> None:
    assert rules(read("openssl", stdout=None, parsed=raw)) == [f"reading.{rule}"]


def test_openssl_without_any_output_is_a_problem() -> None:
    assert rules(read("openssl", stdout=None, parsed=None)) == ["reading.missing-file"]


# passmark


def test_passmark_gives_its_scores_and_names_its_version() -> None:
    content = read("passmark")
    found = values(content)
    assert (found["cpu_integer_math"], found["summ_cpu"], found["m_cpu_enc_sha"]) == (4671.5, 1633.5, 217362095.0)
    assert keys(content, "summ_cpu") == ("passmark", "11.0.1002", "all")
    assert keys(content, "cpu_singlethread")[2] == "one"
    units = {number.metric: number.unit for _, number, _ in content.measurements}
    assert (units["me_latency"], units["me_read_s"], units["summ_cpu"]) == ("nanoseconds", "MB/s", "score")


def test_zero_means_not_supported_for_extended_instructions() -> None:
    content = read("passmark")
    assert "cpu_avx512" not in values(content)
    assert content.problems == []


def test_zero_means_did_not_run_for_the_rest_which_is_a_warning() -> None:
    content = read("passmark", stdout=passmark(ME_READ_S="0", SUMM_ME="0"))
    assert rules(content) == ["reading.zero-result", "reading.zero-result"]
    assert not {"me_read_s", "summ_me"} & set(values(content))
    assert values(content)["summ_cpu"] == 1633.5


@pytest.mark.parametrize(
    ("output", "rule"),
    [
        (passmark(SUMM_CPU="0"), "incomplete-result"),
        (passmark().replace(b"Results Complete: true", b"Results Complete: false"), "incomplete-result"),
        (passmark()[:-1], "truncated-output"),
        (passmark()[:300], "truncated-output"),
        (passmark(CPU_INTEGER_MATH=".nan"), "unreadable"),
        (passmark(CPU_INTEGER_MATH="-5"), "unreadable"),
        (passmark().replace(b"SUMM_CPU", b"TOTAL"), "missing-metric"),
    ],
)
def test_a_passmark_output_that_is_not_whole_is_a_problem(output: bytes, rule: str) -> None:
    assert rules(read("passmark", stdout=output)) == [f"reading.{rule}"]


# geekbench


def test_geekbench_scores_on_one_core_and_on_all() -> None:
    content = read("geekbench")
    assert values(content) == {
        "single_core_score": 1149,
        "single_core_clang": 1448,
        "multi_core_score": 2516,
        "multi_core_clang": 1448,
    }
    assert keys(content, "single_core_score") == ("geekbench", "6.3.0", "one")
    assert keys(content, "multi_core_clang")[2] == "all"


def test_scores_in_the_report_count_where_the_upload_failed() -> None:
    content = read("geekbench", results=None, stdout=geekbench_report(uploaded=False))
    assert rules(content) == ["reading.upload-failed"]
    assert SEVERITY["reading.upload-failed"] is Severity.WARNING
    assert values(content)["single_core_file_compression"] == 1065
    assert values(content)["multi_core_score"] == 2516


def test_a_trial_build_prints_no_scores_and_the_page_has_them() -> None:
    assert values(read("geekbench", stdout=geekbench_report(scores=False)))["single_core_score"] == 1149


@pytest.mark.parametrize("report", [geekbench_report(scores=False), geekbench_report()[:300], b"Geekbench 6.3.0 Pro : x\n"])
def test_exit_code_0_with_no_total_is_an_incomplete_result(report: bytes) -> None:
    assert rules(read("geekbench", results=None, stdout=report)) == ["reading.incomplete-result"]


def test_a_report_of_something_else_spoils_the_published_scores_too() -> None:
    assert rules(read("geekbench", stdout=b"Segmentation fault\n")) == ["reading.unreadable"]


@pytest.mark.parametrize(
    ("results", "rule"),
    [
        (b"{}", "incomplete-result"),
        (geekbench_results(single=0), "incomplete-result"),
        (geekbench_results()[:100], "unreadable"),
        (b'{"Single-Core Performance": {"Score": "high"}}', "unreadable"),
    ],
)
def test_published_scores_that_are_not_whole_are_a_problem(results: bytes, rule: str) -> None:
    assert rules(read("geekbench", results=results)) == [f"reading.{rule}"]


def test_published_scores_that_contradict_the_report_are_a_warning() -> None:
    assert rules(read("geekbench", results=geekbench_results(single=9999))) == ["reading.outputs-disagree"]


def test_scores_of_an_older_page_are_plain_numbers() -> None:
    plain = {"Single-Core Performance": {"Score": 1149}, "Multi-Core Performance": {"Score": 2516}}
    assert values(read("geekbench", results=json.dumps(plain).encode())) == {"single_core_score": 1149, "multi_core_score": 2516}


# redis


@pytest.mark.parametrize("quoted", [True, False])
def test_redis_is_requests_a_second_and_milliseconds_by_pipeline(quoted: bool) -> None:
    content = read("redis", stdout=redis(quoted=quoted))
    assert values(content)["set_rps_pipeline_16"] == 50_016
    assert values(content)["set_latency_pipeline_512"] == 513.5
    assert keys(content, "set_rps_pipeline_1") == ("redis", "7.4.0", "all")


def test_redis_with_more_client_threads_names_them() -> None:
    found = values(read("redis", stdout=redis(quoted=False, threads=(1, 2, 4))))
    assert len(found) == 36
    assert {"set_rps_pipeline_1", "set_rps_threads_4_pipeline_1"} <= set(found)


def test_builds_of_one_redis_version_are_one_version() -> None:
    versions = {keys(read("redis", meta=meta(version=f"Redis server v=7.4.0 build={b}")), "set_rps_pipeline_1")[1] for b in "ab"}
    assert versions == {"7.4.0"}


@pytest.mark.parametrize(
    ("output", "rule"),
    [
        (b"#### threads=1,pipeline=1,port=7001\n{\n}\n", "unknown-format"),
        (b"Benchmark with -n 200000 ran for 6 seconds.\n", "unknown-format"),
        (b"\n".join(redis().splitlines()[:-1]) + b"\n", "truncated-output"),
        (redis()[:-3], "truncated-output"),
        (redis() + b"Could not connect to Redis\n", "interleaved-output"),
        (redis().replace(b"50016", b"0"), "interleaved-output"),
        (redis().splitlines()[0] + b"\n", "incomplete-result"),
    ],
)
def test_a_redis_output_that_is_not_whole_is_a_problem(output: bytes, rule: str) -> None:
    assert rules(read("redis", stdout=output)) == [f"reading.{rule}"]


# What the machine says of itself


def test_lscpu_claims_are_handed_on_for_the_catalogue_to_contradict() -> None:
    profile = read("lscpu").profile
    assert (profile["claimed_isa"], profile["claimed_vcpus"], profile["numa_nodes"]) == ("x86_64", 2, 1)
    assert profile["claimed_processor"] == "Some Processor @ 2.50GHz"
    assert profile["l1d_bytes"] == 49_152
    assert profile["vector_extensions"] == ["avx", "avx2", "avx512f"]
    assert profile["architecture"] == "intel"


def test_dmidecode_names_the_type_and_its_memory_and_no_serial_number() -> None:
    content = read("dmidecode")
    assert (content.profile["claimed_instance_type"], content.profile["claimed_memory_type"]) == ("m7i.large", "DDR5")
    assert "ec2e1916" not in repr(content)


def test_lstopo_counts_the_topology_and_names_no_host() -> None:
    content = read("lstopo")
    assert (content.profile["claimed_sockets"], content.profile["numa_nodes"], content.profile["claimed_vcpus"]) == (1, 1, 1)
    assert content.profile["l3_bytes"] == 1000
    assert "10-11-12-13" not in repr(content)


@pytest.mark.parametrize(
    ("task", "output", "rule"),
    [
        ("lscpu", b'{"lscpu": []}', "incomplete-result"),
        ("lscpu", b"Architecture: x86_64\n", "unreadable"),
        ("dmidecode", b"# dmidecode 3.5\nHandle 0x0001\n", "truncated-output"),
        ("dmidecode", b"Permission denied\n", "unreadable"),
        ("lstopo", WHOLE["lstopo"]["stdout"][:250], "truncated-output"),
        ("lstopo", b"<html></html>", "unreadable"),
        ("lstopo", b'<!DOCTYPE x [<!ENTITY a "b">]><topology/>', "unreadable"),
        ("lstopo", b"<object>" * 100_000, "truncated-output"),
        ("virtualization", b'{"kvm": "yes"}', "unreadable"),
    ],
)
def test_a_description_that_is_not_whole_is_a_problem(task: str, output: bytes, rule: str) -> None:
    assert rules(read(task, stdout=output)) == [f"reading.{rule}"]


# Launches


def test_a_launch_gives_its_times_in_seconds() -> None:
    assert values(read("timing_marks")) == {"create_time": 28, "boot_time": 14, "setup_time": 54, "ready_time": 215}


def test_a_launch_need_not_have_ended() -> None:
    assert read("timing_marks", inspector_end=None).problems == []


@pytest.mark.parametrize(
    ("mark", "content", "rule"),
    [
        ("inspector_start", None, "incomplete-result"),
        ("api_end", b"yesterday", "unreadable"),
        ("api_end", b"2020-01-01T00:00:00Z", "unreadable"),
        ("api_start", b"\xff", "unreadable"),
    ],
)
def test_a_launch_that_is_not_whole_is_a_problem(mark: str, content: bytes | None, rule: str) -> None:
    assert rules(read("timing_marks", files={**MARKS}, **{mark: content})) == [f"reading.{rule}"]


# Any bytes


TASKS = sorted(set(WHOLE) - {"timing"})


@given(task=st.sampled_from(TASKS), data=st.data())
def test_any_bytes_in_any_file_are_read_or_a_problem(task: str, data: st.DataObject) -> None:
    files = dict(WHOLE[task])
    name = data.draw(st.sampled_from(sorted(files)))
    files[name] = data.draw(st.binary(max_size=300))
    content = read(task, files)
    assert content.problems or name == "inspector_end" or files[name] == WHOLE[task][name]
    assert all(problem.rule in SEVERITY for problem in content.problems)


@given(task=st.sampled_from(TASKS), data=st.data())
def test_any_damage_to_a_whole_output_is_read_or_a_problem(task: str, data: st.DataObject) -> None:
    files = dict(WHOLE[task])
    name = data.draw(st.sampled_from(sorted(files)))
    raw = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        to = min(len(raw), at + data.draw(st.integers(0, 40)))
        raw[at:to] = data.draw(st.binary(max_size=10) | st.sampled_from([b"\n", b"0", b"-", b"nan", b"1e999", b"\x00", b","]))
    content = read(task, {**files, name: bytes(raw)})
    for _, number, _ in content.measurements:
        assert 0 <= number.value < float("inf")
    assert all(problem.rule in SEVERITY for problem in content.problems)
    json.dumps(dict(content.profile), allow_nan=False)
