"""What vector units add to a matrix product: DGEMM of an OpenBLAS on one core, with kernels for wide vectors and narrow ones.

OpenBLAS chooses its kernels once, as it is loaded, and `OPENBLAS_CORETYPE` names them; so each kind is a process of its own that
says what it was really given. Time is the thread's own time on its core. Standard library only.

    python dgemm.py --library PATH [--prefix scipy_] [--suffix 64_] --core avx512=SkylakeX --core narrow=Nehalem
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from typing import Any

KERNEL = "assay-dgemm"
ROW_MAJOR, AS_IT_IS = 101, 111
CHECKED_ENTRIES = 5
LARGEST_ERROR = 1e-10
EXIT_WRONG_RESULT = 4
CHILD_TIMEOUT_S = 120.0

_PATTERN = 1021  # numbers, repeated: a prime, so that no two rows of a matrix are the same


def time_products(library: ctypes.CDLL, prefix: str, suffix: str, order: int, repetitions: int) -> tuple[str, list[float], float]:
    """The kernels' name, seconds of each product C = A B after the first, and the largest relative error of some entries of C."""
    integer = ctypes.c_int64 if suffix else ctypes.c_int32
    library[f"{prefix}openblas_set_num_threads{suffix}"](ctypes.c_int(1))
    name_of = library[f"{prefix}openblas_get_corename{suffix}"]
    name_of.restype = ctypes.c_char_p
    size = order * order
    left, right, product = _matrix(1, size), _matrix(2, size), (ctypes.c_double * size)()
    n, one, zero = integer(order), ctypes.c_double(1.0), ctypes.c_double(0.0)
    multiply = library[f"{prefix}cblas_dgemm{suffix}"]
    times = []
    for _ in range(repetitions + 1):
        began = time.thread_time()
        multiply(
            ctypes.c_int(ROW_MAJOR),
            ctypes.c_int(AS_IT_IS),
            ctypes.c_int(AS_IT_IS),
            n,
            n,
            n,
            one,
            left,
            n,
            right,
            n,
            zero,
            product,
            n,
        )
        times.append(time.thread_time() - began)
    chosen, error = random.Random(3), 0.0  # noqa: S311
    for _ in range(CHECKED_ENTRIES):
        row, column = chosen.randrange(order), chosen.randrange(order)
        wanted = sum(left[row * order + k] * right[k * order + column] for k in range(order))
        error = max(error, abs(product[row * order + column] - wanted) / max(1.0, abs(wanted)))
    return bytes(name_of()).decode("ascii", "replace"), times[1:], error


def _matrix(seed: int, size: int) -> Any:
    numbers = random.Random(seed)  # noqa: S311 - the same matrix each time
    pattern = [numbers.uniform(-1.0, 1.0) for _ in range(_PATTERN)]
    return (ctypes.c_double * size)(*(pattern * (size // _PATTERN + 1))[:size])


def _in_a_child(arguments: Sequence[str], core: str) -> dict[str, Any]:
    """What a process whose OpenBLAS was told to take these kernels says. Raises subprocess.SubprocessError where it fails."""
    environment = {**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--child", *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=CHILD_TIMEOUT_S, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a report: each kind of kernels that the library really has, and its times; 4 where a product is wrong."""
    parser = argparse.ArgumentParser(description="Time OpenBLAS' DGEMM with kernels of several vector widths.")
    parser.add_argument("--library", required=True, help="an OpenBLAS")
    parser.add_argument("--prefix", default="", help="of its symbols")
    parser.add_argument("--suffix", default="", help="of its symbols; with one its integers have 64 bits")
    parser.add_argument("--order", type=int, default=768, help="rows and columns of the matrices")
    parser.add_argument("--repetitions", type=int, default=3, help="products that are timed")
    parser.add_argument(
        "--core", action="append", default=[], metavar="LABEL=CORE", help="kernels to time, and what to call them"
    )
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        library = ctypes.CDLL(options.library)
        name, times, error = time_products(library, options.prefix, options.suffix, options.order, options.repetitions)
        print(json.dumps({"core": name, "times": times, "error": error}))
        return 0
    given = [f"--{name}={getattr(options, name)}" for name in ("library", "prefix", "suffix", "order", "repetitions")]
    kinds: list[tuple[str, list[float]]] = []
    lines, worst = [f"{KERNEL} 1", f"order {options.order}", f"repetitions {options.repetitions}"], 0.0
    for label, _, core in (text.partition("=") for text in options.core):
        try:
            found = _in_a_child(given, core)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            print(f"{label}: {core}: {error}", file=sys.stderr)
            continue
        if found["core"].lower() != core.lower():
            print(f"{label}: asked for {core}, the library took {found['core']}: left out", file=sys.stderr)
            continue
        kinds.append((label, found["times"]))
        lines.append(f"kernels {label} {found['core']}")
        worst = max(worst, found["error"])
    lines += [f"largest_error {worst:.3e}", "columns time kernels repetition core_s"]
    lines += [f"time {label} {number} {seconds:.9f}" for label, times in kinds for number, seconds in enumerate(times)]
    body = "".join(f"{line}\n" for line in lines)
    sys.stdout.write(f"{body}end {KERNEL} lines {len(lines)} crc32 {zlib.crc32(body.encode()):08x}\n")
    return 0 if kinds and worst <= LARGEST_ERROR else EXIT_WRONG_RESULT


if __name__ == "__main__":
    sys.exit(main())
