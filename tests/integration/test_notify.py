"""Downstream is told of what was published: over real HTTP to a server of the test's own, to GitHub's API and to an SNS topic."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from assay.cli import app
from assay.errors import NotWhole
from assay.notify.deliver import notify_downstream
from assay.notify.event import EVENT
from assay.publish.git import Git
from assay.publish.snapshot import publish_snapshot, verify_snapshot
from assay.workspace import Workspace
from dataset_content import simple
from dataset_ledger import fill
from git_server import REPOSITORY, TOKEN, Fault, GitServer
from pydantic import SecretStr
from typer.testing import CliRunner

pytestmark = pytest.mark.enable_socket

SECRET = "a-secret-that-must-not-be-logged"
PATH = "/hook/a-token-in-the-path"


@dataclass
class Receiver:
    """A webhook's other end. `answers`: status and headers of the next answers; then 204."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    endless: bool = False

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
                if status == 0:
                    self.connection.close()
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    while receiver.endless:
                        self.wfile.write(b"x" * 65536)
                except OSError:
                    receiver.endless = False

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}{PATH}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


def told(workspace: Workspace, **changed: Any) -> Workspace:
    """The workspace with other settings."""
    settings = workspace.settings.model_copy(update=changed)
    return Workspace(settings, workspace.dataset, workspace.storage, workspace.engine, workspace.ledger)


def by_webhook(workspace: Workspace, receiver: Receiver, **more: Any) -> Workspace:
    return told(workspace, webhook_url=SecretStr(receiver.url), webhook_secret=SecretStr(SECRET), **more)


def more(workspace: Workspace, sessions: int = 3) -> None:
    fill(workspace, [simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0, sessions)])


def states(workspace: Workspace) -> list[tuple[str, str, str, int]]:
    found = workspace.ledger.deliveries()
    return list(zip(found["name"], found["channel"], found["state"], found["attempts"], strict=True))


def test_a_webhook_gets_what_was_published_signed_once(workspace: Workspace, receiver: Receiver) -> None:
    hooked = by_webhook(workspace, receiver, public_url="https://example.org/{dataset}/")
    more(hooked)
    snapshot = publish_snapshot(hooked)
    assert states(hooked) == [(snapshot.name, "webhook", "pending", 0)]
    assert notify_downstream(hooked).delivered == (f"{snapshot.name}: webhook",)
    ((headers, body),) = receiver.got
    said = json.loads(body)
    assert said == {
        "event": EVENT,
        "delivery": headers["x-assay-delivery"],
        "dataset": "default",
        "snapshot": snapshot.name,
        "commit": snapshot.commit,
        "content_digest": snapshot.content_digest,
        "base_url": "https://example.org/default",
    }
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-assay-signature-256"] == f"sha256={expected}"
    assert (headers["content-type"], headers["x-assay-event"]) == ("application/json", EVENT)
    assert states(hooked) == [(snapshot.name, "webhook", "delivered", 1)]
    publish_snapshot(hooked)
    assert notify_downstream(hooked).delivered == (), "nothing new: nobody is told"
    assert len(receiver.got) == 1


def test_a_webhook_that_fails_is_tried_again_with_the_same_delivery(workspace: Workspace, receiver: Receiver) -> None:
    hooked = by_webhook(workspace, receiver)
    more(hooked)
    publish_snapshot(hooked)
    receiver.answers = [(503, {}), (429, {"Retry-After": "7"}), (0, {})]
    pauses: list[float] = []
    assert notify_downstream(hooked, pauses.append).failed == ()
    assert pauses == [1, 7, 4]
    assert len(receiver.got) == 4
    assert len({(headers["x-assay-delivery"], body) for headers, body in receiver.got}) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410])
def test_an_answer_that_will_not_change_is_asked_once_and_again_by_the_next_run(
    workspace: Workspace, receiver: Receiver, status: int
) -> None:
    hooked = by_webhook(workspace, receiver)
    more(hooked)
    snapshot = publish_snapshot(hooked)
    receiver.answers = [(status, {"Location": f"{receiver.url}/elsewhere"})]
    (failure,) = notify_downstream(hooked, lambda _: None).failed
    assert f"127.0.0.1: HTTP {status}" in failure
    assert len(receiver.got) == 1, "neither repeated nor redirected"
    assert list(hooked.ledger.snapshots()["state"]) == ["published"], "a failure never unpublishes"
    assert states(hooked) == [(snapshot.name, "webhook", "pending", 1)]
    assert hooked.ledger.deliveries().iloc[0]["error"] == failure.partition("webhook: ")[2]
    assert notify_downstream(hooked, lambda _: None).failed == ()
    assert states(hooked) == [(snapshot.name, "webhook", "delivered", 2)]


def test_what_could_not_be_told_comes_first_and_in_order(workspace: Workspace, receiver: Receiver) -> None:
    hooked = by_webhook(workspace, receiver)
    names = []
    for sessions in (3, 4, 5):
        more(hooked, sessions)
        names.append(publish_snapshot(hooked).name)
        receiver.answers = [(400, {})]
        notify_downstream(hooked)
    receiver.got.clear()
    assert len(notify_downstream(hooked).delivered) == 3
    assert [json.loads(body)["snapshot"] for _, body in receiver.got] == names


def test_an_endless_answer_is_not_read_to_its_end(workspace: Workspace, receiver: Receiver) -> None:
    hooked = by_webhook(workspace, receiver)
    more(hooked)
    publish_snapshot(hooked)
    receiver.answers, receiver.endless = [(200, {})], True
    assert notify_downstream(hooked).failed == ()


