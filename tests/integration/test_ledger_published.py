"""Statistics and snapshots in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from assay.database.ledger import Ledger
from assay.database.snapshots import SNAPSHOT_COLUMNS
from assay.database.statistics import STATISTIC_COLUMNS
from assay.errors import AssayError, DatasetConflict
from made_sessions import made_arrival, made_manifest
from sqlalchemy import Engine

KEY = ["subject", "benchmark", "metric", "implementation", "version", "threads", "size_policy", "build_flags", "unit"]
COUNTS = ["n", "sessions", "outliers", "outliers_far", "outliers_mad", "summaries"]


def made_statistics(rows: int) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.array([f"{name} {row % 3}" for row in range(rows)], dtype="string") for name in KEY})
    frame["subject"] = pd.array([f"host-{row:08x}" for row in range(rows)], dtype="string")
    for name in STATISTIC_COLUMNS:
        if name in COUNTS:
            frame[name] = np.arange(rows, dtype="int64")
        elif name == "quality":
            frame[name] = pd.array(["A"] * rows, dtype="string")
        elif name == "session_ids":
            frame[name] = pd.Series([[f"s{row}", "s, {quoted}"] for row in range(rows)], dtype=object)
        elif name not in KEY:
            frame[name] = np.linspace(0.1, 1.0, rows)
    frame.loc[0, ["ci_low", "ci_high", "sd"]] = float("nan")
    return frame[list(STATISTIC_COLUMNS)]


def test_statistics_come_back_as_they_were_loaded(ledger: Ledger) -> None:
    frame = made_statistics(50)
    assert ledger.replace_statistics(frame) == 50
    expected = frame.sort_values(KEY, ignore_index=True)
    pd.testing.assert_frame_equal(ledger.statistics(), expected, check_exact=True)


def test_statistics_are_replaced_as_a_whole_and_for_their_dataset_only(ledger: Ledger, engine: Engine) -> None:
    other = Ledger(engine, "other")
    other.open_dataset()
    other.replace_statistics(made_statistics(3))
    ledger.replace_statistics(made_statistics(10))
    ledger.replace_statistics(made_statistics(2))
    assert len(ledger.statistics()) == 2
    ledger.replace_statistics(made_statistics(2).head(0))
    assert len(ledger.statistics()) == 0
    assert {name: str(dtype) for name, dtype in ledger.statistics().dtypes.items() if name in COUNTS} == dict.fromkeys(
        COUNTS, "int64"
    )
    assert len(other.statistics()) == 3


def test_statistics_that_are_incomplete_or_stand_twice_replace_nothing(ledger: Ledger) -> None:
    frame = made_statistics(3)
    ledger.replace_statistics(frame)
    with pytest.raises(ValueError, match=r"missing \['median'\], unknown \['mode'\]"):
        ledger.replace_statistics(frame.rename(columns={"median": "mode"}))
    with pytest.raises(ValueError, match=r"host-00000001.*stands twice"):
        ledger.replace_statistics(pd.concat([frame, frame.iloc[1:2]]))
    assert len(ledger.statistics()) == 3


def test_flags_longer_than_an_index_entry_are_no_obstacle(ledger: Ledger) -> None:
    long = "".join(chr(33 + (number * 7919) % 90) for number in range(20_000))
    ledger.replace_statistics(made_statistics(1).assign(build_flags=long))
    assert ledger.statistics()["build_flags"][0] == long


@pytest.fixture
def sessions(ledger: Ledger) -> list[str]:
    ledger.register_many(made_arrival(number) for number in range(4))
    return [made_manifest(number).session for number in range(4)]


def begin(ledger: Ledger, name: str, digest: str, sessions: list[str]) -> None:
    ledger.begin_snapshot(
        name,
        content_digest=digest,
        sessions=sessions,
        last_updated=datetime(2024, 11, 20, tzinfo=UTC),
        target="/dataset.git",
        approved_by="bob",
    )


def state(ledger: Ledger) -> dict[str, str]:
    frame = ledger.snapshots()
    return dict(zip(frame["name"], frame["state"], strict=True))


def in_snapshot(ledger: Ledger, name: str) -> list[str]:
    return [row["session"] for row in ledger.sessions_of_snapshot(name, [], archived=False)]


def test_a_snapshot_is_built_committed_and_published(ledger: Ledger, sessions: list[str]) -> None:
    begin(ledger, "2024-11-20", "d1", [*sessions[:2], sessions[0]])
    assert state(ledger) == {"2024-11-20": "building"}
    ledger.commit_snapshot("2024-11-20", commit="abc", manifest_sha256="def")
    assert state(ledger) == {"2024-11-20": "committed"}
    ledger.finish_snapshot("2024-11-20")
    (row,) = ledger.snapshots().to_dict("records")
    assert set(row) == {*SNAPSHOT_COLUMNS, "sessions"}
    assert (row["state"], row["commit"], row["manifest_sha256"], row["content_digest"]) == ("published", "abc", "def", "d1")
    assert (row["target"], row["approved_by"], row["sessions"]) == ("/dataset.git", "bob", 2)
    assert in_snapshot(ledger, "2024-11-20") == sessions[:2]
    assert row["last_updated"] == datetime(2024, 11, 20, tzinfo=UTC)
    assert row["begun_at"] <= row["committed_at"] <= row["published_at"]


def test_every_step_of_a_snapshot_may_be_repeated(ledger: Ledger, sessions: list[str]) -> None:
    for _ in range(2):
        begin(ledger, "2024-11-20", "d1", sessions)
    for _ in range(2):
        ledger.commit_snapshot("2024-11-20", commit="abc", manifest_sha256="def")
    begin(ledger, "2024-11-20", "d1", sessions)
    for _ in range(2):
        ledger.finish_snapshot("2024-11-20")
    ledger.commit_snapshot("2024-11-20", commit="abc", manifest_sha256="def")
    begin(ledger, "2024-11-20", "d1", sessions)
    assert state(ledger) == {"2024-11-20": "published"}


def test_a_snapshot_that_is_committed_never_changes(ledger: Ledger, sessions: list[str]) -> None:
    begin(ledger, "2024-11-20", "d1", sessions)
    ledger.commit_snapshot("2024-11-20", commit="abc", manifest_sha256="def")
    for finished in (False, True):
        with pytest.raises(DatasetConflict, match="take another name"):
            begin(ledger, "2024-11-20", "d2", sessions)
        with pytest.raises(DatasetConflict, match="abc, not xyz"):
            ledger.commit_snapshot("2024-11-20", commit="xyz", manifest_sha256="def")
        ledger.discard_snapshot("2024-11-20")
        if not finished:
            ledger.finish_snapshot("2024-11-20")
    assert state(ledger) == {"2024-11-20": "published"}


def test_of_snapshots_that_are_not_committed_only_the_newest_is_kept(ledger: Ledger, sessions: list[str]) -> None:
    begin(ledger, "2024-11-20", "d1", sessions)
    begin(ledger, "2024-11-20", "d2", sessions[:1])
    assert in_snapshot(ledger, "2024-11-20") == sessions[:1]
    begin(ledger, "2024-11-20.2", "d3", [])
    assert state(ledger) == {"2024-11-20.2": "building"}
    assert in_snapshot(ledger, "2024-11-20.2") == []
    ledger.discard_snapshot("2024-11-20.2")
    assert state(ledger) == {}


def test_steps_out_of_order_are_refused(ledger: Ledger, sessions: list[str]) -> None:
    with pytest.raises(AssayError, match="was not begun"):
        ledger.commit_snapshot("2024-11-20", commit="abc", manifest_sha256="def")
    with pytest.raises(AssayError, match="was not begun"):
        ledger.finish_snapshot("2024-11-20")
    begin(ledger, "2024-11-20", "d1", sessions)
    with pytest.raises(AssayError, match="is not committed"):
        ledger.finish_snapshot("2024-11-20")


def test_snapshots_of_two_datasets_do_not_meet(ledger: Ledger, engine: Engine, sessions: list[str]) -> None:
    other = Ledger(engine, "other")
    other.open_dataset()
    begin(ledger, "2024-11-20", "d1", sessions)
    begin(other, "2024-11-20", "d2", [])
    assert state(ledger) == state(other) == {"2024-11-20": "building"}
