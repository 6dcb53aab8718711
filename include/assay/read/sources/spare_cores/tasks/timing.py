"""The record of the timing task itself. What it measures lies in the folders of its runs, each a session of its own."""

from __future__ import annotations

from collections.abc import Mapping

from assay.measurement import Execution
from assay.read.sources.spare_cores.output import Output

TASK = "timing"
IMPLEMENTATION = "sc-inspector"


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """Nothing but the record: the task prints no output."""
    return Output(run)
