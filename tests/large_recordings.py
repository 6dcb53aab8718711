"""Recordings of any size, written in pieces as recorders of the field write them: BDF, MiniSEED, and bytes of no known format."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

MB = 1_000_000
_BLOCK = 4 * MB
_BDF_RATE, _BDF_SIGNALS = 2048, 8
_MSEED_RATE = 1000.0


def opaque(size: int, seed: int) -> Iterator[bytes]:
    """Bytes that no processor knows; never the same block twice."""
    made = np.random.default_rng(seed)
    for start in range(0, size, _BLOCK):
        yield b"LAB\x01" + made.bytes(max(min(_BLOCK, size - start) - 4, 0))


def bdf(size: int, seed: int) -> Iterator[bytes]:
    """BDF of about this size: eight EEG signals of 24 bits at 2048 Hz, a second a record."""
    a_record = _BDF_SIGNALS * _BDF_RATE * 3
    records = max(size // a_record, 1)
    yield _bdf_header(records)
    made = np.random.default_rng(seed)
    time = np.arange(_BDF_RATE) / _BDF_RATE
    wave = 200_000 * np.sin(2 * np.pi * np.arange(8, 8 + _BDF_SIGNALS)[:, None] * time)
    for _ in range(records):
        levels = (wave + made.integers(-20_000, 20_000, wave.shape)).astype("<i4")
        yield levels.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()


def _bdf_header(records: int) -> bytes:
    """As https://www.biosemi.com/faq/file_format.htm gives it."""
    each = (
        *((16, f"EEG {n}") for n in range(_BDF_SIGNALS)),
        *((80, "active electrode"),) * _BDF_SIGNALS,
        *((8, "uV"),) * _BDF_SIGNALS,
        *((8, "-262144"),) * _BDF_SIGNALS,
        *((8, "262143"),) * _BDF_SIGNALS,
        *((8, "-8388608"),) * _BDF_SIGNALS,
        *((8, "8388607"),) * _BDF_SIGNALS,
        *((80, "HP:DC; LP:410"),) * _BDF_SIGNALS,
        *((8, str(_BDF_RATE)),) * _BDF_SIGNALS,
        *((32, "reserved"),) * _BDF_SIGNALS,
    )
    whole = ((80, "X X X X"), (80, "Startdate 29-FEB-2024 X X X"), (8, "29.02.24"), (8, "16.12.00"))
    rest = ((8, str(256 * (_BDF_SIGNALS + 1))), (44, "24BIT"), (8, str(records)), (8, "1"), (4, str(_BDF_SIGNALS)))
    return b"\xffBIOSEMI" + "".join(text.ljust(width) for width, text in (*whole, *rest, *each)).encode("ascii")


def miniseed(size: int, seed: int) -> Iterator[bytes]:
    """MiniSEED of about this size: one channel at 1000 Hz, 32 bits a sample, in records of 4096 bytes."""
    from pymseed import DataEncoding, MS3Record

    made = np.random.default_rng(seed)
    record = MS3Record()
    record.sourceid, record.formatversion, record.reclen = "FDSN:XX_LAB__H_H_Z", 2, 4096
    record.samprate, record.encoding = _MSEED_RATE, DataEncoding.INT32
    record.starttime = int(datetime(2024, 2, 29, 16, 12, tzinfo=UTC).timestamp()) * 10**9
    in_a_record = (4096 - 64) // 4
    left = max(size // 4096, 1)
    while left:
        records = min(left, _BLOCK // 4096)
        samples = records * in_a_record
        levels = np.cumsum(made.integers(-50, 51, samples)).astype(np.int32)
        yield b"".join(record.generate(levels, "i"))
        record.starttime += round(samples / _MSEED_RATE * 10**9)
        left -= records


Make = Callable[[int, int], Iterator[bytes]]


def write_session(folder: Path, files: dict[str, tuple[Make, int]], seed: int, written: datetime) -> dict[str, str]:
    """A session's folder with metadata and these files (what makes it, and its size); the SHA-256 of each by path."""
    folder.mkdir(parents=True)
    metadata = f"fatigue: {seed % 9 + 1}\nhardware_model: X1\n".encode()
    (folder / "metadata.txt").write_bytes(metadata)
    hashes = {"metadata.txt": hashlib.sha256(metadata).hexdigest()}
    for number, (name, (make, size)) in enumerate(files.items()):
        digest = hashlib.sha256()
        with (folder / name).open("wb") as stream:
            for block in make(size, 100 * seed + number):
                digest.update(block)
                stream.write(block)
        hashes[name] = digest.hexdigest()
    for path in (*folder.iterdir(), folder):
        os.utime(path, (written.timestamp(), written.timestamp()))
    return hashes


def sessions(directory: Path, count: int, size: int, first: int = 0) -> dict[str, dict[str, str]]:
    """Folders of that size (bytes) each, named by the minute they began; the SHA-256 of their files by folder and path.

    The first is one BDF file, the second one file of no known format; the others hold all three, most of it of no known format.
    """
    found = {}
    for number in range(first, first + count):
        began = datetime(2024, 2, 29, 15, 0, tzinfo=UTC) + timedelta(minutes=number)
        some = size // 24
        files: dict[str, tuple[Make, int]] = {
            "eeg.bdf": (bdf, some),
            "motion.mseed": (miniseed, some),
            "video.bin": (opaque, size - 2 * some),
        }
        if number < 2:
            files = ({"eeg.bdf": (bdf, size)}, {"video.bin": (opaque, size)})[number]
        name = f"{began:%Y%m%d_%H%M%S}"
        found[name] = write_session(directory / name, files, number, began + timedelta(minutes=30))
    return found
