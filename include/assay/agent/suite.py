"""A session: profile the machine, run every tool several times, write the manifest last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay import __version__
from assay.agent.machine import Machine
from assay.agent.mask import Mask, machine_mask
from assay.agent.profile import profile_machine
from assay.agent.repeats import Repeats, Watch
from assay.agent.runner import MISSING, STARTED, execute, record_missing, write_json
from assay.agent.tool import ALL, Missing, Run, Tool
from assay.agent.toolchain import Workshop
from assay.errors import AssayError
from assay.session import MANIFEST_NAME, MAX_FILES, Manifest, RawFile, SessionKind, Source, hash_folder

SOURCE_NAME = "assay-agent"
PROFILE = "profile.json"
ABSENT = "absent.json"
"""The optional tools that this machine cannot run, each with the reason: another node, a vendor's library, is not there."""
FILES_AN_EXECUTION = 3
"""Its description, stdout and stderr."""

Report = Callable[[Mapping[str, Any]], None]
"""Told about every event; a mapping of plain values."""


@dataclass(frozen=True)
class Order:
    """What to measure and what to write into the manifest."""

    out: Path
    work: Path
    cache: Path
    subject: str
    repeats: Repeats
    seconds: float
    """Most that one execution should take."""
    tools: Sequence[Tool]
    asked_for: bool = False
    """The tools were named: an optional one that is missing is then recorded as missing too."""
    compiler: str = "auto"
    dataset: str = "default"
    licence: str = "CC BY 4.0"
    attribution: str = "measured with Assay"
    url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Planned:
    """What a tool wants to run, or why it cannot."""

    tool: Tool
    runs: Sequence[Run]
    missing: str = ""


def measure(order: Order, report: Report) -> Manifest:
    """Run the suite into the empty folder `order.out`. Executions are the outer loop: those of one tool lie apart in time.

    A tool that is missing or fails is recorded and the rest goes on. Raises AssayError if the folder holds something already.
    """
    if order.out.exists() and any(order.out.iterdir()):
        raise AssayError(f"--out: {order.out} is not empty; a session is written once: give a new folder")
    started_at, began = datetime.now(UTC), time.monotonic()
    # What cannot stand in a manifest is said now, not after the last tool.
    Manifest.parse(_manifest(order, started_at, (RawFile(PROFILE, 0, "0" * 64),)).to_bytes(), "the session's description")
    for folder in (order.out, order.work, order.cache):
        folder.mkdir(parents=True, exist_ok=True)
    mask = machine_mask({"work": order.work, "cache": order.cache, "out": order.out})

    def tell(event: str, **facts: Any) -> None:
        report({"event": event, "subject": order.subject, **facts, "elapsed_s": round(time.monotonic() - began, 2)})

    profile = profile_machine()
    write_json(order.out / PROFILE, profile)
    tell("profile", state="finished")
    workshop = Workshop(order.cache, order.compiler)
    planned = plan_suite(order.tools, Machine.of(profile), workshop, order.seconds, mask)
    wanted = [entry for entry in planned if entry.runs or order.asked_for or not entry.tool.OPTIONAL]
    _require_room(wanted, order)
    absent = {entry.tool.NAME: entry.missing for entry in planned if entry not in wanted}
    if absent:
        write_json(order.out / ABSENT, absent)
    watches = _run_all(wanted, order, workshop, mask, tell, began)
    manifest = _manifest(order, started_at, hash_folder(order.out), watches)
    _write_last(order.out, manifest)
    tell("session", state="finished", session=manifest.session, files=len(manifest.files))
    return manifest


def plan_suite(tools: Sequence[Tool], machine: Machine, workshop: Workshop, seconds: float, mask: Mask) -> list[Planned]:
    """What each tool would run on this machine, or the reason why not, with nothing in it that names the machine."""
    planned = []
    for tool in tools:
        try:
            planned.append(Planned(tool, tool.plan(machine, workshop, seconds)))
        except Missing as reason:
            planned.append(Planned(tool, (), mask.everything(str(reason).encode()).decode()))
    return planned


def _run_all(
    planned: Sequence[Planned], order: Order, workshop: Workshop, mask: Mask, tell: Callable[..., None], began: float
) -> dict[str, Watch]:
    """Every execution of every tool, in rounds, and why each ended. `began`: by the monotonic clock."""
    most = order.repeats.limit
    watches = {run.place: Watch(order.repeats) for entry in planned for run in entry.runs}
    step, steps = 0, sum(len(entry.runs) * most or 1 for entry in planned)
    environment = workshop.environment()
    for execution in range(1, most + 1):
        for number, entry in enumerate(planned, 1):
            place = {"tool_number": number, "tools": len(planned), "executions": most}
            if entry.missing and execution == 1:
                step += 1
                record_missing(order.out, entry.tool.NAME, ALL, entry.missing)
                facts = {"tool": entry.tool.NAME, "threads": ALL, "execution": 1, "step": step, "steps": steps, **place}
                tell("execution", **facts, state=MISSING, error=entry.missing)
            for run in entry.runs:
                watch = watches[run.place]
                if watch.stopped:
                    continue
                step += 1
                facts = {"tool": run.tool, "threads": run.threads, "execution": execution, "step": step, "steps": steps, **place}
                tell("execution", **facts, state=STARTED)
                outcome = execute(run, execution, order.out, order.work, environment, mask)
                watch.add(outcome.values, outcome.seconds, time.monotonic() - began)
                tell("execution", **facts, state=outcome.status, error=outcome.error, seconds=round(outcome.seconds, 2))
                steps -= most - execution if watch.stopped else 0
    return watches


def _manifest(
    order: Order, started_at: datetime, files: tuple[RawFile, ...], watches: Mapping[str, Watch] | None = None
) -> Manifest:
    """The manifest; where an interval was asked for, a label for each run says why it was not repeated again."""
    asked = order.repeats.limit > order.repeats.least
    ends = {f"repeats.{place}": watch.says() for place, watch in (watches or {}).items()} if asked else {}
    return Manifest(
        kind=SessionKind.INSTANCE_BENCHMARK,
        dataset=order.dataset,
        subject=order.subject,
        started_at=started_at,
        ended_at=datetime.now(UTC),
        source=Source(SOURCE_NAME, __version__, order.licence, order.attribution, order.url),
        labels={**order.labels, **ends},
        files=files,
    )


def _require_room(planned: Sequence[Planned], order: Order) -> None:
    """Raises AssayError if so many executions leave more files than a manifest lists."""
    each = sum(len(run.outputs) + FILES_AN_EXECUTION for entry in planned for run in entry.runs)
    others = 2 + len(planned)  # the profile, what is absent, and what is missing
    if others + each * order.repeats.limit > MAX_FILES:
        most = (MAX_FILES - others) // each
        raise AssayError(
            f"--executions: found {order.repeats.limit}; expected at most {most}: a session has {MAX_FILES} files at most"
        )


def _write_last(folder: Path, manifest: Manifest) -> None:
    """The manifest in one step: it is there whole or not at all."""
    raw = manifest.to_bytes()
    Manifest.parse(raw)
    partial = folder.parent / f".{folder.name}.{MANIFEST_NAME}"
    partial.write_bytes(raw)
    partial.replace(folder / MANIFEST_NAME)
