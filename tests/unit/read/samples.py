"""Recorded outputs and what a reader is told about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.measurement import Execution
from assay.read.registry import ToolReader, tool_readers

DATA = Path(__file__).resolve().parents[2] / "data"


@dataclass(frozen=True)
class Sample:
    """A real output, the program that printed it, and its execution."""

    path: str
    tool: str
    context: Execution

    @property
    def raw(self) -> str:
        return (DATA / self.path).read_text(encoding="utf-8")

    @property
    def reader(self) -> ToolReader:
        return tool_readers()[self.tool]


def _sample(path: str, tool: str, **details: object) -> Sample:
    return Sample(path, tool, Execution(tool=tool, execution=1, details=details))


SAMPLES = [
    _sample("assay_stream/all.txt", "assay-stream"),
    _sample("assay_stream/one.txt", "assay-stream"),
    _sample("assay_core_clock/all.txt", "assay-core-clock"),
    _sample("assay_core_clock/one.txt", "assay-core-clock"),
    _sample("assay_latency/sweep.txt", "assay-latency"),
    _sample("assay_vectors/one.txt", "assay-vectors"),
    _sample("assay_cache_bandwidth/one.txt", "assay-cache-bandwidth"),
    _sample("assay_dgemm/one.txt", "assay-dgemm"),
    _sample("assay_numa/one-node.txt", "assay-numa"),
    _sample("vendor_dgetrf/mkl-all.txt", "vendor-dgetrf"),
    _sample("lapack_dgetrf/all.txt", "lapack-dgetrf"),
    _sample("lapack_dgetrf/one.txt", "lapack-dgetrf"),
    _sample("hpcc/two-processes.hpccoutf.txt", "hpcc", llc_bytes=1 << 20),
    _sample("hpcc/one-process.hpccoutf.txt", "hpcc", llc_bytes=32 << 20),
    _sample("stress_ng/ptr-chase-l2.txt", "stress-ng", level="l2"),
    _sample("stress_ng/ptr-chase-l3.txt", "stress-ng", level="l3"),
    _sample("stress_ng/ptr-chase-dram.txt", "stress-ng", level="dram"),
    _sample("stress_ng/ptr-chase-2-instances.txt", "stress-ng", level="l2"),
]
OURS = [sample for sample in SAMPLES if sample.tool.startswith(("assay-", "lapack-", "vendor-"))]
