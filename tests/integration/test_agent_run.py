"""The zipapp runs for real, with tiny sizes: on this machine as it is, without a compiler on PATH, and with nothing at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from assay.agent.package import build_zipapp
from assay.read.sources import assay_agent
from assay.session import Manifest, hash_folder

TINY = ("--tool-seconds", "0.1")
NAMES = {"host": "unmistakable-host", "user": "unmistakable-user", "home": "unmistakable-home"}


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("zipapp") / "agent.pyz"
    build_zipapp(target)
    return target


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds that the tests of this module share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has nothing installed."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    return folder / "bin" / "python"


@pytest.fixture
def path_without_compilers(tmp_path: Path) -> str:
    """A PATH with lscpu and the shell, and no compiler."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("lscpu", "sh"):
        found = shutil.which(name)
        if found is not None:
            (folder / name).symlink_to(found)
    return str(folder)


def _agent(
    zipapp: Path, *arguments: str, python: str | Path = sys.executable, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [str(python), str(zipapp), *arguments]
    environment = {**os.environ, **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


def _session(folder: Path) -> tuple[Manifest, dict[str, dict[str, Any]], assay_agent.SessionContent]:
    """The manifest, the executions by place, and what the reader makes of the session."""
    manifest = Manifest.parse((folder / "manifest.json").read_bytes())
    assert manifest.files == hash_folder(folder)
    files = {file.path: (folder / file.path).read_bytes() for file in manifest.files}
    executions = {
        path.removesuffix("/execution.json"): json.loads(raw) for path, raw in files.items() if path.endswith("/execution.json")
    }
    return manifest, executions, assay_agent.read_session(manifest, files)


def test_a_session_of_this_machine_is_complete_and_every_number_is_read(zipapp: Path, cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "session"
    arguments = ("run", "--out", str(out), "--executions", "2", "--subject", "host-0a1b2c3d", "--cache", str(cache), *TINY)
    result = _agent(zipapp, *arguments, "--json-progress", "--label", "place=test")
    assert result.returncode == 0, result.stderr
    manifest, executions, content = _session(out)
    assert (manifest.subject, manifest.source.name, dict(manifest.labels)) == ("host-0a1b2c3d", "assay-agent", {"place": "test"})
    assert content.problems == []
    finished = {place for place, document in executions.items() if document["status"] == "finished"}
    assert {"stream-all/1", "stream-one/2", "latency-one/1", "core_clock-all/2", "hpl-all/1", "hpl-one/2"} <= finished
    assert {"vectors-one/1", "vectors-one/2", "cache_bandwidth-one/1"} <= finished
    assert not {place: document["error"] for place, document in executions.items() if document["status"] != "finished"}
    metrics = {(number.benchmark, number.metric) for _, number, _ in content.measurements}
    assert {("stream", "triad_bandwidth"), ("hpl", "gflops"), ("cache_latency", "l1_latency")} <= metrics
    assert ("core_clock", "sustained_clock") in metrics
    assert {("vectorization", "vector_bandwidth"), ("vectorization", "scalar_bandwidth")} <= metrics
    assert {("stream_cache", "l1_bandwidth"), ("stream_cache", "l2_bandwidth")} <= metrics
    absent = json.loads((out / "absent.json").read_text()) if (out / "absent.json").exists() else {}
    ran = {document["tool"] for document in executions.values()}
    for tool, why, metric in (
        ("numa", "so there is no remote memory to measure", ("numa", "remote_bandwidth")),
        ("hpl_mkl", "no vendor library", ("hpl_mkl", "gflops")),
        ("dgemm", "no choice of vector widths", ("dgemm", "widest_gflops")),
    ):
        assert metric in metrics if tool in ran else why in absent[tool], "measured, or said to be absent, never passed over"
    assert {path.name for path in tmp_path.iterdir()} == {"session"}, "nothing is left beside the session"


def test_progress_is_one_json_object_a_line_and_says_how_far_it_is(zipapp: Path, cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "session"
    chosen = ("--tools", "core_clock,stress_ng", "--executions", "2", "--json-progress")
    result = _agent(zipapp, "run", "--out", str(out), "--cache", str(cache), *chosen, *TINY, env={"PATH": os.defpath + "x"})
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["profile", "session"]
    manifest, _, _ = _session(out)
    assert events[-1]["session"] == manifest.session
    runs = [event for event in events if event["event"] == "execution"]
    assert [event["step"] for event in runs if event["state"] != "started"] == list(range(1, runs[0]["steps"] + 1))
    for event in runs:
        assert {"tool", "threads", "execution", "executions", "tool_number", "tools", "state", "elapsed_s"} <= set(event)
    assert [event["elapsed_s"] for event in events] == sorted(event["elapsed_s"] for event in events)


def test_a_tool_is_repeated_until_its_interval_is_narrow_and_the_manifest_says_why_it_ended(
    zipapp: Path, cache: Path, tmp_path: Path
) -> None:
    out = tmp_path / "session"
    wanted = ("--executions", "2", "--half-width", "40", "--most-executions", "9", "--budget-seconds", "600", "--json-progress")
    result = _agent(zipapp, "run", "--out", str(out), "--cache", str(cache), "--tools", "core_clock,vectors", *wanted, *TINY)
    assert result.returncode == 0, result.stderr
    manifest, executions, content = _session(out)
    ends = {name: text for name, text in manifest.labels.items() if name.startswith("repeats.")}
    assert set(ends) == {"repeats.core_clock-all", "repeats.core_clock-one", "repeats.vectors-one"}
    for name, text in ends.items():
        ran = len([place for place in executions if place.startswith(f"{name.removeprefix('repeats.')}/")])
        assert text.startswith((f"narrow enough: {ran} executions, half width", f"most executions: {ran} executions")), text
        assert 6 <= ran <= 9
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["step"] for event in events if event["event"] == "execution"][-1] == len(executions)
    assert content.problems == []


def test_without_a_compiler_on_path_the_kernels_are_built_with_zig(
    zipapp: Path, path_without_compilers: str, tmp_path: Path
) -> None:
    out = tmp_path / "session"
    arguments = ("run", "--out", str(out), "--executions", "1", "--tools", "stream,latency", *TINY)
    result = _agent(zipapp, *arguments, env={"PATH": path_without_compilers})
    assert result.returncode == 0, result.stderr
    _, executions, content = _session(out)
    assert content.problems == []
    assert {document["build"]["compiler"] for document in executions.values()} == {"zig cc"}
    assert {document["status"] for document in executions.values()} == {"finished"}
    assert {number.metric for _, number, _ in content.measurements} >= {"triad_bandwidth", "l1_latency"}


def test_with_no_compiler_and_no_library_at_all_every_tool_is_recorded_as_missing(
    zipapp: Path, bare_python: Path, path_without_compilers: str, tmp_path: Path
) -> None:
    out = tmp_path / "session"
    result = _agent(
        zipapp, "run", "--out", str(out), "--executions", "2", *TINY, python=bare_python, env={"PATH": path_without_compilers}
    )
    assert result.returncode == 0, result.stderr
    manifest, executions, content = _session(out)
    assert {place: document["status"] for place, document in executions.items()} == {
        f"{tool}-all/1": "missing" for tool in ("cache_bandwidth", "core_clock", "hpl", "latency", "stream", "vectors")
    }
    assert "pip install ziglang" in executions["stream-all/1"]["error"]
    assert "pip install numpy" in executions["hpl-all/1"]["error"]
    assert content.problems == []
    assert content.measurements == []
    assert manifest.session


def test_a_tool_that_fails_is_recorded_and_the_rest_goes_on(zipapp: Path, tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo toy 1; exit; fi\n'
        'while [ "$1" != -o ]; do shift; done\nprintf "#!/bin/sh\\necho broken >&2; exit 7\\n" > "$2"; chmod +x "$2"\n'
    )
    compiler.chmod(0o755)
    out = tmp_path / "session"
    chosen = ("--tools", "stream,hpl", "--compiler", str(compiler), "--executions", "1")
    result = _agent(zipapp, "run", "--out", str(out), *chosen, *TINY)
    assert result.returncode == 0, result.stderr
    _, executions, content = _session(out)
    assert executions["stream-all/1"]["status"] == "failed"
    assert executions["stream-all/1"]["exit_code"] == 7
    assert executions["stream-all/1"]["error"] == "assay-stream ended with exit code 7: broken"
    assert executions["hpl-all/1"]["status"] == "finished"
    assert {run.status for run in content.executions} == {"failed", "finished"}
    assert content.problems == []


def test_no_written_byte_names_the_machine_or_its_user(zipapp: Path, tmp_path: Path) -> None:
    home = tmp_path / NAMES["home"]
    home.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "USER": NAMES["user"],
        "LOGNAME": NAMES["user"],
        "ASSAY_SECRET": "unmistakable-secret",
    }
    out = home / "session"
    inner = [sys.executable, str(zipapp), "run", "--out", str(out), "--executions", "1", *TINY]
    named = ["unshare", "--uts", "sh", "-c", f'hostname {NAMES["host"]} && exec "$@"', "sh", *inner]
    can_rename = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("hostname")
    subprocess.run(named if can_rename else inner, check=True, capture_output=True, timeout=300, env=environment)
    subprocess.run(
        [*inner[:2], "run", "--out", str(home / "bare"), "--executions", "1", "--compiler", "none", *TINY],
        check=True,
        capture_output=True,
        timeout=300,
        env=environment,
    )
    forbidden = [name.encode() for name in (*NAMES.values(), "unmistakable-secret", str(tmp_path), sys.prefix)]
    written = [path for path in (*out.rglob("*"), *(home / "bare").rglob("*")) if path.is_file()]
    assert len(written) > 10
    for path in written:
        raw = path.read_bytes()
        assert not [name for name in forbidden if name in raw], path
    keys = re.findall(r'"([^"]*)":', (out / "profile.json").read_text().lower())
    for part in ("mac", "serial", "uuid", "hostname", "address", "user"):
        assert not [key for key in keys if key.startswith(part)]


def test_a_folder_that_holds_something_is_refused_with_what_to_do(zipapp: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("precious")
    result = _agent(zipapp, "run", "--out", str(tmp_path), *TINY)
    assert result.returncode == 1
    assert "is not empty" in result.stderr
    assert "give a new folder" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_an_unknown_tool_is_refused_with_the_known_ones(zipapp: Path, tmp_path: Path) -> None:
    result = _agent(zipapp, "run", "--out", str(tmp_path / "session"), "--tools", "stream,geekbench")
    assert (result.returncode, result.stdout) == (1, "")
    assert "--tools: found geekbench; expected some of cache_bandwidth, core_clock" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--subject", "a machine"), "subject: found 'a machine'"),
        (("--dataset", "Mine"), "dataset: found 'Mine'"),
        (("--licence", ""), "licence: found ''"),
        (("--label", "a=" + "x" * 3_000), "labels: a: found"),
        (("--executions", "1000"), "--executions: found 1000; expected at most"),
    ],
)
def test_what_cannot_stand_in_a_manifest_is_refused_before_anything_is_measured(
    zipapp: Path, cache: Path, tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    out = tmp_path / "session"
    result = _agent(zipapp, "run", "--out", str(out), "--cache", str(cache), *arguments, *TINY)
    assert result.returncode == 1
    assert why in result.stderr
    assert not list(out.glob("*/*"))


def test_profile_prints_the_profile(zipapp: Path) -> None:
    result = _agent(zipapp, "profile")
    assert json.loads(result.stdout)["profile_version"] == 1


def test_tools_says_what_would_run_and_why_not(zipapp: Path, bare_python: Path, path_without_compilers: str, cache: Path) -> None:
    result = _agent(zipapp, "tools", "--cache", str(cache), *TINY)
    assert "stream, threads all" in result.stdout
    bare = _agent(zipapp, "tools", python=bare_python, env={"PATH": path_without_compilers})
    assert bare.stdout.count("not on this machine: ") == 10
    assert "looked for cc, gcc and clang on PATH" in bare.stdout


@pytest.fixture
def running(zipapp: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, int]]:
    """An agent in the middle of a tool that never ends: the agent, its session's folder, and the tool's process."""
    compiler, started = tmp_path / "cc", tmp_path / "started"
    compiler.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo toy 1; exit; fi\n'
        'while [ "$1" != -o ]; do shift; done\n'
        f'printf "#!/bin/sh\\necho \\$\\$ > {started}\\nexec sleep 600\\n" > "$2"; chmod +x "$2"\n'
    )
    compiler.chmod(0o755)
    out = tmp_path / "sessions" / "one"
    command = [sys.executable, str(zipapp), "run", "--out", str(out), "--tools", "stream", "--compiler", str(compiler), *TINY]
    agent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _wait_for(lambda: started.is_file() and started.read_text().endswith("\n"))
    yield agent, out, int(started.read_text())
    agent.kill()
    agent.communicate()


