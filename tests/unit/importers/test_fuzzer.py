"""The fuzzer finds what it looks for, and a short run of it finds nothing in the readers."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from assay.read.content import SessionContent

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fuzz"))

import fuzz_readers


def fuzz(read: Any = fuzz_readers.Case.read, seconds: float = 30.0, hang: float = 10.0) -> Any:
    seeds = list(fuzz_readers.samples())
    return fuzz_readers.fuzz(seeds, seconds=seconds, hang=hang, chance=random.Random(1), read=read)


def test_an_exception_for_a_rare_input_is_found() -> None:
    def read(case: fuzz_readers.Case) -> SessionContent:
        if b"NaN" in dict(case.files).get("stdout", b""):
            raise KeyError("rare")
        return case.read()

    _, _, broken = fuzz(read)
    assert broken is not None
    assert isinstance(broken[1], KeyError)


def test_a_hang_is_found() -> None:
    def read(case: fuzz_readers.Case) -> SessionContent:
        time.sleep(60)
        return case.read()

    _, _, broken = fuzz(read, hang=0.2)
    assert broken is not None
    assert isinstance(broken[1], fuzz_readers.Hang)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_broken_promise_is_found(value: float) -> None:
    def read(case: fuzz_readers.Case) -> SessionContent:
        content = case.read()
        content.measurements = [(run, type(number)("b", "m", value, "GB/s"), file) for run, number, file in content.measurements]
        return content

    _, _, broken = fuzz(read)
    assert broken is not None
    assert isinstance(broken[1], AssertionError)


def test_inputs_that_reach_something_new_are_kept() -> None:
    _, corpus, broken = fuzz(seconds=3.0)
    assert broken is None
    assert len(corpus.cases) > len(list(fuzz_readers.samples()))
