"""The processor and memory of EC2 families, where Amazon says so. A family that is not here is not known: nothing is guessed.

Which processor drives a family: what Amazon publishes on the family's page,
https://aws.amazon.com/ec2/instance-types/<family>/. Which memory a processor takes: the one kind that its memory controller
supports by its maker's specification, as cited per row. The table is kept by hand; `AS_OF` is when it was last gone through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

AS_OF = "2026-11-20"
FAMILY_SOURCE = "https://aws.amazon.com/ec2/instance-types/"

_ARK = "https://www.intel.com/content/www/us/en/ark.html"
_EPYC = "https://www.amd.com/en/products/specifications/server-processor.html"
_GRAVITON = "https://aws.amazon.com/ec2/graviton/"


@dataclass(frozen=True)
class Processor:
    """A processor, the one kind of memory that it takes (None where it takes several or that is not published) and who says
    so."""

    name: str
    memory_type: str | None
    source: str
    families: tuple[str, ...]


def _row(name: str, memory_type: str | None, source: str, families: str) -> Processor:
    return Processor(name, memory_type, source, tuple(families.split()))


PROCESSORS = (
    _row("Intel Xeon E5-2680 v2 (Ivy Bridge)", "DDR3", _ARK, "c3"),
    _row("Intel Xeon E5-2670 v2 (Ivy Bridge)", "DDR3", _ARK, "m3 r3 i2"),
    _row("Intel Xeon E5-2666 v3 (Haswell)", "DDR4", _ARK, "c4"),
    _row("Intel Xeon E5-2676 v3 (Haswell)", "DDR4", _ARK, "d2"),
    _row("Intel Xeon E5-2676 v3 (Haswell) or E5-2686 v4 (Broadwell)", "DDR4", _ARK, "m4"),
    _row("Intel Xeon E5-2686 v4 (Broadwell)", "DDR4", _ARK, "r4 i3 h1"),
    _row("Intel Xeon E7-8880 v3 (Haswell)", None, _ARK, "x1 x1e"),
    _row("Intel Xeon Scalable, 1st generation (Skylake)", "DDR4", _ARK, "z1d p3dn"),
    _row(
        "Intel Xeon Scalable, 1st or 2nd generation (Skylake or Cascade Lake)",
        "DDR4",
        _ARK,
        "c5 c5d c5n m5 m5d m5n m5dn r5 r5b r5d r5n r5dn t3 i3en",
    ),
    _row("Intel Xeon Scalable, 2nd generation (Cascade Lake)", "DDR4", _ARK, "m5zn x2iezn d3 d3en g4dn inf1 p4d p4de vt1"),
    _row(
        "Intel Xeon Scalable, 3rd generation (Ice Lake)",
        "DDR4",
        _ARK,
        "c6i c6id c6in m6i m6id m6in m6idn r6i r6id r6in r6idn i4i x2idn x2iedn hpc6id trn1 trn1n",
    ),
    _row(
        "Intel Xeon Scalable, 4th generation (Sapphire Rapids)",
        "DDR5",
        _ARK,
        "c7i c7i-flex m7i m7i-flex r7i r7iz u7i-6tb u7i-8tb u7i-12tb u7in-16tb u7in-24tb u7in-32tb",
    ),
    _row("Intel Xeon Scalable, 5th generation (Emerald Rapids)", "DDR5", _ARK, "i7i i7ie p6-b200 g7e"),
    _row("Intel Xeon 6 (Granite Rapids)", "DDR5", _ARK, "c8i c8i-flex m8i m8i-flex r8i r8i-flex x8i"),
    _row("AMD EPYC, 1st generation (Naples)", "DDR4", _EPYC, "m5a m5ad r5a r5ad t3a"),
    _row("AMD EPYC, 2nd generation (Rome)", "DDR4", _EPYC, "c5a c5ad g4ad g5"),
    _row("AMD EPYC, 3rd generation (Milan)", "DDR4", _EPYC, "c6a m6a r6a hpc6a g6 g6e gr6 inf2 p5 p5e f2"),
    _row("AMD EPYC, 4th generation (Genoa)", "DDR5", _EPYC, "c7a m7a r7a hpc7a"),
    _row("AMD EPYC, 5th generation (Turin)", "DDR5", _EPYC, "c8a m8a m8azn r8a hpc8a x8aedz"),
    _row("AWS Graviton", None, _GRAVITON, "a1"),
    _row("AWS Graviton2", "DDR4", _GRAVITON, "c6g c6gd c6gn m6g m6gd r6g r6gd t4g x2gd i4g im4gn is4gen g5g"),
    _row("AWS Graviton3", "DDR5", _GRAVITON, "c7g c7gd m7g m7gd r7g r7gd"),
    _row("AWS Graviton3E", "DDR5", _GRAVITON, "c7gn hpc7g"),
    _row("AWS Graviton4", "DDR5", _GRAVITON, "c8g c8gb c8gd c8gn m8g m8gb m8gd m8gn r8g r8gb r8gd r8gn x8g i8g i8ge"),
    _row("AWS Graviton5", None, _GRAVITON, "m9g m9gd c9g c9gd r9g r9gd"),
)


def by_family() -> dict[str, Processor]:
    """The processor of every family that the table knows."""
    return dict(_pairs())


def _pairs() -> Iterator[tuple[str, Processor]]:
    for processor in PROCESSORS:
        for family in processor.families:
            yield family, processor
