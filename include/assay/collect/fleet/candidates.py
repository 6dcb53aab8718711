"""An instance type as the fleet sees it, and whether it can be measured: each refusal has its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.collect.fleet.quota import quota_class
from assay.reference.catalogue import InstanceType

IMAGES = {"x86_64": "amd64", "arm64": "arm64"}
"""Instruction sets that the image is published for, and what the image's maker calls them."""

LEAST_MEMORY_MIB = 900
"""Under this the package manager and the compiler run out of memory."""

_ACCELERATORS = {
    "GpuInfo": "GPU",
    "InferenceAcceleratorInfo": "inference accelerator",
    "NeuronInfo": "Neuron accelerator",
    "FpgaInfo": "FPGA",
    "MediaAcceleratorInfo": "media accelerator",
}
_ACCELERATED_CLASSES = ("DL", "F", "G and VT", "Inf", "P", "Trn")


@dataclass(frozen=True)
class Candidate:
    """The facts that decide. `accelerator`: what it is built around, empty if nothing; `markets`: as EC2 names usage classes."""

    instance_type: str
    vcpus: int
    memory_mib: int
    isa: tuple[str, ...]
    bare_metal: bool
    accelerator: str
    markets: tuple[str, ...]
    bootable: bool
    """From an encrypted volume, as a full virtual machine."""


def from_description(described: Mapping[str, Any]) -> Candidate:
    """A candidate from an entry of EC2's DescribeInstanceTypes. Raises KeyError where it lacks what every type has."""
    encryption = described.get("EbsInfo", {}).get("EncryptionSupport", "unsupported")
    return Candidate(
        instance_type=described["InstanceType"],
        vcpus=described["VCpuInfo"]["DefaultVCpus"],
        memory_mib=described["MemoryInfo"]["SizeInMiB"],
        isa=tuple(described["ProcessorInfo"]["SupportedArchitectures"]),
        bare_metal=bool(described.get("BareMetal")),
        accelerator=next((name for field, name in _ACCELERATORS.items() if described.get(field)), ""),
        markets=tuple(described.get("SupportedUsageClasses", ())),
        bootable=(
            "hvm" in described.get("SupportedVirtualizationTypes", ())
            and "ebs" in described.get("SupportedRootDeviceTypes", ())
            and encryption == "supported"
        ),
    )


def from_catalogue(known: InstanceType) -> Candidate:
    """A candidate from the catalogue that comes with the code, which does not know everything that EC2 says."""
    accelerated = quota_class(known.instance_type) in _ACCELERATED_CLASSES
    return Candidate(
        instance_type=known.instance_type,
        vcpus=known.vcpus,
        memory_mib=known.memory_bytes // 2**20,
        isa=known.isa,
        bare_metal=known.bare_metal,
        accelerator="accelerator, by its name" if accelerated else "",
        markets=("on-demand", "spot"),
        bootable=True,
    )


def instruction_set(candidate: Candidate) -> str | None:
    """The instruction set that it is measured with, or None where there is no image for it."""
    return next((name for name in IMAGES if name in candidate.isa), None)


def refusal(candidate: Candidate) -> str | None:
    """Why a type cannot be measured, or None where it can."""
    if candidate.bare_metal:
        return "bare metal: takes longer to start than the whole suite takes to run"
    if candidate.accelerator:
        return f"built around an accelerator ({candidate.accelerator}): the suite measures processors and memory"
    if instruction_set(candidate) is None:
        return f"instruction set {', '.join(candidate.isa)}: the image is for {' and '.join(IMAGES)}"
    if quota_class(candidate.instance_type) is None:
        return "needs a dedicated host, or is of a family whose quota is not known"
    if candidate.memory_mib < LEAST_MEMORY_MIB:
        return f"{candidate.memory_mib} MiB of memory: the tools need {LEAST_MEMORY_MIB}"
    if not candidate.bootable:
        return "cannot start from an encrypted EBS volume as a full virtual machine"
    return None
