"""Write the instance catalogue's data file from EC2's own description of its types: `python -m assay.reference.generate`.

The description is what `DescribeInstanceTypes` answered to the makers of moto, which is a dependency for development only;
`--from` takes another file of the same form, such as one made with boto3 today. The runtime reads nothing but the file that
this writes.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import importlib.util
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from assay.reference.catalogue import DATA_FILE, Row

_IN_MOTO = Path("ec2/resources/instance_types.json.gz")


def rows(described: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """The catalogue's rows, by name, from instance types as `DescribeInstanceTypes` describes them.

    Raises KeyError where a description lacks what every type has.
    """
    return [_row(name, described[name]) for name in sorted(described)]


def to_bytes(table: list[Row], source: str, as_of: str) -> bytes:
    """The data file: one type a line, so that a change shows as one line."""
    head = {"source": source, "as_of": as_of, "columns": Row.__struct_fields__}
    lines = ",\n".join(json.dumps(msgspec.to_builtins(row), separators=(",", ":")) for row in table)
    return f'{json.dumps(head, indent=1)[:-2]},\n "types": [\n{lines}\n]}}\n'.encode()


def described_by_moto() -> tuple[dict[str, Any], str]:
    """EC2's description of its types as the installed moto carries it, and where that is from."""
    found = importlib.util.find_spec("moto")
    if found is None or found.origin is None:
        raise SystemExit("moto is not installed; `make setup` installs it, or name a file with --from")
    described = json.loads(gzip.decompress((Path(found.origin).parent / _IN_MOTO).read_bytes()))
    return described, f"EC2 DescribeInstanceTypes, as carried by moto {importlib.metadata.version('moto')}"


def main() -> None:
    """Write the data file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--from", dest="file", type=Path, help="JSON object of type name to its DescribeInstanceTypes entry")
    parser.add_argument("--source", help="what to write as the source of --from")
    parser.add_argument("--as-of", default=f"{datetime.now(UTC):%Y-%m-%d}", help="date of the description; default: today")
    arguments = parser.parse_args()
    if arguments.file:
        described, source = json.loads(arguments.file.read_bytes()), arguments.source or "EC2 DescribeInstanceTypes"
    else:
        described, source = described_by_moto()
    DATA_FILE.write_bytes(to_bytes(rows(described), source, arguments.as_of))


def _row(name: str, described: Mapping[str, Any]) -> Row:
    processor, cpus = described["ProcessorInfo"], described["VCpuInfo"]
    return Row(
        instance_type=name,
        manufacturer=processor["Manufacturer"],
        isa=tuple(processor["SupportedArchitectures"]),
        vcpus=cpus["DefaultVCpus"],
        cores=cpus["DefaultCores"],
        threads_per_core=cpus["DefaultThreadsPerCore"],
        memory_mib=described["MemoryInfo"]["SizeInMiB"],
        burstable=described["BurstablePerformanceSupported"],
        bare_metal=described["BareMetal"],
        sustained_clock_ghz=processor.get("SustainedClockSpeedInGhz"),
    )


if __name__ == "__main__":
    main()
