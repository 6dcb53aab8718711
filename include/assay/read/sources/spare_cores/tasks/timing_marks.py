"""The marks of one launch -> how long it took. Format: one UTC instant a file, to the second.

api_start and api_end: the call that creates the machine; machine_start: its boot; user_data_start and user_data_end: its first
script; inspector_start and inspector_end: the tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from assay.measurement import Execution, Measurement
from assay.read.sources.spare_cores.output import Output, spoilt, text

TASK = "timing_marks"
IMPLEMENTATION = "sc-inspector"

_SPANS = {
    "create_time": ("api_start", "api_end"),
    "boot_time": ("machine_start", "user_data_start"),
    "setup_time": ("user_data_start", "user_data_end"),
    "ready_time": ("api_start", "inspector_start"),
}
_MOST_SECONDS = 7 * 86_400


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """Seconds to create, boot, set up, and from the call to ready. Spoilt: a mark is missing or none, or the order is wrong."""
    marks = {name: _instant(files, name) for name in sorted({mark for span in _SPANS.values() for mark in span})}
    output = Output(replace(run, started_at=marks["api_start"], file="api_start"))
    for metric, (first, last) in _SPANS.items():
        seconds = (marks[last] - marks[first]).total_seconds()
        if not 0 <= seconds <= _MOST_SECONDS:
            raise spoilt("unreadable", last, f"{seconds} s after {first}", f"0 to {_MOST_SECONDS} s after it")
        output.numbers.append((output.run, Measurement("launch", metric, seconds, "seconds"), last))
    return output


def _instant(files: Mapping[str, bytes], name: str) -> datetime:
    if name not in files:
        raise spoilt("incomplete-result", name, "no such file", "the instant of this mark: the launch did not come so far")
    shown = text(files, name).strip()
    try:
        return datetime.strptime(shown[:40], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise spoilt("unreadable", name, shown, "UTC as in 2026-06-11T22:02:17Z") from None
