"""The quarantine as a page: everything that is held with its reasons, nothing of it as markup, and nobody without a login."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape

import pytest
from assay.errors import DatabaseUnavailable
from assay.serve.quarantine import quarantine_app
from assay.serve.quarantine_page import PAGE_SIZE
from assay.workspace import Workspace
from fastapi import Depends, HTTPException, Request
from fastapi.testclient import TestClient
from made_sessions import OURS, made_arrival, made_findings

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"


@pytest.fixture
def client(workspace: Workspace) -> TestClient:
    return TestClient(quarantine_app(lambda: contextlib.nullcontext(workspace), dependencies=[]))


@pytest.fixture
def hold(workspace: Workspace) -> Callable[..., list[str]]:
    """Puts sessions into quarantine: numbers, and the rules that did it; gives their ids."""

    def put(*numbers: int, rules: tuple[str, ...] = ("physics.hpl-size",), stage: str = "check", **changes: object) -> list[str]:
        arrivals = [made_arrival(number, source_file=f"{number}.json", **changes) for number in numbers]
        sessions = [arrival.manifest.session for arrival in arrivals]
        workspace.ledger.register_many(arrivals)
        workspace.ledger.mark_verified(sessions)
        workspace.ledger.mark_read(dict.fromkeys(sessions, "kind=x/1.parquet"), {})
        found = made_findings(*((session, rule, "quarantine") for session in sessions for rule in rules))
        workspace.ledger.record_findings(stage, sessions, found)
        workspace.ledger.record_verdicts(
            found.drop_duplicates("session")[["session"]].assign(verdict="quarantined").reset_index(drop=True)
        )
        return sessions

    return put


def shown(text: str) -> list[str]:
    """The sessions on a page, in their order."""
    return re.findall(r'<article id="([^"]+)"', text)


def test_every_reason_is_there_with_rule_file_value_expected_and_message(
    client: TestClient, hold: Callable[..., list[str]]
) -> None:
    (session,) = hold(1, rules=("physics.hpl-size", "integrity.suite-payload"))
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert shown(page.text) == [session]
    for word in ("1.json", "f.txt", "found", "expected", "a sentence", "decided by the rules", "host-00000001"):
        assert word in page.text
    assert 'href="rules#physics.hpl-size"' in page.text
    assert 'href="rules#integrity.suite-payload"' in page.text


def test_the_link_of_a_rule_leads_to_what_it_says_and_why(client: TestClient) -> None:
    from assay.check.registry import all_rules

    page = client.get("/rules").text
    for rule in all_rules():
        assert f'id="{rule.id}"' in page
        assert rule.says in unescape(page)
        assert rule.because in unescape(page)


def test_pages_follow_each_other_newest_first_and_miss_nothing(client: TestClient, hold: Callable[..., list[str]]) -> None:
    sessions = hold(*range(2 * PAGE_SIZE + 3))
    seen, address = [], "/"
    for count in (PAGE_SIZE, PAGE_SIZE, 3):
        text = client.get(address).text
        assert len(shown(text)) == count
        seen += shown(text)
        following = re.search(r'href="([^"]+)" rel="next"', text)
        address = unescape(following[1]) if following else ""
    assert address == ""
    assert seen == sorted(sessions, reverse=True)
    assert f"{len(sessions)} sessions" in text
    assert shown(client.get("/?page=99").text) == []


def test_a_filter_by_rule_and_source_is_kept_from_page_to_page(client: TestClient, hold: Callable[..., list[str]]) -> None:
    hold(*range(PAGE_SIZE + 1))
    (other,) = hold(500, rules=("fabrication.same-vector",), source=replace(OURS, name="spare-cores"))
    assert shown(client.get("/?rule=fabrication.same-vector").text) == [other]
    assert shown(client.get("/?source=spare-cores").text) == [other]
    assert shown(client.get("/?source=spare-cores&rule=physics.hpl-size").text) == []
    first = client.get("/?rule=physics.hpl-size&source=assay-agent").text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    assert "rule=physics.hpl-size&source=assay-agent&page=2" in unescape(following[1])
    assert f">physics.hpl-size ({PAGE_SIZE + 1})</option>" in first
    assert "fabrication.same-vector (1)" in first


def test_who_decided_and_why_is_there(client: TestClient, workspace: Workspace, hold: Callable[..., list[str]]) -> None:
    released, rejected = hold(1, 2)
    workspace.ledger.decide(released, "released", who="ada", why="the rule is too strict")
    workspace.ledger.decide(rejected, "rejected", who="grace", why="the machine was broken")
    text = client.get("/").text
    assert re.search(r"released by ada on \d{4}-\d\d-\d\d: the rule is too strict", text)
    assert re.search(r"rejected by grace on \d{4}-\d\d-\d\d: the machine was broken", text)


def test_an_accepted_session_is_not_there_and_another_dataset_is_another_page(
    client: TestClient, workspace: Workspace, hold: Callable[..., list[str]]
) -> None:
    hold(1)
    assert shown(client.get("/?dataset=other").text) == []
    arrival = made_arrival(7)
    workspace.ledger.register_many([arrival])
    assert arrival.manifest.session not in client.get("/").text


def test_what_the_world_wrote_never_becomes_markup(
    client: TestClient, workspace: Workspace, hold: Callable[..., list[str]]
) -> None:
    (session,) = hold(1, subject="host-00000001", source=replace(OURS, name=HOSTILE))
    frame = made_findings((session, "physics.hpl-size", "quarantine")).assign(
        file=HOSTILE, value=HOSTILE, expected=HOSTILE, message=HOSTILE, rule=HOSTILE
    )
    workspace.ledger.record_findings("check", [session], frame)
    workspace.ledger.decide(session, "rejected", who=HOSTILE, why=HOSTILE)
    page = client.get("/", params={"rule": HOSTILE, "source": HOSTILE, "dataset": "default"})
    for text in (page.text, client.get("/", params={"dataset": HOSTILE, "rule": "\x00"}).text):
        assert "<script" not in text
        assert "<img" not in text
    assert shown(page.text) == [session]
    assert unescape(page.text).count(HOSTILE) >= 6
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"


def test_of_very_many_reasons_the_first_are_shown_and_the_rest_counted(
    client: TestClient, hold: Callable[..., list[str]]
) -> None:
    hold(1, rules=tuple(f"a.rule-{number:03d}" for number in range(25)))
    text = client.get("/").text
    assert text.count('<td class="rule">') == 20
    assert "and 5 more reasons" in text


@pytest.mark.parametrize("wrong", ["page=0", "page=x", "page=99999999999", f"rule={'x' * 201}"])
def test_nonsense_is_refused(client: TestClient, wrong: str) -> None:
    assert client.get(f"/?{wrong}").status_code == 422


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_changed_there(client: TestClient, method: str) -> None:
    assert getattr(client, method)("/").status_code == 405


def test_every_page_asks_who_is_there(workspace: Workspace) -> None:
    def login(request: Request) -> None:
        if request.headers.get("x-user") != "ada":
            raise HTTPException(401, "not logged in")

    client = TestClient(quarantine_app(lambda: contextlib.nullcontext(workspace), dependencies=[Depends(login)]))
    for path in ("/", "/rules", "/?rule=physics.hpl-size"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"x-user": "ada"}).status_code == 200
    for path in ("/docs", "/openapi.json", "/redoc"):
        assert client.get(path, headers={"x-user": "ada"}).status_code == 404


def test_a_ledger_that_is_away_is_told_and_found_again(workspace: Workspace) -> None:
    away = [True]

    @contextlib.contextmanager
    def opening() -> Iterator[Workspace]:
        if away:
            raise DatabaseUnavailable("postgresql://somewhere:5432: secret detail")
        yield workspace

    client = TestClient(quarantine_app(opening, dependencies=[]))
    refused = client.get("/")
    assert refused.status_code == 503
    assert "Reload" in refused.text
    assert "secret detail" not in refused.text
    away.clear()
    assert client.get("/").status_code == 200
