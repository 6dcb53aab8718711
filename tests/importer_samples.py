"""Small results in the forms of two public sources, written for the tests: no number in them was measured."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.session import Manifest, RawFile, SessionKind, Source

INSTANCE_ID = "i-0123456789abcdef0"
PUBLIC_IP = "203.0.113.77"
PRIVATE_IP = "10.11.12.13"
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
STARTED = "2025-06-29T12:00:01Z"

KERNELS = {"copy": 11.5, "scale": 11.25, "add": 12.75, "triad": 12.5}


def stream(**kernels: Any) -> dict[str, Any]:
    """A stream payload; a keyword replaces a kernel, None removes it."""
    whole: dict[str, Any] = {name: {"bandwidth": value, "unit": "GB/s"} for name, value in KERNELS.items()}
    whole |= kernels
    return {name: kernel for name, kernel in whole.items() if kernel is not None}


def shape_a(instance_type: str = "c7a.large") -> dict[str, Any]:
    """The first shape: no schema version, results under `performance_data`."""
    return {
        "execution_context": {"benchmark_version": "latest", "compiler_optimizations": "-O3", "container_runtime": "docker"},
        "metadata": {
            "benchmark_suite": "stream",
            "duration_seconds": 48.5,
            "instance_id": INSTANCE_ID,
            "instance_type": instance_type,
            "region": "us-east-1",
            "timestamp": STARTED,
        },
        "performance_data": {
            "metadata": {"instanceType": instance_type, "region": "us-east-1", "timestamp": "2025-06-29T05:00:49-07:00"},
            "stream": stream(),
        },
        "system_info": {
            "architecture": "x86_64",
            "instance_family": instance_type.split(".")[0],
            "private_ip": PRIVATE_IP,
            "public_ip": PUBLIC_IP,
            "status": "completed",
        },
    }


def shape_b(instance_type: str = "m7i.large", suite: str = "stream", **payload: Any) -> dict[str, Any]:
    """The later shape: results under `performance.memory`; keywords are the payload by suite."""
    return {
        "execution_context": {"benchmark_version": "latest", "compiler_optimizations": "-O3 -mcpu=neoverse-v1"},
        "metadata": {
            "benchmark_suite": suite,
            "duration_seconds": 219.25,
            "environment": {"containerImage": f"public.ecr.aws/x/{suite}:intel-icelake", "timestamp": STARTED},
            "instanceFamily": instance_type.split(".")[0],
            "instanceType": instance_type,
            "instance_id": INSTANCE_ID,
            "processorArchitecture": "graviton",
            "region": "us-west-2",
            "timestamp": STARTED,
        },
        "performance": {
            "memory": {
                "metadata": {"instanceType": instance_type, "timestamp": "2025-06-29T05:03:40-07:00"},
                **(payload or {"stream": stream()}),
            }
        },
        "schema_version": "1.0.0",
        "system_info": {
            "architecture": "graviton",
            "instance_family": instance_type.split(".")[0],
            "private_ip": PRIVATE_IP,
            "public_ip": "",
            "status": "completed",
        },
        "validation": {
            "checksums": {"md5": EMPTY_MD5, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            "reproducibility": {"confidence": 1, "runs": 1},
        },
    }


HPL = {"execution_time": 1.25, "gflops": 1.5, "matrix_size": 1000, "time_unit": "seconds", "unit": "GFLOPS"}
COREMARK = {
    "execution_time": 0,
    "iterations": 10_000_000,
    "score": 36.5,
    "score_std_dev": 0.25,
    "time_unit": "seconds",
    "unit": "operations/sec",
}


def cache(unit: str = "ns") -> dict[str, Any]:
    """A cache payload with one access time a level."""
    times = {"l1": (1.0, 16), "l2": (4.0, 512), "l3": (20.0, 16_384), "memory": (90.0, 131_072)}
    return {level: {"access_time": time, "size_kb": size, "unit": unit} for level, (time, size) in times.items()}


def write_result(folder: Path, document: Any, name: str = "m7i.large-stream-20250629-120001.json") -> Path:
    """A result file in a folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document, indent=2).encode())
    return path


