"""Which folders of Spare Cores form a session."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from assay.collect.importers import FoundSession, Refused, finder
from assay.session import Manifest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from importer_samples import MARKS, WHOLE, bw_mem, geekbench_report, geekbench_results, meta, write_run


def find(folder: Path) -> list[FoundSession | Refused]:
    return list(finder("spare-cores")(folder, "spare-cores", None))


def sessions(folder: Path) -> list[FoundSession]:
    found = find(folder)
    assert all(isinstance(one, FoundSession) for one in found), found
    return [one for one in found if isinstance(one, FoundSession)]


def reason(folder: Path) -> str:
    [found] = find(folder)
    assert isinstance(found, Refused)
    return found.reason


def test_one_run_of_one_task_is_a_session(tmp_path: Path) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "bw_mem", {"meta.json": meta(), "stdout": bw_mem(), "stderr": b""})
    [found] = sessions(tmp_path)
    manifest = found.manifest
    assert manifest.subject == "m7i.large"
    assert manifest.started_at == datetime(2024, 6, 8, 8, 22, 57, tzinfo=UTC)
    assert manifest.ended_at == datetime(2024, 6, 8, 8, 32, 57, tzinfo=UTC)
    assert [file.path for file in manifest.files] == ["meta.json", "stderr", "stdout"]
    assert manifest.source.licence == "CC BY-SA 4.0"
    assert manifest.labels == {"source_file": "aws/m7i.large/bw_mem", "task": "bw_mem", "run": "2024-06-08T08:22:57.844344"}
    assert Manifest.parse(manifest.to_bytes()) == manifest


@pytest.mark.parametrize("below", ["", "aws", "aws/m7i.large", "aws/m7i.large/bw_mem"])
def test_any_part_of_the_tree_can_be_imported_and_gives_the_same_session(tmp_path: Path, below: str) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "bw_mem", WHOLE["bw_mem"])
    [whole] = sessions(tmp_path)
    [part] = sessions(tmp_path / below)
    assert part.manifest.session == whole.manifest.session
    assert part.manifest.subject == "m7i.large"


def test_a_run_among_repeats_is_the_same_session_as_in_the_newest_place(tmp_path: Path) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "bw_mem", WHOLE["bw_mem"])
    write_run(tmp_path / "aws-repeats" / "m7i.large" / "bw_mem" / "20240608T082257Z", WHOLE["bw_mem"])
    first, second = sessions(tmp_path)
    assert first.manifest.session == second.manifest.session


def test_a_run_found_with_more_files_elsewhere_is_one_session_with_all_of_them(tmp_path: Path) -> None:
    whole = {"meta.json": meta(), "stdout": geekbench_report(), "results.json": geekbench_results()}
    write_run(tmp_path / "aws" / "m7i.large" / "geekbench", whole)
    part = {name: content for name, content in whole.items() if name != "results.json"}
    write_run(tmp_path / "aws-repeats" / "m7i.large" / "geekbench" / "20240608T082257Z", part)
    first, second = sessions(tmp_path)
    assert first.manifest.session == second.manifest.session
    assert set(second.paths) == {"meta.json", "results.json", "stdout"}


def test_two_places_that_contradict_each_other_stay_two_sessions(tmp_path: Path) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "bw_mem", WHOLE["bw_mem"])
    write_run(tmp_path / "aws-repeats" / "m7i.large" / "bw_mem" / "20240608T082257Z", {"meta.json": meta(), "stdout": bw_mem(9)})
    first, second = sessions(tmp_path)
    assert first.manifest.session != second.manifest.session


def test_every_launch_is_a_session_and_the_record_of_the_task_another(tmp_path: Path) -> None:
    timing = tmp_path / "aws" / "m7i.large" / "timing"
    write_run(timing, {"meta.json": meta(outputs=[])})
    write_run(timing / "27380114627", MARKS)
    write_run(timing / "27380114628", {"api_start": b"2026-06-12T22:01:49Z"})
    found = sessions(tmp_path)
    assert [one.manifest.labels["task"] for one in found] == ["timing", "timing_marks", "timing_marks"]
    assert found[1].manifest.started_at == datetime(2026, 6, 11, 22, 1, 49, tzinfo=UTC)
    assert found[1].manifest.ended_at == datetime(2026, 6, 11, 22, 58, 7, tzinfo=UTC)


@pytest.mark.parametrize("exit_code", [None, -1, -2, -3, -4, -5, 1, 256])
def test_a_run_that_ended_badly_is_a_session_all_the_same(tmp_path: Path, exit_code: int | None) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "bw_mem", {"meta.json": meta(exit_code=exit_code, end=None)})
    [found] = sessions(tmp_path)
    assert found.manifest.ended_at == found.manifest.started_at


def test_an_unknown_task_is_a_session(tmp_path: Path) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "static_web", {"meta.json": meta(), "stdout": b"{}"})
    assert sessions(tmp_path)[0].manifest.labels["task"] == "static_web"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"stdout": b"rd 1.00 5.00\n"}, "meta.json is missing"),
        ({"meta.json": b"", "stdout": b"x"}, "expected a JSON object with `start`"),
        ({"meta.json": b"[]"}, "expected a JSON object with `start`"),
        ({"meta.json": b'{"start":' * 20_000}, "expected a JSON object with `start`"),
        ({"meta.json": meta(start=...)}, "start: found None"),
        ({"meta.json": meta(start="")}, "start: found ''"),
        ({"meta.json": meta(start="1970-01-01T00:00:00")}, "start: found '1970-01-01"),
        ({"meta.json": meta(start=["2024"])}, "start: found ['2024']"),
        ({"meta.json": b" " * 300_000}, "at most 262144"),
    ],
)
def test_a_folder_that_does_not_say_when_is_refused_with_the_reason(
    tmp_path: Path, files: dict[str, bytes], expected: str
) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "bw_mem", files)
    assert expected in reason(tmp_path)


def test_a_launch_without_an_instant_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "timing" / "123", {"api_start": b"\xff\x00", "api_end": b""})
    assert "no mark holds an instant" in reason(tmp_path)


@pytest.mark.parametrize("below", ["m7i.large", "m7i.large/bw_mem/somewhere", "m7i.large/bw_mem/20240608T082257Z/deeper"])
def test_files_where_no_run_can_be_are_refused_and_not_dropped(tmp_path: Path, below: str) -> None:
    write_run(tmp_path / "aws" / below, {"meta.json": meta()})
    assert "expected <instance type>/<task>/" in reason(tmp_path)


def test_what_lies_below_no_instance_type_of_ec2_is_passed_over(tmp_path: Path) -> None:
    write_run(tmp_path / "v1.0", {"README.md": b"# a page"})
    write_run(tmp_path / "gcp" / "m7i.large" / "bw_mem", WHOLE["bw_mem"])
    write_run(tmp_path / "alicloud" / "ecs.c1" / "bw_mem", WHOLE["bw_mem"])
    assert find(tmp_path) == []


def test_links_are_not_followed_and_hidden_files_not_taken(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    folder = write_run(tmp_path / "data" / "m7i.large" / "bw_mem", {**WHOLE["bw_mem"], ".hidden": b"x"})
    (folder / "stderr").symlink_to(secret)
    os.mkfifo(folder / "pipe")
    assert set(sessions(tmp_path / "data")[0].paths) == {"meta.json", "stdout"}


def test_a_name_that_could_leave_the_folder_elsewhere_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "m7i.large" / "bw_mem", {**WHOLE["bw_mem"], "a\\b": b"x"})
    assert "backslash" in reason(tmp_path)


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "m7i.large" / "bw_mem", {"meta.json": meta(), **{f"f{number}": b"" for number in range(1_001)}})
    assert "at most 1000" in reason(tmp_path)


@given(
    files=st.dictionaries(
        st.sampled_from(["meta.json", "stdout", "results.json", "api_start"]), st.binary(max_size=200), min_size=1
    ),
    where=st.sampled_from(["bw_mem", "timing/123", "bw_mem/20240608T082257Z"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_any_files_are_a_session_or_refused(tmp_path: Path, files: dict[str, bytes], where: str) -> None:
    folder = tmp_path / "m7i.large" / where
    write_run(folder, files)
    [found] = find(tmp_path)
    if isinstance(found, FoundSession):
        assert Manifest.parse(found.manifest.to_bytes()) == found.manifest
    for name in files:
        (folder / name).unlink()


def test_the_commit_is_read_from_a_checkout_of_the_source_only(tmp_path: Path) -> None:
    from assay.collect.importers.checkout import commit_of

    git = tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "config").write_text("[remote]\n url = https://github.com/SpareCores/sc-inspector-data.git\n")
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert commit_of(tmp_path / "aws", "SpareCores/sc-inspector-data") is None
    (git / "packed-refs").write_text(f"{'a' * 40} refs/heads/main\n")
    assert commit_of(tmp_path / "aws", "SpareCores/sc-inspector-data") == "a" * 40
    (git / "refs" / "heads" / "main").write_text(f"{'b' * 40}\n")
    assert commit_of(tmp_path / "aws", "SpareCores/sc-inspector-data") == "b" * 40
    assert commit_of(tmp_path / "aws", "scttfrdmn/aws-instance-benchmarks") is None


def test_the_version_of_the_source_is_unknown_outside_a_checkout(tmp_path: Path) -> None:
    write_run(tmp_path / "m7i.large" / "bw_mem", WHOLE["bw_mem"])
    found: Any = sessions(tmp_path)[0]
    assert found.manifest.source.version == "unknown"
