"""What is read out of Airflow's answers. The client itself is tested against a real API server, in tests/e2e."""

from __future__ import annotations

from assay.orchestration.api import _log_lines

FAULT = {
    "exc_type": "KeyError",
    "exc_value": "'session'",
    "frames": [{"filename": f"/f{n}.py", "lineno": n, "name": "step"} for n in range(9)],
}


def test_a_log_entry_is_its_message() -> None:
    assert _log_lines({"event": "session x: read 7 files", "level": "info"}) == ["session x: read 7 files"]
    assert _log_lines("plain text") == ["plain text"]
    assert _log_lines({"event": "two\nlines"}) == ["two", "lines"]


def test_an_error_comes_with_its_last_frames() -> None:
    assert _log_lines({"event": "Task failed with exception", "error_detail": [FAULT]}) == [
        "Task failed with exception",
        *(f"  /f{n}.py:{n} in step" for n in (5, 6, 7, 8)),
        "KeyError: 'session'",
    ]


def test_an_error_without_frames_is_still_told() -> None:
    assert _log_lines({"event": "x", "error_detail": [{"exc_type": "E", "exc_value": "v", "frames": None}]})[-1] == "E: v"
