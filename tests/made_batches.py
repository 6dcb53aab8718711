"""Batches made by hand, and batches read from the real test data, for the rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from assay.check.registry import all_rules
from assay.check.rule import Batch, Rule
from assay.measurement import Execution, Measurement, execution_frame, measurement_frame

START = datetime(2025, 1, 1, tzinfo=UTC)
KERNELS = ("copy_bandwidth", "scale_bandwidth", "add_bandwidth", "triad_bandwidth")


@dataclass
class Run:
    """One execution with its numbers: values by metric, or (value, unit); passes by metric."""

    execution: Execution
    benchmark: str
    unit: str
    values: Mapping[str, Any]
    passes: Mapping[str, Sequence[float]] = field(default_factory=dict)
    problem_sizes: Mapping[str, int] = field(default_factory=dict)
    summary: tuple[int, float] | None = None


@dataclass
class Session:
    """A session to be put into a batch."""

    subject: str
    runs: Sequence[Run]
    profile: Mapping[str, Any]
    source: str = "made"
    source_file: str = ""
    name: str = ""
    started_at: datetime = START
    contents: Mapping[str, str] = field(default_factory=dict)


def run(benchmark: str, unit: str = "GB/s", **given: Any) -> Run:
    """An execution; what is no field of one is a metric."""
    fields = {name: given.pop(name) for name in list(given) if name in Execution.__struct_fields__}
    special = {name: given.pop(name) for name in ("passes", "problem_sizes", "summary") if name in given}
    defaults = {
        "tool": benchmark,
        "execution": 1,
        "implementation": "made",
        "version": "1",
        "threads": "all",
        "size_policy": "rule",
        "build_flags": "cc -O3",
        "exit_code": 0,
        "started_at": START,
        "duration_s": 10.0,
        "file": f"{benchmark}/{fields.get('threads', 'all')}/{fields.get('execution', 1)}/stdout.txt",
    }
    return Run(Execution(**{**defaults, **fields}), benchmark, unit, given, **special)


def stream(copy: float, scale: float, add: float, triad: float, **given: Any) -> Run:
    """A STREAM result in GB/s."""
    return run("stream", **dict(zip(KERNELS, (copy, scale, add, triad), strict=True)), **given)


def session(subject: str, *runs: Run, **given: Any) -> Session:
    """A session; what is no field of one is a field of its profile."""
    known = {name: given.pop(name) for name in ("source", "source_file", "name", "started_at", "contents") if name in given}
    return Session(subject, runs, given, **known)


def batch(*sessions: Session) -> Batch:
    """The batch of these sessions, named in their order where they have no name."""
    named = [replace(s, name=s.name or f"20250101T000000Z-{number:012x}") for number, s in enumerate(sessions)]
    measurements, executions, files, rows = [], [], [], []
    for one in named:
        rows.append(
            {
                **one.profile,
                "session": one.name,
                "kind": "instance_benchmark",
                "subject": one.subject,
                "source": one.source,
                "started_at": one.started_at,
                "ended_at": one.started_at + timedelta(minutes=5),
                "source_file": one.source_file,
            }
        )
        for each in one.runs:
            executions.append((one.name, one.subject, each.execution))
            measurements += [(one.name, one.subject, each.execution, number, each.execution.file) for number in _numbers(each)]
        for path in sorted({each.execution.file for each in one.runs}):
            content = one.contents.get(path, f"{one.name} {path}")
            files.append((one.name, path, len(content), hashlib.sha256(content.encode()).hexdigest()))
    return Batch(
        _sessions(rows),
        pd.DataFrame(files, columns=["session", "path", "size", "sha256"]),
        execution_frame(executions),
        measurement_frame(measurements),
    )


def found_in(rule: str, given: Batch) -> list[str]:
    """The sessions in which a rule finds something, sorted."""
    return sorted({str(name) for name in findings_of(rule, given)["session"]})


def findings_of(rule: str, given: Batch) -> pd.DataFrame:
    """What a rule finds."""
    judge = the_rule(rule).judge
    assert judge is not None, f"{rule} is found before anything is judged"
    return judge(given)


def the_rule(rule: str) -> Rule:
    """A rule by its id."""
    return {each.id: each for each in all_rules()}[rule]


def part(given: Batch, names: Iterable[str]) -> Batch:
    """The batch with these sessions only."""
    wanted = set(names)
    tables = (given.sessions, given.files, given.executions, given.measurements)
    return Batch(*(table[table["session"].isin(wanted)] for table in tables))


def reordered(given: Batch, seed: int) -> Batch:
    """The batch with its sessions in another order; within a session, rows stay in the order in which they were read."""
    names = np.random.default_rng(seed).permutation(given.sessions["session"].to_numpy(dtype=object))
    place = {name: number for number, name in enumerate(names)}
    tables = (given.sessions, given.files, given.executions, given.measurements)
    return Batch(*(table.sort_values("session", key=lambda column: column.map(place), kind="stable") for table in tables))


def shuffled(given: Batch, seed: int) -> Batch:
    """The batch with every row of every table in another order."""
    rng = np.random.default_rng(seed)
    tables = (given.sessions, given.files, given.executions, given.measurements)
    return Batch(*(table.iloc[rng.permutation(len(table))] for table in tables))


def with_values(given: Batch, values: np.ndarray) -> Batch:
    """The batch with other values in its measurements."""
    return Batch(given.sessions, given.files, given.executions, given.measurements.assign(value=values))


@cache
def real_batch(source: str, folder: Path) -> tuple[Batch, dict[str, str], dict[str, list[str]]]:
    """Everything in a folder of the test data as its importer and readers see it: the batch, source file by session, and the
    rules that the reader names, by session.
    """
    import importlib

    from assay.read.registry import source_readers
    from assay.read.rules import severity

    importer = importlib.import_module(f"assay.collect.importers.{source.replace('-', '_')}")
    reader = source_readers()[source]
    measurements, executions, files, rows = [], [], [], []
    named: dict[str, str] = {}
    problems: dict[str, list[str]] = {}
    for one in importer.find(folder, "default"):
        if not hasattr(one, "manifest") or one.manifest.session in named:
            continue
        manifest = one.manifest
        content = reader.read_session(manifest, {name: path.read_bytes() for name, path in one.paths.items()})
        named[manifest.session] = one.source_file
        problems[manifest.session] = [problem.rule for problem in content.problems]
        measurements += [(content.session, content.subject, run_, number, file) for run_, number, file in content.measurements]
        executions += [(content.session, content.subject, run_) for run_ in content.executions]
        files += [(content.session, file.path, file.size, file.sha256) for file in manifest.files]
        rows.append(
            {
                **content.profile,
                "session": content.session,
                "kind": manifest.kind.value,
                "subject": manifest.subject,
                "source": manifest.source.name,
                "started_at": manifest.started_at,
                "ended_at": manifest.ended_at,
                "source_file": one.source_file,
                "held": any(severity(rule) == "quarantine" for rule in problems[manifest.session]),
            }
        )
    made = Batch(
        _sessions(rows),
        pd.DataFrame(files, columns=["session", "path", "size", "sha256"]),
        execution_frame(executions),
        measurement_frame(measurements),
    )
    return made, named, problems


def _sessions(rows: list[dict[str, Any]]) -> pd.DataFrame:
    texts = ("session", "kind", "subject", "source", "source_file")
    frame = pd.DataFrame(rows, columns=None if rows else [*texts, "started_at", "ended_at"])
    times = dict.fromkeys(("started_at", "ended_at"), "datetime64[us, UTC]")
    return frame.astype(dict.fromkeys(texts, "string") | times)


def _numbers(each: Run) -> Iterable[Measurement]:
    for metric, given in each.values.items():
        value, unit = given if isinstance(given, tuple) else (given, each.unit)
        n, sd = each.summary or (None, None)
        yield Measurement(each.benchmark, metric, value, unit, None, each.problem_sizes.get(metric), n, sd)
    for metric, values in each.passes.items():
        for number, value in enumerate(values):
            yield Measurement(each.benchmark, metric, value, each.unit, number, each.problem_sizes.get(metric))
