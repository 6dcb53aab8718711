"""Processors on real recordings that packages of the field bring, and on broken ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyedflib
import pytest
from assay.preprocess.processor import Broken, Made, RawInput
from assay.preprocess.registry import processor_for, processors
from real_recordings import BDF, EDF, MSEED


def process(file: Path, folder: Path, name: str = "") -> Made:
    path = name or file.name
    with file.open("rb") as stream:
        processor = processor_for(path, stream.read(512))
    folder.mkdir(parents=True, exist_ok=True)
    return processor.process(RawInput("s", path, file, "0" * 64), folder)


def signal(made: Made, name: str) -> tuple[np.ndarray, np.ndarray, set[str]]:
    table = pq.read_table(made.outputs[0].file)
    rows = table.filter(pc.equal(table["signal"].cast(pa.string()), name))
    return rows["time_s"].to_numpy(), rows["value"].to_numpy(), set(rows["unit"].cast(pa.string()).unique().to_pylist())


def test_every_processor_has_a_name_and_a_version_and_copying_is_asked_last() -> None:
    names = [processor.NAME for processor in processors()]
    assert names == ["edf", "miniseed", "copy"]
    assert all(processor.VERSION for processor in processors())


@pytest.mark.parametrize("file", [EDF, BDF], ids=["EDF", "BDF"])
def test_an_edf_file_becomes_rows_in_its_physical_unit(file: Path, tmp_path: Path) -> None:
    made = process(file, tmp_path)
    with pyedflib.EdfReader(str(file)) as reader:
        labels, rates = reader.getSignalLabels(), reader.getSampleFrequencies()
        expected = {label: (reader.readSignal(n), rates[n], reader.getPhysicalDimension(n)) for n, label in enumerate(labels)}
    facts = {one["signal"]: one for one in made.facts["signals"]}
    assert set(facts) == set(expected)
    for label, (values, rate, unit) in expected.items():
        times, found, units = signal(made, label)
        assert facts[label]["samples"] == len(values)
        assert units == {unit}
        if rate < 500:
            np.testing.assert_allclose(found, values)
            np.testing.assert_allclose(times, np.arange(len(values)) / rate, atol=1e-6)
    assert made.outputs[1].file.read_bytes().startswith(b"\x89PNG")
    metadata = pq.read_schema(made.outputs[0].file).metadata or pq.read_metadata(made.outputs[0].file).metadata
    assert json.loads(metadata[b"assay"])["signals"] == made.facts["signals"]


@pytest.mark.parametrize("name", ["timingquality.mseed", "gaps.mseed", "CH.BALST..LHE.D.2025.314", "CH.BALST..LH_two_channels"])
def test_a_miniseed_file_becomes_rows_and_its_gaps_are_told(name: str, tmp_path: Path) -> None:
    from pymseed import MS3Record

    made = process(MSEED / name, tmp_path)
    samples: dict[str, int] = {}
    for record in MS3Record.from_file(str(MSEED / name), unpack_data=True):
        key = record.sourceid.removeprefix("FDSN:")
        samples[key] = samples.get(key, 0) + record.numsamples
    assert {one["signal"]: one["samples"] for one in made.facts["signals"]} == samples
    assert ("gaps" in made.flags) == (name == "gaps.mseed")
    for one in made.facts["signals"]:
        times, _, units = signal(made, one["signal"])
        assert len(times) == one["rows"] == one["samples"]
        assert units == {"counts"}
        if not one["gaps"]:
            np.testing.assert_allclose(np.diff(times), 1 / one["rate_hz"], rtol=1e-3)


def cut(file: Path, to: Path, size: int) -> Path:
    to.write_bytes(file.read_bytes()[:size])
    return to


@pytest.mark.parametrize(
    "name",
    [
        "brokenlastrecord.mseed",
        "not.mseed",
        "infinite-loop.mseed",
        "corrupt_one_extra_byte_at_end.mseed",
        "various_noise_records.mseed",
    ],
)
def test_a_broken_miniseed_file_is_told_and_nothing_is_made(name: str, tmp_path: Path) -> None:
    with pytest.raises(Broken, match=name):
        process(MSEED / name, tmp_path)


@pytest.mark.parametrize("size", [0, 100, 300, 5_000, 1_000_000])
def test_an_edf_file_that_was_cut_is_told(size: int, tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"cut\.edf"):
        process(cut(EDF, tmp_path / "cut.edf", size), tmp_path / "made")


def test_a_changed_header_is_told(tmp_path: Path) -> None:
    raw = bytearray(EDF.read_bytes())
    raw[236:244] = b"-7      "
    (tmp_path / "odd.edf").write_bytes(raw)
    with pytest.raises(Broken, match=r"odd\.edf"):
        process(tmp_path / "odd.edf", tmp_path / "made")


def test_a_clipped_signal_is_flagged(tmp_path: Path) -> None:
    writer = pyedflib.EdfWriter(str(tmp_path / "clipped.edf"), 1, file_type=pyedflib.FILETYPE_EDF)
    writer.setSignalHeader(
        0, {**pyedflib.highlevel.make_signal_header("EEG", sample_frequency=100, physical_min=-100, physical_max=100)}
    )
    writer.writeSamples([np.clip(150 * np.sin(np.arange(1000) / 20), -100, 100)])
    writer.close()
    made = process(tmp_path / "clipped.edf", tmp_path / "made")
    assert made.flags == ("clipped",)
    assert made.facts["signals"][0]["clipped_samples"] > 100


def test_any_other_file_is_copied_and_flagged(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    made = process(tmp_path / "a.bin", tmp_path / "made", "deep/a.bin")
    assert made.flags == ("copied",)
    assert [(one.name, one.file.read_bytes()) for one in made.outputs] == [("a.bin", b"\x00\x01")]


PEAK = """
import resource, sys
from pathlib import Path
from assay.preprocess.processor import RawInput
from assay.preprocess.processors import edf, miniseed, copy
which, file, folder = sys.argv[1:]
{"edf": edf, "miniseed": miniseed, "copy": copy}[which].process(RawInput("s", "f", Path(file), ""), Path(folder))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak_kib(times: int) -> int:
        file, folder = tmp_path / f"{times}.mseed", tmp_path / f"made {times}"
        file.write_bytes((MSEED / "timingquality.mseed").read_bytes() * times)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", PEAK, "miniseed", str(file), str(folder)], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    small, large = peak_kib(20), peak_kib(100)  # compressed: 0.8 and 4.2 million samples
    assert large < small + 40 * 1024, f"{small} and {large} KiB"
