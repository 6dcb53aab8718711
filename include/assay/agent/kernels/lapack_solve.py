"""Solve A x = b once through a LAPACK library and print the time and the residual; a program of its own, standard library only.

The library is an OpenBLAS of the system, or the one inside numpy's or scipy's wheel, or with --vendor that of a processor maker.
It is loaded with ctypes, so what is timed is LAPACK and nothing around it: `dgetrf` and `dgetrs`, the two steps that `dgesv`
consists of, because OpenBLAS runs its own `dgesv` on one thread when there are few right-hand sides. Rules as in HPL: uniform
random numbers, one timed factorization and solve, and the scaled residual ||A x - b|| / (eps (||A|| ||x|| + ||b||) N) in the
maximum norm. A is generated again for the residual, so that N x N numbers are all the memory that a run needs.

    python lapack_solve.py --find
    python lapack_solve.py --library PATH --order 4096 --threads 2
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import importlib.util
import json
import os
import re
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

KERNEL = "assay-lapack-dgetrf"
KERNEL_VERSION = "1"
WARM_UP_ORDER = 1024
WARM_UPS = 3
TOO_SLOW = 3.0
ORDER_STEP = 256
LARGEST_RESIDUAL = 16.0
EXIT_WRONG_RESULT = 4

_UNIFORM_MINUS_ONE_TO_ONE = 2
_MATRIX_SEED = (1, 2, 3, 5)
_RIGHT_SIDE_SEED = (8, 13, 21, 35)
_BUNDLES = (("numpy", "numpy.libs"), ("scipy", "scipy.libs"))

_VENDORS = (
    ("MKL_Set_Num_Threads", "MKL_Get_Max_Threads", "MKL"),
    ("bli_thread_set_num_threads", "bli_thread_get_num_threads", "AOCL"),
    ("omp_set_num_threads", "omp_get_max_threads", "Arm PL"),
)
"""By what a library is known, and how it is told its threads; Arm PL goes by OpenMP's."""
_VENDOR_NAMES = ("libmkl_rt.so", "libflame.so", "libarmpl_lp64_mp.so")
_NEEDED_BESIDE = {"libflame.so": ("libblis-mt.so",)}
_VENDOR_PLACES = ("opt/intel/oneapi/mkl/*/lib", "opt/AMD/aocl/*/*/lib", "opt/AMD/aocl/*/*/lib_LP64", "opt/arm/armpl*/lib")


class Lapack:
    """The routines of one OpenBLAS, whatever prefix, suffix and integer width it was built with."""

    def __init__(self, path: str) -> None:
        """Load it. Raises OSError if that fails, LookupError if it is not an OpenBLAS with LAPACK in it."""
        self.path = path
        self._library = ctypes.CDLL(path)
        for prefix, suffix in (("", ""), ("scipy_", ""), ("", "64_"), ("scipy_", "64_")):
            if hasattr(self._library, f"{prefix}dgetrf_{suffix}") and hasattr(
                self._library, f"{prefix}openblas_get_config{suffix}"
            ):
                self._prefix, self._suffix = prefix, suffix
                break
        else:
            raise LookupError(f"{path}: no OpenBLAS with dgetrf")
        self.integer = ctypes.c_int64 if self._suffix else ctypes.c_int32
        self.config = self._text("openblas_get_config")
        self.core = self._text("openblas_get_corename")

    @property
    def version(self) -> str:
        """Name and version as the library states them, such as `OpenBLAS 0.3.28`."""
        found = re.match(r"OpenBLAS \d[\w.]*", self.config)
        return found.group() if found else self.config.split("  ", 1)[0]

    def describe(self) -> dict[str, str]:
        """What one has to know to load it and to say what it is."""
        return {
            "path": self.path,
            "version": self.version,
            "config": self.config,
            "core": self.core,
            "prefix": self._prefix,
            "suffix": self._suffix,
        }

    def set_threads(self, threads: int) -> None:
        """How many threads it is to use from now on."""
        self._library[f"{self._prefix}openblas_set_num_threads{self._suffix}"](ctypes.c_int(threads))

    def threads(self) -> int:
        """How many threads it uses."""
        return int(self._library[f"{self._prefix}openblas_get_num_threads{self._suffix}"]())

    def call(self, routine: str, *arguments: Any) -> None:
        """Call a Fortran subroutine; whole numbers and doubles are passed by reference, as Fortran wants them."""
        converted = [
            ctypes.byref(self.integer(value))
            if isinstance(value, int)
            else ctypes.byref(ctypes.c_double(value))
            if isinstance(value, float)
            else value
            for value in arguments
        ]
        self._function(routine)(*converted)

    def infinity_norm(self, rows: int, columns: int, matrix: Any) -> float:
        """Largest sum of magnitudes in a row of a matrix stored by columns."""
        function = self._function("dlange")
        function.restype = ctypes.c_double
        size, width = self.integer(rows), self.integer(columns)
        work = (ctypes.c_double * rows)()
        by_reference = ctypes.byref
        return float(
            function(b"I", by_reference(size), by_reference(width), matrix, by_reference(size), work, ctypes.c_size_t(1))
        )

    def fill(self, numbers: Any, count: int, seed: tuple[int, ...]) -> None:
        """The same uniform random numbers in (-1, 1) for the same seed."""
        state = (self.integer * 4)(*seed)
        step = 1 << 24
        for start in range(0, count, step):
            part = ctypes.byref(numbers, start * ctypes.sizeof(ctypes.c_double))
            self.call("dlarnv", _UNIFORM_MINUS_ONE_TO_ONE, state, min(step, count - start), part)

    def _function(self, routine: str) -> Any:
        return self._library[f"{self._prefix}{routine}_{self._suffix}"]  # a fresh object each time: its restype is its own

    def _text(self, name: str) -> str:
        function = self._library[f"{self._prefix}{name}{self._suffix}"]
        function.restype = ctypes.c_char_p
        return bytes(function()).decode("ascii", "replace").strip()


