"""What a machine does when it starts: a shell script with its order in it. Pure: an order in, bytes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files

from assay.errors import FleetRefused

MAX_USER_DATA_BYTES = 16_384
"""As EC2 allows, before base64. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html"""

PACKAGES = (
    "ca-certificates",
    "gcc",
    "hpcc",
    "hwloc-nox",
    "libc6-dev",
    "libopenblas0-pthread",
    "numactl",
    "python3",
    "stress-ng",
)
"""Of Debian 13, both for amd64 and arm64. hpcc alone would bring the reference BLAS, which is not worth measuring with."""

_END = "END_OF_ORDER"


@dataclass(frozen=True)
class Grant:
    """Permission to put objects below one prefix, and nothing else: the address and the form fields of a presigned POST."""

    url: str
    prefix: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class MachineOrder:
    """What the agent on the machine is told. `subject` is empty where the machine is not of the type it stands for."""

    agent_url: str
    agent_sha256: str
    grant: Grant
    subject: str
    executions: int
    tool_seconds: int
    dataset: str
    licence: str
    attribution: str
    labels: Mapping[str, str] = field(default_factory=dict)
    tools: str = ""
    """Some tools only, with commas; empty: all."""
    most_executions: int = 0
    half_width_percent: float = 0.0
    budget_minutes: float = 0.0
    """How tools are run on until their interval is narrow, as `assay.agent.repeats` says; 0: `executions` times."""


def user_data(order: MachineOrder, life_minutes: int) -> bytes:
    """The script. Its first command arms the shutdown after `life_minutes`; it needs no key, no agent and no network for that.

    Raises FleetRefused where the script is longer than EC2 takes.
    """
    document = json.dumps(asdict(order), indent=1, sort_keys=True)
    if _END in document:
        raise FleetRefused(f"the order of a machine holds the word {_END}; expected licence, attribution and labels without it")
    script = (files("assay.collect.fleet") / "boot.sh").read_text(encoding="utf-8")
    for name, value in (
        ("@LIFE_MINUTES@", str(life_minutes)),
        ("@LIFE_SECONDS@", str(life_minutes * 60)),
        ("@PACKAGES@", " ".join(PACKAGES)),
        ("@ORDER@", document),
    ):
        script = script.replace(name, value)
    raw = script.encode()
    if len(raw) > MAX_USER_DATA_BYTES:
        raise FleetRefused(f"user data: {len(raw)} bytes; EC2 takes {MAX_USER_DATA_BYTES}")
    return raw
