"""Recordings on the one path: verify, read, check, on a real ledger and real storage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from assay.check.judge import judge_read, recheck
from assay.check.verify import verify_arrived
from assay.database.ledger import Ledger
from assay.database.uploads import announce, complete
from assay.errors import AssayError
from assay.ingest.arrive import register_arrived, register_completed, register_session, sweep, waiting
from assay.process import judge_recordings
from assay.publish.gather import gather_content
from assay.read.recordings import read_recordings
from assay.recording import Lab
from assay.session import MANIFEST_NAME, Manifest
from assay.workspace import Workspace, open_workspace
from made_labs import FOLDER, LAB, METADATA, RECEIVED, ship, write_folder
from made_recordings import make_key
from sqlalchemy import text


@pytest.fixture
def labs(workspace: Workspace) -> Workspace:
    """The workspace of the dataset that the lab's sessions go to."""
    return workspace.of_dataset(LAB.dataset)


def walk(labs: Workspace) -> dict[str, str]:
    """Take everything as far as its verdict; gives the verdicts by folder."""
    verify_arrived(labs)
    read_recordings(labs)
    judge_read(labs)
    return verdicts(labs)


def verdicts(labs: Workspace) -> dict[str, str]:
    sessions = labs.ledger.sessions()
    return {one["folder"]: verdict for one, verdict in zip(sessions["labels"], sessions["verdict"], strict=True)}


def rules(labs: Workspace, session: str) -> set[str]:
    return set(labs.ledger.findings([session])["rule"])


def test_a_recording_is_accepted_and_its_variables_can_be_queried(labs: Workspace, tmp_path: Path) -> None:
    manifest = ship(labs, write_folder(tmp_path))
    assert walk(labs) == {FOLDER: "accepted"}
    rows = labs.ledger.variables().set_index("name")
    assert list(rows.index) == ["fatigue", "hardware_model", "sampling_rate"]
    assert rows.loc["fatigue", ["number", "unit", "lab", "schema"]].tolist() == [3.0, "1", "example-lab", "example-lab/v1"]
    assert rows.loc["sampling_rate", ["number", "unit", "text"]].tolist() == [250.0, "Hz", "250 Hz"]
    assert rows.loc["hardware_model", "text"] == "X1"
    session = labs.ledger.sessions(only=[manifest.session]).iloc[0]
    assert session["prefix"] == f"raw/recording/{RECEIVED:%Y/%m/%d}/{manifest.session}/"
    accounting = labs.ledger.accounting()
    assert (accounting.read, accounting.accepted, accounting.quarantined, accounting.rejected) == (1, 1, 0, 0)


BAD = {
    "20240229_161222": ("fatigue: 12\nhardware_model: X1\n", "recording.range"),
    "20210229_161221": (METADATA, "recording.folder-name"),
    "20240229_161224": (b"fatigue: \xff\n", "recording.metadata-encoding"),
    "20240229_161225": (None, "recording.metadata-missing"),
    "20240229_161226": (f"{METADATA}data_files: gone.edf\n", "recording.listed-file"),
}


def test_illegal_metadata_is_quarantined_with_the_reason_and_the_data_are_kept(labs: Workspace, tmp_path: Path) -> None:
    shipped = {name: ship(labs, write_folder(tmp_path, name, metadata=text)) for name, (text, _) in BAD.items()}
    good = ship(labs, write_folder(tmp_path))
    assert walk(labs) == {**dict.fromkeys(BAD, "quarantined"), FOLDER: "accepted"}
    for name, (_, rule) in BAD.items():
        assert rule in rules(labs, shipped[name].session)
        prefix = f"raw/recording/{RECEIVED:%Y/%m/%d}/{shipped[name].session}/"
        for file in shipped[name].files:
            assert labs.recordings.sha256(prefix + file.path) == file.sha256
    assert rules(labs, good.session) == set()
    accounting = labs.ledger.accounting()
    assert accounting.read == accounting.accepted + accounting.quarantined + accounting.rejected == 6


def test_no_recording_is_ever_published_neither_accepted_nor_quarantined(labs: Workspace, tmp_path: Path) -> None:
    ship(labs, write_folder(tmp_path))
    ship(labs, write_folder(tmp_path, "20240229_161222", metadata=BAD["20240229_161222"][0]))
    assert set(walk(labs).values()) == {"accepted", "quarantined"}
    content = gather_content(labs, None)
    assert content.sessions.empty
    assert content.quarantined.empty
    assert content.findings.empty
    assert content.raw_files.empty
    assert (content.accounting.accepted, content.accounting.quarantined) == (0, 0)


def test_an_unknown_key_is_kept_and_flagged(labs: Workspace, tmp_path: Path) -> None:
    ship(labs, write_folder(tmp_path, metadata=f"{METADATA}Shoe Size: 43\n"))
    assert walk(labs) == {FOLDER: "accepted with warnings"}
    rows = labs.ledger.variables()
    [row] = rows[~rows["known"].astype(bool)].to_dict("records")
    assert (row["name"], row["text"], row["numeric"]) == ("shoe_size", "43", False)


def test_a_lab_without_a_schema_is_quarantined_and_its_keys_are_kept(labs: Workspace, tmp_path: Path) -> None:
    lab = Lab("new-lab")
    folder = write_folder(tmp_path)
    manifest = ship(labs, folder, lab)
    walk(labs)
    assert "recording.no-schema" in rules(labs, manifest.session)
    assert set(labs.ledger.variables()["name"]) == {"fatigue", "hardware_model", "sampling_rate"}


