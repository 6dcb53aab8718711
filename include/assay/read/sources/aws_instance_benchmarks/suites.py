"""A suite's payload -> measurements. Units are those of the measurement table; a number that is missing is a problem, never a
zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import Any

from assay.measurement import Measurement
from assay.read.claims import problem
from assay.read.content import Problem
from assay.read.sources.aws_instance_benchmarks.shapes import Cache, CoreMark, Hpl, Stream

_BANDWIDTH = {"GB/s": 1.0, "MB/s": 1e-3}
_LATENCY = {"ns": 1.0, "nanoseconds": 1.0, "us": 1e3, "microseconds": 1e3}
_SECONDS = {"seconds": 1.0, "s": 1.0, "ms": 1e-3, "milliseconds": 1e-3}
_RATE = {"operations/sec": 1.0, "operations/s": 1.0, "iterations/sec": 1.0, "iterations/s": 1.0}
_GFLOPS = {"GFLOPS": 1.0, "GFLOP/s": 1.0, "TFLOPS": 1e3}

Found = Iterator[Measurement | Problem]


def stream(payload: Stream, count: int | None, file: str) -> Found:
    """Bandwidth of the four kernels in GB/s."""
    for kernel in ("copy", "scale", "add", "triad"):
        part = getattr(payload, kernel)
        if part is None or part.bandwidth is None:
            yield _missing(file, f"stream.{kernel}.bandwidth")
        elif (factor := _BANDWIDTH.get(part.unit or "")) is None:
            yield _unit(file, f"stream.{kernel}.unit", part.unit, _BANDWIDTH)
        else:
            yield _number(file, "stream", f"{kernel}_bandwidth", part.bandwidth, "GB/s", factor, sd=part.std_dev, count=count)


def hpl(payload: Hpl, count: int | None, file: str) -> Found:
    """GFLOPS and seconds for the matrix order that is stated."""
    size = _whole(payload.matrix_size)
    if payload.gflops is None:
        yield _missing(file, "hpl.gflops")
    elif (factor := _GFLOPS.get(payload.unit or "GFLOPS")) is None:
        yield _unit(file, "hpl.unit", payload.unit, _GFLOPS)
    else:
        yield _number(file, "hpl", "gflops", payload.gflops, "GFLOPS", factor, size=size, sd=payload.std_dev, count=count)
    yield from _time("hpl", payload.execution_time, payload.time_unit, size, file)
    if payload.residual is not None:
        yield _number(file, "hpl", "residual", payload.residual, "ratio", 1.0, size=size)


def cache(payload: Cache, count: int | None, file: str) -> Found:
    """Access time of every level in nanoseconds, with its working set in bytes."""
    for level, metric in (("l1", "l1_latency"), ("l2", "l2_latency"), ("l3", "l3_latency"), ("memory", "dram_latency")):
        part = getattr(payload, level)
        if part is None or part.access_time is None:
            yield _missing(file, f"cache.{level}.access_time")
            continue
        size = None if part.size_kb is None else _whole(part.size_kb * 1024)
        if part.unit == "cycles":
            yield _number(file, "cache_latency", metric, part.access_time, "cycles", 1.0, size=size, sd=part.std_dev, count=count)
        elif (factor := _LATENCY.get(part.unit or "")) is None:
            yield _unit(file, f"cache.{level}.unit", part.unit, (*_LATENCY, "cycles"))
        else:
            yield _number(
                file, "cache_latency", metric, part.access_time, "nanoseconds", factor, size=size, sd=part.std_dev, count=count
            )


def coremark(payload: CoreMark, count: int | None, file: str) -> Found:
    """Iterations a second and seconds, with the number of iterations."""
    size = _whole(payload.iterations)
    if payload.score is None:
        yield _missing(file, "coremark.score")
    elif (factor := _RATE.get(payload.unit or "")) is None:
        yield _unit(file, "coremark.unit", payload.unit, _RATE)
    else:
        yield _number(
            file, "coremark", "score", payload.score, "operations/s", factor, size=size, sd=payload.score_std_dev, count=count
        )
    yield from _time("coremark", payload.execution_time, payload.time_unit, size, file)


READERS: dict[str, Callable[[Any, int | None, str], Found]] = {
    "stream": stream,
    "hpl": hpl,
    "cache": cache,
    "coremark": coremark,
}


def _number(
    file: str,
    benchmark: str,
    metric: str,
    value: float,
    unit: str,
    factor: float,
    *,
    size: int | None = None,
    sd: float | None = None,
    count: int | None = None,
) -> Measurement | Problem:
    number = value * factor
    if not isfinite(number):
        return problem("reading.unreadable", file, str(value), "a number that a double holds", f"{benchmark}.{metric}")
    if sd is None:
        return Measurement(benchmark, metric, number, unit, None, size)
    return Measurement(benchmark, metric, number, unit, None, size, count, sd * factor)


def _time(benchmark: str, seconds: float | None, unit: str | None, size: int | None, file: str) -> Found:
    if seconds is None:
        return
    factor = _SECONDS.get(unit or "seconds")
    if factor is None:
        yield _unit(file, f"{benchmark}.time_unit", unit, _SECONDS)
    else:
        yield _number(file, benchmark, "execution_time", seconds, "seconds", factor, size=size)


def _whole(value: float | None) -> int | None:
    """A size as a whole number; None for what is none or does not fit the table."""
    return int(value) if value is not None and 0 <= value < 2**63 and value == int(value) else None


def _missing(file: str, field: str) -> Problem:
    return problem("reading.missing-metric", file, "nothing", "a number", field)


def _unit(file: str, field: str, unit: str | None, known: Iterable[str]) -> Problem:
    return problem("reading.unknown-unit", file, unit or "nothing", f"one of {', '.join(known)}", field)
