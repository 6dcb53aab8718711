"""MiniSEED 2 and 3, the format of seismology and of many loggers: https://docs.fdsn.org/projects/miniseed3/. Read by libmseed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from assay.preprocess.processor import Broken, Made, RawInput
from assay.preprocess.signals import MAX_TRACKS, SignalWriter, Track

NAME = "miniseed"
VERSION = "2"
APART = True

_SUFFIXES = (".mseed", ".miniseed", ".ms", ".msd")
_VERSION_2 = re.compile(rb"[0-9 \x00]{6}[DRQM][ \x00]")
_NANOSECONDS = 1_000_000_000


def accepts(path: str, head: bytes) -> bool:
    """By the suffix, whatever the file holds (then it is broken), or by the fixed part of a record's header."""
    return path.lower().endswith(_SUFFIXES) or head.startswith(b"MS\x03") or _VERSION_2.match(head) is not None


def process(raw: RawInput, folder: Path) -> Made:
    """Every channel in the counts of its digitizer. Raises Broken for a record that libmseed cannot read whole, or a rest."""
    from pymseed import MiniSEEDError, MS3Record

    first: int | None = None
    records = 0
    with SignalWriter(folder) as writer:
        try:
            for record in MS3Record.from_file(str(raw.file), unpack_data=True):
                records += 1
                if record.samplecnt <= 0 or record.samprate <= 0 or record.sampletype not in ("i", "f", "d"):
                    continue  # a log, or a record without samples
                first = record.starttime if first is None else first
                track = _track(writer, str(record.sourceid), float(record.samprate), raw.path)
                writer.push(track, (record.starttime - first) / _NANOSECONDS, np.array(record.np_datasamples, dtype=np.float64))
        except MiniSEEDError as error:
            raise Broken(f"{raw.path}: after {records} whole records: {error}; expected MiniSEED to the end") from None
        if not writer.tracks:
            raise Broken(f"{raw.path}: {records} records without a sample; expected a signal")
        return writer.made({"format": "MiniSEED", "records": records})


def _track(writer: SignalWriter, source: str, rate: float, path: str) -> Track:
    # A channel whose rate changes is another signal from there on.
    name = source.removeprefix("FDSN:")
    track = writer.tracks.get(name)
    if track is not None and abs(track.rate - rate) > 1e-6 * rate:
        name = f"{name} {rate:g} Hz"
        track = writer.tracks.get(name)
    if track is None:
        if len(writer.tracks) >= MAX_TRACKS:
            raise Broken(f"{path}: more than {MAX_TRACKS} channels; expected the channels of one session")
        track = writer.tracks[name] = Track(name, "counts", rate, None)
    return track