def meta(**changes: Any) -> bytes:
    """A task's meta.json of a run that ended well; keywords replace its fields, `...` removes one."""
    whole: dict[str, Any] = {
        "start": "2024-06-08T08:22:57.844344",
        "end": "2024-06-08T08:32:57.844344",
        "exit_code": 0,
        "error_msg": None,
        "task_hash": "0" * 40,
        "version": None,
        "stdout_bytes": None,
        "stderr_bytes": 0,
        "outputs": ["stdout"],
    }
    whole |= changes
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def write_run(folder: Path, files: dict[str, bytes]) -> Path:
    """A task's folder with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def manifest(
    files: dict[str, bytes], *, subject: str = "m7i.large", source: str = "spare-cores", labels: dict[str, str] | None = None
) -> Manifest:
    """A manifest over these files, as an importer would write it."""
    moment = datetime(2025, 6, 29, 12, 0, 1, tzinfo=UTC)
    raw = tuple(RawFile(name, len(content), f"{number:064x}") for number, (name, content) in enumerate(sorted(files.items())))
    return Manifest(
        SessionKind.INSTANCE_BENCHMARK,
        subject,
        moment,
        moment,
        Source(source, "unknown", "CC BY 4.0", "x"),
        raw,
        labels=labels or {},
    )


BW_MEM_SIZES = ("0.016384", "0.262144", "1.00", "2.00", "4.00", "8.00", "16.00", "32.00", "64.00", "256.00", "512.00")


def bw_mem(sizes: int = 11) -> bytes:
    """A whole bw_mem output of a machine that has the memory for this many sizes."""
    rows = [f"{op} {size} {1000 + i}.25" for op in ("rd", "wr", "rdwr") for i, size in enumerate(BW_MEM_SIZES[:sizes])]
    return ("\n".join(rows) + "\n").encode()


MEMBENCH_HEADER = "size_kb,operation,bandwidth_mb_s,latency_ns,latency_stddev_ns,latency_samples,threads,iterations,elapsed_s"


def membench(*sizes: int, megabyte: int = 1_048_576) -> bytes:
    """A whole membench output, which counts in this megabyte."""
    rows = [MEMBENCH_HEADER]
    for size in sizes or (16, 1024):
        moved = size * 1024 * 4 * 100 / 0.5
        rows += [f"{size},{op},{moved / megabyte:.2f},0,0,0,4,100,0.500000" for op in ("read", "write", "copy")]
        rows.append(f"{size},latency,0,1.5,0.25,7,1,7,0.5")
    return ("\n".join(rows) + "\n").encode()


def redis(*, quoted: bool = True, threads: tuple[int, ...] = (1,)) -> bytes:
    """A whole redis output."""
    names = ["operation", "threads", "pipeline", "rps", "latency", "server_usr", "server_sys", "client_usr", "client_sys"]
    mark = '"' if quoted else ""
    rows = [",".join(f"{mark}{name}{mark}" for name in names)]
    for count in threads:
        rows += [f"{mark}SET{mark},{count},{depth},{50_000 + depth},{1.5 + depth},1,1,1,1" for depth in (1, 4, 16, 64, 256, 512)]
    return ("\n".join(rows) + "\n").encode()


def openssl_stdout(processes: int = 2) -> bytes:
    """A whole openssl log with two algorithms and two block sizes."""
    text = ""
    for algorithm, rates in (("sha256", (1000.5, 4000.25)), ("AES-256-CBC", (9000.5, 8000.25))):
        text += f"ALGO: -evp {algorithm.lower()} -----\n"
        for process in range(processes):
            text += f"Forked child {process}\n+DT:{algorithm}:3:16\n+R:12345:{algorithm}:3.000000\n"
            text += f"Got: +H:16:64 from {process}\n"
            text += f"Got: +F:25:{algorithm}:{rates[0] / 2:.2f}:{rates[1] / 2:.2f} from {process}\n"
        text += f"+F:25:{algorithm}:{rates[0]:.2f}:{rates[1]:.2f}\n"
    return text.encode()


def openssl_parsed() -> bytes:
    """The same results as `openssl_stdout`, as the harness stores them."""
    speeds = {("sha256", 16): 1000.5, ("sha256", 64): 4000.25, ("AES-256-CBC", 16): 9000.5, ("AES-256-CBC", 64): 8000.25}
    return json.dumps([{"algo": algo, "block_size": size, "speed": speed} for (algo, size), speed in speeds.items()]).encode()


def passmark(**changes: str) -> bytes:
    """A whole PassMark output; keywords replace results."""
    results = {
        "CPU_INTEGER_MATH": "4671.5",
        "CPU_SINGLETHREAD": "1436.5",
        "CPU_avx": "1257.5",
        "CPU_avx512": "0",
        "m_CPU_enc_SHA": "217362095.0",
        "ME_READ_S": "19677.5",
        "ME_LATENCY": "50.5",
        "SUMM_CPU": "1633.5",
        "SUMM_ME": "1056.5",
    } | changes
    rows = "\n".join(f"  {name}: {value}" for name, value in results.items())
    return (
        "BaselineInfo:\n  WebDBID: -1\nVersion:\n  Major: 11\n  Minor: 0\n  Build: 1002\n"
        f'  SpecialBuildName: ""\nResults:\n  Results Complete: true\n  NumTestProcesses: 2\n{rows}\n'
        "SystemInformation:\n  Processor: Some Processor\n  MemModuleInfo:\n    DIMM 1:\n      memType: DDR4\n"
        f"Checksum: {'A1' * 20}"
    ).encode()


def geekbench_report(*, scores: bool = True, uploaded: bool = True) -> bytes:
    """A Geekbench report, with its tables or as a trial build prints it."""
    table = (
        "  File Compression               1065             152.9 MB/sec\n  Clang                1448          7.13 Klines/sec\n"
    )
    if not scores:
        table = "  Running File Compression\n  Running Clang\n"
    text = "Geekbench 6.3.0 Pro : https://www.geekbench.com/\n\nSystem Information\n  Model   Some Model\n\n"
    text += f"Single-Core\n{table}\nMulti-Core\n{table}\n"
    if scores:
        text += "Benchmark Summary\n  Single-Core Score             1149\n    Integer Score                 1083\n"
        text += "  Multi-Core Score              2516\n\n"
    text += "\nUploading results to the Geekbench Browser.\n\n"
    return (
        text + ("Upload succeeded. Visit the following link\n" if uploaded else " server returned HTTP error code 503\n")
    ).encode()


def geekbench_results(single: int = 1149, multi: int = 2516) -> bytes:
    """A Geekbench result as the harness stores it."""
    tables = {
        "Single-Core Performance": {"Score": {"score": single}, "Clang": {"score": 1448, "description": "7.13 Klines/sec"}},
        "Multi-Core Performance": {"Score": {"score": multi}, "Clang": {"score": 1448, "description": "7.13 Klines/sec"}},
    }
    return json.dumps(tables, indent=2).encode()


LSCPU = json.dumps(
    {
        "lscpu": [
            {"field": "Architecture:", "data": "x86_64"},
            {"field": "CPU(s):", "data": "2"},
            {"field": "Model name:", "data": "Some Processor @ 2.50GHz"},
            {"field": "NUMA node(s):", "data": "1"},
            {"field": "L1d cache:", "data": "49152 (1 instance)"},
            {"field": "Flags:", "data": "fpu avx avx2 avx512f"},
        ]
    }
).encode()
DMIDECODE = (
    b"# dmidecode 3.5\nHandle 0x0001, DMI type 1, 27 bytes\nSystem Information\n\tProduct Name: m7i.large\n"
    b"\tSerial Number: ec2e1916-9099-7caf-fd21-012345abcdef\n\nMemory Device\n\tType: DDR5\n\n"
    b"Handle 0x0013, DMI type 127, 4 bytes\nEnd Of Table\n\n"
)
LSTOPO = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n<topology version="2.0">\n'
    b'<object type="Machine"><info name="HostName" value="ip-10-11-12-13"/><object type="Package">\n'
    b'<object type="NUMANode"/><object type="L3Cache" cache_size="1000">'
    b'<object type="Core"><object type="PU"/></object></object>\n'
    b"</object></object></topology>\n"
)
STRESSNG_BENCHMARKS = json.dumps(
    {
        "stressors": {
            "atomic": {"1": {"bogo_ops_per_sec": 386.5}, "4": {"bogo_ops_per_sec": 379.5}},
            "tsc": {"1": None, "4": None},
        },
        "categories": {},
        "meta": {},
    }
).encode()
MARKS = {
    "api_start": b"2026-06-11T22:01:49Z\n",
    "api_end": b"2026-06-11T22:02:17Z\n",
    "machine_start": b"2026-06-11T22:02:25Z\n",
    "user_data_start": b"2026-06-11T22:02:39Z\n",
    "user_data_end": b"2026-06-11T22:03:33Z\n",
    "inspector_start": b"2026-06-11T22:05:24Z\n",
    "inspector_end": b"2026-06-11T22:58:07Z\n",
}

WHOLE: dict[str, dict[str, bytes]] = {
    "bw_mem": {"meta.json": meta(), "stdout": bw_mem()},
    "membench": {"meta.json": meta(version="1.2.2"), "stdout": membench()},
    "stressngfull": {"meta.json": meta(version="0.17.08"), "stdout": b"1,1018.5\n2,1350.25\n"},
    "redis": {"meta.json": meta(version="Redis server v=7.4.0 sha=00000000:0 build=d18a0d3fa69567b8"), "stdout": redis()},
    "openssl": {"meta.json": meta(version="3.3.0"), "stdout": openssl_stdout(), "parsed.json": openssl_parsed()},
    "passmark": {"meta.json": meta(), "stdout": passmark()},
    "geekbench": {"meta.json": meta(version="6.3.0"), "stdout": geekbench_report(), "results.json": geekbench_results()},
    "stressng_benchmarks": {"meta.json": meta(version="0.20.01"), "stdout": STRESSNG_BENCHMARKS},
    "lscpu": {"meta.json": meta(version="2.39.3"), "stdout": LSCPU},
    "dmidecode": {"meta.json": meta(version="3.5"), "stdout": DMIDECODE},
    "lstopo": {"meta.json": meta(version="lstopo 2.10.0"), "stdout": LSTOPO},
    "virtualization": {"meta.json": meta(), "stdout": b'{"kvm":false,"kvm_error":"INFO: /dev/kvm does not exist"}\n'},
    "timing": {"meta.json": meta(version="n/a", outputs=[])},
    "timing_marks": MARKS,
}
"""One whole run of every task."""
