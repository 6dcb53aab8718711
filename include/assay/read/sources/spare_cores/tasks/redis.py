"""Redis under memtier_benchmark -> requests per second and latency. Format: the task's CSV, with quoted or bare names.

One server and one client for every processor; `threads` and `pipeline` are the client's. Older runs of the task printed what
other clients print; they are named as such and not read.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping

from msgspec.structs import replace

from assay.measurement import Execution, Measurement
from assay.read.sources.spare_cores.output import STDOUT, Output, lines, metric_name, number, spoilt, whole

TASK = "redis"
IMPLEMENTATION = "redis"

_COLUMNS = ["operation", "threads", "pipeline", "rps", "latency"]
_PIPELINES = [1, 4, 16, 64, 256, 512]
_VERSION = re.compile(r"\bv=(\d[\w.]{0,30})")


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """Requests per second and mean latency in milliseconds for every pipeline depth. Spoilt: another header, a row missing."""
    header, *table = lines(files)
    if _fields(header)[: len(_COLUMNS)] != _COLUMNS:
        raise spoilt("unknown-format", STDOUT, header, f"a table of {', '.join(_COLUMNS)}", "line 1")
    version = _VERSION.search(run.version)
    output = Output(replace(run, threads="all", version=version[1] if version else run.version))
    seen: dict[tuple[str, int], list[int]] = {}
    for count, line in enumerate(table, start=2):
        operation, threads, pipeline, rate, latency = _row(line, count)
        seen.setdefault((operation, threads), []).append(pipeline)
        setting = f"pipeline_{pipeline}" if threads == 1 else f"threads_{threads}_pipeline_{pipeline}"
        for metric, value, unit in (("rps", rate, "operations/s"), ("latency", latency, "milliseconds")):
            name = metric_name(operation, metric, setting)
            output.numbers.append((output.run, Measurement("redis", name, value, unit), STDOUT))
    for (operation, threads), pipelines in seen.items():
        if pipelines != _PIPELINES:
            found = ", ".join(str(depth) for depth in pipelines)
            raise spoilt(
                "truncated-output", STDOUT, found, ", ".join(str(d) for d in _PIPELINES), f"{operation}, {threads} threads"
            )
    if not seen:
        raise spoilt("incomplete-result", STDOUT, "a header alone", "a table")
    return output


def _row(line: str, count: int) -> tuple[str, int, int, float, float]:
    fields = _fields(line)
    if len(fields) >= len(_COLUMNS):
        operation, threads, pipeline = fields[0], whole(fields[1]), whole(fields[2])
        rate, latency = number(fields[3]), number(fields[4])
        if operation.isalpha() and threads and pipeline and rate and latency and rate > 0 and latency > 0:
            return operation, threads, pipeline, rate, latency
    raise spoilt("interleaved-output", STDOUT, line, "`operation,threads,pipeline,rps,latency,...`", f"line {count}")


def _fields(line: str) -> list[str]:
    if len(line) > 1_000:
        return []
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []
