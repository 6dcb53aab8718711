"""The profile on machines of several kinds, from the files that their kernels show; what a machine does not tell is absent."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from assay.agent.machine import Machine
from assay.agent.probe.cpu import parse_lscpu, read_caches, read_clock, read_cpu, usable_cpus
from assay.agent.probe.files import numbers_in_list, size_bytes
from assay.agent.probe.memory import memory_modules, read_memory, read_numa
from assay.agent.probe.system import read_virtualization
from assay.agent.profile import profile_machine
from hypothesis import given
from hypothesis import strategies as st

CPU = "sys/devices/system/cpu"


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def _cache(cpu: int, index: int, level: int, kind: str, size: str, shared: str) -> dict[str, str]:
    folder = f"{CPU}/cpu{cpu}/cache/index{index}"
    return {
        f"{folder}/level": f"{level}\n",
        f"{folder}/type": f"{kind}\n",
        f"{folder}/size": f"{size}\n",
        f"{folder}/shared_cpu_list": f"{shared}\n",
        f"{folder}/coherency_line_size": "64\n",
    }


@pytest.fixture
def xeon(tmp_path: Path) -> Path:
    """Two sockets of two cores with two threads each, as a metal instance of Intel's shows itself."""
    files = {
        f"{CPU}/online": "0-7\n",
        "proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Xeon\n"
        "flags\t\t: fpu sse2 avx avx2 fma avx512f\n\nprocessor\t: 1\nvendor_id\t: other\n",
        "proc/meminfo": "MemTotal:       16384 kB\nMemFree:   1024 kB\nMemAvailable:   8192 kB\n",
        "proc/loadavg": "0.50 0.25 0.10 1/100 4242\n",
        "sys/devices/system/node/online": "0-1\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
        f"{CPU}/intel_pstate/no_turbo": "0\n",
        "sys/class/dmi/id/sys_vendor": "Amazon EC2\n",
    }
    for node in (0, 1):
        folder = f"sys/devices/system/node/node{node}"
        files[f"{folder}/cpulist"] = f"{4 * node}-{4 * node + 3}\n"
        files[f"{folder}/meminfo"] = f"Node {node} MemTotal:        8192 kB\n"
        files[f"{folder}/distance"] = "10 21\n" if node == 0 else "21 10\n"
    for cpu in range(8):
        socket, pair = cpu // 4, f"{cpu // 2 * 2}-{cpu // 2 * 2 + 1}"
        files[f"{CPU}/cpu{cpu}/topology/physical_package_id"] = f"{socket}\n"
        files[f"{CPU}/cpu{cpu}/topology/thread_siblings_list"] = f"{pair}\n"
        files[f"{CPU}/cpu{cpu}/cpufreq/scaling_governor"] = "performance\n"
        files[f"{CPU}/cpu{cpu}/cpufreq/cpuinfo_max_freq"] = "3800000\n"
        files |= _cache(cpu, 0, 1, "Data", "48K", pair)
        files |= _cache(cpu, 1, 1, "Instruction", "32K", pair)
        files |= _cache(cpu, 2, 2, "Unified", "2048K", pair)
        files |= _cache(cpu, 3, 3, "Unified", "105M", f"{4 * socket}-{4 * socket + 3}")
    return _tree(tmp_path, files)


def test_cores_sockets_and_threads_are_counted_by_the_topology(xeon: Path) -> None:
    cpu = read_cpu(xeon, {})
    assert (cpu["logical_cpus"], cpu["physical_cores"], cpu["sockets"], cpu["threads_per_core"]) == (8, 4, 2, 2)
    assert (cpu["vendor"], cpu["family"], cpu["model"], cpu["model_name"]) == ("GenuineIntel", "6", "143", "Xeon")
    assert cpu["vector_bits"] == 512


def test_each_cache_is_counted_once_however_many_cores_share_it(xeon: Path) -> None:
    found = [(cache["level"], cache["type"], cache["bytes"], cache["instances"]) for cache in read_caches(xeon, {})]
    assert found == [
        (1, "data", 48 << 10, 4),
        (1, "instruction", 32 << 10, 4),
        (2, "unified", 2 << 20, 4),
        (3, "unified", 105 << 20, 2),
    ]


def test_memory_nodes_and_clock_policy(xeon: Path) -> None:
    assert read_memory(xeon) == {
        "total_bytes": 16 << 20,
        "available_bytes": 8 << 20,
        "transparent_huge_pages": "madvise",
    }
    numa = read_numa(xeon)
    assert numa["nodes"] == 2
    assert numa["each"][1] == {"node": 1, "cpus": 4, "memory_bytes": 8 << 20, "distances": [21, 10]}
    assert read_clock(xeon) == {"governor": "performance", "max_khz": 3800000, "boost": True}
    assert read_virtualization(xeon, {}, []) == {"virtual": False, "vendor": "Amazon EC2"}


def test_what_tools_choose_their_sizes_by(xeon: Path) -> None:
    machine = Machine.of(profile_machine(xeon))
    assert (machine.l1d_bytes, machine.l2_bytes, machine.l3_bytes) == (48 << 10, 2 << 20, 105 << 20)
    assert machine.llc_total_bytes == 2 * (105 << 20)
    assert (machine.numa_nodes, machine.memory_bytes, machine.vector_bits) == (2, 8 << 20, 512)
    assert machine.huge_pages
    assert machine.caches_known