class VendorLapack(Lapack):
    """The routines of a processor maker's library: MKL, AOCL or Arm PL, with 32-bit integers."""

    def __init__(self, path: str) -> None:
        """Load it. Raises OSError if that fails, LookupError if it is none of them."""
        self.path, self._prefix, self._suffix, self.integer = path, "", "", ctypes.c_int32
        beside = [Path(path).with_name(name) for name in _NEEDED_BESIDE.get(Path(path).name, ())]
        others = [ctypes.CDLL(str(other), mode=ctypes.RTLD_GLOBAL) for other in beside]
        self._libraries = [ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL), *others]
        self._setter, self._getter, name = next(
            (known for known in _VENDORS if self._has(known[0]) and self._has("dgetrf_")), ("", "", "")
        )
        if not name:
            raise LookupError(f"{path}: no library of a processor maker with dgetrf")
        self.config, self.core = Path(path).name, "its own choice"
        self._version = f"{name} {self._stated() or 'of unknown version'}"

    @property
    def version(self) -> str:
        """The library's name and the version that it states, such as `MKL 2026.2`."""
        return self._version

    def set_threads(self, threads: int) -> None:
        """How many threads it is to use from now on."""
        self._symbol(self._setter)((ctypes.c_int64 if self._setter.startswith("bli_") else ctypes.c_int)(threads))

    def threads(self) -> int:
        """How many threads it uses."""
        return int(self._symbol(self._getter)())

    def _stated(self) -> str:
        said = ctypes.create_string_buffer(256)
        if self._has("mkl_get_version_string"):
            self._symbol("mkl_get_version_string")(said, ctypes.c_int(len(said)))
        elif self._has("armplversion"):
            parts = [ctypes.c_int() for _ in range(3)]
            self._symbol("armplversion")(*(ctypes.byref(part) for part in parts), ctypes.byref(ctypes.c_char_p()))
            said.value = ".".join(str(part.value) for part in parts).encode()
        elif self._has("bli_info_get_version_str"):
            function = self._symbol("bli_info_get_version_str")
            function.restype = ctypes.c_char_p
            said.value = bytes(function())[:255]
        found = re.search(r"\d+\.\d[\w.]*", said.value.decode("ascii", "replace"))
        return found.group() if found else ""

    def _has(self, name: str) -> bool:
        return any(hasattr(library, name) for library in self._libraries)

    def _symbol(self, name: str) -> Any:
        return next(library[name] for library in self._libraries if hasattr(library, name))

    def _function(self, routine: str) -> Any:
        return self._symbol(f"{routine}_")


def find_vendor() -> list[dict[str, str]]:
    """The first usable library of a processor maker: as the loader finds it, else where the makers install theirs."""
    places = [Path(sys.prefix) / "lib", *(place for pattern in _VENDOR_PLACES for place in sorted(Path("/").glob(pattern)))]
    for name in _VENDOR_NAMES:
        below = [str(path) for place in places for path in sorted(place.glob(f"{name}*"))]
        for path in (name, *(f"{name}.{number}" for number in (3, 2, 1)), *below):
            try:
                return [VendorLapack(path).describe()]
            except (OSError, LookupError):
                continue
    return []


def find() -> list[dict[str, str]]:
    """Every usable library, newest version first; among equals the system's before a wheel's."""
    found = []
    for path in _candidates():
        try:
            library = Lapack(path)
        except (OSError, LookupError):
            continue
        found.append(library.describe())
    return sorted(found, key=lambda entry: _version_key(entry["version"]), reverse=True)


