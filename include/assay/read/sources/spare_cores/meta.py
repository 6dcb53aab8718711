"""meta.json: when a task ran, how it ended and what it left. Every key may be absent in older files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from assay.read.claims import claim, problem
from assay.read.content import Problem
from assay.read.sources.spare_cores.output import spoilt

META = "meta.json"

_API_ERROR = re.compile(r"api error ([A-Za-z.]{1,80})\b")
_HASH = re.compile(r"[0-9a-f]{40}")
_ENDINGS = {
    -1: ("not-started", "the instance could not be started"),
    -2: ("not-applicable", "the task does not apply to this machine"),
    -3: ("precheck-failed", "the machine did not pass the task's check before the run"),
    -4: ("not-reached", "the run ended before this task had its turn"),
    -5: ("gave-up", "no output after three starts"),
    256: ("harness-error", "the program that runs the tasks raised an error"),
}


class _Decoded(msgspec.Struct):
    start: Any = None
    end: Any = None
    exit_code: int | None = None
    error_msg: Any = None
    task_hash: Any = None
    version: Any = None
    kernel_version: Any = None
    stdout_bytes: Any = None
    outputs: Any = None


_DECODER = msgspec.json.Decoder(_Decoded)


@dataclass(frozen=True, slots=True)
class Meta:
    """A task's run as its harness recorded it; `None` and empty where it did not."""

    started_at: datetime | None
    duration_s: float | None
    exit_code: int | None
    version: str
    kernel_version: str
    task_hash: str
    """SHA-1 over command, image and transformation of the output: what makes two runs runs of the same task."""
    stdout_bytes: int | None
    outputs: tuple[str, ...]
    api_error: str
    """The code of the provider's error, such as `VcpuLimitExceeded`; the rest of its text is not handed on."""

    @property
    def status(self) -> str:
        """The state of the execution, in the words of the execution table."""
        if self.exit_code is None:
            return "started"
        return "finished" if self.exit_code == 0 else "failed"


def decode(raw: bytes) -> Meta:
    """Raises Spoilt where the bytes are no such record."""
    try:
        found = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise spoilt("unreadable", META, str(error)[:160], "the record of a run") from None
    start, end = _instant(found.start), _instant(found.end)
    api_error = _API_ERROR.search(found.error_msg[:2_000]) if isinstance(found.error_msg, str) else None
    size = found.stdout_bytes
    return Meta(
        started_at=start,
        duration_s=(end - start).total_seconds() if start and end and end >= start else None,
        exit_code=found.exit_code if found.exit_code is None or abs(found.exit_code) < 2**31 else 2**31 - 1,
        version=claim(found.version) if isinstance(found.version, str) else "",
        kernel_version=claim(found.kernel_version) if isinstance(found.kernel_version, str) else "",
        task_hash=found.task_hash if isinstance(found.task_hash, str) and _HASH.fullmatch(found.task_hash) else "",
        stdout_bytes=size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53 else None,
        outputs=tuple(claim(name) for name in found.outputs[:100] if isinstance(name, str))
        if isinstance(found.outputs, list)
        else (),
        api_error=api_error.group(1) if api_error else "",
    )


def bad_ending(meta: Meta) -> Problem | None:
    """Why the run gives no result, by its exit code; None where it ended with 0."""
    code = meta.exit_code
    if code == 0:
        return None
    if code is None:
        return problem("reading.never-finished", META, "null", "0: the run ended; only its placeholder was written", "exit_code")
    rule, sentence = _ENDINGS.get(code, ("tool-failed", "the tool ended with an error"))
    shown = f"{code} ({meta.api_error})" if meta.api_error else str(code)
    return problem(f"reading.{rule}", META, shown, f"0; {sentence}", "exit_code")


def _instant(text: object) -> datetime | None:
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
