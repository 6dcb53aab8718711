"""The fuzzer finds what it looks for, and a short run of it finds nothing in the readers."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from assay.read.content import SessionContent

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fuzz"))

import fuzz_cases
import fuzz_readers

FUZZ = Path(fuzz_readers.__file__).parent


def fuzz(read: Any = fuzz_cases.Case.read, seconds: float = 30.0, hang: float = 10.0) -> Any:
    seeds = list(fuzz_cases.samples())
    return fuzz_readers.fuzz(seeds, seconds=seconds, hang=hang, chance=random.Random(1), read=read)


def test_an_exception_for_a_rare_input_is_found() -> None:
    def read(case: fuzz_cases.Case) -> SessionContent:
        if b"NaN" in dict(case.files).get("stdout", b""):
            raise KeyError("rare")
        return case.read()

    _, _, broken = fuzz(read)
    assert broken is not None
    assert isinstance(broken[1], KeyError)


def test_a_hang_is_found() -> None:
    def read(case: fuzz_cases.Case) -> SessionContent:
        while time.monotonic() < end:
            pass
        return case.read()

    end = time.monotonic() + 60

    _, _, broken = fuzz(read, hang=0.2)
    assert broken is not None
    assert isinstance(broken[1], fuzz_readers.Hang)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_broken_promise_is_found(value: float) -> None:
    def read(case: fuzz_cases.Case) -> SessionContent:
        content = case.read()
        content.measurements = [(run, type(number)("b", "m", value, "GB/s"), file) for run, number, file in content.measurements]
        return content

    _, _, broken = fuzz(read)
    assert broken is not None
    assert isinstance(broken[1], AssertionError)


def test_inputs_that_reach_something_new_are_kept() -> None:
    _, corpus, broken = fuzz(seconds=3.0)
    assert broken is None
    assert len(corpus.cases) > 80
    assert {case.source for case in corpus.cases} == {"spare-cores", "aws-instance-benchmarks", "assay-agent", "tool", "manifest"}


def test_the_samples_break_no_promise_and_every_tool_is_among_them() -> None:
    promises = fuzz_cases.Promises()
    read = {(case.source, case.task): case.read() for case in fuzz_cases.samples()}
    for content in read.values():
        promises.check(content)
    tools = {task: content for (source, task), content in read.items() if source == "tool"}
    assert set(tools) == set(fuzz_cases.tool_readers())
    assert all(content.measurements for content in tools.values())


def test_a_case_survives_being_bytes() -> None:
    for case in fuzz_cases.samples():
        assert fuzz_cases.Case.from_bytes(case.to_bytes()) == case


def test_a_changed_report_of_our_own_kernel_mostly_passes_its_checksum() -> None:
    raw = (fuzz_cases.DATA / "assay_stream/all.txt").read_bytes()
    changed = raw.replace(b"0", b"1", 3)
    again = [fuzz_cases.repaired(changed, random.Random(number)) for number in range(100)]
    assert fuzz_cases.repaired(raw, random.Random(1)) == raw
    assert sum(text != changed for text in again) > 60


@pytest.mark.parametrize("engine", ["atheris", "hypothesis"])
def test_the_other_engines_run_and_find_nothing_in_seconds(engine: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} does not install on this platform")
    done = subprocess.run(
        [sys.executable, FUZZ / f"fuzz_with_{engine}.py", "--seconds", "3", "--crashes", tmp_path / "crashes"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{engine}: " in done.stdout


@pytest.mark.full
@pytest.mark.parametrize("engine", ["steps", "atheris", "hypothesis"])
def test_every_engine_finds_nothing_in_a_minute_over_real_seeds(engine: str, test_data: Path, tmp_path: Path) -> None:
    if engine != "steps" and importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} does not install on this platform")
    command = [sys.executable, FUZZ / "fuzz_readers.py", "--engine", engine, "--seconds", "60", "--seeds", test_data]
    done = subprocess.run([*command, "--crashes", tmp_path], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