def test_every_stage_run_again_changes_nothing(labs: Workspace, tmp_path: Path) -> None:
    ship(labs, write_folder(tmp_path))
    ship(labs, write_folder(tmp_path, "20240229_161222", metadata=BAD["20240229_161222"][0]))

    def state() -> tuple[object, ...]:
        frames = (labs.ledger.sessions(), labs.ledger.findings(), labs.ledger.variables())
        return tuple(frame.to_json(date_format="iso", default_handler=str) for frame in frames)

    walk(labs)
    before = state()
    walk(labs)
    recheck(labs)
    assert state() == before
    read_recordings(labs, again=True)
    recheck(labs)
    assert state() == before


def test_a_person_may_release_what_the_rules_hold(labs: Workspace, tmp_path: Path) -> None:
    manifest = ship(labs, write_folder(tmp_path, "20210229_161221"))
    walk(labs)
    labs.ledger.decide(manifest.session, "released", who="me", why="the lab's clock was reset that day")
    recheck(labs)
    assert verdicts(labs) == {"20210229_161221": "accepted with warnings"}


def test_a_changed_byte_is_found_before_anything_is_read(labs: Workspace, tmp_path: Path) -> None:
    manifest = ship(labs, write_folder(tmp_path))
    prefix = f"raw/recording/{RECEIVED:%Y/%m/%d}/{manifest.session}/"
    Path(labs.recordings.uri(f"{prefix}data.bin")).write_bytes(b"x" * len(FOLDER))
    assert walk(labs) == {FOLDER: "quarantined"}
    assert rules(labs, manifest.session) == {"integrity.hash"}
    assert labs.ledger.variables().empty


def test_recordings_may_lie_in_a_store_of_their_own(workspace: Workspace, tmp_path: Path) -> None:
    settings = workspace.settings.model_copy(update={"recordings_url": (tmp_path / "locked").as_uri()})
    with open_workspace(LAB.dataset, settings) as labs:
        manifest = ship(labs, write_folder(tmp_path))
        assert walk(labs) == {FOLDER: "accepted"}
        assert (tmp_path / "locked" / f"raw/recording/{RECEIVED:%Y/%m/%d}" / manifest.session / MANIFEST_NAME).is_file()
        assert list(labs.storage.list("raw")) == []


def key_of(manifest: Manifest) -> str:
    return f"raw/recording/{RECEIVED:%Y/%m/%d}/{manifest.session}/{MANIFEST_NAME}"


def test_told_twice_late_or_never_every_session_is_entered_once_in_its_own_dataset(workspace: Workspace, tmp_path: Path) -> None:
    lab, other = replace(LAB, dataset="lab-a"), replace(LAB, dataset="lab-b")
    first = ship(workspace, write_folder(tmp_path), lab)
    second = ship(workspace, write_folder(tmp_path, "20240229_161222"), other)
    third = ship(workspace, write_folder(tmp_path, "20240229_161223"), lab)
    gone = key_of(first).replace(first.session, f"{first.session[:-1]}x")
    assert register_arrived(workspace, [key_of(second), gone, "raw/x", key_of(second)]) == [second.session]
    assert register_arrived(workspace, [key_of(second)]) == []
    assert register_session(workspace, first.session) == [first.session]
    assert register_session(workspace, first.session) == []
    assert sweep(workspace) == [third.session]
    assert sweep(workspace) == []
    assert waiting(workspace) == 3
    assert judge_recordings(workspace) == 3
    assert judge_recordings(workspace) == 0
    assert waiting(workspace) == 0
    assert sorted(verdicts(workspace.of_dataset("lab-a"))) == [FOLDER, "20240229_161223"]
    assert verdicts(workspace.of_dataset("lab-b")) == {"20240229_161222": "accepted"}
    assert workspace.ledger.accounting().read == 0


def test_what_the_ingestion_api_completed_is_entered_whoever_is_told_of_it(workspace: Workspace, tmp_path: Path) -> None:
    on_its_way, whole = (ship(workspace, write_folder(tmp_path, name)) for name in (FOLDER, "20240229_161222"))
    make_key(workspace.engine)
    with workspace.engine.begin() as connection:
        key = connection.scalar(text("SELECT key FROM assay.api_keys"))
        for manifest in (on_its_way, whole):
            announce(connection, manifest, lab=LAB.name, key=key, prefix=key_of(manifest).removesuffix(MANIFEST_NAME))
        complete(connection, whole.session)
    assert register_completed(workspace) == [whole.session]
    assert register_completed(workspace) == []
    assert sweep(workspace) == [on_its_way.session]


def test_a_manifest_that_is_none_is_rejected_once_and_holds_back_no_other(workspace: Workspace, tmp_path: Path) -> None:
    broken = "raw/recording/2024/03/01/20240229T151221Z-aaaaaaaaaaaa/manifest.json"
    workspace.recordings.write(broken, b"{")
    good = ship(workspace, write_folder(tmp_path))
    assert sweep(workspace) == [good.session]
    assert sweep(workspace) == []
    assert list(workspace.ledger.rejections()["source_file"]) == [broken]


def test_recordings_of_another_licence_than_their_dataset_hold_back_no_other(workspace: Workspace, tmp_path: Path) -> None:
    Ledger(workspace.engine, "open").open_dataset("CC BY 4.0")
    ship(workspace, write_folder(tmp_path), replace(LAB, dataset="open"))
    good = ship(workspace, write_folder(tmp_path, "20240229_161222"))
    assert sweep(workspace) == [good.session]


@pytest.mark.parametrize("session", ["", "../..", "20240229T151221Z-aaaaaaaaaaaa"])
def test_a_session_that_has_not_arrived_is_told(workspace: Workspace, session: str) -> None:
    with pytest.raises(AssayError, match="session"):
        register_session(workspace, session)
