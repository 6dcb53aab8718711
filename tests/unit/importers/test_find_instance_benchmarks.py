"""Which files of AWS Instance Benchmarks form a session."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from assay.collect.importers import FoundSession, Refused, finder, sources
from assay.collect.importers.aws_instance_benchmarks import MAX_BYTES
from assay.errors import AssayError
from assay.session import Manifest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from importer_samples import shape_a, shape_b, write_result


def find(folder: Path) -> list[FoundSession | Refused]:
    return list(finder("aws-instance-benchmarks")(folder, "default", None))


def only(folder: Path) -> Any:
    [found] = find(folder)
    return found


def session(folder: Path) -> Manifest:
    found = only(folder)
    assert isinstance(found, FoundSession), found
    return found.manifest


def refusal(folder: Path, content: Any) -> str:
    write_result(folder, content)
    found = only(folder)
    assert isinstance(found, Refused)
    return found.reason


@pytest.mark.parametrize("document", [shape_a("c7a.large"), shape_b("c7a.large")], ids=["legacy", "schema 1.0.0"])
def test_a_result_is_a_session_of_its_instance_type_from_its_utc_start(tmp_path: Path, document: dict[str, Any]) -> None:
    write_result(tmp_path / "2025-06-29", document)
    manifest = session(tmp_path)
    assert manifest.subject == "c7a.large"
    assert manifest.started_at == datetime(2025, 6, 29, 12, 0, 1, tzinfo=UTC)
    assert manifest.source.licence == "CC BY 4.0"
    assert "Scott Friedman" in manifest.source.attribution
    assert manifest.labels == {"source_file": "2025-06-29/m7i.large-stream-20250629-120001.json"}
    assert Manifest.parse(manifest.to_bytes()) == manifest


def test_the_end_is_that_of_the_inner_clock_in_utc(tmp_path: Path) -> None:
    write_result(tmp_path, shape_b())
    assert session(tmp_path).ended_at == datetime(2025, 6, 29, 12, 3, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("inner", "duration", "seconds"),
    [
        (None, 219.25, 219),
        ("2020-01-01T00:00:00Z", 60, 60),
        ("nonsense", 60, 60),
        (None, "long", 0),
        (None, -5, 0),
        (None, 1e12, 0),
    ],
)
def test_an_end_that_cannot_be_is_not_believed(tmp_path: Path, inner: Any, duration: Any, seconds: int) -> None:
    document = shape_b()
    document["performance"]["memory"]["metadata"]["timestamp"] = inner
    document["metadata"]["duration_seconds"] = duration
    write_result(tmp_path, document)
    manifest = session(tmp_path)
    assert (manifest.ended_at - manifest.started_at).total_seconds() == seconds


def test_the_same_bytes_are_the_same_session_whatever_they_are_called(tmp_path: Path) -> None:
    write_result(tmp_path / "a", shape_b(), "one.json")
    write_result(tmp_path / "b" / "deep", shape_b(), "two.JSON")
    first, second = find(tmp_path)
    assert isinstance(first, FoundSession)
    assert isinstance(second, FoundSession)
    assert first.manifest.session == second.manifest.session
    assert {first.source_file, second.source_file} == {"a/one.json", "b/deep/two.JSON"}


def test_other_bytes_at_the_same_second_are_another_session(tmp_path: Path) -> None:
    write_result(tmp_path, shape_b("m7i.large"), "one.json")
    write_result(tmp_path, shape_b("m7i.xlarge"), "two.json")
    assert len({found.manifest.session for found in find(tmp_path) if isinstance(found, FoundSession)}) == 2


@pytest.mark.parametrize(
    "changed", [{"extra": [1, {"deep": None}]}, {"performance": {"memory": {"vector_ops": {"score": 1}}}}, {"performance": None}]
)
def test_more_fields_an_unknown_suite_or_no_payload_still_form_a_session(tmp_path: Path, changed: dict[str, Any]) -> None:
    write_result(tmp_path, shape_b() | changed)
    assert session(tmp_path).subject == "m7i.large"


def test_a_number_that_no_machine_holds_does_not_keep_a_file_from_being_a_session(tmp_path: Path) -> None:
    write_result(tmp_path, json.dumps(shape_b()).replace("12.5", "1e999").replace("219.25", "9" * 400).encode())
    assert session(tmp_path).subject == "m7i.large"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a result"),
        (b"\xff\xfe\x00", "not a result"),
        (b"[" * 200_000, "not a result"),
        (b'{"metadata":' * 100_000, "not a result"),
        (b"[1, 2]", "not a result"),
        (b'{"metadata": {"instance', "not a result"),
        (b"NaN", "not a result"),
        ({"name": "package"}, "`metadata` is missing"),
        ({"metadata": None}, "`metadata` is missing"),
        ({"metadata": {"timestamp": "2025-06-29T12:00:01Z"}}, "found none; expected one instance type"),
        ({"metadata": {"instanceType": "", "timestamp": "2025-06-29T12:00:01Z"}}, "found none; expected one instance type"),
        ({"metadata": {"instanceType": 7, "timestamp": "2025-06-29T12:00:01Z"}}, "found none; expected one instance type"),
        ({"metadata": {"instanceType": "../etc", "timestamp": "2025-06-29T12:00:01Z"}}, "'../etc' is no instance type"),
        ({"metadata": {"instanceType": "m7i.large", "instance_type": "c7g.large", "timestamp": "2025-06-29T12:00:01Z"}}, "and"),
        ({"metadata": {"instanceType": "m7i.large"}}, "metadata.timestamp: found None"),
        ({"metadata": {"instanceType": "m7i.large", "timestamp": "2025-06-29T12:00:01"}}, "with its UTC offset"),
        ({"metadata": {"instanceType": "m7i.large", "timestamp": "0001-01-01T00:00:00Z"}}, "found '0001-01-01"),
        ({"metadata": {"instanceType": "m7i.large", "timestamp": "9999-12-31T23:59:59-07:00"}}, "found '9999-12-31"),
        ({"metadata": {"instanceType": "m7i.large", "timestamp": 1751198401}}, "found 1751198401"),
    ],
)
def test_bytes_that_cannot_form_a_session_are_refused_with_the_reason(tmp_path: Path, content: Any, reason: str) -> None:
    assert reason in refusal(tmp_path, content)


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    assert f"at most {MAX_BYTES}" in refusal(tmp_path, b" " * (MAX_BYTES + 1))


def test_only_regular_json_files_are_looked_at(tmp_path: Path) -> None:
    real = write_result(tmp_path / "elsewhere", shape_b())
    folder = tmp_path / "results"
    write_result(folder / ".git", shape_b())
    write_result(folder, b"# notes", "README.md")
    (folder / "link.json").symlink_to(real)
    (folder / "linked").symlink_to(real.parent, target_is_directory=True)
    assert find(folder) == []


def test_the_order_is_that_of_the_paths(tmp_path: Path) -> None:
    for name in ("b/2.json", "a/3.json", "b/1.json", "c.json"):
        write_result(tmp_path, shape_b(), name)
    assert [found.source_file for found in find(tmp_path)] == ["c.json", "a/3.json", "b/1.json", "b/2.json"]


@given(
    st.one_of(
        st.binary(max_size=300),
        st.recursive(
            st.sampled_from(["m7i.large", "2025-06-29T12:00:01Z", None]) | st.text(max_size=20) | st.floats() | st.integers(),
            lambda inner: st.dictionaries(
                st.sampled_from(["metadata", "instanceType", "timestamp", "performance", "x"]), inner, max_size=4
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_bytes_are_a_session_or_refused(tmp_path: Path, content: bytes) -> None:
    write_result(tmp_path, content)
    found = only(tmp_path)
    if isinstance(found, FoundSession):
        assert Manifest.parse(found.manifest.to_bytes()) == found.manifest
    else:
        assert found.reason


def test_an_unknown_source_is_named_with_those_there_are() -> None:
    assert set(sources()) == {"aws-instance-benchmarks", "spare-cores"}
    with pytest.raises(AssayError, match="expected one of aws-instance-benchmarks, spare-cores"):
        finder("somewhere")
