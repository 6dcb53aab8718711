"""Geekbench 6 -> scores on one core and on all. Formats: the text report, and `results.json` made from the page of the result.

Trial builds print no score, only a link: then `results.json` is the only result. Where the upload failed, the report is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from assay.measurement import Execution, Measurement
from assay.read.claims import problem
from assay.read.sources.spare_cores.output import STDOUT, Output, metric_name, number, spoilt, text

TASK = "geekbench"
IMPLEMENTATION = "geekbench"
RESULTS = "results.json"

_TABLES = {"Single-Core Performance": "single_core", "Multi-Core Performance": "multi_core"}
_SECTIONS = {"Single-Core": "single_core", "Multi-Core": "multi_core"}
_THREADS = {"single_core": "one", "multi_core": "all"}
_ROW = re.compile(r"  (\S[^\n]{0,60}?) {2,}(\d{1,9}) {2,}\S[^\n]{0,40}")
_TOTAL = re.compile(r"  (Single|Multi)-Core Score +(\d{1,9}) *")
_VERSION = re.compile(r"Geekbench (\d[\d.]{0,20}) ")
_UPLOADED = "Upload succeeded"
_MAX_ROWS = 200

Scores = dict[str, float]


class _Entry(msgspec.Struct):
    score: float


_RESULTS = msgspec.json.Decoder(dict[str, dict[str, _Entry | float]])


def read(files: Mapping[str, bytes], run: Execution, instance_type: str) -> Output:
    """The score of every workload and the two totals. Spoilt: no total for one core or for all (cut, or never uploaded)."""
    report = text(files) if STDOUT in files else ""
    version = _VERSION.search(report[:1_000])
    if report and version is None:
        raise spoilt("unreadable", STDOUT, report[:80], "Geekbench's report, which begins with its version")
    printed = _printed(report)
    published = _published(files[RESULTS]) if RESULTS in files else None
    scores, file = (published, RESULTS) if published is not None else (printed, STDOUT)
    for name in _THREADS:
        if f"{name}_score" not in scores:
            found = "no total" if published is not None else f"no total, and no {RESULTS}"
            raise spoilt("incomplete-result", file, found, "a score on one core and on all", name)
    output = Output(
        run if run.exit_code == 0 and run.version[:1].isdigit() else replace(run, version=version[1] if version else run.version)
    )
    if published is None and _UPLOADED not in report:
        output.warnings.append(
            problem("reading.upload-failed", STDOUT, f"no {RESULTS}", "a result that the maker's page confirms")
        )
    if published is not None and printed:
        differing = sorted(name for name in published if printed.get(name, published[name]) != published[name])
        if differing:
            output.warnings.append(
                problem("reading.outputs-disagree", RESULTS, ", ".join(differing[:3]), f"the scores in {STDOUT}")
            )
    for name, score in scores.items():
        table = "single_core" if name.startswith("single_core") else "multi_core"
        execution = replace(output.run, threads=_THREADS[table])
        output.numbers.append((execution, Measurement("geekbench", name, score, "score"), file))
    return output


def _published(raw: bytes) -> Scores:
    try:
        tables = _RESULTS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise spoilt("unreadable", RESULTS, str(error)[:160], "two tables of scores") from None
    scores: Scores = {}
    for title, name in _TABLES.items():
        for workload, entry in list(tables.get(title, {}).items())[:_MAX_ROWS]:
            score = entry.score if isinstance(entry, _Entry) else entry
            if score <= 0:
                raise spoilt("incomplete-result", RESULTS, str(score), "a score above 0", f"{title}: {workload}")
            scores[metric_name(name, workload)] = score
    return scores


def _printed(report: str) -> Scores:
    scores: Scores = {}
    section = ""
    for line in report.split("\n"):
        if line and not line.startswith(" "):
            section = _SECTIONS.get(line.strip(), "")
        elif total := _TOTAL.fullmatch(line):
            scores[f"{total[1].lower()}_core_score"] = float(total[2])
        elif section and (row := _ROW.fullmatch(line)) and len(scores) < _MAX_ROWS:
            scores[metric_name(section, row[1])] = number(row[2]) or 0.0
    return {name: score for name, score in scores.items() if score > 0}
