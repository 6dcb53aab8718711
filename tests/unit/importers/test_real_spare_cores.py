"""The real runs of Spare Cores: 143 types and all repeats. What must come out stands in the README beside them."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from assay.check.rule import Severity
from assay.check.rules.reading import RULES
from assay.collect.importers import FoundSession, Refused, finder
from assay.measurement import AGGREGATION_KEY, UNITS, measurement_frame
from assay.read.content import SessionContent
from assay.read.sources.spare_cores import read_session

QUARANTINE = {rule.id for rule in RULES if rule.severity is Severity.QUARANTINE}
WARNING = {rule.id for rule in RULES if rule.severity is Severity.WARNING}


class Read:
    """Every session of the folder, once, with what the reader made of it."""

    def __init__(self, folder: Path) -> None:
        everything = list(finder("spare-cores")(folder, "spare-cores", None))
        self.refused = {one.source_file: one.reason for one in everything if isinstance(one, Refused)}
        self.found: dict[str, FoundSession] = {}
        for one in everything:
            if isinstance(one, FoundSession):
                self.found.setdefault(one.manifest.session, one)
        self.contents: dict[str, SessionContent] = {}
        self.meta: dict[str, dict[str, Any]] = {}
        for one in self.found.values():
            files = {name: path.read_bytes() for name, path in one.paths.items()}
            self.contents[one.source_file] = read_session(one.manifest, files)
            self.meta[one.source_file] = json.loads(files["meta.json"]) if "meta.json" in files else {"exit_code": 0}

    def found_task(self, name: str) -> str:
        return next(one.manifest.labels["task"] for one in self.found.values() if one.source_file == name)

    def with_rule(self, rule: str) -> list[str]:
        return [name for name, content in self.contents.items() if any(p.rule == f"reading.{rule}" for p in content.problems)]

    def quarantined(self, name: str) -> bool:
        return any(problem.rule in QUARANTINE for problem in self.contents[name].problems)


@pytest.fixture(scope="module")
def read(test_data: Path) -> Read:
    return Read(test_data / "spare-cores")


def test_every_type_and_repeat_forms_sessions_and_two_folders_do_not_say_when(read: Read, test_data: Path) -> None:
    types = {path.name for layout in ("aws", "aws-repeats") for path in (test_data / "spare-cores" / layout).iterdir()}
    assert {one.manifest.subject for one in read.found.values()} == types
    assert len({path.name for path in (test_data / "spare-cores" / "aws").iterdir()}) == 143
    assert set(read.refused) == {"aws/c8a.medium/geekbench", "aws/g5.12xlarge/dmidecode"}


def test_every_run_in_the_folder_is_in_exactly_one_session(read: Read, test_data: Path) -> None:
    runs = {
        (path.relative_to(test_data / "spare-cores").parts[1:3], json.loads(path.read_bytes())["start"])
        for path in (test_data / "spare-cores").rglob("meta.json")
    }
    taken = Counter(
        ((one.manifest.subject, one.manifest.labels["task"]), one.manifest.labels["run"])
        for one in read.found.values()
        if one.manifest.labels["task"] != "timing_marks"
    )
    assert set(taken) == runs
    assert set(taken.values()) == {1}


def test_a_problem_names_a_rule_that_exists(read: Read) -> None:
    named = {problem.rule for content in read.contents.values() for problem in content.problems}
    assert named <= QUARANTINE | WARNING


@pytest.mark.parametrize(
    ("exit_code", "rule", "count"),
    [(None, "never-finished", 18), (-1, "not-started", 60), (-4, "not-reached", 12)],
)
def test_a_run_that_ended_badly_is_named_for_how(read: Read, exit_code: int | None, rule: str, count: int) -> None:
    ended = [name for name, meta in read.meta.items() if meta["exit_code"] == exit_code]
    assert sorted(read.with_rule(rule)) == sorted(ended)
    assert len(ended) == count
    assert not any(read.contents[name].measurements for name in ended)


def test_at_least_99_of_100_results_with_exit_code_0_and_complete_output_are_accepted(read: Read) -> None:
    ended = [name for name, meta in read.meta.items() if meta["exit_code"] == 0]
    # Complete by other code than the readers': the files that the record lists are there, none is cut, and Geekbench has scores.
    complete = [name for name in ended if _is_complete(read, name)]
    refused = [name for name in complete if read.quarantined(name)]
    assert len(complete) > 1_900
    assert len(refused) / len(complete) < 0.01, refused


def _is_complete(read: Read, name: str) -> bool:
    one = next(one for one in read.found.values() if one.source_file == name)
    meta, there = read.meta[name], set(one.paths)
    wanted = set(meta.get("outputs") or ()) - {"stderr"}
    if one.manifest.labels["task"] == "openssl":
        wanted = {"parsed.json"}
    if not wanted <= there:
        return False
    if one.manifest.labels["task"] == "geekbench":
        return "results.json" in there or b"Multi-Core Score" in one.paths["stdout"].read_bytes()
    if one.manifest.labels["task"] == "passmark":
        return b"SUMM_CPU: 0\n" not in one.paths["stdout"].read_bytes()
    return True


def test_bw_mem_with_a_crash_among_its_rows_is_named(read: Read) -> None:
    assert sorted(read.with_rule("interleaved-output")) == [
        "aws-repeats/t1.micro/bw_mem/20240815T120326Z",
        "aws-repeats/t4g.micro/bw_mem/20240609T084017Z",
        "aws-repeats/t4g.nano/bw_mem/20240815T145839Z",
        "aws/t3.micro/bw_mem",
    ]


def test_small_machines_without_the_largest_sizes_are_accepted(read: Read) -> None:
    counts = Counter(len(c.measurements) for name, c in read.contents.items() if "/bw_mem" in name and c.measurements)
    assert set(counts) == {27, 30, 33}


def test_geekbench_cut_short_with_exit_code_0_is_an_incomplete_result(read: Read) -> None:
    cut = read.with_rule("incomplete-result")
    assert {"aws/c8g.medium/geekbench", "aws/t3.micro/geekbench", "aws/t2.nano/geekbench"} <= set(cut)
    assert all(read.meta[name]["exit_code"] == 0 for name in cut)


def test_scores_in_the_report_count_where_the_upload_failed(read: Read) -> None:
    content = read.contents["aws/c8a.metal-48xl/geekbench"]
    assert [problem.rule for problem in content.problems] == ["reading.upload-failed"]
    scores = {number.metric: number.value for _, number, _ in content.measurements}
    assert (scores["single_core_score"], scores["multi_core_score"], len(scores)) == (2588, 26494, 34)


def test_files_that_the_publisher_edited_are_a_warning(read: Read) -> None:
    assert sorted(read.with_rule("size-differs")) == [
        f"aws/{name}/redis" for name in ("c7g.large", "t1.micro", "t2.nano", "t3.micro", "t3a.small", "t4g.small")
    ]
    assert not any(read.quarantined(name) for name in read.with_rule("size-differs"))


def test_what_other_clients_of_redis_printed_is_named_and_not_read(read: Read) -> None:
    assert sorted(read.with_rule("unknown-format")) == [
        "aws-repeats/t3a.small/redis/20240823T173724Z",
        "aws-repeats/t3a.small/redis/20240824T215045Z",
    ]


def test_openssl_of_large_machines_is_read_from_its_sums(read: Read) -> None:
    runs = {name: content for name, content in read.contents.items() if name.endswith("/openssl") and content.measurements}
    assert len(runs) == 137
    assert {len(content.measurements) for content in runs.values()} == {66}
    assert "aws/x8i.24xlarge/openssl" in runs
    assert read.with_rule("outputs-disagree") == []


def test_membench_has_no_zero_and_passmark_none_but_in_warnings(read: Read) -> None:
    assert all(number.value > 0 for content in read.contents.values() for _, number, _ in content.measurements)
    assert {name.split("/")[2] for name in read.with_rule("zero-result")} == {"passmark", "stressng_benchmarks"}


def test_membench_s_megabyte_is_two_to_the_twenty_and_is_converted(read: Read) -> None:
    read_rates = [
        (number.value, run.thread_count)
        for name, content in read.contents.items()
        for run, number, _ in content.measurements
        if name == "aws/c4.xlarge/membench" and number.metric == "read_bandwidth_16kib"
    ]
    assert read_rates == [(pytest.approx(158_006.49 * 1.048576), 4)]


def test_versions_of_a_tool_are_versions_of_the_key(read: Read) -> None:
    versions = defaultdict(set)
    for content in read.contents.values():
        for run, _, _ in content.measurements:
            versions[run.tool].add(run.version)
    assert versions["stressngfull"] == {"0.17.08", "0.20.01"}
    assert versions["openssl"] == {"3.3.0", "3.4.0"}
    assert versions["geekbench"] == {"6.3.0", "6.4.0"}
    assert versions["bw_mem"] == {"unknown (spare-cores)"}
    assert versions["redis"] == {"7.4.0"}


def test_types_with_three_or_more_repeats_share_a_key(read: Read) -> None:
    rows = (
        (content.session, content.subject, run, number, file)
        for content in read.contents.values()
        for run, number, file in content.measurements
        if number.iteration is None
    )
    frame = measurement_frame(rows)
    assert set(frame["unit"]) <= set(UNITS)
    per_key = frame.groupby(list(AGGREGATION_KEY))["session"].nunique().reset_index()
    repeated = per_key[per_key["session"] >= 3]
    runs = Counter(
        (content.subject, read.found_task(name), read.meta[name].get("task_hash"))
        for name, content in read.contents.items()
        if content.measurements
    )
    thrice = {subject for (subject, _, task_hash), count in runs.items() if task_hash and count >= 3}
    assert thrice == {"t2.nano", "t4g.micro", "t4g.nano"}
    assert set(repeated["subject"]) - _launched_thrice(frame) == thrice


def _launched_thrice(frame: pd.DataFrame) -> set[str]:
    launches = frame[frame["benchmark"] == "launch"].groupby("subject")["session"].nunique()
    return set(launches[launches >= 3].index)


def test_runs_of_another_command_that_print_ten_times_the_rate_are_another_key(read: Read) -> None:
    runs = {
        (run.size_policy, number.value)
        for name, content in read.contents.items()
        if name.startswith("aws-repeats/g6.2xlarge/stressngfull")
        for run, number, _ in content.measurements
        if number.metric == "single_core"
    }
    assert len(runs) == 4
    policies = {policy: {value for name, value in runs if name == policy} for policy, _ in runs}
    assert sorted(sorted(values) for values in policies.values()) == [[2990, 2992], [29925, 29936]]


def test_no_host_name_and_no_serial_number_leaves_the_reader(read: Read) -> None:
    handed_on = "\n".join(repr(content) for content in read.contents.values())
    assert not re.search(r"ip-\d+-\d+-\d+-\d+", handed_on)
    assert not re.search(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", handed_on)
    assert not re.search(r"\bi-[0-9a-f]{8,17}\b", handed_on)
    assert "RequestID" not in handed_on
