"""A former snapshot becomes the newest again, on either target, and everything after it stays consistent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from assay.cli import app
from assay.dataset.validate import validate_documents
from assay.errors import PublicationError
from assay.publish import snapshot as snapshot_module
from assay.publish.current import current_snapshot
from assay.publish.rollback import rollback
from assay.publish.snapshot import open_target, publish_snapshot
from assay.publish.target import Change
from assay.settings import Settings
from assay.workspace import Workspace
from dataset_content import stream
from dataset_ledger import fill
from git_server import REPOSITORY, TOKEN, GitServer
from pydantic import SecretStr
from typer.testing import CliRunner

pytestmark = pytest.mark.enable_socket

DERIVED = {"changes.json", "metadata.json", "manifest.json", "bundle.json"}
"""What says which documents there are and what moved; the data is in all the others."""


@pytest.fixture(params=["local", "github"])
def dataset(request: pytest.FixtureRequest, workspace: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """A dataset of which two snapshots are published, the second with another type and history."""
    server = None
    if request.param == "github":
        server = GitServer(tmp_path)
        there = {"github_repository": REPOSITORY, "github_token": SecretStr(TOKEN), "github_api": server.url}
        workspace = replace(workspace, settings=workspace.settings.model_copy(update=there))
    fill(workspace, stream("m7i.large", 47.9))
    publish_snapshot(workspace)
    fill(workspace, [*stream("m7i.large", 47.9), *stream("c7g.large", 55.1)])
    publish_snapshot(workspace)
    yield workspace
    if server is not None:
        server.stop()


def latest(workspace: Workspace) -> dict[str, bytes]:
    target = open_target(workspace)
    current = current_snapshot(target, target.head())
    assert current is not None
    assert current.whole
    return current.documents


def data(documents: dict[str, bytes]) -> dict[str, bytes]:
    return {name: raw for name, raw in documents.items() if name not in DERIVED}


def at_tag(workspace: Workspace, name: str) -> dict[str, bytes]:
    target = open_target(workspace)
    prefix = f"data/processed/v1.0/{name}/"
    paths = target.tree(target.tags()[name], prefix)
    return {path.removeprefix(prefix): raw for path, raw in target.read_many(target.tags()[name], paths)}


def test_a_rollback_is_a_snapshot_of_its_own_and_the_next_publication_follows_the_sessions(dataset: Workspace) -> None:
    first, second = at_tag(dataset, "2024-11-20"), at_tag(dataset, "2024-11-20.2")
    foreseen = rollback(dataset, "2024-11-20", reason="the clock was wrong", account="ada", dry_run=True)
    assert (foreseen.commit, foreseen.changed) == (None, True)
    done = rollback(dataset, "2024-11-20", reason="the clock\nwas wrong", account="ada", signed_as="Ada Lovelace")
    assert (done.name, done.changed, done.files) == ("2024-11-20.3", True, foreseen.files)
    documents = latest(dataset)
    validate_documents(documents)
    assert data(documents) == data(first)
    changes = orjson.loads(documents["changes.json"])
    assert (changes["since"], changes["gone"]) == ("2024-11-20.2", ["c7g.large"])
    target = open_target(dataset)
    assert done.commit is not None
    message = target.message(done.commit)
    assert message.startswith("Snapshot 2024-11-20.3: rollback to 2024-11-20, ")
    assert "for this reason: the clock was wrong\n" in message
    assert message.rstrip().endswith("\nApproved-by: Ada Lovelace")
    assert "ada:" not in message
    assert "data/processed/historical/trends/c7g.json" not in target.tree(done.commit)
    row = dataset.ledger.snapshots().iloc[-1]
    assert (row["name"], row["state"]) == ("2024-11-20.3", "published")
    assert row["approved_by"] == "ada: rollback to 2024-11-20: the clock was wrong"
    assert row["sessions"] == 3
    again = rollback(dataset, "2024-11-20", reason="twice", account="ada")
    assert (again.changed, again.name, again.commit) == (False, done.name, done.commit)

    after = publish_snapshot(dataset)
    assert (after.name, after.changed) == ("2024-11-20.4", True)
    assert data(latest(dataset)) == data(second)
    assert orjson.loads(latest(dataset)["changes.json"])["new"] == ["c7g.large"]
    assert not publish_snapshot(dataset).changed
    assert at_tag(dataset, "2024-11-20") == first


def test_a_thinned_snapshot_is_rolled_back_to_from_its_tag(dataset: Workspace) -> None:
    first = at_tag(dataset, "2024-11-20")
    target = open_target(dataset)
    head = target.head()
    assert head is not None
    gone = frozenset(target.tree(head, "data/processed/v1.0/2024-11-20"))
    target.commit(Change({}, gone), "thinned", expected=head)
    done = rollback(dataset, "2024-11-20", reason="the clock was wrong", account="ada")
    assert done.name == "2024-11-20.3"
    assert data(latest(dataset)) == data(first)


def test_a_rollback_that_was_killed_after_its_commit_is_completed(dataset: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    for step in ("read_back", "target.release"):
        name = {"read_back": "2024-11-20", "target.release": "2024-11-20.2"}[step]
        with monkeypatch.context() as patch:
            patch.setattr(snapshot_module, "read_back", die) if step == "read_back" else patch.setattr(
                type(open_target(dataset)), "release", die
            )
            with pytest.raises(Killed):
                rollback(dataset, name, reason="killed", account="ada")
        done = rollback(dataset, name, reason="killed", account="ada")
        assert dataset.ledger.snapshots()["state"].tolist() == ["published"] * len(dataset.ledger.snapshots())
        assert open_target(dataset).tags()[done.name] == done.commit == open_target(dataset).head()
        assert dataset.ledger.snapshots().iloc[-1]["approved_by"] == f"ada: rollback to {name}: killed"


def test_what_cannot_be_rolled_back_to_is_refused(dataset: Workspace) -> None:
    head = open_target(dataset).head()
    with pytest.raises(PublicationError, match=r"no snapshot 2024-11-19; the newest are: 2024-11-20, 2024-11-20.2"):
        rollback(dataset, "2024-11-19", reason="x", account="ada")
    with pytest.raises(PublicationError, match="needs a reason"):
        rollback(dataset, "2024-11-20", reason=" ", account="ada")
    target = open_target(dataset)
    assert head is not None
    target.add_tag("v1", head)
    with pytest.raises(PublicationError, match="it is no snapshot"):
        rollback(dataset, "v1", reason="x", account="ada")
    assert open_target(dataset).head() == head


def test_the_command_shows_rolls_back_and_says_why_it_cannot(
    dataset: Workspace, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.database_url is not None
    for name, value in (
        ("ASSAY_HOME", str(settings.home)),
        ("ASSAY_DATABASE_URL", settings.database_url.get_secret_value()),
        ("ASSAY_GITHUB_REPOSITORY", dataset.settings.github_repository or ""),
        ("ASSAY_GITHUB_TOKEN", TOKEN),
        ("ASSAY_GITHUB_API", dataset.settings.github_api),
    ):
        if value:
            monkeypatch.setenv(name, value)

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["rollback", "2024-11-20", "--reason", "clock", "--as", "Ada Lovelace", *words])

    foreseen = run("--dry-run")
    assert foreseen.exit_code == 0, foreseen.output
    assert foreseen.output.startswith("would publish 2024-11-20 again as 2024-11-20.3 (")
    said = orjson.loads(run("--json").stdout)
    assert (said["name"], said["changed"]) == ("2024-11-20.3", True)
    assert run().output.startswith("nothing to do: snapshot 2024-11-20.3 is the newest")
    unknown = CliRunner().invoke(app, ["rollback", "2020-01-01", "--reason", "clock", "--as", "Ada Lovelace"])
    assert isinstance(unknown.exception, PublicationError)
