"""bw_mem of lmbench -> bandwidth by operation and working set. Format: bw_mem(8); one `<operation> <MB> <MB/s>` a line.

MB are 10^6 bytes, as lmbench counts. The task runs one process for every processor and tries the same sizes for each operation; a
machine without the memory for the largest lacks them, for every operation alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from assay.measurement import Execution, Measurement
from assay.read.sources.spare_cores.output import STDOUT, Output, number, spoilt, text

TASK = "bw_mem"
IMPLEMENTATION = "bw_mem"

_OPERATIONS = {"rd": "read", "wr": "write", "rdwr": "read_write"}
_SIZES = (16_384, 262_144, *(size * 10**6 for size in (1, 2, 4, 8, 16, 32, 64, 256, 512)))
_ROW = re.compile(r"(rd|wr|rdwr) (\d{1,6}\.\d{1,6}) (\d{1,12}(?:\.\d{1,6})?)")


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """MB/s for each operation and size. Spoilt: a line that is no row (a crash among the rows), a cut, or sizes that differ."""
    output = Output(replace(run, threads="all"))
    sizes: dict[str, list[int]] = {name: [] for name in _OPERATIONS}
    *table, rest = text(files).split("\n")
    for count, line in enumerate(table, start=1):
        row = _ROW.fullmatch(line.rstrip("\r"))
        rate = number(row[3]) if row else None
        if row is None or not rate:
            raise spoilt("interleaved-output", STDOUT, line, "`<rd, wr or rdwr> <MB> <MB/s>`", f"line {count}")
        size = round(float(row[2]) * 10**6)
        sizes[row[1]].append(size)
        metric = f"{_OPERATIONS[row[1]]}_bandwidth_{_shown(size)}"
        output.numbers.append((output.run, Measurement("bw_mem", metric, rate, "MB/s", problem_size=size), STDOUT))
    if rest:
        raise spoilt("truncated-output", STDOUT, rest, "a whole line", "last line")
    for operation, tried in sizes.items():
        if tried != sizes["rd"] or tuple(tried) != _SIZES[: len(tried)] or not tried:
            raise spoilt("truncated-output", STDOUT, f"{len(tried)} sizes", "the same sizes for every operation", operation)
    return output


def _shown(size: int) -> str:
    return f"{size // 10**6}mb" if size % 10**6 == 0 else f"{size // 1024}kib"
