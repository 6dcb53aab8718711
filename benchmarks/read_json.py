"""What validating raw JSON results costs beside only reading their files.

Writes result files in the form of AWS Instance Benchmarks, no two alike, and passes over them in interleaved rounds:

    read        every file's bytes, and nothing else
    validate    the same, and `read_result`: typed decoding, every number, unit and required metric checked
    session     the same, and `read_session`: what validate does, and the session's executions, facts and claims

Prints the median of the paired ratios to `read`. The target is at most 2.5 for validate.

    python benchmarks/read_json.py            100,000 files, 5 rounds, about two minutes
    python benchmarks/read_json.py --quick    5,000 files, 3 rounds
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
from assay.read.sources.aws_instance_benchmarks import RESULT_FILE, read_result, read_session
from assay.session import Manifest, RawFile, SessionKind, Source

TYPES = ("m7i.large", "c7g.xlarge", "r7a.2xlarge", "t3.micro", "c6i.4xlarge", "m5.24xlarge")
A_FOLDER = 1_000


def write_files(folder: Path, count: int, seed: int) -> list[str]:
    """Result files of 1.7 kB each, a thousand in a folder; their paths."""
    chance = random.Random(seed)
    paths = []
    for number in range(count):
        place = folder / f"{number // A_FOLDER:04d}"
        place.mkdir(exist_ok=True)
        path = place / f"{number:06d}.json"
        path.write_bytes(orjson.dumps(document(chance), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        paths.append(str(path))
    return paths


def document(chance: random.Random) -> dict[str, object]:
    """One result in the source's later shape, with numbers of its own."""
    instance_type = chance.choice(TYPES)
    family = instance_type.split(".")[0]
    started = f"2025-06-{chance.randint(1, 29):02d}T{chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}:07"
    triad = chance.uniform(5, 200)
    kernels = {
        name: {"bandwidth": round(triad * chance.uniform(0.9, 1.1), 4), "unit": "GB/s"} for name in ("copy", "scale", "add")
    }
    return {
        "execution_context": {
            "benchmark_version": "latest",
            "compiler_optimizations": "-O3 -march=native -mtune=native",
            "container_runtime": "docker",
        },
        "metadata": {
            "benchmark_suite": "stream",
            "collection_method": "automated",
            "data_version": "1.0",
            "duration_seconds": round(chance.uniform(30, 300), 9),
            "environment": {"containerImage": "registry/stream:tag", "duration": 48.0, "timestamp": f"{started}Z"},
            "instanceFamily": family,
            "instanceType": instance_type,
            "instance_id": f"i-{chance.getrandbits(68):017x}",
            "processorArchitecture": "x86_64",
            "region": "us-east-1",
            "timestamp": f"{started}Z",
        },
        "performance": {
            "memory": {
                "metadata": {"instanceType": instance_type, "region": "us-east-1", "timestamp": f"{started}-07:00"},
                "stream": {**kernels, "triad": {"bandwidth": round(triad, 4), "unit": "GB/s"}},
            }
        },
        "schema_version": "1.0.0",
        "system_info": {
            "architecture": "x86_64",
            "instance_family": family,
            "private_ip": "10.0.0.1",
            "public_ip": "",
            "status": "completed",
        },
        "validation": {"checksums": {"md5": "0" * 32, "sha256": "0" * 64}, "reproducibility": {"confidence": 1, "runs": 1}},
    }


def read(paths: list[str]) -> int:
    """Every file's bytes."""
    total = 0
    for path in paths:
        with open(path, "rb") as stream:  # noqa: PTH123 - the cheapest way to read is what the others are compared with
            total += len(stream.read())
    return total


def validate(paths: list[str]) -> int:
    """Every file's bytes, decoded and checked."""
    valid = 0
    for path in paths:
        with open(path, "rb") as stream:  # noqa: PTH123
            valid += not read_result(stream.read()).problems
    return valid


def session(paths: list[str]) -> int:
    """Every file's bytes as a whole session. The manifest comes from the ledger; its cost is not the reader's."""
    valid = 0
    for path in paths:
        with open(path, "rb") as stream:  # noqa: PTH123
            valid += not read_session(MANIFEST, {RESULT_FILE: stream.read()}).problems
    return valid


def manifest() -> Manifest:
    """A manifest that stands for all."""
    moment = datetime(2025, 6, 29, 12, 0, 1, tzinfo=UTC)
    source = Source("aws-instance-benchmarks", "unknown", "CC BY 4.0", "x")
    labels = {"source_file": "2025-06-29/m7i.large-stream-20250629-120001.json"}
    file = RawFile(RESULT_FILE, 1_700, "0" * 64)
    return Manifest(SessionKind.INSTANCE_BENCHMARK, "m7i.large", moment, moment, source, (file,), labels=labels)


MANIFEST = manifest()
PASSES: dict[str, Callable[[list[str]], int]] = {"read": read, "validate": validate, "session": session}


def main() -> None:
    """Run the rounds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=20250629)
    parser.add_argument("--folder", type=Path, help="where to write the files (default: the system's temporary folder)")
    parser.add_argument("--quick", action="store_true", help="5,000 files, 3 rounds")
    options = parser.parse_args()
    count, rounds = (5_000, 3) if options.quick else (options.files, options.rounds)
    with tempfile.TemporaryDirectory(prefix="assay-read-json-", dir=options.folder) as folder:
        paths = write_files(Path(folder), count, options.seed)
        size = read(paths)
        seconds: dict[str, list[float]] = {name: [] for name in PASSES}
        for number in range(rounds):
            order = list(PASSES) if number % 2 == 0 else list(reversed(PASSES))
            for name in order:
                gc.collect()
                began = time.perf_counter()
                result = PASSES[name](paths)
                seconds[name].append(time.perf_counter() - began)
                if name != "read" and result != count:
                    raise SystemExit(f"{name}: {result} of {count} files are valid; expected all")
    print(f"{count} files, {size / 1e6:.0f} MB, {rounds} rounds")
    print(f"{'pass':10} {'median s':>9} {'us a file':>10} {'ratio to read':>14}")
    for name, taken in seconds.items():
        ratio = statistics.median(each / base for each, base in zip(taken, seconds["read"], strict=True))
        print(f"{name:10} {statistics.median(taken):9.2f} {statistics.median(taken) / count * 1e6:10.1f} {ratio:14.2f}")


if __name__ == "__main__":
    main()
