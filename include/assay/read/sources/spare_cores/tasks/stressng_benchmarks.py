"""stress-ng's stressors -> operations per second on one and on all processors. Format: the task's JSON, by stressor and
processors.

null: the stressor does not run on this machine, and is left out. 0: it ran and did nothing, which is a warning.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from assay.measurement import Execution, Measurement
from assay.read.claims import problem
from assay.read.sources.spare_cores.output import STDOUT, Output, metric_name, spoilt, text, whole

TASK = "stressng_benchmarks"
IMPLEMENTATION = "stress-ng"

_MAX_STRESSORS = 2_000


class _Rate(msgspec.Struct):
    bogo_ops_per_sec: float | None = None


class _Document(msgspec.Struct):
    stressors: dict[str, dict[str, _Rate | None] | None]


_DOCUMENT = msgspec.json.Decoder(_Document)


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """Every stressor on one processor and on all. Spoilt: no such JSON, or not one stressor with a rate."""
    try:
        stressors = _DOCUMENT.decode(text(files)).stressors
    except (msgspec.DecodeError, RecursionError) as error:
        raise spoilt("unreadable", STDOUT, str(error)[:160], "rates by stressor and processors") from None
    if len(stressors) > _MAX_STRESSORS:
        raise spoilt("unreadable", STDOUT, f"{len(stressors)} stressors", f"at most {_MAX_STRESSORS}")
    most = max((whole(cores) or 0 for rates in stressors.values() for cores in rates or ()), default=0)
    output = Output(run)
    for stressor, rates in stressors.items():
        for cores, rate in (rates or {}).items():
            count, value = whole(cores), rate.bogo_ops_per_sec if rate else None
            if count is None or not 0 < count <= most:
                raise spoilt("unreadable", STDOUT, cores, "a number of processors", stressor)
            if value is None:
                continue
            if value <= 0:
                output.warnings.append(
                    problem("reading.zero-result", STDOUT, str(value), "a rate above 0", f"{stressor}, {cores}")
                )
                continue
            for mode, name in _modes(count, most):
                execution = replace(run, threads=mode, thread_count=count)
                metric = metric_name(stressor, name)
                output.numbers.append((execution, Measurement(TASK, metric, value, "bogo-ops/s"), STDOUT))
    if not output.numbers:
        raise spoilt("incomplete-result", STDOUT, "no rate", "a rate for at least one stressor")
    return output


def _modes(count: int, most: int) -> list[tuple[str, str]]:
    """On a machine with one processor, one is all."""
    modes = [("one", "single_core")] if count == 1 else []
    if count == most:
        modes.append(("all", "all_cores"))
    return modes or [(str(count), f"{count}_cores")]
