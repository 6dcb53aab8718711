"""What the agent reports, beside programs of the kind that people write themselves, on the same host in the same minute.

STREAM triad: the agent's kernel against an OpenMP program compiled with `-O3 -march=native -fopenmp`, arrays of the same size,
the same number of passes, the best of each. LU solve: the agent's solver against LAPACK `dgesv` through scipy and through numpy,
the better of the two, at the same order and number of threads.

Runs are interleaved, the order within a round alternates, and what counts is the median of the paired ratios: on a shared machine
single runs differ by a factor of two.

    python benchmarks/agent.py --rounds 7
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from assay.agent.machine import Machine
from assay.agent.profile import profile_machine
from assay.agent.tool import Run
from assay.agent.toolchain import Workshop
from assay.agent.tools import all_tools
from assay.measurement import Execution
from assay.read.registry import tool_readers

PEERS = Path(__file__).resolve().parent / "peers"
LEAST = {"stream": 0.95, "hpl": 0.90}
"""The least ratios that the project asks of itself."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="paired runs of each (7)")
    parser.add_argument(
        "--tool-seconds", type=float, default=3.0, help="time that a tool of the agent may take (3, as by default)"
    )
    parser.add_argument("--only", choices=sorted(LEAST), help="only this tool")
    options = parser.parse_args()
    profile = profile_machine()
    print(f"{profile['cpu'].get('model_name')}, {profile['cpu']['usable_cpus']} cores, load {profile['load'].get('average_1m')}")
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder))
        machine = Machine.of(profile)
        for name in [options.only] if options.only else sorted(LEAST):
            for run in all_tools()[name].plan(machine, workshop, options.tool_seconds):
                peer = _triad_peer(Path(folder), run) if name == "stream" else _dgesv_peer(workshop, run)
                _compare(run, workshop, peer, options.rounds)


def _compare(run: Run, workshop: Workshop, peer: Callable[[], dict[str, float]], rounds: int) -> None:
    unit = "GB/s" if run.tool == "stream" else "GFLOPS"
    print(
        f"\n{run.tool}, threads {run.threads} ({run.thread_count}): {run.implementation} {run.version}, size {run.problem_size}"
    )
    ratios = []
    for number in range(rounds):
        if number % 2:
            others, ours = peer(), _ours(run, workshop)
        else:
            ours, others = _ours(run, workshop), peer()
        ratios.append(ours / max(others.values()))
        shown = ", ".join(f"{name} {value:.2f}" for name, value in others.items())
        print(f"  round {number + 1}: agent {ours:.2f} {unit}, {shown}: ratio {ratios[-1]:.3f}", flush=True)
    found = median(ratios)
    least = f"asked for at least {LEAST[run.tool]:.2f}: {'yes' if found >= LEAST[run.tool] else 'NO'}"
    print(f"  median of {rounds} paired ratios: {found:.3f} (from {min(ratios):.3f} to {max(ratios):.3f}); {least}")


def _ours(run: Run, workshop: Workshop) -> float:
    """What the agent's reader makes of one run."""
    environment = workshop.environment(run.environment)
    result = subprocess.run(run.command, env=environment, capture_output=True, text=True, timeout=run.timeout_s, check=True)
    context = Execution(tool=run.tool, execution=1)
    metric = "triad_bandwidth" if run.tool == "stream" else "gflops"
    values = [
        number.value
        for number in tool_readers()[run.implementation].read(result.stdout, context)
        if number.metric == metric and number.iteration is None
    ]
    return values[0]


def _triad_peer(folder: Path, run: Run) -> Callable[[], dict[str, float]]:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("the peer needs a compiler with OpenMP: install gcc")
    words = dict(zip(run.command[1::2], run.command[2::2], strict=True))
    program = folder / "triad_openmp"
    flags = ["-O3", "-march=native", "-fopenmp", "-mcmodel=medium", f"-DN={words['--elements']}"]
    subprocess.run([compiler, *flags, str(PEERS / "triad_openmp.c"), "-o", str(program)], check=True)

    def measure() -> dict[str, float]:
        environment = {**os.environ, "OMP_NUM_THREADS": str(run.thread_count)}
        command = [str(program), words["--iterations"]]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return {"OpenMP": float(result.stdout.split()[0])}

    return measure


def _dgesv_peer(workshop: Workshop, run: Run) -> Callable[[], dict[str, float]]:
    def measure() -> dict[str, float]:
        environment = workshop.environment({"OPENBLAS_NUM_THREADS": str(run.thread_count)})
        command = [sys.executable, str(PEERS / "dgesv.py"), str(run.problem_size)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        measured: dict[str, float] = json.loads(result.stdout)
        return measured

    return measure


if __name__ == "__main__":
    main()
