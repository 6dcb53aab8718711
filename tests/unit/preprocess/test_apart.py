"""Processors in processes of their own: what they say comes back, and how one ends tells whose fault it was."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from assay.errors import ProcessorDied
from assay.preprocess.apart import Workshop
from assay.preprocess.processor import PARQUET, PNG, Broken, RawInput
from assay.preprocess.processors import copy, edf, miniseed
from real_recordings import EDF, MSEED


def workers() -> list[psutil.Process]:
    """The processes of processors; other tests of this process may have left children of theirs."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            if "assay.preprocess.apart" in child.cmdline():
                found.append(child)
    return found


def test_files_and_faults_come_back_from_one_process_for_many_files(tmp_path: Path) -> None:
    (tmp_path / "cut.edf").write_bytes(EDF.read_bytes()[:100_000])
    with Workshop(tmp_path) as workshop:
        for number, file in enumerate((EDF, EDF)):
            folder = tmp_path / str(number)
            folder.mkdir()
            made = workshop.process(edf, RawInput("s", "night.edf", file, "0" * 64), folder)
            assert [(out.name, out.media_type, out.file.is_file()) for out in made.outputs] == [
                ("signals.parquet", PARQUET, True),
                ("preview.png", PNG, True),
            ]
            assert made.facts["format"] == "EDF"
        with pytest.raises(Broken, match=r"cut\.edf"):
            workshop.process(edf, RawInput("s", "cut.edf", tmp_path / "cut.edf", "0" * 64), tmp_path)
        with pytest.raises(Broken, match=r"x\.mseed"):
            workshop.process(miniseed, RawInput("s", "x.mseed", MSEED / "brokenlastrecord.mseed", "0" * 64), tmp_path)
        assert len(workers()) == 1
        assert workshop.process(copy, RawInput("s", "x.bin", EDF, "0" * 64), tmp_path).flags == ("copied",)
    assert workers() == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say how much memory a process holds")
def test_memory_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    with Workshop(tmp_path) as workshop:
        for number in range(5):
            folder = tmp_path / str(number)
            folder.mkdir()
            workshop.process(edf, RawInput("s", "night.edf", EDF, "0" * 64), folder)
            assert sum(worker.memory_info().rss for worker in workers()) < 280 * 1024 * 1024


@pytest.mark.parametrize(("number", "error"), [(signal.SIGSEGV, Broken), (signal.SIGKILL, ProcessorDied)])
def test_a_file_that_ends_its_processor_is_broken_and_a_kill_is_tried_again(
    number: signal.Signals, error: type[Exception], tmp_path: Path
) -> None:
    file = tmp_path / "endless.edf"
    os.mkfifo(file)  # it waits for ever for what is in it

    def end() -> None:
        while not (started := workers()):
            time.sleep(0.01)
        started[0].send_signal(number)

    ending = threading.Thread(target=end)
    ending.start()
    with Workshop(tmp_path) as workshop, pytest.raises(error, match=r"endless\.edf"):
        workshop.process(edf, RawInput("s", "endless.edf", file, "0" * 64), tmp_path)
    ending.join()
    assert workers() == []
