"""AWS Instance Benchmarks: one result file -> measurements, and what the file claims.

Format: the source's own JSON, in the shapes that `shapes` decodes. The file says neither which program ran nor its version,
threads, problem size or flags (its flags and its version `latest` are labels, not records), so these parts of the key are
unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assay.errors import Unreadable
from assay.measurement import Execution, Measurement
from assay.read.claims import problem
from assay.read.content import Problem, SessionContent
from assay.read.sources.aws_instance_benchmarks.shapes import (
    Document,
    Inner,
    Payload,
    decode,
    decode_claims,
    payload_names,
)
from assay.read.sources.aws_instance_benchmarks.stated import stated
from assay.read.sources.aws_instance_benchmarks.suites import READERS
from assay.reference import catalogue
from assay.session import Manifest

SOURCE = "aws-instance-benchmarks"
RESULT_FILE = "result.json"
UNKNOWN = f"unknown ({SOURCE})"
COMPLETED = "completed"
_MOST_RUNS = 2**31


@dataclass(slots=True)
class Result:
    """What the bytes of a result hold, checked: typed, complete, finite, in known units. `numbers` by suite as far as they are
    whole."""

    document: Document
    inner: Inner | None = None
    numbers: dict[str, list[Measurement]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_result(raw: bytes) -> Result:
    """Decode a result with types and check every number of every known suite. Never raises: what is wrong is a problem."""
    try:
        document = decode(raw)
    except Unreadable as error:
        unreadable = problem("reading.unreadable", RESULT_FILE, str(error), "a result of this source")
        return Result(decode_claims(raw), problems=[unreadable])
    payloads = list(_payloads(document))
    inner = next((payload.metadata for payload in payloads if payload.metadata is not None), None)
    result = Result(document, inner)
    count = inner.iterations if inner and isinstance(inner.iterations, int) and 0 < inner.iterations < _MOST_RUNS else None
    for payload in payloads:
        for suite, read in READERS.items():
            part = getattr(payload, suite)
            if part is not None:
                numbers = result.numbers.setdefault(suite, [])
                for one in read(part, count, RESULT_FILE):
                    (numbers if isinstance(one, Measurement) else result.problems).append(one)  # type: ignore[arg-type]
    if not result.numbers:
        result.problems.append(_nothing(raw, document))
    return result


def read_session(manifest: Manifest, files: Mapping[str, bytes]) -> SessionContent:
    """Everything in the session's one file: the numbers of every known suite in its payload, the claims, and the problems.

    Where a problem is found no number is handed on: never a part.
    """
    known = catalogue.facts(manifest.subject)
    profile = {**known, "instance_type_known": bool(known)}
    content = SessionContent(manifest.session, manifest.subject, profile=profile)
    raw = files.get(RESULT_FILE)
    if raw is None:
        content.problems.append(problem("reading.missing-file", RESULT_FILE, "no such file", "the result of the run"))
        return content
    result = read_result(raw)
    profile |= stated(result.document, result.inner, manifest.labels.get("source_file", ""))
    profile["claimed_payload"] = list(result.numbers) or payload_names(raw)
    status = profile.get("claimed_status", COMPLETED)
    content.problems = result.problems
    if status != COMPLETED:
        content.problems.append(problem("reading.not-completed", RESULT_FILE, status, COMPLETED, "system_info.status"))
    for suite, numbers in result.numbers.items():
        run = _run(suite, numbers, manifest, profile.get("claimed_duration_s"), finished=status == COMPLETED)
        content.executions.append(run)
        if not content.problems:
            content.measurements += [(run, number, RESULT_FILE) for number in numbers]
    return content


def _payloads(document: Document) -> Iterator[Payload]:
    for performance in (document.performance, document.performance_data):
        if performance is not None:
            if performance.memory is not None:
                yield performance.memory
            if performance.cpu is not None:
                yield performance.cpu
            yield performance


def _run(suite: str, numbers: list[Measurement], manifest: Manifest, duration: float | None, *, finished: bool) -> Execution:
    return Execution(
        tool=suite,
        execution=1,
        implementation=suite,
        version=UNKNOWN,
        threads=UNKNOWN,
        size_policy=UNKNOWN,
        build_flags=UNKNOWN,
        problem_size=numbers[0].problem_size if numbers else None,
        status="finished" if finished else "failed",
        started_at=manifest.started_at,
        duration_s=duration,
        file=RESULT_FILE,
    )


def _nothing(raw: bytes, document: Document) -> Problem:
    """Why a result holds no suite that is known: another suite, or none."""
    expected = f"one of {', '.join(READERS)}"
    names = payload_names(raw)
    if names:
        return problem("reading.unknown-suite", RESULT_FILE, ", ".join(names), expected, "performance")
    suite = document.metadata.benchmark_suite if document.metadata else None
    if isinstance(suite, str) and suite not in READERS:
        return problem("reading.unknown-suite", RESULT_FILE, suite, expected, "metadata.benchmark_suite")
    return problem("reading.incomplete-result", RESULT_FILE, "no payload", "the numbers of a suite", "performance")
