"""What the name of an EC2 instance type says.

`m7i.large` is of family `m7i`: series `m`, generation 7, processor letter `i`, size `large`. The letters after the generation
name the processor (a AMD, g Graviton, i Intel) and then capabilities (b, d, e, n, z, ...). Older families and most of those
built around an accelerator carry no processor letter; what a name does not say stays None. Source:
https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TYPE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.[a-z0-9]+(?:-[a-z0-9]+)*")
_FAMILY = re.compile(r"(?P<series>[a-z]+?)-?(?P<generation>\d+)(?P<letters>[a-z]*)(?P<rest>(?:-[a-z0-9]+)*)")
_HIGH_MEMORY = re.compile(r"u-\d+tb(?P<generation>\d+)")
_MAC = re.compile(r"mac(?P<generation>\d*)(?:-[a-z0-9]+)?")
_PROCESSOR_LETTERS = {"a": "amd", "g": "graviton", "i": "intel"}

MAX_TYPE_CHARS = 64


@dataclass(frozen=True)
class TypeName:
    """The parts of an instance type's name; `generation` and `processor` are None where the name does not say."""

    family: str
    size: str
    series: str
    generation: int | None
    processor: str | None


def is_instance_type(text: str) -> bool:
    """Whether a text has the form of an instance type's name, such as `c7i-flex.large`; it need not exist."""
    return len(text) <= MAX_TYPE_CHARS and _TYPE.fullmatch(text) is not None


def parse_type(instance_type: str) -> TypeName:
    """The parts of the name of an instance type. Raises ValueError where the text is no such name."""
    if not is_instance_type(instance_type):
        raise ValueError(f"{instance_type[:80]!r} is no instance type; expected a name like 'm7i.large'")
    family, size = instance_type.split(".")
    series, generation, processor = parse_family(family)
    return TypeName(family, size, series, generation, processor)


def parse_family(family: str) -> tuple[str, int | None, str | None]:
    """Series, generation and processor (`amd`, `graviton`, `intel`) that a name says; None for what it does not say."""
    if special := _HIGH_MEMORY.fullmatch(family):
        return "u", int(special["generation"]), None
    if special := _MAC.fullmatch(family):
        return "mac", int(special["generation"]) if special["generation"] else None, None
    found = _FAMILY.fullmatch(family)
    if found is None:
        return family, None, None
    return found["series"], int(found["generation"]), _PROCESSOR_LETTERS.get(found["letters"][:1])
