"""The theoretical peak: known where cores, measured clock and vector unit are, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from assay.dataset.peak import flop_per_cycle, theoretical_peak, with_efficiency

CLOCK = {"value": 2.8, "unit": "GHz"}


def machine(architecture: str, unit: str | None, processor: str | None = None, **more: Any) -> dict[str, Any]:
    return {"architecture": architecture, "vector_unit": unit, "processor": processor, **more}


@pytest.mark.parametrize(
    ("known", "flop"),
    [
        (machine("intel", "avx512f", "Intel(R) Xeon(R) Platinum 8488C"), 32),
        (machine("intel", "avx2", "Intel Xeon E5-2666 v3 (Haswell)"), 16),
        (machine("intel", "avx512f", "Intel Something New"), None),
        (machine("amd", "avx512f", "AMD EPYC", cpu_family="25", cpu_model="17"), 16),
        (machine("amd", "avx512f", "AMD EPYC, 5th generation (Turin)"), 32),
        (machine("amd", "avx512f", "AMD EPYC 9R14"), 16),
        (machine("amd", "avx2", "AMD EPYC 7R32"), 16),
        (machine("amd", "avx2", None, cpu_family="23", cpu_model="1"), 8),
        (machine("amd", "avx2", None, cpu_family="23", cpu_model="49"), 16),
        (machine("graviton", "sve2", "AWS Graviton4"), 16),
        (machine("graviton", "asimd", "AWS Graviton2"), 8),
        (machine("graviton", "sve", None), None),
        (machine("other", "avx2", "Xeon"), None),
        (machine("intel", None, "Xeon"), None),
    ],
)
def test_operations_per_cycle_are_those_of_the_table_or_unknown(known: dict[str, Any], flop: int | None) -> None:
    assert flop_per_cycle(known) == flop


def test_the_peak_needs_cores_clock_and_unit() -> None:
    whole = machine("intel", "avx512f", "Xeon", physical_cores=1)
    assert theoretical_peak(whole, CLOCK) == pytest.approx(89.6)
    assert theoretical_peak(whole, None) is None
    assert theoretical_peak(whole, {"value": 2800.0, "unit": "MHz"}) is None
    assert theoretical_peak(machine("intel", "avx512f", "Xeon"), CLOCK) is None
    assert theoretical_peak(machine("intel", "avx512f", "Nothing", physical_cores=1), CLOCK) is None


def test_efficiency_is_percent_of_the_peak_and_a_refuted_peak_is_left_out() -> None:
    gflops = {"value": 42.3, "unit": "GFLOPS"}
    assert with_efficiency(gflops, 89.6) == {
        **gflops,
        "theoretical_peak": 89.6,
        "efficiency_percent": pytest.approx(47.2, abs=0.05),
    }
    assert with_efficiency(gflops, 40.0) == gflops
    assert with_efficiency(gflops, None) == gflops
