"""What the fuzzers read: inputs from real and small whole results, how to change them, and what every reader promises.

A case is one session with its files, the output of one tool, or one manifest. Changing one is the same for every engine: bytes of
one of its files change, and now and then the checksum line that our own kernels print is made right again, since no fuzzer
guesses a CRC and everything behind it would never be reached.
"""

from __future__ import annotations

import base64
import json
import random
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assay.check.registry import all_rules
from assay.errors import ManifestError, Unreadable
from assay.measurement import UNITS, Execution
from assay.read.content import SessionContent
from assay.read.registry import source_readers, tool_readers
from assay.session import Manifest
from importer_samples import COREMARK, HPL, WHOLE, cache, manifest, shape_a, shape_b

DATA = Path(__file__).resolve().parents[1] / "data"
TASK_FOLDERS = ("aws", "aws-repeats")
TOOL, MANIFEST = "tool", "manifest"
BITS = (
    b"0",
    b"-1",
    b"1e999",
    b"NaN",
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"\n",
    b"\r\n",
    b"\x00",
    b",",
    b":",
    b"+F:",
    b"\xff\xfe",
    b"9" * 40,
)
MAX_BYTES = 40_000
REPAIRED = 0.8
"""How often a checksum line is made right after a change."""

_LAST_LINE = re.compile(rb"end (\S+) lines \d+ crc32 [0-9a-f]{8}\n\Z")


@dataclass(frozen=True)
class Case:
    """One session: its source, its task where it has one, and its files. Or one output of a tool, or one manifest."""

    source: str
    task: str
    files: tuple[tuple[str, bytes], ...]

    def read(self) -> SessionContent:
        """What the reader makes of it. A refusal with its own error is an answer too: empty content."""
        files = dict(self.files)
        try:
            if self.source == MANIFEST:
                return _read_manifest(next(iter(files.values()), b""))
            if self.source == TOOL:
                return _read_tool(self.task, next(iter(files.values()), b""))
        except (ManifestError, Unreadable):
            return SessionContent("", "")
        labels = {"task": self.task, "run": "2024-06-08T08:22:57", "source_file": "a/m7i.large-stream-20250629-120001.json"}
        return source_readers()[self.source].read_session(manifest(files, source=self.source, labels=labels), files)

    def to_bytes(self) -> bytes:
        """As one string of bytes, for an engine that knows nothing else."""
        files = [[name, base64.b64encode(content).decode()] for name, content in self.files]
        return json.dumps([self.source, self.task, files]).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Case:
        """The case that `to_bytes` wrote. Raises ValueError for anything else."""
        source, task, files = json.loads(raw)
        return cls(source, task, tuple((name, base64.b64decode(content)) for name, content in files))


def _read_manifest(raw: bytes) -> SessionContent:
    found = Manifest.parse(raw)
    assert Manifest.parse(found.to_bytes()) == found
    return SessionContent(found.session, found.subject)


def _read_tool(tool: str, raw: bytes) -> SessionContent:
    context = Execution(tool=tool, execution=1, details={"llc_bytes": 1 << 20, "level": "l2"})
    rows = tool_readers()[tool].read(raw.decode("utf-8", "replace"), context)
    return SessionContent("", "", measurements=[(context, number, "stdout.txt") for number in rows])


class Promises:
    """What every reader promises, checked on what it returned."""

    def __init__(self) -> None:
        self.rules = frozenset(rule.id for rule in all_rules())

    def check(self, content: SessionContent) -> None:
        """Raises AssertionError where a promise is broken."""
        for _, number, file in content.measurements:
            assert isfinite(number.value), f"{number.metric}: {number.value}"
            assert number.unit in UNITS, number.unit
            assert file
        for problem in content.problems:
            assert problem.rule in self.rules, problem.rule
            assert problem.message, problem.rule
            assert "\x00" not in problem.message + problem.value
        assert "\\u0000" not in json.dumps(dict(content.profile), allow_nan=False)


