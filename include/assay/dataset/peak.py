"""Theoretical peak of a machine, where everything that it depends on was measured or reported.

theoretical_peak = physical cores x sustained clock (measured) x FLOP per cycle of the widest vector unit that the processor
reports.

FLOP per cycle counts double precision: lanes x 2 (a fused multiply-add is two operations) x vector pipes that execute it.
The number of pipes is not reported by any processor; the table below takes it from the makers' optimization manuals and
Agner Fog's "The microarchitecture of Intel, AMD and VIA CPUs". A processor that the table does not know has no peak.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.dataset.encode import rounded
from assay.dataset.quantity import Quantity


@dataclass(frozen=True)
class VectorUnit:
    """What a core does in a cycle with a vector unit. `processor`: pattern of its name; `families`: the CPU families it is of.

    A machine matches by name or by family; families and models are decimal, as the system reports them.
    """

    architecture: str
    unit: str
    flop_per_cycle: int
    processor: str | None = None
    families: tuple[str, ...] = ()
    models: range = range(256)

    def matches(self, machine: Mapping[str, Any]) -> bool:
        """Whether a machine, by its published metadata, has this unit."""
        if machine.get("architecture") != self.architecture or machine.get("vector_unit") != self.unit:
            return False
        if machine.get("cpu_family") in self.families:
            return int(machine.get("cpu_model", "-1")) in self.models
        return self.processor is not None and re.search(self.processor, str(machine.get("processor", ""))) is not None


VECTOR_UNITS = (
    VectorUnit("intel", "avx512f", 32, r"Xeon"),  # 8 lanes x 2 x 2 pipes, server cores since Skylake-SP
    VectorUnit("intel", "avx2", 16, r"Xeon|Core"),  # 4 lanes x 2 x 2 pipes, since Haswell
    VectorUnit("intel", "avx", 8, r"Xeon|Core"),  # 4 lanes, one addition and one multiplication a cycle
    VectorUnit("amd", "avx512f", 32, r"EPYC 9\w\w5|Turin", ("26",)),  # Zen 5: two full-width pipes
    VectorUnit("amd", "avx512f", 16, r"EPYC [89]\w\w4|EPYC 9R14|Genoa|Siena", ("25",)),  # Zen 4: two passes of 256-bit pipes
    VectorUnit("amd", "avx2", 16, r"EPYC 7\w\w3|EPYC 7R13|Milan", ("25",)),  # Zen 3: 4 lanes x 2 x 2 pipes
    VectorUnit("amd", "avx2", 16, r"EPYC 7\w\w2|EPYC 7R32|Rome", ("23",), range(0x30, 256)),  # Zen 2: the same
    VectorUnit("amd", "avx2", 8, r"EPYC 7\w\w1|Naples", ("23",), range(0x30)),  # Zen: two passes of 128-bit pipes
    VectorUnit("graviton", "sve2", 16, r"Graviton4"),  # Neoverse V2: 2 lanes x 2 x 4 pipes
    VectorUnit("graviton", "sve", 16, r"Graviton3"),  # Neoverse V1: 4 lanes x 2 x 2 pipes
    VectorUnit("graviton", "asimd", 8, r"Graviton2"),  # Neoverse N1: 2 lanes x 2 x 2 pipes
)


def flop_per_cycle(machine: Mapping[str, Any]) -> int | None:
    """Double-precision operations per cycle of one core; None if the table does not know the machine's published metadata."""
    return next((known.flop_per_cycle for known in VECTOR_UNITS if known.matches(machine)), None)


def theoretical_peak(machine: Mapping[str, Any], clock: Quantity | None) -> float | None:
    """Peak in GFLOPS; None if cores, clock (a quantity in GHz) or operations per cycle are not known."""
    cores, flop = machine.get("physical_cores"), flop_per_cycle(machine)
    if cores is None or flop is None or clock is None or clock["unit"] != "GHz":
        return None
    return rounded(cores * clock["value"] * flop)


def with_efficiency(gflops: Quantity, peak: float | None) -> Quantity:
    """The quantity with `theoretical_peak` and `efficiency_percent`.

    A peak under what was measured is refuted by the measurement, so it is left out.
    """
    if peak is None or peak < gflops["value"]:
        return gflops
    return {**gflops, "theoretical_peak": peak, "efficiency_percent": rounded(100 * gflops["value"] / peak)}
