"""openssl speed -mr -multi -> bytes per second by algorithm and block size. Format: openssl-speed(1), and the harness's
`parsed.json`.

In stdout the lines that count start with `+F:`: the sum over all processes. The `Got: +F:` of each process and the lines of raw
counts between them are not results. `parsed.json` holds the same sums; where both are there, they must agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from assay.measurement import Execution, Measurement
from assay.read.claims import problem
from assay.read.sources.spare_cores.output import STDOUT, Output, metric_name, number, spoilt, text

TASK = "openssl"
IMPLEMENTATION = "openssl speed"
PARSED = "parsed.json"

_SIZES = re.compile(r"\+H:(\d{1,9}(?::\d{1,9}){0,30})(?: from \d+)?\r?$", re.MULTILINE)
_SUM = re.compile(r"\+F:\d{1,6}:([^:]{1,60}):([\d.:]{1,1000})")
_MAX_ROWS = 2_000

Speeds = dict[tuple[str, int], float]


class _Row(msgspec.Struct):
    algo: str
    block_size: int
    speed: float


_ROWS = msgspec.json.Decoder(list[_Row])


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """Bytes per second of all processes together. Spoilt: an algorithm without its sum, or with other block sizes than the
    rest."""
    output = Output(replace(run, threads="all"))
    printed = _printed(text(files)) if STDOUT in files else None
    parsed = _parsed(files[PARSED]) if PARSED in files else None
    speeds, file = (parsed, PARSED) if parsed is not None else (printed, STDOUT)
    if speeds is None:
        raise spoilt("missing-file", STDOUT, f"neither {STDOUT} nor {PARSED}", "the output of the task")
    _check_whole(speeds, file)
    if parsed is not None and printed is None:
        output.warnings.append(problem("reading.output-left-out", STDOUT, "no such file", f"what {PARSED} was made from"))
    elif parsed is not None and printed is not None and parsed != printed:
        differing = sorted(set(parsed.items()) ^ set(printed.items()))
        output.warnings.append(problem("reading.outputs-disagree", PARSED, f"{differing[:2]}", f"the sums in {STDOUT}"))
    for (algorithm, size), speed in speeds.items():
        name = metric_name(algorithm, f"{size}b")
        output.numbers.append((output.run, Measurement("openssl", name, speed, "bytes/s", problem_size=size), file))
    return output


def _parsed(raw: bytes) -> Speeds:
    try:
        rows = _ROWS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise spoilt("unreadable", PARSED, str(error)[:160], "a list of algo, block_size and speed") from None
    if len(rows) > _MAX_ROWS or any(row.speed <= 0 or not 0 < row.block_size < 2**31 for row in rows):
        raise spoilt("unreadable", PARSED, f"{len(rows)} rows", f"at most {_MAX_ROWS}, each with a speed above 0")
    return {(row.algo, row.block_size): row.speed for row in rows}


def _printed(content: str) -> Speeds:
    """The sum of every `ALGO:` section. On large machines the processes' own lines run into one another; the sum comes after
    them."""
    sizes = Counter(_SIZES.findall(content)).most_common(1)
    blocks = [int(size) for size in sizes[0][0].split(":")] if sizes else []
    speeds: Speeds = {}
    _, *sections = content.split("ALGO:")
    for section in sections:
        sums = [found for line in section.split("\n") if (found := _SUM.fullmatch(line.rstrip("\r")))]
        rates = [number(rate) for rate in sums[-1][2].split(":")] if sums else []
        if not rates or len(rates) != len(blocks):
            named = section[:60].strip(" -")
            raise spoilt(
                "truncated-output", STDOUT, f"ALGO: {named}", f"a line `+F:` with {len(blocks)} sums", "section without its sum"
            )
        for size, rate in zip(blocks, rates, strict=True):
            if not rate or rate < 0:
                raise spoilt("interleaved-output", STDOUT, sums[-1][0], "bytes per second above 0", "sum")
            speeds[(sums[-1][1], size)] = rate
    return speeds


def _check_whole(speeds: Speeds, file: str) -> None:
    by_algorithm: dict[str, set[int]] = {}
    for algorithm, size in speeds:
        by_algorithm.setdefault(algorithm, set()).add(size)
    every = set().union(*by_algorithm.values())
    for algorithm, sizes in by_algorithm.items():
        if sizes != every:
            raise spoilt("truncated-output", file, f"{len(sizes)} block sizes", f"{len(every)}", algorithm)
    if not every:
        raise spoilt("incomplete-result", file, "no row", "a speed for every algorithm and block size")
