"""Each kind of thing is broken once, and named with what to do; what is on its way is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from assay.check.judge import judge_read
from assay.check.verify import verify_arrived
from assay.database.uploads import announce, complete
from assay.ingest.arrive import sweep
from assay.process import judge_recordings, preprocess_recordings
from assay.read.sessions import read_verified
from assay.reconcile import look
from assay.reconcile.look import Report, reconcile
from assay.workspace import Workspace
from made_labs import LAB, ship, write_folder
from made_recordings import make_key
from made_recordings import manifest_of as announced
from raw_sessions import arrive
from sqlalchemy import text
from typer.testing import CliRunner


@pytest.fixture
def filled(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Two benchmarks that were read and two recordings that were processed, in two datasets."""
    arrive(workspace, range(2))
    verify_arrived(workspace)
    read_verified(workspace)
    judge_read(workspace)
    for name in ("20240229_161221", "20240229_161222"):
        ship(workspace, write_folder(tmp_path, name))
    sweep(workspace)
    judge_recordings(workspace)
    assert preprocess_recordings(workspace) == 2
    return workspace


def checked(workspace: Workspace, share: float = 0.0, patience_h: float = 6.0) -> Report:
    return reconcile(workspace, share=share, patience_h=patience_h, pause=lambda _: None)


def said(report: Report) -> list[str]:
    return [f"{difference.kind}: {difference.where.rpartition('/')[2]}" for difference in report.differences]


def execute(workspace: Workspace, statement: str) -> None:
    with workspace.engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount >= 1


def key(workspace: Workspace, ending: str, prefix: str = "") -> str:
    return next(one.key for one in workspace.storage.list(prefix) if one.key.endswith(ending))


def overwrite(workspace: Workspace, ending: str, change: Callable[[bytes], bytes], prefix: str = "") -> None:
    found = key(workspace, ending, prefix)
    workspace.storage.write(found, change(workspace.storage.read(found)))


def test_where_all_is_well_nothing_differs_and_everything_was_hashed(filled: Workspace) -> None:
    report = checked(filled, share=1.0, patience_h=0.0)
    assert (report.total, report.differences, report.notices) == (0, [], [])
    stored = [one for layer in look.LAYERS for one in filled.storage.list(layer)]
    assert (report.objects, report.bytes) == (len(stored), sum(one.size for one in stored))
    batches = sum(one.key.endswith(".parquet") and "kind=" in one.key for one in stored)
    assert report.hashed == len(stored) - batches
    assert report.sessions == 4


def test_every_kind_of_damage_is_named_with_what_to_do(filled: Workspace) -> None:
    store = filled.storage
    store.delete([key(filled, "/data.bin", "raw")])
    overwrite(filled, "/metadata.txt", lambda content: content[:-1] + b"!", "raw/recording")
    store.write("raw/recording/2024/03/01/foreign/x.bin", b"x")
    store.write("raw/instance_benchmark/notes.txt", b"x")
    store.delete([key(filled, "manifest.json", "raw/instance_benchmark")])
    overwrite(filled, ".json", lambda content: content + b" ", "raw/instance_benchmark")
    store.delete([key(filled, ".parquet", "processed/executions/kind=instance_benchmark")])
    made = sorted(filled.of_dataset(LAB.dataset).ledger.processed_files()["key"])
    store.delete(made[:1])
    store.write(made[1], b"another")
    store.write("processed/measurements/kind=x/left.parquet", b"x")
    with filled.engine.begin() as connection:
        connection.execute(text("DELETE FROM assay.raw_files WHERE path = 'metadata.txt' AND session = (SELECT max(session) "
                                "FROM assay.sessions WHERE kind = 'recording')"))  # fmt: skip
    report = checked(filled, share=1.0)
    found = said(report)
    for wanted in (
        "missing: data.bin",  # raw
        "content: metadata.txt",
        "extra: x.bin",
        "extra: notes.txt",
        "missing: manifest.json",
        "extra: metadata.txt",  # its row is gone
        "extra: left.parquet",
    ):
        assert wanted in found, (wanted, found)
    kinds = [difference.kind.value for difference in report.differences]
    assert kinds.count("rows") == 1
    assert kinds.count("size") == 2, "a benchmark's file and a processed one"
    assert kinds.count("missing") == 4, "raw file, manifest, batch, processed file"
    assert all(difference.advice for difference in report.differences)
    assert report.total == len(report.differences)


def test_a_byte_of_the_same_size_is_found_by_its_hash_alone(filled: Workspace) -> None:
    overwrite(filled, "/data.bin", lambda content: b"?" + content[1:], "raw")
    assert checked(filled).total == 0
    assert said(checked(filled, share=1.0)) == ["content: data.bin"]


