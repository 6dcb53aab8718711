"""A picture of signals: for each, the range of its values over time. It is kept small while the signal is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

BINS = 600
MAX_SIGNALS = 12


class Envelope:
    """Least and greatest value in at most 2 x BINS spans of equal length; spans are joined in pairs when there are more."""

    def __init__(self, seconds: float) -> None:
        self._span = seconds
        self._low: dict[int, float] = {}
        self._high: dict[int, float] = {}

    def push(self, times: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> None:
        """Take in samples."""
        if not len(values):
            return
        # A long block is not first put into spans that are joined right after.
        while abs(float(times[-1] - times[0])) > 2 * BINS * self._span:
            self._widen()
        bins = np.floor_divide(times, self._span).astype(np.int64)
        starts = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
        least, most = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        for span, least_, most_ in zip(bins[starts], least, most, strict=True):
            at, low, high = int(span), float(least_), float(most_)
            self._low[at] = min(low, self._low.get(at, low))
            self._high[at] = max(high, self._high.get(at, high))
        while len(self._low) > 2 * BINS:
            self._widen()

    def _widen(self) -> None:
        self._span *= 2
        self._low, self._high = _joined(self._low, min), _joined(self._high, max)

    def rows(self, signal: str) -> list[dict[str, Any]]:
        """The spans in order: signal, time_s, low, high."""
        return [
            {"signal": signal, "time_s": at * self._span, "low": self._low[at], "high": self._high[at]}
            for at in sorted(self._low)
        ]


def _joined(spans: dict[int, float], choose: Any) -> dict[int, float]:
    joined: dict[int, float] = {}
    for at, value in spans.items():
        joined[at // 2] = choose(value, joined.get(at // 2, value))
    return joined


def write_preview(file: Path, envelopes: Sequence[tuple[str, str, Envelope]]) -> None:
    """Write the picture of the first MAX_SIGNALS signals, given as (name, unit, envelope), as PNG."""
    import vl_convert

    parts = [
        {
            "data": {"values": envelope.rows(name)},
            "mark": {"type": "area", "interpolate": "step-after"},
            "width": 800,
            "height": 60,
            "encoding": {
                "x": {"field": "time_s", "type": "quantitative", "title": "time (s)", "axis": {"grid": False}},
                "y": {"field": "low", "type": "quantitative", "title": f"{name} ({unit})", "scale": {"zero": False}},
                "y2": {"field": "high"},
            },
        }
        for name, unit, envelope in envelopes[:MAX_SIGNALS]
    ]
    file.write_bytes(vl_convert.vegalite_to_png({"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "vconcat": parts}))
