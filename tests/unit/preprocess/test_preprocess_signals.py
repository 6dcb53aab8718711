"""Filter, quality and picture of signals: the same however a signal is cut into blocks."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from assay.preprocess.decimate import Decimator, factor_for
from assay.preprocess.preview import BINS, Envelope, write_preview
from assay.preprocess.quality import RUN, Clipping, Gaps
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import firwin

cuts = st.lists(st.integers(1, 60), min_size=1, max_size=30)


def in_blocks(values: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    return [block for block in np.split(values, np.cumsum(lengths)) if len(block)]


@given(st.integers(1, 400), st.integers(1, 7), cuts, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_any_signal_cut_anyhow_is_thinned_out_as_in_one_piece(length: int, factor: int, lengths: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=length)
    decimator = Decimator(factor)
    found = np.concatenate([*(decimator.push(block) for block in in_blocks(values, lengths)), decimator.finish()])
    half = 10 * factor
    taps = firwin(2 * half + 1, 1.0 / factor, window="hamming") if factor > 1 else np.ones(1)
    padded = np.concatenate([np.full(half, values[0]), values, np.full(half, values[-1])]) if factor > 1 else values
    np.testing.assert_allclose(found, np.convolve(padded, taps, "valid")[::factor], atol=1e-9)
    assert len(found) == -(-length // factor)


def test_what_the_lower_rate_cannot_hold_is_filtered_out_and_the_rest_keeps_its_time() -> None:
    rate, factor = 1000.0, factor_for(1000.0)
    times = np.arange(4000) / rate
    slow, fast = np.sin(2 * np.pi * 5 * times), np.sin(2 * np.pi * 230 * times)
    decimator = Decimator(factor)
    found = np.concatenate([decimator.push(slow + fast), decimator.finish()])
    inner = slice(50, -50)
    assert factor == 4
    assert np.abs(found[inner] - slow[::factor][inner]).max() < 0.01


@pytest.mark.parametrize(("rate", "factor"), [(1.0, 1), (250.0, 1), (499.0, 1), (500.0, 2), (512.0, 2), (44_100.0, 176)])
def test_a_rate_is_never_brought_below_the_target(rate: float, factor: int) -> None:
    assert factor_for(rate) == factor
    assert rate / factor >= min(rate, 250.0)


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.3, 1.0]), max_size=80), cuts)
def test_any_run_at_a_limit_is_counted_once_however_it_is_cut(given_values: list[float], lengths: list[int]) -> None:
    clipping = Clipping(-1.0, 1.0, 0.01)
    for block in in_blocks(np.array(given_values), lengths):
        clipping.push(block)
    runs = [len(list(run)) for at_limit, run in groupby(given_values, key=lambda value: abs(value) == 1.0) if at_limit]
    assert clipping.clipped == sum(run for run in runs if run >= RUN)


def test_gaps_are_counted_with_their_place_and_a_jitter_is_none() -> None:
    gaps = Gaps(10.0)
    assert [gaps.push(start, 10) for start in (0.0, 1.0, 2.04, 5.0, 4.0)] == [False, False, False, True, True]
    assert gaps.count == 2
    assert gaps.listed[0] == (3.04, 1.96)
    assert gaps.listed[1] == (6.0, -2.0)


@given(st.integers(1, 20_000), cuts)
@settings(max_examples=20, deadline=None)
def test_the_picture_stays_small_and_shows_every_extreme(length: int, lengths: list[int]) -> None:
    values = np.random.default_rng(length).normal(size=length)
    envelope = Envelope(1 / 250)
    start = 0
    for block in in_blocks(values, lengths):
        envelope.push((start + np.arange(len(block))) / 250, block)
        start += len(block)
    rows = envelope.rows("x")
    assert len(rows) <= 2 * BINS
    assert min(row["low"] for row in rows) == values.min()
    assert max(row["high"] for row in rows) == values.max()


def test_a_picture_is_a_png(tmp_path: Path) -> None:
    envelope = Envelope(1.0)
    envelope.push(np.arange(10.0), np.arange(10.0))
    write_preview(tmp_path / "p.png", [("EEG", "uV", envelope)])
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
