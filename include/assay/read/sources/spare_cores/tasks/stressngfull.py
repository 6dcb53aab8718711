"""stress-ng's integer division on a rising number of processors -> operations per second. Format: `<processors>,<bogo ops/s>` a
line.

The last line is all processors of the machine; the best need not be the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from msgspec.structs import replace

from assay.measurement import Execution, Measurement
from assay.read.sources.spare_cores.output import STDOUT, Output, lines, number, spoilt, whole
from assay.reference import catalogue

TASK = "stressngfull"
IMPLEMENTATION = "stress-ng"

_BENCHMARK, _UNIT = "stressngfull", "bogo-ops/s"


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """One processor, all processors, the best of the steps, and every step as an iteration.

    Spoilt: a line that is no row, processors that do not rise, or fewer at the end than the machine has.
    """
    rows = [_row(line, count) for count, line in enumerate(lines(files), start=1)]
    if rows[0][0] != 1 or any(after[0] <= before[0] for before, after in pairwise(rows)):
        steps = ", ".join(str(processors) for processors, _ in rows[:20])
        raise spoilt("interleaved-output", STDOUT, steps, "1, then more at every line", "processors")
    known = catalogue.lookup(instance_type)
    if known is not None and rows[-1][0] < known.vcpus:
        raise spoilt("truncated-output", STDOUT, rows[-1][0], f"{known.vcpus}, all processors", "processors of the last line")
    best = max(rows, key=lambda row: row[1])
    output = Output(run, proven=known is not None)
    for threads, metric, (processors, rate) in (
        ("one", "single_core", rows[0]),
        ("all", "all_cores", rows[-1]),
        ("all", "best", best),
    ):
        execution = replace(run, threads=threads, thread_count=processors)
        output.numbers.append((execution, Measurement(_BENCHMARK, metric, rate, _UNIT), STDOUT))
    for step, (processors, rate) in enumerate(rows):
        execution = replace(run, threads=str(processors), thread_count=processors)
        output.numbers.append((execution, Measurement(_BENCHMARK, "scaling", rate, _UNIT, iteration=step), STDOUT))
    return output


def _row(line: str, count: int) -> tuple[int, float]:
    processors, _, rate = line.partition(",")
    cores, value = whole(processors), number(rate)
    if not cores or value is None or value <= 0:
        raise spoilt("interleaved-output", STDOUT, line, "`<processors>,<operations per second>`", f"line {count}")
    return cores, value
