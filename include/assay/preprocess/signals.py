"""Signals to one Parquet file and one picture, block by block: what every processor of signals shares.

`signals.parquet` has one row a sample: `signal`, `time_s` (seconds from the start of the file's first sample), `value`, `unit`.
Rows of a signal are in the order of the file. What was found stands in its metadata too, as JSON under `assay`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.preprocess.decimate import Decimator, Floats, factor_for
from assay.preprocess.memory import give_back
from assay.preprocess.preview import BINS, Envelope, write_preview
from assay.preprocess.processor import CLIPPED, GAPS, PARQUET, PNG, Made, Output
from assay.preprocess.quality import Clipping, Gaps

ROWS_AT_ONCE = 65_536
"""Rows of a group in the file. On their way they are in memory several times; with four times as many, 100 MB more."""
MAX_TRACKS = 4_096

_TEXT = pa.dictionary(pa.int32(), pa.string())
_SCHEMA = pa.schema([("signal", _TEXT), ("time_s", pa.float64()), ("value", pa.float64()), ("unit", _TEXT)])


class Track:
    """One signal on its way: quality as recorded, then filter and lower rate, then rows."""

    def __init__(self, name: str, unit: str, rate: float, limits: tuple[float, float, float] | None) -> None:
        self.name, self.unit, self.rate = name, unit, rate
        self.factor = factor_for(rate)
        self.samples = self.rows = 0
        self._decimator = Decimator(self.factor)
        self._gaps = Gaps(rate)
        self._clipping = Clipping(*limits) if limits is not None else None
        self._next = 0.0
        self.envelope = Envelope(max(1.0 / rate, 1.0 / BINS))

    def push(self, start: float, values: Floats) -> list[tuple[Floats, Floats]]:
        """Take a block that starts at this time (s); gives (times, values) of the rows that are complete."""
        made = []
        if self._gaps.push(start, len(values)) or not self.samples:
            made.append(self._rows(self._decimator.finish()))
            self._next = start
        self.samples += len(values)
        if self._clipping is not None:
            self._clipping.push(values)
        made.append(self._rows(self._decimator.push(values)))
        return [each for each in made if len(each[0])]

    def finish(self) -> list[tuple[Floats, Floats]]:
        """The last rows."""
        times, values = self._rows(self._decimator.finish())
        return [(times, values)] if len(times) else []

    def flags(self) -> set[str]:
        """What a person should know."""
        clipped = self._clipping is not None and self._clipping.clipped > 0
        return {flag for flag, holds in ((GAPS, self._gaps.count > 0), (CLIPPED, clipped)) if holds}

    def facts(self) -> dict[str, Any]:
        """What was found, for the ledger and for the file's metadata."""
        return {
            "signal": self.name,
            "unit": self.unit,
            "rate_hz": self.rate,
            "processed_rate_hz": self.rate / self.factor,
            "samples": self.samples,
            "rows": self.rows,
            "gaps": self._gaps.count,
            "gap_seconds": round(self._gaps.seconds, 6),
            "gaps_listed": [list(each) for each in self._gaps.listed],
            "clipped_samples": None if self._clipping is None else self._clipping.clipped,
        }

    def _rows(self, values: Floats) -> tuple[Floats, Floats]:
        times = np.asarray(self._next + np.arange(len(values)) * (self.factor / self.rate), dtype=np.float64)
        if len(values):
            self._next = float(times[-1]) + self.factor / self.rate
        self.rows += len(values)
        self.envelope.push(times, values)
        return times, values


class SignalWriter:
    """Tracks of one raw file into `signals.parquet` and `preview.png` in a folder. Use as a context; `made` at its end."""

    def __init__(self, folder: Path) -> None:
        self._table = folder / "signals.parquet"
        self._picture = folder / "preview.png"
        self._writer = pq.ParquetWriter(self._table, _SCHEMA, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self.tracks: dict[str, Track] = {}

    def __enter__(self) -> SignalWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def push(self, track: Track, start: float, values: Floats) -> None:
        """Take a block of a track that starts at this time (s)."""
        for times, done in track.push(start, np.ascontiguousarray(values, dtype=np.float64)):
            self._write(track, times, done)

    def made(self, facts: dict[str, Any]) -> Made:
        """Finish both files. `facts`: of the file as a whole; those of the tracks are put beside."""
        for track in self.tracks.values():
            for times, values in track.finish():
                self._write(track, times, values)
        self._flush()
        tracks = list(self.tracks.values())
        found = {**facts, "signals": [track.facts() for track in tracks]}
        self._writer.add_key_value_metadata({"assay": json.dumps(found)})
        self._writer.close()
        give_back()
        write_preview(self._picture, [(track.name, track.unit, track.envelope) for track in tracks])
        flags = tuple(sorted(set().union(*(track.flags() for track in tracks))))
        outputs = (Output(self._table.name, self._table, PARQUET), Output(self._picture.name, self._picture, PNG))
        return Made(outputs, flags, found)

    def _write(self, track: Track, times: Floats, values: Floats) -> None:
        zeros = pa.array(np.zeros(len(times), dtype=np.int32))
        columns = [
            pa.DictionaryArray.from_arrays(zeros, pa.array([track.name])),
            pa.array(times),
            pa.array(values),
            pa.DictionaryArray.from_arrays(zeros, pa.array([track.unit])),
        ]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
        self._rows += len(times)
        if self._rows >= ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting).unify_dictionaries()
            # Of one signal together, so that a reader of one skips the others.
            order = pc.sort_indices(table["signal"].cast(pa.string()).combine_chunks())
            self._writer.write_table(table.take(order) if len(self.tracks) > 1 else table)
        self._waiting, self._rows = [], 0
