"""The shipper against the ingestion API over real HTTP, with a local folder behind it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assay.database.uploads import read_audit
from assay.errors import AssayError
from assay.serve.ingest.app import ingest_app
from assay.session import MANIFEST_NAME
from assay.ship.journal import FolderState, Journal, only_one
from assay.ship.loop import FIRST_RETRY_S, Rules, ship_once
from assay.ship.send import Work, send_folder
from assay.storage import find_manifest
from assay.storage.uploads import PART_BYTES
from assay.workspace import Workspace
from ingest_server import IngestServer, make_folder, make_work
from made_recordings import make_key
from sqlalchemy import text

pytestmark = pytest.mark.enable_socket

NAME = "20240229_161221"


@pytest.fixture
def server(workspace: Workspace) -> Iterator[IngestServer]:
    running = IngestServer(ingest_app(workspace.settings, lambda: contextlib.nullcontext(workspace)))
    yield running
    running.stop()


@pytest.fixture
def work(server: IngestServer, workspace: Workspace, tmp_path: Path) -> Iterator[Work]:
    made = make_work(server.url, make_key(workspace.engine), tmp_path)
    yield made
    made.api.close()
    made.journal.close()


def stored(workspace: Workspace, session: str) -> dict[str, bytes]:
    keys = [item.key for item in workspace.storage.list("raw/recording") if f"/{session}/" in item.key]
    return {key.partition(f"/{session}/")[2]: workspace.storage.read(key) for key in keys}


def state_of(work: Work, folder: Path) -> Any:
    return next(entry for entry in work.journal.entries() if entry.folder == str(folder))


def test_a_folder_arrives_byte_for_byte_and_is_sent_once(work: Work, workspace: Workspace, tmp_path: Path) -> None:
    data = tmp_path / "data"
    contents = make_folder(data, NAME, 1, 0, 300, PART_BYTES, 2 * PART_BYTES + 5)
    sent: list[int] = []
    counting = make_work(work.api.url, work.api._key, tmp_path, tick=lambda what, n: sent.append(n) if what == "sent" else None)
    outcome = ship_once(counting, Rules(data))
    assert outcome.shipped == (NAME,)
    session = state_of(work, data / NAME).session
    found = stored(workspace, session)
    assert {path: content for path, content in found.items() if path != MANIFEST_NAME} == contents
    assert sum(sent) == sum(map(len, contents.values()))
    assert ship_once(work, Rules(data)).shipped == ()
    # Without its journal it asks anew, and sends nothing.
    amnesiac = make_work(work.api.url, work.api._key, tmp_path / "other")
    assert send_folder(amnesiac, data / NAME).session == session


def test_a_folder_that_is_not_complete_is_left_alone(work: Work, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_folder(data, NAME, 1, 10)
    (data / NAME / "late.bin").write_bytes(b"just now")
    (data / "empty").mkdir()
    make_folder(data, ".hidden", 1, 10)
    assert ship_once(work, Rules(data)).shipped == ()
    assert ship_once(work, Rules(data, marker="done.txt")).shipped == ()
    (data / NAME / "done.txt").touch()
    assert ship_once(work, Rules(data, marker="done.txt")).shipped == (NAME,)


@contextlib.contextmanager
def nothing_written_down(workspace: Workspace) -> Iterator[None]:
    """The database refuses to note that a large file is whole, as if the API were killed between the store and the database."""
    with workspace.engine.begin() as connection:
        body = "CREATE FUNCTION assay.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$"
        connection.execute(text(body))
        when = "BEFORE UPDATE ON assay.upload_files FOR EACH ROW EXECUTE FUNCTION assay.refuse()"
        connection.execute(text(f"CREATE TRIGGER refuse {when}"))
    try:
        yield
    finally:
        with workspace.engine.begin() as connection:
            connection.execute(text("DROP FUNCTION assay.refuse() CASCADE"))


def test_a_file_that_was_assembled_and_not_written_down_is_not_sent_again(
    work: Work, workspace: Workspace, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    contents = make_folder(data, NAME, 1, PART_BYTES + 5)
    with nothing_written_down(workspace):
        assert ship_once(work, Rules(data)).shipped == ()
    (session,) = {item.key.split("/")[-2] for item in workspace.storage.list("raw/recording")}
    assert stored(workspace, session) == contents
    assert ship_once(work, Rules(data)).shipped == (NAME,)
    assert {path: content for path, content in stored(workspace, session).items() if path != MANIFEST_NAME} == contents
    assert not list((workspace.storage.root / ".uploads").iterdir())  # type: ignore[attr-defined]


def test_a_server_that_is_away_puts_the_folder_off(
    work: Work, server: IngestServer, workspace: Workspace, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    contents = make_folder(data, NAME, 1, 300)
    server.stop()
    began = time.time()
    assert ship_once(work, Rules(data)).put_off == (NAME,)
    entry = state_of(work, data / NAME)
    assert (entry.state, entry.attempts) == (FolderState.RETRYING, 1)
    assert began + FIRST_RETRY_S <= entry.next_try <= time.time() + FIRST_RETRY_S
    assert ship_once(work, Rules(data), due_only=True).put_off == ()
    server.start()
    assert ship_once(work, Rules(data)).shipped == (NAME,)
    assert set(stored(workspace, state_of(work, data / NAME).session)) == {*contents, MANIFEST_NAME}


def test_an_unsafe_folder_is_refused_told_to_the_server_and_seen(work: Work, workspace: Workspace, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_folder(data, NAME, 1, 10)
    (data / NAME / "secrets").symlink_to("/etc/passwd")
    for _ in range(2):
        assert ship_once(work, Rules(data, quiet_seconds=0)).failed == (NAME,)
    entry = state_of(work, data / NAME)
    assert (entry.state, entry.reported) == (FolderState.REFUSED, True)
    assert "secrets" in entry.message
    with workspace.engine.connect() as connection:
        audit = read_audit(connection)
    assert list(audit["action"]) == ["failure", "token"]
    assert NAME in audit["detail"].iloc[0]
    (data / NAME / "secrets").unlink()
    assert ship_once(work, Rules(data, quiet_seconds=0)).shipped == (NAME,)


def test_bad_metadata_ship_with_a_warning(work: Work, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_folder(data, "20210229_161221", 1, 10)
    assert ship_once(work, Rules(data)).shipped == ("20210229_161221",)
    entry = state_of(work, data / "20210229_161221")
    assert any("20210229_161221" in message for message in entry.warnings)


def test_a_file_that_changes_while_it_is_sent_is_sent_as_it_became(work: Work, workspace: Workspace, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_folder(data, NAME, 1, 300, 40)
    victim = data / NAME / "eeg #2.bin"

    def spoil(what: str, count: int) -> None:
        if what == "sent" and victim.stat().st_size == 40:
            victim.write_bytes(b"y" * 41)
            os.utime(victim, (time.time() - 1800, time.time() - 1800))

    spoiling = make_work(work.api.url, work.api._key, tmp_path, tick=spoil, at_once=1)
    assert ship_once(spoiling, Rules(data)).put_off == (NAME,)
    assert ship_once(work, Rules(data, quiet_seconds=0)).shipped == (NAME,)
    assert stored(workspace, state_of(work, data / NAME).session)["eeg #2.bin"] == b"y" * 41
    complete = {item.key for item in workspace.storage.list("raw") if item.key.endswith(MANIFEST_NAME)}
    assert len(complete) == 1


def test_a_key_that_was_revoked_is_a_failure_that_stays_visible(work: Work, workspace: Workspace, tmp_path: Path) -> None:
    from assay.database.keys import revoke_key

    data = tmp_path / "data"
    make_folder(data, NAME, 1, 10)
    with workspace.engine.begin() as connection:
        revoke_key(connection, work.api._key.split("_", 2)[1])
    assert ship_once(work, Rules(data)).failed == (NAME,)
    entry = state_of(work, data / NAME)
    assert (entry.state, entry.reported) == (FolderState.FAILED, False)
    assert "revoked" in entry.message
    assert work.api._key not in entry.message


def test_one_state_folder_serves_one_shipper(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(AssayError, match="another `assay ship`"), only_one(tmp_path):
        pass


def test_a_spoiled_journal_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(AssayError, match="Move it away"):
        Journal(tmp_path / "journal.sqlite3")


def test_the_manifest_on_the_server_is_that_of_the_folder(work: Work, workspace: Workspace, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_folder(data, NAME, 1, 10)
    ship_once(work, Rules(data))
    session = state_of(work, data / NAME).session
    prefix = next(item.key for item in workspace.storage.list("raw/recording")).partition(session)[0] + session
    manifest = find_manifest(workspace.storage, prefix)
    assert manifest is not None
    assert (manifest.labels["folder"], f"{manifest.started_at:%Y%m%d_%H%M%S}") == (NAME, NAME)
