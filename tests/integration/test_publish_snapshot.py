"""Publishing from a real ledger to a real repository: once, again, after a kill at any step, and by several at once."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import threading
from typing import Any

import orjson
import pytest
from assay.database.engine import connect
from assay.database.ledger import Ledger
from assay.dataset.trace import measured_values, trace_steps
from assay.dataset.validate import validate_documents
from assay.errors import PublicationError
from assay.publish import snapshot as snapshot_module
from assay.publish.current import current_snapshot
from assay.publish.git import Git
from assay.publish.local import LocalRepository
from assay.publish.snapshot import (
    build_snapshot,
    commit_snapshot,
    open_target,
    publish_snapshot,
    verify_snapshot,
)
from assay.publish.target import Change
from assay.publish.trace import trace_published
from assay.session import SessionKind, raw_prefix
from assay.settings import Settings
from assay.storage import Storage
from assay.summarize.step import refresh_statistics
from assay.workspace import Workspace
from dataset_content import Series, fleet, simple, stream
from dataset_ledger import fill, judge

LATEST = "data/processed/latest"


def published(workspace: Workspace) -> dict[str, bytes]:
    target = open_target(workspace)
    current = current_snapshot(target, target.head())
    assert current is not None
    return current.documents


def commits(workspace: Workspace) -> int:
    repository = workspace.settings.git_repository(workspace.dataset)
    if not repository.exists():
        return 0
    done = subprocess.run(
        ["git", f"--git-dir={repository}", "rev-list", "--count", "main"], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def states(workspace: Workspace) -> dict[str, str]:
    snapshots = workspace.ledger.snapshots()
    return dict(zip(snapshots["name"], snapshots["state"], strict=True))


def releases(workspace: Workspace) -> dict[str, str]:
    """The notes of every release, by tag."""
    folder = workspace.settings.git_repository(workspace.dataset) / "releases"
    return {path.parent.name: path.read_text() for path in sorted(folder.glob("*/notes.md"))}


def small(factor: float = 1.0, sessions: int = 3) -> list[Series]:
    return [
        *stream("m7i.large", 47.9 * factor, sessions),
        simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0 * factor, sessions),
    ]


def test_a_dataset_is_published_read_back_and_noted(workspace: Workspace) -> None:
    fill(workspace, fleet(), quarantined=["c7a.large"])
    snapshot = publish_snapshot(workspace)
    assert snapshot.changed
    assert snapshot.name == "2024-11-20"
    assert open_target(workspace).tags() == {"2024-11-20": snapshot.commit}
    assert states(workspace) == {"2024-11-20": "published"}
    documents = published(workspace)
    validate_documents(documents)
    metadata = orjson.loads(documents["metadata.json"])
    assert metadata["accounting"] == {"read": 10, "accepted": 9, "quarantined": 1, "rejected": 0}
    assert metadata["licence"] == "CC BY 4.0"
    (kept_out,) = orjson.loads(documents["quarantine.json"])
    assert kept_out["subject"] == "c7a.large"
    assert kept_out["reasons"][0]["rule"] == "physics.latency-order"
    row = workspace.ledger.snapshots().iloc[0]
    assert row["manifest_sha256"] == hashlib.sha256(documents["manifest.json"]).hexdigest()
    assert row["sessions"] == 9


def test_from_every_published_value_the_way_leads_to_raw_bytes_in_storage(workspace: Workspace) -> None:
    fill(workspace, fleet())
    publish_snapshot(workspace)
    documents = {name: orjson.loads(raw) for name, raw in published(workspace).items() if name.endswith(".json")}
    known = workspace.ledger.sessions().set_index("session")
    hashes: dict[tuple[str, str], str] = {}
    walked = 0
    for name, document in documents.items():
        for keys in measured_values(document):
            steps = [step for step in trace_steps(documents, name, keys) if step["step"] == "raw_file"]
            assert steps
            for step in steps:
                hashes[step["session"], step["file"]] = step["sha256"]
            walked += 1
    assert walked > 1500
    for (session, file), sha256 in hashes.items():
        data = workspace.storage.read(f"{known.loc[session, 'prefix']}{file}")
        assert hashlib.sha256(data).hexdigest() == sha256
    for entry in documents["manifest.json"]["sessions"]:
        prefix = known.loc[entry["session"], "prefix"]
        assert prefix == raw_prefix(
            SessionKind(entry["kind"]), known.loc[entry["session"], "started_at"].date(), entry["session"]
        )
        assert hashlib.sha256(workspace.storage.read(f"{prefix}manifest.json")).hexdigest() == entry["manifest_sha256"]


def test_the_trace_of_a_published_value_says_what_the_ledger_knows(workspace: Workspace) -> None:
    fill(workspace, small())
    snapshot = publish_snapshot(workspace)
    steps = trace_published(workspace, "memory-benchmarks.json", "benchmarks.stream.m7i.large.triad_bandwidth")
    assert steps[0]["commit"] == snapshot.commit
    sessions = [step for step in steps if step["step"] == "session"]
    assert len(sessions) == 3
    assert all(step["verdict"] == "accepted" and "every rule passed" in step["text"] for step in sessions)
    assert all(isinstance(step["text"], str) for step in steps)
    orjson.dumps(steps)


def test_a_published_snapshot_has_a_release_with_the_news_of_its_commit(workspace: Workspace) -> None:
    fill(workspace, small())
    publish_snapshot(workspace)
    fill(workspace, [*small(), *stream("c7g.large", 55)])
    publish_snapshot(workspace)
    notes = releases(workspace)
    assert list(notes) == ["2024-11-20", "2024-11-20.2"]
    assert notes["2024-11-20"].startswith("# Snapshot 2024-11-20: 1 type, 3 sessions\n\nThe first snapshot")
    assert "- new: c7g.large" in notes["2024-11-20.2"]
    assert "Accounting: 6 read" in notes["2024-11-20.2"]


def test_a_release_that_is_missing_is_made_by_the_next_run(workspace: Workspace) -> None:
    fill(workspace, small())
    publish_snapshot(workspace)
    made = releases(workspace)
    (workspace.settings.git_repository("default") / "releases").rename(workspace.settings.home / "lost")
    assert not publish_snapshot(workspace).changed
    assert releases(workspace) == made


def test_nothing_new_writes_nothing(workspace: Workspace) -> None:
    fill(workspace, small())
    first = publish_snapshot(workspace)
    repository = workspace.settings.git_repository("default")
    before = sorted((str(path), path.stat().st_mtime_ns) for path in repository.rglob("*") if path.is_file())
    again = publish_snapshot(workspace)
    assert (again.changed, again.name, again.commit, again.files) == (False, first.name, first.commit, ())
    assert sorted((str(path), path.stat().st_mtime_ns) for path in repository.rglob("*") if path.is_file()) == before
    assert commits(workspace) == 1


def test_three_more_sessions_make_a_second_snapshot_of_the_day(workspace: Workspace) -> None:
    fill(workspace, small(sessions=3))
    publish_snapshot(workspace)
    target = open_target(workspace)
    dated = {path: blob for path, blob in target.tree(target.head() or "").items() if "v1.0/2024-11-20/" in path}
    fill(workspace, small(sessions=6))
    second = publish_snapshot(workspace)
    assert second.name == "2024-11-20.2"
    tree = target.tree(second.commit or "")
    assert dated.items() <= tree.items()
    triad = orjson.loads(published(workspace)["memory-benchmarks.json"])["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]
    assert (triad["sample_size"], triad["sessions"]) == (12, 6)
    assert orjson.loads(published(workspace)["changes.json"])["since"] == "2024-11-20"
    assert states(workspace) == {"2024-11-20": "published", "2024-11-20.2": "published"}


def test_a_session_that_is_quarantined_later_leaves_the_next_snapshot(workspace: Workspace) -> None:
    sessions = fill(workspace, [*small(), *stream("c7g.large", 55)])
    publish_snapshot(workspace)
    fill(workspace, [*small(), *stream("c7g.large", 55)], quarantined=["c7g.large"])
    second = publish_snapshot(workspace)
    changes = orjson.loads(published(workspace)["changes.json"])
    assert second.changed
    assert changes["gone"] == ["c7g.large"]
    assert set(changes["quarantined"]) <= set(sessions)
    assert len(changes["quarantined"]) == 3


def test_statistics_older_than_the_verdicts_are_refused(workspace: Workspace) -> None:
    sessions = fill(workspace, small())
    judge(workspace, sessions, sessions[:1])
    with pytest.raises(PublicationError, match="assay process"):
        publish_snapshot(workspace)
    assert commits(workspace) == 0


def test_a_dry_run_shows_what_would_change_and_writes_nothing(workspace: Workspace) -> None:
    fill(workspace, small())
    foreseen = publish_snapshot(workspace, dry_run=True)
    assert (foreseen.name, foreseen.commit, foreseen.changed) == ("2024-11-20", None, True)
    assert f"{LATEST}/memory-benchmarks.json" in foreseen.files
    assert commits(workspace) == 0
    assert states(workspace) == {}
    made = publish_snapshot(workspace)
    assert made.files == foreseen.files
    assert publish_snapshot(workspace, dry_run=True).changed is False


def test_an_empty_dataset_says_that_there_is_nothing_yet(workspace: Workspace) -> None:
    with pytest.raises(PublicationError, match="nothing to publish yet"):
        publish_snapshot(workspace)
    assert not workspace.settings.git_repository("default").exists()


def test_a_dataset_in_which_everything_was_quarantined_is_published_empty_and_valid(workspace: Workspace) -> None:
    fill(workspace, small(), quarantined=["m7i.large"])
    assert publish_snapshot(workspace).changed
    validate_documents(published(workspace))
    assert orjson.loads(published(workspace)["metadata.json"])["accounting"]["quarantined"] == 3


def test_the_three_steps_do_what_the_one_call_does(workspace: Workspace) -> None:
    fill(workspace, small())
    digest = build_snapshot(workspace)
    assert build_snapshot(workspace) == digest
    snapshot = commit_snapshot(workspace, digest)
    assert states(workspace) == {"2024-11-20": "committed"}
    assert commit_snapshot(workspace, digest).commit == snapshot.commit
    verify_snapshot(workspace, snapshot)
    verify_snapshot(workspace, snapshot)
    assert states(workspace) == {"2024-11-20": "published"}
    assert commits(workspace) == 1
    assert list(workspace.storage.list("processed/snapshots")) == []
    with pytest.raises(PublicationError, match="build the snapshot again"):
        commit_snapshot(workspace, digest)


def test_what_was_built_is_what_is_committed_even_if_more_was_judged_in_between(workspace: Workspace) -> None:
    fill(workspace, small(sessions=3))
    digest = build_snapshot(workspace)
    fill(workspace, small(sessions=4))
    snapshot = verify_snapshot(workspace, commit_snapshot(workspace, digest))
    assert snapshot.content_digest == digest
    triad = orjson.loads(published(workspace)["memory-benchmarks.json"])["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]
    assert triad["sample_size"] == 6


def test_a_branch_that_moves_is_built_upon(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(workspace, small())
    publish_snapshot(workspace)
    fill(workspace, small(sessions=4))
    original = LocalRepository.commit
    moves = []

    def moving(self: LocalRepository, change: Change, message: str, **options: Any) -> str:
        if len(moves) < 2:
            moves.append(original(self, Change({f"by-hand-{len(moves)}": b"x"}), "by hand", expected=self.head()))
        return original(self, change, message, **options)

    monkeypatch.setattr(LocalRepository, "commit", moving)
    snapshot = publish_snapshot(workspace)
    tree = open_target(workspace).tree(snapshot.commit or "")
    assert {"by-hand-0", "by-hand-1"} <= tree.keys()
    assert commits(workspace) == 4
    assert states(workspace)["2024-11-20.2"] == "published"


def test_a_branch_that_never_stands_still_is_given_up_with_a_message(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workspace, small())
    original = LocalRepository.commit
    counter = iter(range(100))

    def moving(self: LocalRepository, change: Change, message: str, **options: Any) -> str:
        original(self, Change({f"by-hand-{next(counter)}": b"x"}), "by hand", expected=self.head())
        return original(self, change, message, **options)

    monkeypatch.setattr(LocalRepository, "commit", moving)
    with pytest.raises(PublicationError, match="moved 5 times"):
        publish_snapshot(workspace)


def test_concurrent_publishers_make_one_commit(workspace: Workspace) -> None:
    fill(workspace, small())
    outcomes: list[Any] = []

    def run() -> None:
        try:
            outcomes.append(publish_snapshot(workspace).changed)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            outcomes.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [False, False, True]
    assert commits(workspace) == 1


def test_a_repository_that_was_lost_is_filled_again(workspace: Workspace) -> None:
    fill(workspace, small())
    publish_snapshot(workspace)
    repository = workspace.settings.git_repository("default")
    repository.rename(repository.with_name("lost.git"))
    again = publish_snapshot(workspace)
    assert again.name == "2024-11-20.2"
    assert again.changed


def test_a_fresh_ledger_finds_what_the_repository_holds(
    workspace: Workspace, settings: Settings, empty_database_url: str
) -> None:
    from assay.database import migrate

    fill(workspace, small())
    first = publish_snapshot(workspace)
    engine = connect(empty_database_url)
    migrate.upgrade(engine)
    ledger = Ledger(engine, "default")
    ledger.open_dataset()
    fresh = Workspace(settings, "default", workspace.storage, engine, ledger)
    fill(fresh, small())
    again = publish_snapshot(fresh)
    engine.dispose()
    assert (again.name, again.commit) == (first.name, first.commit)
    assert commits(workspace) == 1


def die(owner: Any, name: str, when: str, command: str | None) -> None:
    """Make this process kill itself before or after the call (of that git command)."""
    original = getattr(owner, name)

    def deadly(*arguments: Any, **options: Any) -> Any:
        meant = command is None or arguments[1] == command
        if meant and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if meant and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def publish_and_die(settings: Settings, url: str, at: str) -> int:
    """Publish in a process of its own that is killed at a step; gives how it ended."""
    child = os.fork()
    if child == 0:
        try:
            step, when = at.split(":")
            owners = dict.fromkeys(("begin_snapshot", "commit_snapshot", "finish_snapshot"), Ledger)
            owners |= {"commit": LocalRepository, "release": LocalRepository}
            git, _, command = step.partition(" ")
            if git == "git":
                die(Git, "run", when, command)
            else:
                die(owners.get(step, snapshot_module), step, when, None)
            engine = connect(url)
            storage = Storage.open(settings.object_storage_url)
            publish_snapshot(Workspace(settings, "default", storage, engine, Ledger(engine, "default")))
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


OFTEN = [
    "begin_snapshot:after",
    "git init:after",
    "git commit-tree:after",
    "git update-ref:before",
    "git update-ref:after",
    "commit_snapshot:after",
    "release:after",
    "finish_snapshot:before",
]
SELDOM = [
    "build:after",
    "git init:before",
    "git read-tree:before",
    "git hash-object:after",
    "git update-index:after",
    "git write-tree:after",
    "git commit-tree:before",
    "commit:after",
    "commit_snapshot:before",
    "read_back:before",
    "read_back:after",
    "release:before",
    "finish_snapshot:after",
]


@pytest.mark.parametrize("at", [*OFTEN, *(pytest.param(step, marks=pytest.mark.full) for step in SELDOM)])
def test_killed_at_any_step_and_run_again_publishes_exactly_once(workspace: Workspace, database_url: str, at: str) -> None:
    first = at in ("git init:before", "git init:after")
    if not first:
        fill(workspace, small(sessions=3))
        publish_snapshot(workspace)
    fill(workspace, small(sessions=4))
    assert publish_and_die(workspace.settings, database_url, at) == -signal.SIGKILL
    snapshot = publish_snapshot(workspace)
    expected = "2024-11-20" if first else "2024-11-20.2"
    assert snapshot.name == expected
    assert commits(workspace) == (1 if first else 2)
    assert set(states(workspace).values()) == {"published"}
    assert open_target(workspace).tags()[expected] == open_target(workspace).head() == snapshot.commit
    assert releases(workspace).keys() == open_target(workspace).tags().keys()
    assert publish_snapshot(workspace).changed is False
    assert commits(workspace) == (1 if first else 2)
    triad = orjson.loads(published(workspace)["memory-benchmarks.json"])["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]
    assert triad["sample_size"] == 8


def test_a_branch_without_its_tag_gets_it_on_the_next_run(workspace: Workspace) -> None:
    fill(workspace, small())
    snapshot = publish_snapshot(workspace)
    repository = workspace.settings.git_repository("default")
    subprocess.run(["git", f"--git-dir={repository}", "tag", "-d", "2024-11-20"], check=True, capture_output=True)
    again = publish_snapshot(workspace)
    assert again.commit == snapshot.commit
    assert open_target(workspace).tags() == {"2024-11-20": snapshot.commit}


def test_documents_over_time_are_in_the_same_commit_and_traced(workspace: Workspace) -> None:
    fill(workspace, small(sessions=3))
    first = publish_snapshot(workspace)
    target = open_target(workspace)
    before = target.tree(first.commit or "")
    paths = {f"data/processed/{entry['path']}" for entry in orjson.loads(published(workspace)["manifest.json"])["history"]}
    assert paths == {
        "data/processed/historical/2024-Q4/aggregates.json",
        "data/processed/historical/trends/m7i.json",
        "data/processed/v1.0/weekly-aggregates/2024-W47.json",
    }
    assert paths <= before.keys()
    steps = trace_published(workspace, "historical/trends/m7i.json", "series.m7i.large.triad_bandwidth.points[0].value")
    assert len([step for step in steps if step["step"] == "session"]) == 3
    fill(workspace, [*small(sessions=3), *stream("c7g.large", 55, sessions=1)])
    second = publish_snapshot(workspace)
    after = target.tree(second.commit or "")
    assert after["data/processed/historical/trends/m7i.json"] == before["data/processed/historical/trends/m7i.json"]
    assert "data/processed/historical/trends/c7g.json" in after
    sessions = workspace.ledger.sessions()
    judge(workspace, list(sessions["session"]), list(sessions.loc[sessions["subject"] == "c7g.large", "session"]))
    refresh_statistics(workspace)
    third = publish_snapshot(workspace)
    assert "data/processed/historical/trends/c7g.json" not in target.tree(third.commit or "")
    assert "data/processed/historical/trends/c7g.json" in third.files