def changed(case: Case, chance: random.Random, corpus: list[Case]) -> Case:
    """The case with one to eight changes in one of its files, now and then a file less or another case's file."""
    files = dict(case.files)
    if not files:
        return case
    name = chance.choice(sorted(files))
    if chance.random() < 0.03 and len(files) > 1:
        del files[name]
    elif chance.random() < 0.03:
        files[name] = chance.choice(chance.choice(corpus).files or ((name, b""),))[1]
    else:
        files[name] = repaired(_changed(files[name], chance), chance)
    return replace(case, files=tuple(sorted(files.items())))


def repaired(raw: bytes, chance: random.Random) -> bytes:
    """The output of one of our kernels, mostly with the last line that it would have printed; anything else as it is."""
    last = _LAST_LINE.search(raw)
    if last is None or chance.random() > REPAIRED:
        return raw
    body = raw[: last.start()]
    return body + b"end %s lines %d crc32 %08x\n" % (last[1], body.count(b"\n"), zlib.crc32(body))


def _changed(content: bytes, chance: random.Random) -> bytes:
    raw = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(raw))
        to = min(len(raw), at + chance.choice((0, 1, 1, 2, 4, 16, 200)))
        kind = chance.random()
        if kind < 0.3 and raw:
            raw[min(at, len(raw) - 1)] ^= 1 << chance.randint(0, 7)
        elif kind < 0.6:
            raw[at:to] = chance.choice(BITS)
        elif kind < 0.75:
            raw[at:at] = raw[at:to] * chance.choice((1, 2, 50))
        elif kind < 0.85:
            lines = bytes(raw).split(b"\n")
            chance.shuffle(lines)
            raw = bytearray(b"\n".join(lines))
        elif kind < 0.95:
            del raw[at:to]
        else:
            del raw[at:]
    return bytes(raw[:MAX_BYTES])


def samples() -> Iterator[Case]:
    """A small whole input of every kind: of both importers, of our own agent, of every tool, and a manifest."""
    for task, files in WHOLE.items():
        yield Case("spare-cores", task, tuple(sorted(files.items())))
    for document in (shape_a(), shape_b(), shape_b(hpl=HPL), shape_b(cache=cache()), shape_b(coremark=COREMARK)):
        yield Case("aws-instance-benchmarks", "", (("result.json", json.dumps(document).encode()),))
    session = DATA / "assay_agent/session"
    for execution in sorted(session.glob("*/1")):
        files = {str(path.relative_to(session)): path.read_bytes() for path in sorted(execution.iterdir())}
        yield Case("assay-agent", "", (*sorted(files.items()), ("profile.json", (session / "profile.json").read_bytes())))
    for tool in sorted(tool_readers()):
        for path in sorted((DATA / tool.replace("-", "_")).glob("*.txt")):
            yield Case(TOOL, tool, (("stdout.txt", path.read_bytes()),))
    yield Case(MANIFEST, "", (("manifest.json", (session / "manifest.json").read_bytes()),))


def real(folder: Path, most: int, chance: random.Random) -> Iterator[Case]:
    """Real inputs, a random choice of them."""
    results = sorted((folder / "instance-benchmarks").rglob("*.json"))
    runs = [path.parent for layout in TASK_FOLDERS for path in sorted((folder / "spare-cores" / layout).rglob("meta.json"))]
    for place in chance.sample([*results, *runs], min(most, len(results) + len(runs))):
        if place.is_file():
            yield Case("aws-instance-benchmarks", "", (("result.json", place.read_bytes()[:MAX_BYTES]),))
            continue
        files = {path.name: path.read_bytes()[:MAX_BYTES] for path in sorted(place.iterdir()) if path.is_file()}
        task = place.parent.name if place.parent.parent.parent.name in TASK_FOLDERS else place.name
        yield Case("spare-cores", task, tuple(sorted(files.items())))


def seeds_from(folder: Path | None, most: int, chance: random.Random) -> list[Case]:
    """The small whole inputs, and real ones where a folder is given."""
    return [*samples(), *(real(folder, most, chance) if folder else ())]


def write_crash(case: Case, folder: Path) -> Path:
    """Write the files of an input that broke a promise below the folder; give the place."""
    place = folder / f"{case.source}-{case.task or 'result'}"
    for name, content in case.files:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place
