"""What each tool would run: sizes by the rules, and under another name where the machine does not allow them."""

from __future__ import annotations

import math
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from assay.agent.machine import Machine
from assay.agent.probe.memory import Node, numa_nodes
from assay.agent.tool import ALL, ONE, Missing
from assay.agent.toolchain import Workshop
from assay.agent.tools import all_tools, chosen_tools, dgemm
from assay.agent.tools._hpcc import name_blas
from assay.agent.tools._hpcc import order_for as hpcc_order_for
from assay.agent.tools._hpl_input import hpcc_input, process_grid
from assay.agent.tools._lapack import order_for
from assay.agent.tools.cache_bandwidth import level_bytes
from assay.agent.tools.latency import level_sizes, working_sets
from assay.agent.tools.numa import farthest_pair, run_for
from assay.agent.tools.stream import LEAST_ARRAY_BYTES, array_bytes
from assay.errors import AssayError
from assay.measurement import Execution
from assay.read.tools import assay_numa
from hypothesis import given
from hypothesis import strategies as st

HOST = Machine(
    cpus=2,
    l1d_bytes=32 << 10,
    l2_bytes=1 << 20,
    l3_bytes=32 << 20,
    llc_total_bytes=32 << 20,
    line_bytes=64,
    memory_bytes=24 << 30,
    numa_nodes=1,
    huge_pages=True,
    vector_bits=512,
    architecture="x86_64",
    caches_known=True,
)


def _machine(**other: object) -> Machine:
    return Machine(**{**HOST.__dict__, **other})  # type: ignore[arg-type]


machines = st.builds(
    lambda cpus, l1, ratio2, ratio3, sockets, memory, known, bits: _machine(
        cpus=cpus,
        l1d_bytes=l1,
        l2_bytes=l1 * ratio2,
        l3_bytes=l1 * ratio2 * ratio3 if ratio3 else None,
        llc_total_bytes=l1 * ratio2 * max(1, ratio3) * sockets,
        memory_bytes=memory,
        caches_known=known,
        vector_bits=bits,
    ),
    st.integers(1, 512),
    st.sampled_from([16 << 10, 32 << 10, 48 << 10, 64 << 10, 128 << 10]),
    st.sampled_from([4, 8, 16, 32, 64]),
    st.sampled_from([0, 2, 4, 16, 32, 256]),
    st.integers(1, 8),
    st.integers(256 << 20, 24 << 40),
    st.booleans(),
    st.sampled_from([64, 128, 256, 512, 2048]),
)
budgets = st.floats(0.05, 600)


def test_the_tools_are_those_in_the_room() -> None:
    assert list(all_tools()) == [
        *("cache_bandwidth", "core_clock", "dgemm", "hpl", "hpl_mkl", "latency", "numa", "stream", "stress_ng", "vectors")
    ]
    assert [tool.NAME for tool in chosen_tools(["stream", "hpl", "stream"])] == ["stream", "hpl"]
    with pytest.raises(AssayError, match="geekbench; expected some of cache_bandwidth"):
        chosen_tools(["stream", "geekbench"])


@pytest.mark.parametrize(
    ("machine", "seconds", "size", "policy"),
    [
        (HOST, 3, 128 << 20, "4x-llc"),
        (_machine(llc_total_bytes=480 << 20), 3, 360_001_536, "variant-time"),
        (_machine(llc_total_bytes=480 << 20), 60, 4 * (480 << 20), "4x-llc"),
        (_machine(memory_bytes=320 << 20), 3, 64 << 20, "variant-memory"),
        (_machine(caches_known=False), 3, 128 << 20, "variant-unknown-llc"),
    ],
)
def test_stream_arrays_are_four_times_the_caches_or_a_variant_that_says_why(
    machine: Machine, seconds: float, size: int, policy: str
) -> None:
    assert array_bytes(machine, seconds) == (size, policy)


