"""One execution: everything that a tool printed is kept, and nothing of it is left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from assay.agent.mask import Mask
from assay.agent.runner import execute, record_missing
from assay.agent.tool import Run

MASK = Mask({"/opt/secret-place": "{work}"}, {"lab-7": "{host}"})


def _run(script: str, **fields: Any) -> Run:
    command = (sys.executable, "-c", script)
    base = {"tool": "toy", "threads": "one", "thread_count": 1, "implementation": "toy", "version": "1", "command": command}
    return Run(**{**base, "size_policy": "fixed", "problem_size": 1, "timeout_s": 30.0, **fields})


def _execute(run: Run, tmp_path: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    execute(run, 1, tmp_path / "session", work, dict(os.environ) if environment is None else environment, MASK)
    assert not list(work.iterdir())
    document: dict[str, Any] = json.loads((tmp_path / "session/toy-one/1/execution.json").read_text())
    return document


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _gone(process: int, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while _alive(process) and time.monotonic() < end:
        time.sleep(0.02)
    return not _alive(process)


def test_what_a_tool_printed_is_kept_as_it_printed_it(tmp_path: Path) -> None:
    document = _execute(_run("import sys; sys.stdout.buffer.write(b'\\xff\\r\\nlab-7'); print('oh', file=sys.stderr)"), tmp_path)
    folder = tmp_path / "session/toy-one/1"
    assert (folder / "stdout.txt").read_bytes() == b"\xff\r\nlab-7"
    assert (folder / "stderr.txt").read_bytes() == b"oh\n"
    assert (document["status"], document["exit_code"], document["error"]) == ("finished", 0, "")
    assert document["outputs"] == ["stdout.txt", "stderr.txt"]
    assert document["duration_s"] >= 0
    assert document["ended_at"] >= document["started_at"]


def test_the_description_is_there_as_started_while_the_tool_runs(tmp_path: Path) -> None:
    script = f"print(open({str(tmp_path / 'session/toy-one/1/execution.json')!r}).read())"
    _execute(_run(script), tmp_path)
    during = json.loads((tmp_path / "session/toy-one/1/stdout.txt").read_text())
    assert (during["status"], during["exit_code"], during["ended_at"]) == ("started", None, None)
    assert during["tool"] == "toy"


def test_a_tool_that_fails_is_recorded_with_its_exit_code_and_last_words(tmp_path: Path) -> None:
    document = _execute(_run("import sys; print('half'); print('no memory', file=sys.stderr); sys.exit(3)"), tmp_path)
    assert (document["status"], document["exit_code"]) == ("failed", 3)
    assert document["error"] == "toy ended with exit code 3: no memory"
    assert (tmp_path / "session/toy-one/1/stdout.txt").read_text() == "half\n"


def test_a_tool_that_is_killed_is_recorded_with_the_signal(tmp_path: Path) -> None:
    document = _execute(_run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"), tmp_path)
    assert (document["status"], document["exit_code"]) == ("failed", -signal.SIGSEGV)


def test_a_tool_that_cannot_be_started_is_recorded(tmp_path: Path) -> None:
    document = _execute(_run("", command=("/nonexistent/program",)), tmp_path)
    assert document["status"] == "failed"
    assert "could not be started" in document["error"]
    assert document["exit_code"] is None


def test_when_its_time_is_up_a_tool_is_killed_with_every_child_it_started(tmp_path: Path) -> None:
    script = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal, time; "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    document = _execute(_run(script, timeout_s=2.0), tmp_path)
    assert document["status"] == "timeout"
    assert document["error"] == "toy was stopped after 2 s, its time limit"
    assert _gone(int((tmp_path / "session/toy-one/1/stdout.txt").read_text()))


def test_a_child_that_outlives_its_tool_is_killed_too(tmp_path: Path) -> None:
    script = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
    assert _execute(_run(script), tmp_path)["status"] == "finished"
    assert _gone(int((tmp_path / "session/toy-one/1/stdout.txt").read_text()))


def test_a_tool_dies_with_an_agent_that_is_killed(tmp_path: Path) -> None:
    runner = (
        "import sys, os\n"
        "from pathlib import Path\n"
        "from assay.agent.process import run_command\n"
        "folder = Path(sys.argv[1])\n"
        "run_command([sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'], folder=folder,"
        " environment=os.environ, stdout=folder / 'out', stderr=folder / 'err', timeout_s=600)\n"
    )
    agent = subprocess.Popen([sys.executable, "-c", runner, str(tmp_path)])
    end = time.monotonic() + 30
    while not ((tmp_path / "out").is_file() and (tmp_path / "out").read_text().endswith("\n")) and time.monotonic() < end:
        time.sleep(0.02)
    tool = int((tmp_path / "out").read_text())
    agent.kill()
    agent.wait()
    assert _gone(tool)


def test_a_tool_cannot_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.agent.process.LARGEST_OUTPUT_BYTES", 100_000)
    document = _execute(_run("import sys\nwhile True: sys.stdout.write('x' * 10_000)"), tmp_path)
    assert document["status"] == "failed"
    assert (tmp_path / "session/toy-one/1/stdout.txt").stat().st_size <= 100_000


def test_files_that_a_tool_leaves_are_kept_if_they_were_asked_for(tmp_path: Path) -> None:
    script = "open('result.txt', 'w').write(open('input.txt').read() * 2); open('other.txt', 'w').write('x'); import os; "
    script += "os.symlink('/etc/passwd', 'link.txt')"
    run = _run(script, inputs={"input.txt": b"ab"}, outputs=("result.txt", "link.txt", "never.txt"))
    assert _execute(run, tmp_path)["outputs"] == ["stdout.txt", "stderr.txt", "result.txt"]
    names = {path.name for path in (tmp_path / "session/toy-one/1").iterdir()}
    assert names == {"execution.json", "stdout.txt", "stderr.txt", "result.txt"}
    assert (tmp_path / "session/toy-one/1/result.txt").read_text() == "abab"


def test_what_a_tool_of_others_prints_is_masked_and_errors_always(tmp_path: Path) -> None:
    script = "import sys; print('on lab-7 in /opt/secret-place/x'); print('lab-7 failed', file=sys.stderr)"
    _execute(_run(script, foreign=True), tmp_path)
    folder = tmp_path / "session/toy-one/1"
    assert (folder / "stdout.txt").read_text() == "on {host} in {work}/x\n"
    assert (folder / "stderr.txt").read_text() == "{host} failed\n"


def test_the_command_is_recorded_without_the_machines_folders(tmp_path: Path) -> None:
    run = _run("", command=(sys.executable, "-c", "pass", "/opt/secret-place/kernel"))
    assert _execute(run, tmp_path)["command"][-1] == "{work}/kernel"


def test_only_variables_that_the_agent_set_are_recorded(tmp_path: Path) -> None:
    run = _run("import os; print(os.environ['OWN'], os.environ['GIVEN'])", environment={"OWN": "1"})
    document = _execute(run, tmp_path, {**os.environ, "GIVEN": "token"})
    assert document["environment"] == {"OWN": "1"}
    assert "token" not in json.dumps(document)
    assert (tmp_path / "session/toy-one/1/stdout.txt").read_text() == "1 token\n"


def test_what_only_the_output_tells_is_added_to_the_description(tmp_path: Path) -> None:
    run = _run(
        "print(42)",
        details={"kept": 1},
        conclude=lambda outputs: {"problem_size": int(outputs["stdout.txt"]), "details": {"learned": 2}},
    )
    document = _execute(run, tmp_path)
    assert document["problem_size"] == 42
    assert document["details"] == {"kept": 1, "learned": 2}


def test_a_missing_tool_is_an_execution_that_says_so(tmp_path: Path) -> None:
    record_missing(tmp_path, "toy", "all", "no toy here")
    document = json.loads((tmp_path / "toy-all/1/execution.json").read_text())
    assert (document["status"], document["error"], document["outputs"]) == ("missing", "no toy here", [])
