"""Data files of accepted recordings to processed files: once, with lineage, and broken ones to quarantine."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from assay.check.judge import recheck
from assay.cli import app
from assay.ingest.arrive import sweep
from assay.preprocess import step
from assay.preprocess.processor import Made, Output
from assay.preprocess.processors import edf
from assay.preprocess.step import preprocess_accepted
from assay.process import judge_recordings, preprocess_recordings
from assay.workspace import Workspace
from made_labs import FOLDER, LAB, ship, write_folder
from real_recordings import EDF, MSEED
from typer.testing import CliRunner


def arrive(workspace: Workspace, *folders: Path) -> Workspace:
    """Ship folders and take them as far as their verdicts; gives the workspace of their dataset."""
    for folder in folders:
        ship(workspace, folder)
    sweep(workspace)
    judge_recordings(workspace)
    return workspace.of_dataset(LAB.dataset)


def verdict(labs: Workspace) -> str:
    [found] = labs.ledger.sessions()["verdict"]
    return str(found)


def test_real_recordings_go_all_the_way_once_and_lead_back_to_their_bytes(workspace: Workspace, tmp_path: Path) -> None:
    files = {"night.edf": EDF, "deep/trace.mseed": MSEED / "timingquality.mseed", "unknown.bin": b"\x00\x01"}
    labs = arrive(workspace, write_folder(tmp_path, files=files))
    assert preprocess_recordings(workspace) == 3
    assert preprocess_recordings(workspace) == 0, "only new data"
    raw = {row.path: row.sha256 for row in labs.ledger.raw_files().itertuples()}
    made = labs.ledger.processed_files()
    assert set(made["path"]) == set(files)
    session = labs.ledger.sessions()["session"].iloc[0]
    for row in made.itertuples():
        assert row.input_sha256 == raw[row.path]
        content = labs.storage.read(row.key)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (row.size, row.sha256)
        assert row.key.startswith(f"processed/recordings/{row.processor}-{row.version}/{session}/{row.path}/")
    assert set(labs.ledger.findings()["rule"]) == {"preprocess.unknown-format"}
    assert verdict(labs) == "accepted with warnings"
    recheck(labs)
    assert verdict(labs) == "accepted with warnings"


@pytest.mark.parametrize("name", ["brokenlastrecord.mseed", "cut.edf"])
def test_a_broken_file_puts_its_session_in_quarantine_with_the_reason(workspace: Workspace, tmp_path: Path, name: str) -> None:
    content = MSEED / name if name.endswith("mseed") else EDF.read_bytes()[:100_000]
    labs = arrive(workspace, write_folder(tmp_path, files={name: content}))
    assert verdict(labs) == "accepted"
    preprocess_accepted(labs)
    assert verdict(labs) == "quarantined"
    [finding] = labs.ledger.findings().to_dict("records")
    assert (finding["rule"], finding["file"], finding["stage"]) == ("preprocess.unreadable", name, "preprocess")
    assert name in finding["message"]
    assert labs.ledger.processed_files().empty
    recheck(labs)
    assert verdict(labs) == "quarantined"
    accounting = labs.ledger.accounting()
    assert accounting.read == accounting.accepted + accounting.quarantined + accounting.rejected == 1


def test_what_is_in_quarantine_is_not_processed(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, write_folder(tmp_path, metadata="fatigue: 12\nhardware_model: X1\n"))
    assert preprocess_recordings(workspace) == 0


def test_a_new_version_reprocesses_by_choice_and_what_it_mends_is_accepted(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labs = arrive(workspace, write_folder(tmp_path, files={"night.edf": EDF.read_bytes()[:100_000]}))
    preprocess_accepted(labs)
    newer = SimpleNamespace(
        NAME="edf", VERSION="3", APART=False, accepts=edf.accepts, process=lambda raw, folder: made_by_hand(folder)
    )
    monkeypatch.setattr(step, "processor_for", lambda path, head: newer)
    assert preprocess_accepted(labs) == 0
    assert preprocess_accepted(labs, again=True) == 1
    assert preprocess_accepted(labs, again=True) == 0
    assert verdict(labs) == "accepted"
    assert list(labs.ledger.processing()["version"]) == ["2", "3"]
    assert "/edf-3/" in labs.ledger.processed_files()["key"].iloc[0]


def test_what_an_older_version_made_is_shown_and_then_made_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labs = arrive(workspace, write_folder(tmp_path, files={"night.edf": EDF, "x.bin": b"x"}))
    preprocess_accepted(labs)
    monkeypatch.setenv("ASSAY_HOME", str(labs.settings.home))
    monkeypatch.setenv("ASSAY_DATABASE_URL", labs.engine.url.render_as_string(hide_password=False))
    asked = ["recordings", "reprocess", "--processor", "edf", "--json"]
    assert orjson.loads(CliRunner().invoke(app, asked).stdout) == {"files": [], "processed": 0}
    monkeypatch.setattr(edf, "VERSION", "3")
    shown = orjson.loads(CliRunner().invoke(app, [*asked, "--dry-run"]).stdout)
    assert [(row["path"], row["version"], row["newest"]) for row in shown["files"]] == [("night.edf", "2", "3")]
    assert set(labs.ledger.processing()["version"]) == {"1", "2"}
    assert orjson.loads(CliRunner().invoke(app, asked).stdout)["processed"] == 1
    assert list(labs.ledger.processing()["version"]) == ["2", "3", "1"]
    assert orjson.loads(CliRunner().invoke(app, asked).stdout)["processed"] == 0
    [session] = labs.ledger.sessions()["session"]
    lost = next(key for key in labs.ledger.processed_files()["key"] if "/edf-3/" in key)
    content = labs.storage.read(lost)
    labs.storage.delete([lost])
    assert orjson.loads(CliRunner().invoke(app, [*asked, "--session", session, "--anew"]).stdout)["processed"] == 1
    assert labs.storage.read(lost) == content
    assert CliRunner().invoke(app, ["recordings", "reprocess", "--anew"]).exit_code == 2


def made_by_hand(folder: Path) -> Made:
    (folder / "out.bin").write_bytes(b"x")
    return Made((Output("out.bin", folder / "out.bin", "application/octet-stream"),))


def test_killed_before_it_was_entered_it_is_made_again_in_the_same_place(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labs = arrive(workspace, write_folder(tmp_path, files={"trace.mseed": MSEED / "timingquality.mseed"}))
    with monkeypatch.context() as dying:
        dying.setattr(step, "_findings", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            preprocess_accepted(labs)
    left = [stored.key for stored in labs.storage.list("processed/recordings")]
    assert preprocess_accepted(labs) == 1
    assert (
        [stored.key for stored in labs.storage.list("processed/recordings")]
        == left
        == sorted(labs.ledger.processed_files()["key"])
    )
    assert FOLDER in labs.ledger.sessions()["labels"].iloc[0].values()
