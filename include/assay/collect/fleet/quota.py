"""Quotas in vCPU: EC2 counts the vCPUs that run, on demand and spot apart, by class of families.

Classes and codes: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits
and https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html; a code is the same in every region.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assay.collect.fleet.request import Market
from assay.reference.names import parse_type

STANDARD = "Standard (A, C, D, H, I, M, R, T, Z)"

_SERIES = {
    **dict.fromkeys(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), STANDARD),
    **dict.fromkeys(("g", "gr", "vt"), "G and VT"),
    "dl": "DL",
    "f": "F",
    "hpc": "HPC",
    "inf": "Inf",
    "p": "P",
    "trn": "Trn",
    "u": "High Memory",
    "x": "X",
}

CODES: Mapping[tuple[Market, str], str] = {
    (Market.ON_DEMAND, STANDARD): "L-1216C47A",
    (Market.ON_DEMAND, "HPC"): "L-F7808C92",
    (Market.ON_DEMAND, "High Memory"): "L-43DA4232",
    (Market.ON_DEMAND, "X"): "L-7295265B",
    (Market.SPOT, STANDARD): "L-34B43A08",
    (Market.SPOT, "X"): "L-E3A00192",
}
"""Quota codes of the classes that are measured. A class without a code for spot is not sold as spot."""


@dataclass(frozen=True)
class Running:
    """A machine that counts against a quota now."""

    instance_type: str
    market: Market
    vcpus: int


@dataclass(frozen=True)
class Quota:
    """vCPUs of one class and market in a region: what may run, what runs now, what the plan adds at most at once.

    `allowed` is None where it could not be asked."""

    region: str
    market: Market
    quota_class: str
    allowed: float | None
    running: int
    planned: int = 0

    @property
    def free(self) -> float | None:
        """vCPUs that may still be started; None where the quota is not known."""
        return None if self.allowed is None else max(0.0, self.allowed - self.running)


def quota_class(instance_type: str) -> str | None:
    """The class that a type counts in; None where it counts in none, as those on dedicated hosts."""
    return _SERIES.get(parse_type(instance_type).series)


def region_quotas(region: str, allowed: Mapping[str, float] | None, running: Iterable[Running]) -> list[Quota]:
    """The quotas of a region by class and market. `allowed`: value by quota code, None where it could not be asked."""
    used: Counter[tuple[Market, str | None]] = Counter()
    for machine in running:
        used[machine.market, quota_class(machine.instance_type)] += machine.vcpus
    return [
        Quota(region, market, name, None if allowed is None else allowed.get(code), used[market, name])
        for (market, name), code in CODES.items()
    ]