@pytest.mark.parametrize(
    ("url", "secret", "said"),
    [
        ("http://example.org/hook", SECRET, "http to example.org; expected https"),
        ("ftp://example.org/hook", SECRET, "expected https"),
        ("https://user:password@example.org/", SECRET, "without user and password"),
        ("http://127.0.0.1:1/", "short", "ASSAY_WEBHOOK_SECRET: found 5 characters"),
        ("http://127.0.0.1:1/", None, "ASSAY_WEBHOOK_SECRET: found 0 characters"),
    ],
)
def test_an_address_or_secret_that_is_not_safe_is_refused(workspace: Workspace, url: str, secret: str | None, said: str) -> None:
    hooked = told(workspace, webhook_url=SecretStr(url), webhook_secret=None if secret is None else SecretStr(secret))
    more(hooked)
    publish_snapshot(hooked)
    (failure,) = notify_downstream(hooked, lambda _: None).failed
    assert said in failure
    assert "password@" not in failure


def test_no_secret_is_logged_or_written_down(workspace: Workspace, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="assay")
    hooked = by_webhook(workspace, receiver)
    more(hooked)
    publish_snapshot(hooked)
    receiver.answers = [(500, {}), (403, {})]
    failed = notify_downstream(hooked, lambda _: None).failed
    written = "\n".join([caplog.text, *failed, *hooked.ledger.deliveries()["error"]])
    assert "127.0.0.1" in written
    assert SECRET not in written
    assert "a-token-in-the-path" not in written


def test_nobody_is_told_of_a_snapshot_that_is_not_what_was_sent(workspace: Workspace, receiver: Receiver) -> None:
    hooked = by_webhook(workspace, receiver)
    more(hooked)
    snapshot = publish_snapshot(hooked)
    git = Git(hooked.settings.git_repository("default"))
    git.run("update-ref", f"refs/tags/{snapshot.name}", git.text("commit-tree", "HEAD^{tree}", "-m", "another"))
    with pytest.raises(NotWhole):
        verify_snapshot(hooked, snapshot)
    assert notify_downstream(hooked).delivered == ()
    assert receiver.got == []
    git.run("update-ref", f"refs/tags/{snapshot.name}", str(snapshot.commit))
    verify_snapshot(hooked, snapshot)
    assert len(notify_downstream(hooked).delivered) == 1


def test_github_starts_the_workflows_of_the_repository_that_is_named(workspace: Workspace, tmp_path: Path) -> None:
    server = GitServer(tmp_path / "github")
    server.move_branch()
    dispatching = told(workspace, dispatch_repository=REPOSITORY, dispatch_token=SecretStr(TOKEN), github_api=server.url)
    more(dispatching)
    snapshot = publish_snapshot(dispatching)
    server.faults[0] = Fault("503", 503, {"Retry-After": "1"})
    pauses: list[float] = []
    assert notify_downstream(dispatching, pauses.append).failed == ()
    (dispatched,) = server.dispatches
    assert dispatched["event_type"] == EVENT
    assert dispatched["client_payload"]["commit"] == snapshot.commit
    assert len(pauses) == 1
    more(dispatching, 4)
    publish_snapshot(dispatching)
    wrong = told(dispatching, dispatch_token=SecretStr("wrong"))
    (failure,) = notify_downstream(wrong, pauses.append).failed
    assert "HTTP 401 (the token needs contents: write there)" in failure
    assert "wrong" not in failure
    server.stop()


def test_a_queue_that_is_subscribed_to_the_topic_gets_it(workspace: Workspace, aws: str) -> None:
    import boto3

    region = {"region_name": "eu-west-1"}
    sns, sqs = boto3.client("sns", **region), boto3.client("sqs", **region)
    queue = sqs.create_queue(QueueName="downstream")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="snapshots")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    topical = told(workspace, sns_topic=topic)
    more(topical)
    snapshot = publish_snapshot(topical)
    assert notify_downstream(topical).failed == ()
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    envelope = json.loads(message["Body"])
    assert json.loads(envelope["Message"])["snapshot"] == snapshot.name
    assert envelope["MessageAttributes"]["event"]["Value"] == EVENT
    more(topical, 4)
    publish_snapshot(topical)
    (failure,) = notify_downstream(told(topical, sns_topic=f"{topic}-gone")).failed
    assert "SNS topic snapshots-gone" in failure
    (failure,) = notify_downstream(told(topical, sns_topic="snapshots")).failed
    assert "expected arn:aws:sns:" in failure


def test_the_command_tells_and_says_who_could_not_be_told(
    workspace: Workspace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workspace.settings.database_url is not None
    monkeypatch.setenv("ASSAY_HOME", str(workspace.settings.home))
    monkeypatch.setenv("ASSAY_DATABASE_URL", workspace.settings.database_url.get_secret_value())
    monkeypatch.setenv("ASSAY_WEBHOOK_URL", receiver.url)
    monkeypatch.setenv("ASSAY_WEBHOOK_SECRET", SECRET)
    more(workspace)
    receiver.answers = [(400, {})]
    first = CliRunner().invoke(app, ["publish", "--json"])
    assert first.exit_code == 0
    assert json.loads(first.stdout)["told"] == []
    assert "not told, the next run tries again" in first.stderr
    again = CliRunner().invoke(app, ["publish", "--json"])
    assert json.loads(again.stdout)["told"] == ["2024-11-20: webhook"]
