"""Statistics straight from Parquet are those of the loaded frame, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from assay.measurement import MEASUREMENT_COLUMNS, Execution, Measurement, measurement_frame
from assay.read.batches import to_parquet
from assay.summarize import heavy
from assay.summarize.heavy import summarize_parquet
from assay.summarize.statistics import summarize
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def table(rows: int, seed: int, *, summaries: bool = False, prefix: str = "s") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return measurement_frame(
        (
            f"{prefix}{rng.integers(12)}",
            f"t{rng.integers(3)}.large",
            Execution("stream", int(rng.integers(1, 4)), "made", "1", str(rng.choice(["all", "one"])), "rule", "cc 'it''s'"),
            Measurement(
                "stream",
                str(rng.choice(["triad_bandwidth", "copy_bandwidth"])),
                float(np.round(np.exp(rng.normal(3, 1)), int(rng.integers(0, 9)))),
                "GB/s",
                None if rng.random() < 0.8 else 1,
                None,
                int(rng.integers(1, 9)) if summaries and rng.random() < 0.5 else None,
                float(rng.random()) if summaries and rng.random() < 0.5 else None,
            ),
            "file",
        )
        for _ in range(rows)
    )


def write(frame: pd.DataFrame, path: Path) -> Path:
    path.write_bytes(to_parquet(frame, MEASUREMENT_COLUMNS))
    return path


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(1, 400), st.booleans(), st.integers(1, 3))
def test_any_files_give_the_statistics_of_their_rows(tmp_path: Path, seed: int, rows: int, summaries: bool, files: int) -> None:
    frame = table(rows, seed, summaries=summaries)
    if frame["iteration"].notna().all():
        return
    parts = np.array_split(np.arange(len(frame)), files)
    paths = [write(frame.iloc[part], tmp_path / f"{number}.parquet") for number, part in enumerate(parts)]
    pd.testing.assert_frame_equal(summarize_parquet(paths), summarize(frame), check_exact=True)


def test_the_work_is_cut_into_shares_and_stretches_at_whole_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table(3_000, 5)
    path = write(frame, tmp_path / "one.parquet")
    monkeypatch.setattr(heavy, "_ROWS_SORTED", 500)
    monkeypatch.setattr(heavy, "_ROWS_AT_ONCE", 64)
    pd.testing.assert_frame_equal(summarize_parquet([path]), summarize(frame), check_exact=True)


def test_a_session_counts_only_from_the_file_that_is_its_own(tmp_path: Path) -> None:
    old, new = table(300, 1), table(300, 2)
    files = [write(old, tmp_path / "old.parquet"), write(new, tmp_path / "new.parquet")]
    where = {f"s{number}": files[number % 2] for number in range(8)}
    own = pd.concat(
        [frame[frame["session"].map(where).eq(path).to_numpy()] for frame, path in zip((old, new), files, strict=True)]
    )
    pd.testing.assert_frame_equal(summarize_parquet(files, where), summarize(own), check_exact=True)


def test_no_file_and_no_row_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no Parquet files"):
        summarize_parquet([])
    path = write(table(20, 3), tmp_path / "one.parquet")
    with pytest.raises(ValueError, match="no execution"):
        summarize_parquet([path], {"nobody": path})


def test_a_number_that_is_none_is_an_error_here_too(tmp_path: Path) -> None:
    frame = table(20, 3)
    frame.loc[frame.index[frame["iteration"].isna()][0], "value"] = float("inf")
    with pytest.raises(ValueError, match="not finite"):
        summarize_parquet([write(frame, tmp_path / "one.parquet")])


def test_two_keys_with_one_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heavy, "_HASH", "1::UBIGINT")
    with pytest.raises(heavy.HashCollision):
        summarize_parquet([write(table(200, 4), tmp_path / "one.parquet")])
