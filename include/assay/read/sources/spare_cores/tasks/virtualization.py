"""Whether the machine can run virtual machines itself. Format: `{"kvm": true}` or false with a reason. No measurement."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from assay.measurement import Execution
from assay.read.sources.spare_cores.output import STDOUT, Output, spoilt, text

TASK = "virtualization"
IMPLEMENTATION = "kvm-ok"


class _Document(msgspec.Struct):
    kvm: bool


_DOCUMENT = msgspec.json.Decoder(_Document)


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """`claimed_kvm`. Spoilt: no such JSON."""
    try:
        document = _DOCUMENT.decode(text(files))
    except (msgspec.DecodeError, RecursionError) as error:
        raise spoilt("unreadable", STDOUT, str(error)[:160], '`{"kvm": true}` or false') from None
    return Output(run, profile={"claimed_kvm": document.kvm})