def test_rows_that_are_gone_are_named(filled: Workspace) -> None:
    execute(filled, "DELETE FROM assay.processed_files WHERE session = (SELECT min(session) FROM assay.processed_files)")
    found = said(checked(filled))
    assert sorted(one.partition(":")[0] for one in found) == ["extra", "rows"]
    execute(filled, "DELETE FROM assay.processing")
    assert [one.partition(":")[0] for one in said(checked(filled))] == [], "processing is under way, as far as one can see"
    assert {one.partition(":")[0] for one in said(checked(filled, patience_h=0.0))} == {"unprocessed"}


def test_what_is_on_its_way_or_was_rejected_is_no_difference(filled: Workspace) -> None:
    name = make_key(filled.engine, dataset=LAB.dataset).split("_")[1]
    coming = announced({"a.bin": b"a", "b.bin": b"b"}, dataset=LAB.dataset)
    prefix = f"raw/recording/2024/03/02/{coming.session}/"
    with filled.engine.begin() as connection:
        announce(connection, coming, lab="sleep-lab", key=name, prefix=prefix)
    filled.storage.write(f"{prefix}a.bin", b"a")
    filled.storage.write("raw/recording/2024/03/01/20240229T151221Z-000000000000/manifest.json", b"none")
    sweep(filled)
    report = checked(filled)
    assert (report.total, report.coming) == (0, 2), report.differences
    with filled.engine.begin() as connection:
        complete(connection, coming.session)
    assert checked(filled).total == 0
    assert said(checked(filled, patience_h=0.0))[0].startswith("not entered")


def test_what_was_cleaned_may_not_be_there(filled: Workspace) -> None:
    [first, *_] = filled.ledger.sessions()["session"]
    with filled.engine.begin() as connection:
        connection.execute(text("INSERT INTO assay.archive_volumes VALUES ('default', 'a', 'v', 1, '', 1, 1, 1)"))
        connection.execute(
            text(
                "INSERT INTO assay.archived_sessions (dataset, session, archive, volume, whole, objects, bytes, cleaned_at) "
                "VALUES ('default', :session, 'a', 'v', true, 1, 1, now())"
            ),
            {"session": first},
        )
    there = [one.key for one in filled.storage.list("raw") if f"/{first}/" in one.key]
    assert len(checked(filled).differences) == len(there) == 2
    filled.storage.delete(there)
    assert checked(filled).total == 0


def test_recordings_in_a_store_of_their_own(filled: Workspace, tmp_path: Path) -> None:
    apart = replace(filled, settings=filled.settings.model_copy(update={"recordings_url": (tmp_path / "apart").as_uri()}))
    found = checked(apart)
    assert {difference.kind.value for difference in found.differences} == {"missing", "extra"}
    for one in list(filled.storage.list("raw/recording")):
        apart.recordings.write(one.key, filled.storage.read(one.key))
        filled.storage.delete([one.key])
    assert checked(apart, share=1.0).total == 0


def test_an_older_version_of_a_processor_is_a_note(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = SimpleNamespace(NAME="copy", VERSION="99")
    monkeypatch.setattr(look, "processors", lambda: (newer,))
    report = checked(filled)
    assert report.total == 0
    assert "2 files were processed by copy 1; it is at 99" in report.notices[0]


def test_what_is_put_right_between_two_looks_is_not_named(filled: Workspace) -> None:
    lost = key(filled, "/data.bin", "raw")
    content = filled.storage.read(lost)
    filled.storage.delete([lost])
    report = reconcile(filled, share=0.0, pause=lambda _: filled.storage.write(lost, content))
    assert report.total == 0


def test_the_command_names_the_difference_and_exits_with_1(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.cli import app
    from assay.reconcile import look as module

    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    monkeypatch.setenv("ASSAY_HOME", str(filled.settings.home))
    monkeypatch.setenv("ASSAY_DATABASE_URL", filled.engine.url.render_as_string(hide_password=False))
    good = CliRunner().invoke(app, ["fsck"])
    assert (good.exit_code, "nothing differs" in good.output) == (0, True), good.output
    filled.storage.delete([key(filled, "/data.bin", "raw")])
    bad = CliRunner().invoke(app, ["fsck", "--all-hashes"])
    assert bad.exit_code == 1
    assert "missing: " in bad.output
    assert "assay ship once" in bad.output


def test_the_clock_of_patience_is_the_servers(filled: Workspace) -> None:
    execute(filled, "UPDATE assay.sessions SET changed_at = now() - interval '7 hours'")
    execute(filled, "DELETE FROM assay.processing")
    found = checked(filled).differences
    assert [difference.kind.value for difference in found] == ["unprocessed"] * 2
    assert f"{datetime.now(UTC) - timedelta(hours=7):%Y-%m-%d}" in found[0].found
