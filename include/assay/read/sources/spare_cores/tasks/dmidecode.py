"""dmidecode -> what the firmware says of machine and memory. Format: dmidecode(8); a whole output ends with `End Of Table`.

Serial numbers, UUIDs and asset tags identify a machine and are not handed on. No measurement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from assay.measurement import Execution
from assay.read.sources.spare_cores.output import STDOUT, Output, lines, spoilt
from assay.reference.names import is_instance_type

TASK = "dmidecode"
IMPLEMENTATION = "dmidecode"

_MEMORY = re.compile(r"\tType: (DDR\d|LPDDR\d|HBM\d?)")


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """The instance type and the kinds of memory that the firmware names. Spoilt: the end of the table is missing."""
    table = lines(files)
    if not table[0].startswith("# dmidecode"):
        raise spoilt("unreadable", STDOUT, table[0], "`# dmidecode <version>`", "line 1")
    if "End Of Table" not in [line.strip() for line in table[-3:]]:
        raise spoilt("truncated-output", STDOUT, table[-1], "`End Of Table`", "last line")
    output = Output(run)
    product = next((line.partition(": ")[2].strip() for line in table if line.startswith("\tProduct Name: ")), "")
    if is_instance_type(product):
        output.profile["claimed_instance_type"] = product
    kinds = {found[1] for line in table if (found := _MEMORY.fullmatch(line.rstrip()))}
    if len(kinds) == 1:
        output.profile["claimed_memory_type"] = kinds.pop()
    return output
