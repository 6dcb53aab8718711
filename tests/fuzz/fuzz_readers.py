"""A coverage-guided fuzzer for everything that reads other people's bytes: every reader of sources and tools, and the manifest.

Starts from real results (`--seeds`, as many as `--most-seeds`) and from small whole ones, changes bytes, keeps every input that
reaches a new line-to-line step of our code, and changes those further. An exception, a hang (more than `--hang` seconds of the
processor for one input) or a broken promise of a reader ends it: the input is written to `--crashes` and the exit code is 1.

    PYTHONPATH=include python tests/fuzz/fuzz_readers.py --seconds 3600 --seeds ../shared/data

It needs nothing but Python: coverage comes from `sys.settrace`, for the files under test alone. `--engine` takes another engine
over the same inputs and promises: `atheris` (libFuzzer; coverage of branches and of compared values) or `hypothesis` (which
shrinks what it finds); `all` shares the time out among the three.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from assay import read as reading
from assay import session
from assay.read.content import SessionContent
from fuzz_cases import Case, Promises, changed, seeds_from, write_crash

WATCHED = (str(Path(reading.__file__).parent), str(session.__file__))
ENGINES = ("steps", "atheris", "hypothesis")


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


def fuzz(
    seeds: list[Case], *, seconds: float, hang: float, chance: random.Random, read: Callable[[Case], SessionContent] = Case.read
) -> tuple[int, Corpus, tuple[Case, BaseException] | None]:
    """Read changed inputs until the time is up or one breaks a promise: inputs read, what was reached, and the one that broke."""
    promises = Promises()
    corpus, count, end = Corpus(), 0, time.monotonic() + seconds

    def alarm(number: int, frame: FrameType | None) -> None:
        raise Hang(f"longer than {hang} s")

    before = signal.signal(signal.SIGPROF, alarm)
    try:
        waiting = list(seeds)
        while time.monotonic() < end:
            case = waiting.pop() if waiting else changed(chance.choice(corpus.cases), chance, corpus.cases)
            signal.setitimer(signal.ITIMER_PROF, hang)
            try:
                content, steps = traced(case, read)
                promises.check(content)
            except (Exception, Hang) as error:  # noqa: BLE001 - any exception is what this looks for
                return count, corpus, (case, error)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            corpus.add(case, steps)
            count += 1
    finally:
        signal.signal(signal.SIGPROF, before)
    return count, corpus, None


def by_steps(options: argparse.Namespace, seconds: float) -> int:
    """The engine of this file; the exit code."""
    chance = random.Random(options.seed)
    seeds = seeds_from(options.seeds, options.most_seeds, chance)
    count, corpus, broken = fuzz(seeds, seconds=seconds, hang=options.hang, chance=chance)
    print(f"steps: {len(seeds)} seeds, {count} inputs, {len(corpus.cases)} kept, {len(corpus.steps)} steps reached", flush=True)
    if broken:
        case, error = broken
        print(f"{type(error).__name__}: {error}\nthe input is in {write_crash(case, options.crashes)}", flush=True)
        return 1
    return 0


def by_program(engine: str, options: argparse.Namespace, seconds: float) -> int:
    """An engine in a process of its own; the exit code."""
    if importlib.util.find_spec(engine) is None:
        print(f"{engine}: skipped: it does not install here (see tests/requirements.in)", flush=True)
        return 0
    command = [sys.executable, str(Path(__file__).with_name(f"fuzz_with_{engine}.py")), "--seconds", str(seconds)]
    command += ["--hang", str(options.hang), "--most-seeds", str(options.most_seeds)]
    command += ["--crashes", str(options.crashes), "--seed", str(options.seed)]
    command += ["--seeds", str(options.seeds)] if options.seeds else []
    return subprocess.run(command, check=False).returncode


def parser_of_options(description: str | None) -> argparse.ArgumentParser:
    """The options that every engine understands."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--hang", type=float, default=10, help="seconds that one input may take (default 10)")
    parser.add_argument("--seeds", type=Path, help="folder with instance-benchmarks/ and spare-cores/")
    parser.add_argument("--most-seeds", type=int, default=300)
    parser.add_argument("--crashes", type=Path, default=Path("var/fuzz"))
    parser.add_argument("--seed", type=int, default=0, help="of the random changes")
    return parser


def main() -> None:
    """Fuzz for a time and say what was reached."""
    parser = parser_of_options(__doc__)
    parser.add_argument("--engine", choices=(*ENGINES, "all"), default="steps")
    options = parser.parse_args()
    engines = ENGINES if options.engine == "all" else (options.engine,)
    seconds = options.seconds / len(engines)
    codes = [by_steps(options, seconds) if engine == "steps" else by_program(engine, options, seconds) for engine in engines]
    raise SystemExit(1 if any(codes) else 0)


if __name__ == "__main__":
    main()
