"""sc-membench -> bandwidth and latency by working set. Format: its CSV; a measure that does not apply is 0, and is left out.

Sizes are KiB per thread, spread over the machine's caches, so they differ between types. Latency is the median over samples. The
column `bandwidth_mb_s` does not say which megabyte it counts in; size, threads, iterations and time stand beside it and do.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from assay.measurement import Execution, Measurement
from assay.read.sources.spare_cores.output import STDOUT, Output, lines, number, spoilt, whole

TASK = "membench"
IMPLEMENTATION = "membench"

_BANDWIDTHS = ("read", "write", "copy")
_OPERATIONS = (*_BANDWIDTHS, "latency")
_NEEDED = ("size_kb", "operation", "bandwidth_mb_s", "latency_ns", "threads", "iterations", "elapsed_s")
_MEGABYTES = (1_048_576, 1_000_000)
_AGREES = 0.01
"""Times are printed in microseconds, which is up to this share of the shortest."""


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """MB/s for read, write and copy, nanoseconds for latency. Spoilt: another header, a row that is none, an operation
    missing."""
    header, *table = lines(files)
    columns = header.split(",")
    if not set(_NEEDED) <= set(columns):
        raise spoilt("unknown-format", STDOUT, header, f"a table with {', '.join(_NEEDED)}", "line 1")
    rows = [_row(line, columns, count) for count, line in enumerate(table, start=2)]
    _check_whole(rows)
    most = max(whole(row["threads"]) or 0 for row in rows)
    output = Output(run, proven=False)
    for count, row in enumerate(rows, start=2):
        output.numbers.append(_number(row, run, most, count))
    return output


def _row(line: str, columns: list[str], count: int) -> dict[str, str]:
    values = line.split(",")
    row = dict(zip(columns, values, strict=False))
    if (
        len(values) != len(columns)
        or row["operation"] not in _OPERATIONS
        or not whole(row["size_kb"])
        or not whole(row["threads"])
    ):
        raise spoilt("interleaved-output", STDOUT, line, f"{len(columns)} values as in the header", f"line {count}")
    return row


def _check_whole(rows: list[dict[str, str]]) -> None:
    seen: dict[str, list[str]] = {}
    for row in rows:
        seen.setdefault(row["size_kb"], []).append(row["operation"])
    for size, operations in seen.items():
        if sorted(operations) != sorted(_OPERATIONS):
            raise spoilt("truncated-output", STDOUT, ", ".join(operations), ", ".join(_OPERATIONS), f"size {size} KiB")
    if not seen:
        raise spoilt("incomplete-result", STDOUT, "a header alone", "a table")


def _number(row: dict[str, str], run: Execution, most: int, count: int) -> tuple[Execution, Measurement, str]:
    operation, size, threads = row["operation"], int(row["size_kb"]), int(row["threads"])
    is_latency = operation == "latency"
    shown = row["latency_ns" if is_latency else "bandwidth_mb_s"]
    value = number(shown)
    if value is None or value <= 0:
        raise spoilt("incomplete-result", STDOUT, shown, "a number above 0", f"line {count}, {operation}")
    mode = "one" if is_latency and threads == 1 else ("all" if threads == most else str(threads))
    execution = replace(run, threads=mode, thread_count=threads)
    if not is_latency:
        value *= _megabyte(row, value, count) / 10**6
        return execution, Measurement("membench", f"{operation}_bandwidth_{size}kib", value, "MB/s", None, size * 1024), STDOUT
    sd, samples = number(row.get("latency_stddev_ns", "")), whole(row.get("latency_samples", ""))
    summary = (samples, sd) if samples and sd is not None else (None, None)
    return execution, Measurement("membench", f"latency_{size}kib", value, "nanoseconds", None, size * 1024, *summary), STDOUT


def _megabyte(row: dict[str, str], printed: float, count: int) -> int:
    """Bytes in the megabyte that the bandwidth is printed in: that by which it agrees with the bytes moved in the time taken."""
    iterations, elapsed = whole(row["iterations"]), number(row["elapsed_s"])
    if iterations and elapsed:
        moved = int(row["size_kb"]) * 1024 * int(row["threads"]) * iterations / elapsed
        for megabyte in _MEGABYTES:
            if abs(printed * megabyte / moved - 1) < _AGREES:
                return megabyte
    shown = f"{printed} for {row['iterations']} iterations in {row['elapsed_s']} s"
    raise spoilt("unknown-unit", STDOUT, shown, "the bytes moved by the time taken, in MB or MiB", f"line {count}")
