"""The stage `read` on a real ledger and real storage: rows out, problems named, the same state however often it runs."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from assay.errors import AssayError
from assay.measurement import EXECUTION_COLUMNS, MEASUREMENT_COLUMNS
from assay.read import fetch as fetching
from assay.read import sessions as stage
from assay.read.sessions import load, read_verified
from assay.session import Manifest, RawFile, Source, hash_folder, raw_prefix
from assay.settings import Settings
from assay.storage import store_session
from assay.workspace import Workspace

SAMPLE = Path(__file__).resolve().parents[1] / "data/assay_agent/session"
ORIGINAL = Manifest.parse((SAMPLE / "manifest.json").read_bytes())


def _arrive(
    workspace: Workspace,
    tmp_path: Path,
    *,
    later: timedelta = timedelta(0),
    change: Callable[[Path], object] | None = None,
    source: Source = ORIGINAL.source,
    number: int = 0,
) -> str:
    """Store, register and mark as verified a copy of the recorded session."""
    folder = tmp_path / f"made-{number}-{later.total_seconds()}"
    shutil.copytree(SAMPLE, folder)
    (folder / "manifest.json").unlink()
    profile = json.loads((folder / "profile.json").read_text())
    (folder / "profile.json").write_text(json.dumps({**profile, "number": number}))
    if change is not None:
        change(folder)
    started, ended = (moment + later for moment in (ORIGINAL.started_at, ORIGINAL.ended_at))
    manifest = Manifest(ORIGINAL.kind, ORIGINAL.subject, started, ended, source, hash_folder(folder))
    store_session(workspace.storage, folder, manifest)
    shutil.rmtree(folder)
    _register(workspace, manifest)
    return manifest.session


def _register(workspace: Workspace, manifest: Manifest) -> None:
    prefix = raw_prefix(manifest.kind, manifest.started_at.date(), manifest.session)
    workspace.ledger.register(manifest, hashlib.sha256(manifest.to_bytes()).hexdigest(), prefix)
    workspace.ledger.mark_verified([manifest.session])


def _processed(workspace: Workspace) -> dict[str, str]:
    return {found.key: workspace.storage.sha256(found.key) for found in workspace.storage.list("processed")}


def test_the_rows_of_a_session_come_back_as_they_were_read(workspace: Workspace, tmp_path: Path) -> None:
    session = _arrive(workspace, tmp_path)
    assert read_verified(workspace) == [session]
    row = workspace.ledger.sessions().iloc[0]
    assert row["state"] == "read"
    assert row["batch"].startswith("kind=instance_benchmark/date=2026-11-")
    assert row["profile"]["processor"] == "AMD EPYC"
    measurements, executions = load(workspace, workspace.ledger.sessions())
    assert {name: str(dtype) for name, dtype in measurements.dtypes.items()} == {
        name: dtype for name, (dtype, _) in MEASUREMENT_COLUMNS.items()
    }
    assert {name: str(dtype) for name, dtype in executions.dtypes.items()} == {
        name: dtype for name, (dtype, _) in EXECUTION_COLUMNS.items()
    }
    assert len(executions) == 15
    triad = measurements.query("metric == 'triad_bandwidth' and threads == 'all'")
    values = triad[triad["iteration"].isna()]
    assert list(values["execution"]) == [1, 2]
    best = triad.dropna(subset=["iteration"]).query("iteration > 0").groupby("execution")["value"].max()
    assert list(values["value"]) == list(best)
    assert set(measurements["file"]) <= set(workspace.ledger.raw_files([session])["path"])


def test_sessions_of_a_day_share_a_batch_and_days_do_not(workspace: Workspace, tmp_path: Path) -> None:
    first = _arrive(workspace, tmp_path, number=1)
    second = _arrive(workspace, tmp_path, number=2)
    third = _arrive(workspace, tmp_path, number=3, later=timedelta(days=2))
    assert read_verified(workspace) == [*sorted([first, second]), third]
    batches = workspace.ledger.sessions().set_index("session")["batch"]
    assert batches[first] == batches[second] != batches[third]
    assert len(_processed(workspace)) == 4
    only = workspace.ledger.sessions(only=[second])
    measurements, executions = load(workspace, only)
    assert set(measurements["session"]) == set(executions["session"]) == {second}


def test_with_nothing_to_read_nothing_is_written(workspace: Workspace) -> None:
    assert read_verified(workspace) == []
    assert _processed(workspace) == {}
    measurements, executions = load(workspace, workspace.ledger.sessions())
    assert list(measurements.columns) == list(MEASUREMENT_COLUMNS)
    assert list(executions.columns) == list(EXECUTION_COLUMNS)
    assert len(measurements) == len(executions) == 0


@pytest.mark.parametrize("limits", [(1, 1 << 30), (2_000, 1)], ids=["sessions", "bytes"])
def test_work_goes_in_chunks_that_stay_within_their_limits(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]
) -> None:
    made = {_arrive(workspace, tmp_path, number=number) for number in range(3)}
    monkeypatch.setattr(stage, "SESSIONS_AT_ONCE", limits[0])
    monkeypatch.setattr(stage, "BYTES_AT_ONCE", limits[1])
    assert set(read_verified(workspace)) == made
    assert workspace.ledger.sessions()["batch"].nunique() == 3
    measurements, _ = load(workspace, workspace.ledger.sessions())
    assert set(measurements["session"]) == made


def test_killed_before_the_ledger_knew_a_rerun_gives_the_same_bytes_and_state(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [_arrive(workspace, tmp_path, number=number) for number in range(2)]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(workspace.ledger), "mark_read", killed)
        with pytest.raises(KeyboardInterrupt):
            read_verified(workspace)
    left = _processed(workspace)
    assert len(left) == 2
    assert set(workspace.ledger.sessions()["state"]) == {"verified"}
    assert sorted(read_verified(workspace)) == sorted(made)
    assert _processed(workspace) == left
    assert set(workspace.ledger.sessions()["state"]) == {"read"}
    assert read_verified(workspace) == []


def test_a_bad_file_quarantines_its_session_with_the_reason_and_not_the_others(workspace: Workspace, tmp_path: Path) -> None:
    good = _arrive(workspace, tmp_path, number=1)
    bad = _arrive(
        workspace, tmp_path, number=2, change=lambda folder: (folder / "stream-all/1/stdout.txt").write_text("assay-stream 1\n")
    )
    read_verified(workspace)
    rows = workspace.ledger.sessions().set_index("session")
    assert (rows.loc[good, "state"], rows.loc[bad, "state"], rows.loc[bad, "verdict"]) == ("read", "judged", "quarantined")
    found = workspace.ledger.findings().iloc[0]
    assert (found["rule"], found["severity"], found["stage"]) == ("reading.unreadable", "quarantine", "read")
    assert found["file"] == "stream-all/1/stdout.txt"
    assert "line 1" in found["message"]
    measurements, _ = load(workspace, workspace.ledger.sessions())
    assert "stream-all/1/stdout.txt" not in set(measurements.query("session == @bad")["file"])
    assert len(measurements.query("session == @bad")) > 0


def test_a_source_without_a_reader_is_named(workspace: Workspace, tmp_path: Path) -> None:
    _arrive(workspace, tmp_path, source=Source("somebody", "1", ORIGINAL.source.licence, "x"))
    read_verified(workspace)
    found = workspace.ledger.findings().iloc[0]
    assert (found["rule"], found["file"]) == ("reading.unknown-suite", "manifest.json")
    assert "somebody" in found["message"]
    assert "assay-agent" in found["message"]


def test_a_file_over_the_limit_is_a_finding_and_is_not_read(database_url: str, workspace: Workspace, tmp_path: Path) -> None:
    _arrive(workspace, tmp_path)
    settings = Settings(home=workspace.settings.home, database_url=database_url, max_raw_file_bytes=4_000)  # type: ignore[arg-type]
    read_verified(Workspace(settings, workspace.dataset, workspace.storage, workspace.engine, workspace.ledger))
    found = workspace.ledger.findings()
    large = workspace.ledger.raw_files().query("size > 4000")["path"]
    assert len(large)
    assert set(zip(found["rule"], found["file"], strict=True)) == {("integrity.size-limit", path) for path in large}


def test_a_session_that_is_too_large_as_a_whole_is_a_finding(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _arrive(workspace, tmp_path)
    monkeypatch.setattr(fetching, "SESSION_LIMIT", 0)
    read_verified(workspace)
    assert set(workspace.ledger.findings()["rule"]) == {"integrity.size-limit"}


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda path: path.unlink(), "reading.missing-file"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"assay", b"array")), "integrity.hash"),
    ],
    ids=["gone", "changed"],
)
@pytest.mark.parametrize("name", ["stream-all/1/stdout.txt", "manifest.json"])
def test_bytes_that_changed_after_they_were_verified_are_a_finding(
    workspace: Workspace, tmp_path: Path, spoil: Callable[[Path], object], rule: str, name: str
) -> None:
    good = _arrive(workspace, tmp_path, number=1)
    bad = _arrive(workspace, tmp_path, number=2)
    prefix = workspace.ledger.sessions(only=[bad]).iloc[0]["prefix"]
    path = Path(workspace.storage.uri(prefix + name))
    path.chmod(0o600)
    spoil(path)
    assert set(read_verified(workspace)) == {good, bad}
    found = workspace.ledger.findings()
    assert list(zip(found["session"], found["rule"], found["file"], strict=True)) == [(bad, rule, name)]
    assert workspace.ledger.sessions(only=[good]).iloc[0]["state"] == "read"


def test_a_batch_that_the_ledger_names_and_storage_lost_is_an_error(workspace: Workspace, tmp_path: Path) -> None:
    _arrive(workspace, tmp_path)
    read_verified(workspace)
    workspace.storage.delete([found.key for found in workspace.storage.list("processed/measurements")])
    with pytest.raises(FileNotFoundError):
        load(workspace, workspace.ledger.sessions())


def test_recordings_are_not_read(workspace: Workspace, tmp_path: Path) -> None:
    content = b"x"
    (tmp_path / "recording").mkdir()
    (tmp_path / "recording/a.bin").write_bytes(content)
    files = (RawFile("a.bin", 1, hashlib.sha256(content).hexdigest()),)
    kind = type(ORIGINAL.kind)("recording")
    manifest = Manifest(kind, "lab-1", ORIGINAL.started_at, ORIGINAL.ended_at, ORIGINAL.source, files)
    store_session(workspace.storage, tmp_path / "recording", manifest)
    _register(workspace, manifest)
    assert read_verified(workspace) == []
    assert set(workspace.ledger.sessions()["state"]) == {"verified"}


def test_a_session_at_midnight_lies_on_its_utc_day(workspace: Workspace, tmp_path: Path) -> None:
    midnight = datetime.combine(ORIGINAL.started_at.date(), datetime.min.time(), ORIGINAL.started_at.tzinfo) + timedelta(days=1)
    _arrive(workspace, tmp_path, later=midnight - ORIGINAL.started_at)
    read_verified(workspace)
    assert f"date={midnight:%Y-%m-%d}/" in workspace.ledger.sessions().iloc[0]["batch"]


def test_load_refuses_rows_without_the_columns_of_the_ledger(workspace: Workspace) -> None:
    with pytest.raises((KeyError, AssayError)):
        load(workspace, pd.DataFrame({"session": ["a"]}))
