"""EDF, EDF+, BDF and BDF+, the field's formats for EEG and sleep: https://www.edfplus.info/specs/. Read by EDFlib (pyedflib).

The header's patient and technician fields are not looked at: they stay in the raw file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.preprocess.processor import Broken, Made, RawInput
from assay.preprocess.signals import SignalWriter, Track

NAME = "edf"
VERSION = "2"
APART = True

SAMPLES_AT_ONCE = 65_536

_SUFFIXES = (".edf", ".bdf", ".rec", ".edf+", ".bdf+")


def accepts(path: str, head: bytes) -> bool:
    """By the suffix, whatever the file holds (then it is broken), or by the version field that a header begins with."""
    return path.lower().endswith(_SUFFIXES) or head.startswith((b"0       ", b"\xffBIOSEMI"))


def process(raw: RawInput, folder: Path) -> Made:
    """Every signal in its physical unit. Raises Broken for a file that EDFlib finds not to be of the format, or too short."""
    import pyedflib

    try:
        reader = pyedflib.EdfReader(str(raw.file), pyedflib.DO_NOT_READ_ANNOTATIONS, pyedflib.CHECK_FILE_SIZE)
    except (OSError, ValueError, UnicodeError) as error:
        raise Broken(f"{raw.path}: {str(error).replace(str(raw.file), '').lstrip(': ')}; expected EDF(+) or BDF(+)") from None
    try:
        with SignalWriter(folder) as writer:
            for number, header in enumerate(reader.getSignalHeaders()):
                _signal(reader, number, header, writer, raw.path)
            if not writer.tracks:
                raise Broken(f"{raw.path}: holds no signal; expected at least one beside annotations")
            return writer.made(
                {"format": "BDF" if reader.filetype in (2, 3) else "EDF", "seconds": float(reader.getFileDuration())}
            )
    finally:
        reader.close()


def _signal(reader: Any, number: int, header: Mapping[str, Any], writer: SignalWriter, path: str) -> None:
    rate = float(header["sample_frequency"])
    low, high = float(header["physical_min"]), float(header["physical_max"])
    levels = int(header["digital_max"]) - int(header["digital_min"])
    if not rate > 0 or not levels > 0:
        raise Broken(f"{path}: signal {number}: {rate} Hz with {levels} levels; expected more than none of both")
    # Two signals may have the same label, and a label may be empty.
    label = str(header["label"]).strip() or f"signal {number}"
    name = label if label not in writer.tracks else f"{label} ({number})"
    limits = (min(low, high), max(low, high), abs(high - low) / levels)
    track = writer.tracks[name] = Track(name, str(header["dimension"]).strip() or "1", rate, limits)
    samples = int(reader.getNSamples()[number])
    for start in range(0, samples, SAMPLES_AT_ONCE):
        wanted = min(SAMPLES_AT_ONCE, samples - start)
        values = reader.readSignal(number, start, wanted)
        if len(values) != wanted:
            raise Broken(f"{path}: signal {name!r}: {len(values)} samples from {start} on; expected {wanted}")
        writer.push(track, start / rate, values)