def test_a_machine_that_tells_nothing_has_a_profile_all_the_same(tmp_path: Path) -> None:
    profile = profile_machine(tmp_path)
    assert profile["memory"] == {}
    assert profile["numa"] == {}
    assert profile["cpu"]["usable_cpus"] >= 1
    machine = Machine.of(profile)
    assert machine.cpus >= 1
    assert machine.memory_bytes > 0
    assert machine.llc_bytes > machine.l1d_bytes


def test_an_arm_processor_is_named_by_its_maker_and_its_vector_length(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n",
            "proc/sys/abi/sve_default_vector_length": "32\n",
        },
    )
    cpu = read_cpu(root, {"Model name": "Neoverse-V1"})
    assert (cpu["vendor"], cpu["model_name"], cpu["model"], cpu["vector_bits"]) == ("ARM", "Neoverse-V1", "0xd40", 256)


def test_cache_sizes_come_from_lscpu_where_the_kernel_shows_none(tmp_path: Path) -> None:
    lscpu = {"L1d cache": "128 KiB (4 instances)", "L2 cache": "4 MiB (4 instances)", "L3 cache": "32 MiB (1 instance)"}
    found = {cache["level"]: (cache["bytes"], cache["instances"]) for cache in read_caches(tmp_path, lscpu)}
    assert found == {1: (32 << 10, 4), 2: (1 << 20, 4), 3: (32 << 20, 1)}


def test_lscpu_is_read_flat_as_of_old_and_nested_as_of_new() -> None:
    flat = {"lscpu": [{"field": "Vendor ID:", "data": "AuthenticAMD"}, {"field": "Model name:", "data": "EPYC"}]}
    nested = {"lscpu": [{"field": "Vendor ID:", "data": "AuthenticAMD", "children": [{"field": "Model name:", "data": "EPYC"}]}]}
    for document in (flat, nested):
        assert parse_lscpu(json.dumps(document).encode()) == {"Vendor ID": "AuthenticAMD", "Model name": "EPYC"}


@given(st.binary(max_size=100) | st.from_regex(r'\{"lscpu": ?.*\}').map(str.encode))
def test_anything_else_that_lscpu_prints_is_let_be(raw: bytes) -> None:
    assert isinstance(parse_lscpu(raw), dict)


def test_the_quota_of_a_container_limits_the_cores(tmp_path: Path) -> None:
    _tree(tmp_path, {"sys/fs/cgroup/cpu.max": "50000 100000\n"})
    assert usable_cpus(tmp_path) == 1
    _tree(tmp_path, {"sys/fs/cgroup/cpu.max": "max 100000\n"})
    assert usable_cpus(tmp_path) >= 1


def _smbios(kind: int, length: int, fields: dict[int, tuple[str, int]], strings: bytes = b"serial-1234\0\0") -> bytes:
    structure = bytearray(length)
    structure[0], structure[1] = kind, length
    for at, (form, value) in fields.items():
        struct.pack_into(form, structure, at, value)
    return bytes(structure) + strings


def test_the_kind_and_speed_of_memory_modules_and_nothing_else_of_the_table() -> None:
    bios = _smbios(0, 24, {})
    empty = _smbios(17, 84, {0x0C: ("<H", 0), 0x12: ("B", 0x02)})
    module = _smbios(17, 84, {0x0C: ("<H", 0x7FFF), 0x12: ("B", 0x22), 0x15: ("<H", 5600), 0x20: ("<H", 4800)})
    assert memory_modules(bios + empty + module) == ("DDR5", 4800)
    assert memory_modules(bios) == (None, None)
    assert memory_modules(bios + empty) == (None, None)


@given(st.binary(max_size=300), st.integers(0, 200))
def test_any_table_of_modules_is_read_to_its_end(table: bytes, cut: int) -> None:
    module = _smbios(17, 84, {0x0C: ("<H", 16), 0x12: ("B", 0x1A), 0x20: ("<H", 3200)})
    for raw in (table, module[:cut] + table):
        kind, speed = memory_modules(raw)
        assert kind is None or kind.isascii()
        assert speed is None or 0 < speed < 0xFFFF


@pytest.mark.parametrize(
    ("shown", "size"),
    [
        ("32K", 32 << 10),
        ("105M", 105 << 20),
        ("24684096 kB", 24684096 << 10),
        ("1 GiB", 1 << 30),
        ("12", 12),
        ("x", None),
    ],
)
def test_sizes_as_kernels_write_them(shown: str, size: int | None) -> None:
    assert size_bytes(shown) == size


def test_lists_as_kernels_write_them() -> None:
    assert numbers_in_list("0-2,5,7-8") == [0, 1, 2, 5, 7, 8]
    assert numbers_in_list("") == []
    assert numbers_in_list("0-99999999999") == list(range(65537))


def test_the_profile_of_this_machine_is_plain_json_and_complete() -> None:
    profile: dict[str, Any] = profile_machine()
    assert json.loads(json.dumps(profile)) == profile
    assert profile["cpu"]["usable_cpus"] >= 1
    assert profile["memory"]["total_bytes"] > 0
    assert profile["load"]["average_1m"] >= 0