def solve(library: Lapack, order: int) -> tuple[float, float]:
    """Seconds of one factorization and solve, and the scaled residual. Raises ArithmeticError if the matrix is singular."""
    size = order * order
    matrix = (ctypes.c_double * size)()
    solution = (ctypes.c_double * order)()
    pivots = (library.integer * order)()
    state = library.integer(0)
    info = ctypes.byref(state)
    library.fill(matrix, size, _MATRIX_SEED)
    library.fill(solution, order, _RIGHT_SIDE_SEED)
    began = time.perf_counter()
    library.call("dgetrf", order, order, matrix, order, pivots, info)
    library.call("dgetrs", b"N", order, 1, matrix, order, pivots, solution, order, info, ctypes.c_size_t(1))
    seconds = time.perf_counter() - began
    if state.value:
        raise ArithmeticError(f"dgetrf or dgetrs ended with info {state.value}; expected 0")
    right_side = (ctypes.c_double * order)()
    library.fill(matrix, size, _MATRIX_SEED)
    library.fill(right_side, order, _RIGHT_SIDE_SEED)
    norms = [library.infinity_norm(order, width, what) for width, what in ((order, matrix), (1, solution), (1, right_side))]
    library.call("dgemv", b"N", order, order, 1.0, matrix, order, solution, 1, -1.0, right_side, 1, ctypes.c_size_t(1))
    epsilon = sys.float_info.epsilon / 2  # of rounding, as HPL and LAPACK's dlamch("E") take it
    residual = library.infinity_norm(order, 1, right_side) / (epsilon * (norms[0] * norms[1] + norms[2]) * order)
    return seconds, residual


def operations(order: int) -> float:
    """Floating-point operations that a solve of this order counts for: 2/3 N^3 + 2 N^2."""
    return 2 / 3 * order**3 + 2 * order**2


def report(lines: Sequence[str]) -> str:
    """The lines and a last one with their number and CRC-32, as the C kernels print it."""
    body = "".join(f"{line}\n" for line in lines)
    return f"{body}end {KERNEL} lines {len(lines)} crc32 {zlib.crc32(body.encode()):08x}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the libraries that were found as JSON, or solve one system; 4 if the residual is too large."""
    parser = argparse.ArgumentParser(description="Time LAPACK's LU solve under the HPL rules.")
    parser.add_argument("--find", action="store_true", help="print the usable libraries as JSON, best first, and stop")
    parser.add_argument("--vendor", action="store_true", help="a library of a processor maker, not an OpenBLAS")
    parser.add_argument("--library", help="shared library to load")
    parser.add_argument("--order", type=int, default=4096, help="order N of the system")
    parser.add_argument("--threads", type=int, default=1, help="threads that the library may use")
    parser.add_argument("--seconds", type=float, default=3600.0, help="take a smaller order if this one would take much longer")
    options = parser.parse_args(arguments)
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
    if options.find:
        print(json.dumps(find_vendor() if options.vendor else find()))
        return 0
    if not options.library:
        parser.error("--library: expected the path of a shared library; --find lists them")
    library = (VendorLapack if options.vendor else Lapack)(options.library)
    order = affordable(options.order, options.threads * rate_of_one_thread(library), options.seconds)
    library.set_threads(options.threads)
    solve(library, WARM_UP_ORDER)  # wakes the threads
    seconds, residual = solve(library, order)
    passed = residual < LARGEST_RESIDUAL
    lines = [
        f"{KERNEL} {KERNEL_VERSION}",
        f"library {Path(library.path).name}",
        f"version {library.version}",
        f"config {library.config}",
        f"core {library.core}",
        f"threads {library.threads()}",
        f"order_asked {options.order}",
        f"order {order}",
        f"seconds {seconds:.9f}",
        f"scaled_residual {residual:.6e}",
        f"residual {'passed' if passed else 'failed'}",
    ]
    sys.stdout.write(report(lines))
    return 0 if passed else EXIT_WRONG_RESULT


def rate_of_one_thread(library: Lapack) -> float:
    """Operations per second in a small solve. On one thread: on several its time says more about who else is running."""
    library.set_threads(1)
    return operations(WARM_UP_ORDER) / min(solve(library, WARM_UP_ORDER)[0] for _ in range(WARM_UPS))


def affordable(order: int, rate: float, seconds: float) -> int:
    """The order, or a smaller one where at this rate (operations per second) it would take TOO_SLOW times the seconds.

    The rate comes from small solves, which are slower than large ones: a machine must be much too slow before its order changes.
    """
    if operations(order) / rate <= TOO_SLOW * seconds:
        return order
    smaller = (seconds * rate * 1.5) ** (1 / 3)
    return max(WARM_UP_ORDER, min(order, int(smaller) // ORDER_STEP * ORDER_STEP))


def _candidates() -> Iterator[str]:
    system = ctypes.util.find_library("openblas")
    if system:
        yield system
    for package, folder in _BUNDLES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        site = Path(spec.origin).parents[1]
        for place in (site / folder, site / package / ".libs", site / package / ".dylibs"):
            yield from sorted(str(path) for path in place.glob("*openblas*") if path.is_file())


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


if __name__ == "__main__":
    sys.exit(main())
