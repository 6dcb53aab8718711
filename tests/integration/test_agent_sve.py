"""The kernels that measure vectors, built for an ARM processor with SVE and run in an emulator of one: right, not fast."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from assay.agent.toolchain import FLAGS, LIBRARIES, kernel_sources
from assay.measurement import Execution
from assay.read.registry import tool_readers

pytestmark = pytest.mark.full

TARGET = ("-target", "aarch64-linux-musl", "-mcpu=neoverse_v1", "-static")


@pytest.mark.parametrize("bits", [128, 256, 512])
@pytest.mark.parametrize(
    ("kernel", "arguments"), [("vectors", ()), ("cache_bandwidth", ("--l1", "24576", "--l2", "262144"))], ids=lambda it: str(it)
)
def test_vectors_are_as_wide_as_the_processor_says(tmp_path: Path, kernel: str, arguments: tuple[str, ...], bits: int) -> None:
    emulator = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if emulator is None or find_spec("ziglang") is None:
        pytest.skip("no qemu-aarch64 on PATH, or no ziglang; install the package qemu-user")
    for name, source in kernel_sources(kernel).items():
        (tmp_path / name).write_bytes(source)
    flags = [flag for flag in FLAGS if flag != "-march=native"]
    command = [sys.executable, "-m", "ziglang", "cc", *TARGET, *flags, f"{kernel}.c", "-o", kernel, *LIBRARIES]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    processor = f"max,sve{bits}=on,sve-default-vector-length=-1"
    ran = subprocess.run(
        [emulator, "-cpu", processor, str(tmp_path / kernel), "--milliseconds", "1", "--repetitions", "1", *arguments],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, f"its results are verified by the kernel itself: {ran.stderr}"
    assert f"\nvector_bits {bits}\n" in ran.stdout
    reader = tool_readers()[f"assay-{kernel.replace('_', '-')}"]
    assert {number.unit for number in reader.read(ran.stdout, Execution(kernel, 1))} == {"GB/s"}
