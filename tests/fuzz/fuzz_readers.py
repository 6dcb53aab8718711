"""A coverage-guided fuzzer for everything that reads other people's bytes: both importers' readers and every task's reader.

Starts from real results (`--seeds`, as many as `--most-seeds`) and from small whole ones, changes bytes, keeps every input that
reaches a new line-to-line step of our code, and changes those further. An exception, a hang (longer than `--hang` seconds for
one input) or a broken promise of a reader ends it: the input is written to `--crashes` and the exit code is 1.

    PYTHONPATH=include python tests/fuzz/fuzz_readers.py --seconds 3600 --seeds ../shared/data

It needs nothing but Python: coverage comes from `sys.settrace`, for the files under test alone.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assay import read as reading
from assay.check.registry import all_rules
from assay.measurement import UNITS
from assay.read.content import SessionContent
from assay.read.registry import source_readers
from importer_samples import COREMARK, HPL, WHOLE, cache, manifest, shape_a, shape_b

WATCHED = str(Path(reading.__file__).parent)
TASK_FOLDERS = ("aws", "aws-repeats")
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


@dataclass(frozen=True)
class Case:
    """One session: its source, its task where it has one, and its files."""

    source: str
    task: str
    files: tuple[tuple[str, bytes], ...]

    def read(self) -> SessionContent:
        """What the reader makes of it."""
        files = dict(self.files)
        labels = {"task": self.task, "run": "2024-06-08T08:22:57", "source_file": "a/m7i.large-stream-20250629-120001.json"}
        return source_readers()[self.source].read_session(manifest(files, source=self.source, labels=labels), files)


@dataclass
class Corpus:
    """The inputs that reached something new, and the steps that are known."""

    cases: list[Case] = field(default_factory=list)
    steps: set[tuple[str, int, int]] = field(default_factory=set)

    def add(self, case: Case, steps: set[tuple[str, int, int]]) -> bool:
        """Keep the input if it reached a new step."""
        if steps <= self.steps:
            return False
        self.steps |= steps
        self.cases.append(case)
        return True


class Hang(BaseException):
    """One input took too long. No Exception, so that no reader can swallow it."""


def traced(case: Case, read: Callable[[Case], SessionContent]) -> tuple[SessionContent, set[tuple[str, int, int]]]:
    """The content, and every step from line to line that reading it took in the watched files."""
    steps: set[tuple[str, int, int]] = set()

    def enter(frame: FrameType, event: str, arg: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(WATCHED):
            return None
        before = frame.f_lineno

        def step(inner: FrameType, event: str, arg: object) -> Any:
            nonlocal before
            if event == "line":
                steps.add((name, before, inner.f_lineno))
                before = inner.f_lineno
            return step

        return step

    sys.settrace(enter)
    try:
        return read(case), steps
    finally:
        sys.settrace(None)


def check(content: SessionContent, rules: frozenset[str]) -> None:
    """What a reader promises. Raises AssertionError where it is broken."""
    for _, number, file in content.measurements:
        assert isfinite(number.value), f"{number.metric}: {number.value}"
        assert number.unit in UNITS, number.unit
        assert file
    for problem in content.problems:
        assert problem.rule in rules, problem.rule
        assert problem.message, problem.rule
        assert "\x00" not in problem.message + problem.value
    assert "\\u0000" not in json.dumps(dict(content.profile), allow_nan=False)


def changed(case: Case, chance: random.Random, corpus: list[Case]) -> Case:
    """The case with one to eight changes in one of its files, now and then a file less or another case's file."""
    files = dict(case.files)
    name = chance.choice(sorted(files))
    if chance.random() < 0.03 and len(files) > 1:
        del files[name]
    elif chance.random() < 0.03:
        files[name] = chance.choice(chance.choice(corpus).files)[1]
    else:
        files[name] = _changed(files[name], chance)
    return Case(case.source, case.task, tuple(sorted(files.items())))


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
    """A small whole input of every kind."""
    for task, files in WHOLE.items():
        yield Case("spare-cores", task, tuple(sorted(files.items())))
    for document in (shape_a(), shape_b(), shape_b(hpl=HPL), shape_b(cache=cache()), shape_b(coremark=COREMARK)):
        yield Case("aws-instance-benchmarks", "", (("result.json", json.dumps(document).encode()),))


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


def fuzz(
    seeds: list[Case], *, seconds: float, hang: float, chance: random.Random, read: Callable[[Case], SessionContent] = Case.read
) -> tuple[int, Corpus, tuple[Case, BaseException] | None]:
    """Read changed inputs until the time is up or one breaks a promise: inputs read, what was reached, and the one that broke."""
    rules = frozenset(rule.id for rule in all_rules())
    corpus, count, end = Corpus(), 0, time.monotonic() + seconds

    def alarm(number: int, frame: FrameType | None) -> None:
        raise Hang(f"longer than {hang} s")

    before = signal.signal(signal.SIGALRM, alarm)
    try:
        waiting = list(seeds)
        while time.monotonic() < end:
            case = waiting.pop() if waiting else changed(chance.choice(corpus.cases), chance, corpus.cases)
            signal.setitimer(signal.ITIMER_REAL, hang)
            try:
                content, steps = traced(case, read)
                check(content, rules)
            except (Exception, Hang) as error:  # noqa: BLE001 - any exception is what this looks for
                return count, corpus, (case, error)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            corpus.add(case, steps)
            count += 1
    finally:
        signal.signal(signal.SIGALRM, before)
    return count, corpus, None


def main() -> None:
    """Fuzz for a time and say what was reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--hang", type=float, default=10, help="seconds that one input may take (default 10)")
    parser.add_argument("--seeds", type=Path, help="folder with instance-benchmarks/ and spare-cores/")
    parser.add_argument("--most-seeds", type=int, default=300)
    parser.add_argument("--crashes", type=Path, default=Path("var/fuzz"))
    parser.add_argument("--seed", type=int, default=0, help="of the random changes")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    seeds = [*samples(), *(real(options.seeds, options.most_seeds, chance) if options.seeds else ())]
    count, corpus, broken = fuzz(seeds, seconds=options.seconds, hang=options.hang, chance=chance)
    print(f"{len(seeds)} seeds, {count} inputs, {len(corpus.cases)} kept, {len(corpus.steps)} steps reached")
    if broken:
        case, error = broken
        folder = options.crashes / f"{case.source}-{case.task or 'result'}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in case.files:
            (folder / name).write_bytes(content)
        print(f"{type(error).__name__}: {error}\nthe input is in {folder}")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
