"""Spare Cores: one run of one task -> measurements. The task is a label of the session; each task has a reader in `tasks/`.

Format: https://github.com/SpareCores/sc-inspector-data. A task that ended with 0 need not have a result: its reader decides.
The task's hash (of command and image) stands in the key as the size policy: how much is measured is what the command decides.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache

from msgspec.structs import replace

from assay.measurement import Execution
from assay.read.claims import claim, problem
from assay.read.content import Problem, SessionContent
from assay.read.sources.spare_cores import tasks
from assay.read.sources.spare_cores.meta import META, Meta, bad_ending, decode
from assay.read.sources.spare_cores.output import STDOUT, Output, Spoilt
from assay.reference import catalogue
from assay.session import Manifest

SOURCE = "spare-cores"
UNKNOWN = f"unknown ({SOURCE})"
TIMING_MARKS = "timing_marks"

Read = Callable[[Mapping[str, bytes], Execution, str], Output]


@cache
def readers() -> dict[str, tuple[str, Read]]:
    """Every task that can be read: the program that gives its numbers, and its reader."""
    modules = (importlib.import_module(f"{tasks.__name__}.{found.name}") for found in pkgutil.iter_modules(tasks.__path__))
    return {module.TASK: (module.IMPLEMENTATION, module.read) for module in modules}


def read_session(manifest: Manifest, files: Mapping[str, bytes]) -> SessionContent:
    """The numbers of the session's one run, what it says of the machine, and the problems.

    Where a quarantining problem is found no number is handed on: never a part.
    """
    known = catalogue.facts(manifest.subject)
    task, started = claim(manifest.labels.get("task", "")), claim(manifest.labels.get("run", ""))
    profile = {**known, "instance_type_known": bool(known), "task": task, "task_run": started}
    content = SessionContent(manifest.session, manifest.subject, profile=profile)
    implementation, read = readers().get(task, (task, None))
    run = Execution(task, 1, implementation, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, started_at=manifest.started_at)
    try:
        meta = None if task == TIMING_MARKS else _meta(files)
        if meta is not None:
            run, ending = _described(run, meta), bad_ending(meta)
            profile |= {name: value for name, value in _claims(meta).items() if value not in (None, "")}
            if ending is not None:
                raise Spoilt(ending)
        if read is None:
            known_tasks = ", ".join(sorted(readers()))
            raise Spoilt(problem("reading.unknown-suite", run.file, task or "no task", f"one of {known_tasks}", "task"))
        output = read(files, run, manifest.subject)
        warnings = [*output.warnings, *(_size(output, meta, files) if meta else ())]
    except Spoilt as error:
        content.executions.append(run if run.status == "failed" else replace(run, error=error.problem.message))
        content.problems.append(error.problem)
        return content
    profile |= output.profile
    content.executions.append(output.run)
    content.measurements = output.numbers
    content.problems = warnings
    return content


def _meta(files: Mapping[str, bytes]) -> Meta:
    if META not in files:
        raise Spoilt(problem("reading.missing-file", META, "no such file", "the record of the run"))
    return decode(files[META])


def _described(run: Execution, meta: Meta) -> Execution:
    return replace(
        run,
        version=meta.version or run.version,
        size_policy=f"task {meta.task_hash[:12]}" if meta.task_hash else run.size_policy,
        status=meta.status,
        exit_code=meta.exit_code,
        error="" if meta.exit_code == 0 else (bad.message if (bad := bad_ending(meta)) else ""),
        started_at=meta.started_at or run.started_at,
        duration_s=meta.duration_s,
        file=META,
    )


def _claims(meta: Meta) -> dict[str, object]:
    return {
        "claimed_version": meta.version,
        "claimed_kernel_version": meta.kernel_version,
        "claimed_stdout_bytes": meta.stdout_bytes,
        "claimed_exit_code": meta.exit_code,
    }


def _size(output: Output, meta: Meta, files: Mapping[str, bytes]) -> list[Problem]:
    """A size that is not the recorded one: an edited file where the output shows that it is whole, else a cut one."""
    recorded, raw = meta.stdout_bytes, files.get(STDOUT)
    if raw is None or recorded is None or len(raw) == recorded:
        return []
    if len(raw) < recorded and not output.proven:
        raise Spoilt(problem("reading.truncated-output", STDOUT, f"{len(raw)} bytes", f"{recorded}, as recorded", "size"))
    return [problem("reading.size-differs", STDOUT, f"{len(raw)} bytes", f"{recorded}, as recorded after the run", "size")]