@given(machines, budgets)
def test_stream_arrays_of_any_machine_conform_or_say_that_they_do_not(machine: Machine, seconds: float) -> None:
    size, policy = array_bytes(machine, seconds)
    assert size % 4096 == 0
    assert size <= max(machine.memory_bytes // 5 + 4096, LEAST_ARRAY_BYTES)
    if not policy.startswith("variant"):
        assert size >= 4 * machine.llc_total_bytes


@given(machines, budgets)
def test_working_sets_of_any_machine_rise_in_whole_lines_and_each_level_is_one_of_them(machine: Machine, seconds: float) -> None:
    sizes, policy = working_sets(machine, seconds)
    assert sizes == sorted(set(sizes))
    assert all(size % machine.line_bytes == 0 and size >= 2 * machine.line_bytes for size in sizes)
    assert sizes[0] == machine.l1d_bytes // 2
    assert len(sizes) <= 200
    levels = level_sizes(machine, sizes)
    assert set(levels.values()) <= set(sizes)
    assert list(levels.values()) == sorted(set(levels.values()))
    assert levels["l1"] <= machine.l1d_bytes
    if "l2" in levels:
        assert machine.l1d_bytes < levels["l2"] <= machine.l2_bytes
    if "l3" in levels:
        assert machine.l3_bytes is not None
        assert machine.l2_bytes < levels["l3"] <= machine.l3_bytes
    if "dram" in levels:
        assert levels["dram"] >= 2 * machine.llc_bytes
    if not policy.startswith("variant"):
        assert sizes[-1] >= 4 * machine.llc_bytes - machine.line_bytes


def test_this_kind_of_host_measures_all_four_levels() -> None:
    sizes, policy = working_sets(HOST, 3)
    assert policy == "sweep-4x-llc"
    assert level_sizes(HOST, sizes) == {"l1": 16 << 10, "l2": 512 << 10, "l3": 8 << 20, "dram": 128 << 20}


@given(machines, budgets, st.booleans())
def test_the_matrix_of_any_machine_fits_its_memory(machine: Machine, seconds: float, all_cores: bool) -> None:
    order, policy = order_for(machine, machine.cpus if all_cores else 1, seconds)
    assert order >= 1024
    assert 8 * order**2 <= 0.8 * machine.memory_bytes or order == 1024
    assert policy == "memory-80" or policy.startswith("time-")
    blocks, _ = hpcc_order_for(machine, seconds)
    assert blocks % 192 == 0


def test_the_order_does_not_depend_on_a_trial_run() -> None:
    assert order_for(HOST, 2, 3) == order_for(HOST, 2, 3) == (5376, "time-3s")
    assert order_for(HOST, 1, 3) == (4096, "time-3s")
    assert order_for(_machine(memory_bytes=64 << 20), 2, 3) == (2560, "memory-80")


@given(st.integers(1, 4096))
def test_the_process_grid_of_hpl_holds_every_process_and_is_as_square_as_can_be(processes: int) -> None:
    rows, columns = process_grid(processes)
    assert rows * columns == processes
    assert rows <= columns
    assert not any(processes % other == 0 for other in range(rows + 1, math.isqrt(processes) + 1))


def test_the_input_of_hpcc_names_one_problem() -> None:
    lines = hpcc_input(2304, 6).decode().splitlines()
    assert [line.split()[0] for line in lines[4:12]] == ["1", "2304", "1", "192", "0", "1", "2", "3"]
    assert len(lines) == 36


@pytest.mark.parametrize(
    ("libraries", "name"),
    [
        (
            {
                "libblas.so.3": "/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3",
                "libopenblas.so.0": "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so",
            },
            "OpenBLAS 0.3.21",
        ),
        ({"libblas.so.3": "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0"}, "reference BLAS 3.11.0"),
        ({"libblas.so.3": "/opt/vendor/libblas.so.3"}, "unknown BLAS"),
        ({}, "unknown BLAS"),
    ],
)
def test_hpcc_is_named_with_the_blas_that_it_is_linked_with(libraries: dict[str, str], name: str) -> None:
    assert name_blas(libraries) == name


def test_every_run_of_a_tool_says_how_its_size_was_chosen_and_has_a_time_limit(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    for name in ("stream", "latency", "core_clock", "vectors", "cache_bandwidth"):
        for run in all_tools()[name].plan(HOST, workshop, 3):
            assert run.tool == name
            assert run.threads in (ALL, ONE)
            assert run.thread_count == (2 if run.threads == ALL else 1)
            assert run.size_policy
            assert run.timeout_s < 120
            assert run.build is not None
            assert run.build.program.is_file()


@given(machines)
def test_the_arrays_of_each_level_of_any_machine_fit_it_and_not_the_level_before(machine: Machine) -> None:
    sizes = level_bytes(machine)
    bounds = {
        "l1": (0, machine.l1d_bytes),
        "l2": (machine.l1d_bytes, machine.l2_bytes),
        "l3": (machine.l2_bytes, machine.l3_bytes),
    }
    assert "l1" in sizes
    for level, size in sizes.items():
        above, most = bounds[level]
        assert most is not None
        assert above < size <= most


def node(number: int, cpus: tuple[int, ...], *distances: int, memory: int | None = 1 << 34) -> Node:
    return Node(number, cpus, memory, distances)


TWO = [node(0, (0, 1), 10, 21), node(1, (2, 3), 21, 10)]


@pytest.mark.parametrize(
    ("nodes", "usable", "pair"),
    [
        (TWO, {0, 1, 2, 3}, (0, (0, 1), 1)),
        (TWO, {1, 2, 3}, (0, (1,), 1)),
        (TWO, {3}, (1, (3,), 0)),
        ([node(0, (0,), 10, 12, 32), node(1, (1,), 12, 10, 32), node(2, (2,), 32, 32, 10)], {0, 1, 2}, (0, (0,), 2)),
        ([node(0, (0,), 10, 20, 40), node(1, (), 20, 10, 40), node(2, (1,), 40, 40, 10, memory=0)], {0, 1}, (0, (0,), 1)),
    ],
)
def test_numa_takes_the_usable_cores_of_a_node_and_the_farthest_memory(
    nodes: list[Node], usable: set[int], pair: tuple[int, tuple[int, ...], int]
) -> None:
    near, far = farthest_pair(nodes, usable)
    assert (near.number, near.cpus, far.number) == pair


@pytest.mark.parametrize("nodes", [[], [node(0, (0, 1), 10)], [node(0, (0,), 10, 20), node(1, (1,), 20, 10, memory=0)]])
def test_numa_does_not_apply_where_no_memory_is_remote(nodes: list[Node]) -> None:
    with pytest.raises(Missing, match=r"not applicable.*no remote memory"):
        farthest_pair(nodes, {0, 1})


def test_nodes_are_read_as_the_kernel_lists_them(tmp_path: Path) -> None:
    place = tmp_path / "sys/devices/system/node"
    for number, cpus in ((0, "0-1,4-5"), (1, "2-3,6-7")):
        (place / f"node{number}").mkdir(parents=True)
        (place / f"node{number}/cpulist").write_text(f"{cpus}\n")
        (place / f"node{number}/distance").write_text("10 21\n" if number == 0 else "21 10\n")
        (place / f"node{number}/meminfo").write_text(f"Node {number} MemTotal:       16384 kB\n")
    (place / "online").write_text("0-1\n")
    assert numa_nodes(tmp_path) == [
        Node(0, (0, 1, 4, 5), 16 << 20, (10, 21)),
        Node(1, (2, 3, 6, 7), 16 << 20, (21, 10)),
    ]


def test_the_numa_kernel_runs_bound_to_a_node_of_this_machine(tmp_path: Path) -> None:
    nodes = numa_nodes()
    near = next((one for one in nodes if one.cpus), None)
    if near is None:
        pytest.skip("this kernel lists no NUMA node")
    usable = tuple(cpu for cpu in near.cpus if cpu in os.sched_getaffinity(0))[:2]
    run = run_for(_machine(l3_bytes=2 << 20, cpus=2), Workshop(tmp_path), 0.1, replace(near, cpus=usable), None)
    done = subprocess.run(run.command, capture_output=True, text=True)
    if "mbind: Function not implemented" in done.stderr or "mbind: Operation not permitted" in done.stderr:
        pytest.skip(f"this machine does not let memory be bound: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    values = {m.metric: m.value for m in assay_numa.read(done.stdout, Execution("numa", 1)) if m.iteration is None}
    assert set(values) == {"local_bandwidth", "local_latency"}
    assert set(run.gauge({"stdout.txt": done.stdout.encode()})) == set(values)  # type: ignore[misc]


def test_dgemm_needs_a_choice_of_vector_widths(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no choice of vector widths"):
        dgemm.plan(_machine(flags=frozenset({"sse4_2"})), Workshop(tmp_path), 1)
    (run,) = dgemm.plan(_machine(flags=frozenset({"sse4_2", "avx2", "fma", "avx512f"})), Workshop(tmp_path), 1)
    assert [word for word in run.command if "=" in word][-2:] == ["avx2=Haswell", "narrow=Nehalem"], (
        "AVX-512 in part is not enough"
    )
    (arm,) = dgemm.plan(_machine(flags=frozenset({"asimd", "sve"}), architecture="aarch64"), Workshop(tmp_path), 1)
    assert [word for word in arm.command if "=" in word][-2:] == ["sve=NEOVERSEV1", "narrow=NEOVERSEN1"]


def test_a_huge_last_level_cache_and_little_time_still_reach_memory() -> None:
    machine = _machine(l3_bytes=260 << 20)
    sizes, policy = working_sets(machine, 1)
    assert policy == "variant-time"
    assert level_sizes(machine, sizes)["dram"] == sizes[-1] >= 2 * machine.llc_bytes - machine.line_bytes
