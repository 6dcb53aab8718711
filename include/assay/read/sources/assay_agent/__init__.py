"""A session of our own agent: its profile, and every execution with the numbers in what the tool printed.

The layout is that of `assay.agent.runner`: `profile.json`, and for each execution a folder `<tool>-<threads>/<number>/` with
`execution.json` and the outputs that it names. The bytes may come from anywhere; whatever is wrong with them becomes a problem.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from assay.errors import Unreadable
from assay.measurement import UNKNOWN, Execution
from assay.read.claims import claim, problem
from assay.read.content import SessionContent
from assay.read.registry import output_of, tool_readers
from assay.read.rules import MISSING_FILE, UNKNOWN_SUITE, UNREADABLE
from assay.read.sources.assay_agent.documents import Document, decode_execution, decode_profile
from assay.read.sources.assay_agent.machine import describe
from assay.session import Manifest

SOURCE = "assay-agent"
PROFILE = "profile.json"
EXECUTION = "execution.json"
FINISHED = "finished"


def read_session(manifest: Manifest, files: Mapping[str, bytes]) -> SessionContent:
    """Everything in the session. A file that cannot be read gives a problem and no number; the others are read all the same."""
    content = SessionContent(manifest.session, manifest.subject)
    _read_profile(content, files)
    folders = sorted({path.rpartition("/")[0] for path in files if path.count("/") == 2}, key=_execution_order)
    for folder in folders:
        _read_execution(content, folder, files)
    if not folders:
        content.problems.append(problem(MISSING_FILE, EXECUTION, "no execution", "at least one <tool>-<threads>/<number>/"))
    return content


def _read_profile(content: SessionContent, files: Mapping[str, bytes]) -> None:
    if PROFILE not in files:
        content.profile = describe(None, content.subject)
        content.problems.append(problem(MISSING_FILE, PROFILE, "no such file", "the profile of the machine"))
        return
    try:
        content.profile = describe(decode_profile(files[PROFILE]), content.subject)
    except Unreadable as error:
        content.profile = describe(None, content.subject)
        content.problems.append(problem(UNREADABLE, PROFILE, str(error), "the profile that the agent writes"))


def _read_execution(content: SessionContent, folder: str, files: Mapping[str, bytes]) -> None:
    path = f"{folder}/{EXECUTION}"
    if path not in files:
        content.problems.append(problem(MISSING_FILE, path, "no such file", "a description of the execution"))
        return
    try:
        document = decode_execution(files[path])
    except Unreadable as error:
        content.problems.append(problem(UNREADABLE, path, str(error), "the description that the agent writes"))
        return
    stated = f"{document.tool}-{document.threads}/{document.execution}"
    if stated != folder:
        content.problems.append(problem(UNREADABLE, path, stated, folder, "tool, threads and execution"))
        return
    run = _execution(document, path)
    content.executions.append(run)
    if run.status == FINISHED:
        _read_output(content, folder, document, run, files)


def _read_output(content: SessionContent, folder: str, document: Document, run: Execution, files: Mapping[str, bytes]) -> None:
    reader = tool_readers().get(document.implementation)
    if reader is None:
        known = ", ".join(sorted(tool_readers()))
        content.problems.append(problem(UNKNOWN_SUITE, run.file, document.implementation, f"one of {known}", "implementation"))
        return
    name = output_of(reader)
    path = f"{folder}/{name}"
    if name not in document.outputs or path not in files:
        content.problems.append(problem(MISSING_FILE, path, "no such file", f"the output of {reader.TOOL}"))
        return
    try:
        found = reader.read(files[path].decode("utf-8"), run)
    except UnicodeDecodeError as error:
        content.problems.append(problem(UNREADABLE, path, f"byte {error.start} is no UTF-8", f"the output of {reader.TOOL}"))
    except Unreadable as error:
        content.problems.append(problem(UNREADABLE, path, str(error), f"the output of {reader.TOOL}"))
    else:
        content.measurements.extend((run, number, path) for number in found)


def _execution(document: Document, path: str) -> Execution:
    build = document.build
    return replace(
        Execution(tool=claim(document.tool), execution=document.execution),
        implementation=claim(document.implementation) or UNKNOWN,
        version=claim(document.version) or UNKNOWN,
        threads=document.threads,
        size_policy=claim(document.size_policy) or UNKNOWN,
        build_flags=claim(f"{build.compiler} {build.version} {build.flags}") if build else "none",
        problem_size=document.problem_size,
        thread_count=document.thread_count,
        status=document.status,
        exit_code=document.exit_code,
        error=claim(document.error),
        started_at=document.started_at,
        duration_s=document.duration_s,
        file=path,
        details=document.details,
    )


def _execution_order(folder: str) -> tuple[str, int, str]:
    """By tool and number, so that execution 10 comes after execution 9."""
    tool, _, number = folder.partition("/")
    return tool, int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0, number
