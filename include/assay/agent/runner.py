"""One execution of a tool: its folder, its `execution.json`, what it printed."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.agent.mask import Mask
from assay.agent.process import LARGEST_OUTPUT_BYTES, run_command
from assay.agent.tool import Gauge, Run
from assay.session import format_time

STDOUT, STDERR = "stdout.txt", "stderr.txt"
EXECUTION = "execution.json"

STARTED, FINISHED, FAILED, TIMEOUT, MISSING = "started", "finished", "failed", "timeout", "missing"
"""States of an execution. `started` stays where the machine went down in the middle."""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended."""

    status: str
    error: str
    seconds: float
    values: Mapping[str, float] = field(default_factory=dict)
    """What the run's gauge saw in the outputs; the numbers that count are read from the raw files later."""


def execute(run: Run, number: int, session: Path, work: Path, environment: Mapping[str, str], mask: Mask) -> Outcome:
    """Run the tool once and keep what it printed, whatever happens to it.

    `session`: the folder of the session; the execution gets `<tool>-<threads>/<number>/` in it. `work`: where the tool may write.
    Only an interruption of the agent itself passes through as an exception, after the tool was killed.
    """
    folder = session / run.place / str(number)
    folder.mkdir(parents=True)
    document = describe(run, number, mask)
    write_json(folder / EXECUTION, document)
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=work))
    try:
        for name, content in run.inputs.items():
            (scratch / name).write_bytes(content)
        outcome = _run(run, document, folder, scratch, environment, mask)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    document.update(
        status=outcome.status, error=outcome.error, duration_s=round(outcome.seconds, 3), ended_at=format_time(datetime.now(UTC))
    )
    write_json(folder / EXECUTION, document)
    return outcome


def record_missing(session: Path, tool: str, threads: str, reason: str) -> None:
    """Write down that the machine lacks a tool, where its first execution would have been."""
    now = format_time(datetime.now(UTC))
    folder = session / f"{tool}-{threads}" / "1"
    folder.mkdir(parents=True)
    document = {
        **_document(tool, 1, threads),
        "status": MISSING,
        "error": reason,
        "started_at": now,
        "ended_at": now,
        "duration_s": 0.0,
    }
    write_json(folder / EXECUTION, document)


def describe(run: Run, number: int, mask: Mask) -> dict[str, Any]:
    """The execution as it is before it ran: everything but its end."""
    return {
        **_document(run.tool, number, run.threads),
        "thread_count": run.thread_count,
        "implementation": run.implementation,
        "version": run.version,
        "command": [mask.paths(word) for word in run.command],
        "environment": dict(run.environment),
        "build": run.build.document() if run.build else None,
        "size_policy": run.size_policy,
        "problem_size": run.problem_size,
        "outputs": [STDOUT, STDERR],
        "details": dict(run.details),
    }


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document in one step: a reader sees the old one or the new one."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _document(tool: str, number: int, threads: str) -> dict[str, Any]:
    return {
        "tool": tool,
        "execution": number,
        "threads": threads,
        "thread_count": None,
        "implementation": "unknown",
        "version": "unknown",
        "command": [],
        "environment": {},
        "build": None,
        "size_policy": "unknown",
        "problem_size": None,
        "status": STARTED,
        "exit_code": None,
        "error": "",
        "started_at": format_time(datetime.now(UTC)),
        "ended_at": None,
        "duration_s": None,
        "outputs": [],
        "details": {},
    }


def _run(run: Run, document: dict[str, Any], folder: Path, scratch: Path, environment: Mapping[str, str], mask: Mask) -> Outcome:
    out, err = folder / STDOUT, folder / STDERR
    try:
        ended = run_command(
            run.command,
            folder=scratch,
            environment={**environment, **run.environment},
            stdout=out,
            stderr=err,
            timeout_s=run.timeout_s,
        )
    except OSError as error:
        return Outcome(FAILED, mask.paths(f"{run.implementation} could not be started: {error}"), 0.0)
    for name in run.outputs:
        made = scratch / name
        if made.is_file() and not made.is_symlink() and made.stat().st_size <= LARGEST_OUTPUT_BYTES:
            shutil.move(made, folder / name)
            document["outputs"].append(name)
    _mask_files([err, *((out, *(folder / name for name in document["outputs"][2:])) if run.foreign else ())], mask)
    document["exit_code"] = ended.exit_code
    if ended.timed_out:
        return Outcome(TIMEOUT, f"{run.implementation} was stopped after {run.timeout_s:.0f} s, its time limit", ended.seconds)
    if ended.exit_code != 0:
        return Outcome(FAILED, f"{run.implementation} ended with exit code {ended.exit_code}: {_last_words(err)}", ended.seconds)
    if run.conclude is None and run.gauge is None:
        return Outcome(FINISHED, "", ended.seconds)
    outputs = {name: (folder / name).read_bytes() for name in document["outputs"]}
    if run.conclude is not None:
        learned = dict(run.conclude(outputs))
        document["details"] = {**document["details"], **learned.pop("details", {})}
        document.update(learned)
    return Outcome(FINISHED, "", ended.seconds, _gauged(run.gauge, outputs) if run.gauge else {})


def _gauged(gauge: Gauge, outputs: Mapping[str, bytes]) -> Mapping[str, float]:
    """What the gauge sees; nothing in an output that is not as expected, which the reader of the raw files will say."""
    try:
        return {name: value for name, value in gauge(outputs).items() if math.isfinite(value)}
    except (ValueError, ArithmeticError, LookupError):
        return {}


def _mask_files(paths: list[Path], mask: Mask) -> None:
    for path in paths:
        raw = path.read_bytes()
        masked = mask.everything(raw)
        if masked != raw:
            path.write_bytes(masked)


def _last_words(stderr: Path) -> str:
    """The last line of what a failed tool printed; it is masked already."""
    with stderr.open("rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - 4096))
        lines = stream.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "it printed no reason"
