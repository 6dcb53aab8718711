"""PassMark PerformanceTest for Linux -> scores. Format: the YAML it writes, with a checksum in its last line.

Units: memory bandwidths in MB/s, memory latency in nanoseconds, as PassMark names them; everything else is a number on the
test's own scale. 0 means not supported for the extended instructions, and otherwise that the test did not run: it is left out,
with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from assay.measurement import Execution, Measurement
from assay.read.claims import problem
from assay.read.sources.spare_cores.output import STDOUT, Output, lines, metric_name, number, spoilt, text

TASK = "passmark"
IMPLEMENTATION = "passmark"

_UNITS = {
    "ME_READ_S": "MB/s",
    "ME_READ_L": "MB/s",
    "ME_WRITE": "MB/s",
    "ME_THREADED": "MB/s",
    "ME_LATENCY": "nanoseconds",
}
_MAY_LACK = frozenset({"CPU_sse", "CPU_fma", "CPU_avx", "CPU_avx512"})
_NUMBERS = re.compile(r"(?:CPU|ME|SUMM|m_CPU)_\w{1,40}")
_CHECKSUM = re.compile(r"Checksum: [0-9A-F]{40}\s*")
_TOTAL = "SUMM_CPU"


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """Every result of the run. Spoilt: no checksum at the end (cut), results not marked complete, no total for the processor."""
    sections = _sections(text(files))
    results = sections.get("Results", {})
    if results.get("Results Complete") != "true":
        raise spoilt("incomplete-result", STDOUT, results.get("Results Complete", "nothing"), "true", "Results Complete")
    output = Output(replace(run, version=_version(sections.get("Version", {})) or run.version, threads="all"))
    for name, shown in results.items():
        if not _NUMBERS.fullmatch(name):
            continue
        value = number(shown)
        if value is None or value < 0:
            raise spoilt("unreadable", STDOUT, shown, "a number", name)
        if value == 0:
            if name == _TOTAL:
                raise spoilt("incomplete-result", STDOUT, shown, "a total above 0", name)
            if name not in _MAY_LACK:
                output.warnings.append(problem("reading.zero-result", STDOUT, shown, "a number above 0", name))
            continue
        execution = replace(output.run, threads="one") if name == "CPU_SINGLETHREAD" else output.run
        number_ = Measurement("passmark", metric_name(name), value, _UNITS.get(name, "score"))
        output.numbers.append((execution, number_, STDOUT))
    if _TOTAL not in results:
        raise spoilt("missing-metric", STDOUT, "nothing", "a number", _TOTAL)
    return output


def _sections(content: str) -> dict[str, dict[str, str]]:
    """Two levels of `name: value`; deeper ones describe memory modules and are passed over."""
    ended = content if content.endswith("\n") else f"{content}\n"
    table = lines({STDOUT: ended.encode()})
    if not _CHECKSUM.fullmatch(table[-1]):
        raise spoilt("truncated-output", STDOUT, table[-1], "`Checksum: <40 hex digits>`", "last line")
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in table:
        name, found, value = line.partition(":")
        if not found:
            continue
        if not name.startswith(" "):
            section = sections.setdefault(name, {})
        elif not name.startswith("   "):
            section[name.strip()] = value.strip()
    return sections


def _version(section: Mapping[str, str]) -> str:
    parts = [section.get(name, "") for name in ("Major", "Minor", "Build")]
    return ".".join(parts) if all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts) else ""