def _wait_for(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_in_the_middle_it_ends_its_tool_and_leaves_no_manifest(
    running: tuple[subprocess.Popen[str], Path, int], number: signal.Signals, code: int
) -> None:
    agent, out, tool = running
    agent.send_signal(number)
    _, said = agent.communicate(timeout=60)
    assert agent.returncode == code
    assert f"stopped by {number.name}; the session is not complete" in said
    assert _gone(tool)
    assert not (out / "manifest.json").exists()
    assert json.loads((out / "stream-all/1/execution.json").read_text())["status"] == "started"
    assert [path.name for path in out.parent.iterdir()] == ["one"], "its work folder is gone"


def test_killed_in_the_middle_its_tool_dies_with_it(running: tuple[subprocess.Popen[str], Path, int]) -> None:
    agent, out, tool = running
    agent.kill()
    agent.communicate()
    _wait_for(lambda: _gone(tool))
    assert not (out / "manifest.json").exists()


def test_an_agent_ends_with_the_process_that_started_it(zipapp: Path, cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "session"
    starter = (
        "import os, subprocess, sys, time\n"
        "agent = subprocess.Popen([sys.executable, *sys.argv[1:], '--stop-with-parent', str(os.getpid())])\n"
        "print(agent.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    arguments = [str(zipapp), "run", "--out", str(out), "--executions", "300", "--cache", str(cache), *TINY]
    with (tmp_path / "printed").open("w") as printed:
        parent = subprocess.Popen([sys.executable, "-c", starter, *arguments], stdout=printed)
        _wait_for(lambda: (out / "profile.json").is_file())
        parent.kill()
        parent.wait()
    agent = int((tmp_path / "printed").read_text().split("\n", 1)[0])
    _wait_for(lambda: _gone(agent))
    assert not (out / "manifest.json").exists()
