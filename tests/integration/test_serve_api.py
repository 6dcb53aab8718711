"""The reporting API over a real ledger: what it answers is what would be published, and nothing more."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from assay.dataset.validate import validate_documents
from assay.publish import snapshot
from assay.publish.current import current_snapshot
from assay.publish.snapshot import open_target, publish_snapshot
from assay.serve import view as view_module
from assay.serve.access import bearer
from assay.serve.app import create_app
from assay.serve.view import LiveView
from assay.settings import Settings
from assay.workspace import Workspace
from dataset_content import fleet, simple, stream
from dataset_ledger import fill, judge
from fastapi import Depends
from fastapi.testclient import TestClient
from made_sessions import made_arrival
from pydantic import SecretStr
from summary_builds import count_builds

PROBLEM = "application/problem+json"


@pytest.fixture
def live(workspace: Workspace) -> LiveView:
    return LiveView(lambda: contextlib.nullcontext(workspace), "default", look_again=0.0)


@pytest.fixture
def client(live: LiveView) -> Iterator[TestClient]:
    with TestClient(create_app(live), raise_server_exceptions=False) as client:
        yield client


def test_the_live_view_is_what_a_snapshot_made_now_holds(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, fleet(), quarantined=["c7a.large"])
    listed = client.get("/v1/latest").json()
    assert listed["sessions_waiting"] == 9
    assert "last_snapshot" not in listed
    live = {entry["path"]: client.get(f"/v1/latest/{entry['path']}").content for entry in listed["documents"]}
    validate_documents(live)
    for entry in listed["documents"]:
        assert len(live[entry["path"]]) == entry["bytes"]
        assert hashlib.sha256(live[entry["path"]]).hexdigest() == entry["sha256"]
    publish_snapshot(workspace)
    target = open_target(workspace)
    published = current_snapshot(target, target.head())
    assert published is not None
    # The manifest of a snapshot lists the series over time as well, which are published and not served.
    manifests = [orjson.loads(documents.pop("manifest.json")) for documents in (live, published.documents)]
    assert live == published.documents
    assert manifests[0]["sessions"] == manifests[1]["sessions"]
    assert all(file in manifests[1]["files"] for file in manifests[0]["files"])
    now = client.get("/v1/latest").json()
    assert now["published_as"] == now["last_snapshot"] == "2024-11-20"
    assert now["sessions_waiting"] == 0
    assert now["content_digest"] == listed["content_digest"] == manifests[1]["content_digest"]


def test_a_session_that_is_in_no_snapshot_yet_is_in_the_live_view(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, stream("m7i.large", 47.9))
    publish_snapshot(workspace)
    before = client.get("/v1/latest/memory-benchmarks.json").json()
    fill(workspace, [*stream("m7i.large", 47.9), *stream("c7g.large", 55.1)])
    after = client.get("/v1/latest/memory-benchmarks.json").json()
    assert set(after["benchmarks"]["stream"]) - set(before["benchmarks"]["stream"]) == {"c7g.large"}
    listed = client.get("/v1/latest").json()
    assert (listed["last_snapshot"], listed["sessions_waiting"]) == ("2024-11-20", 3)
    assert "published_as" not in listed
    assert [entry["subject"] for entry in client.get("/v1/sessions?published=false").json()["items"]] == ["c7g.large"] * 3
    changes = client.get("/v1/latest/changes.json").json()
    assert changes["since"] == "2024-11-20"
    assert open_target(workspace).tags().keys() == {"2024-11-20"}


def test_repeated_and_simultaneous_requests_build_once(
    workspace: Workspace, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workspace, stream("m7i.large", 47.9))
    builds = count_builds(monkeypatch, view_module)
    start, statuses = threading.Barrier(6), []

    def ask() -> None:
        start.wait()
        statuses.append(client.get("/v1/latest/metadata.json").status_code)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for path in ("/v1/statistics", "/v1/rankings", "/v1/latest", "/v1/latest/trends.json"):
        statuses.append(client.get(path).status_code)
    assert statuses == [200] * 10
    assert builds == ["default"]
    fill(workspace, stream("c7g.large", 55.1))
    assert client.get("/v1/statistics?instance=c7g.large").json()["total"] == 4
    assert builds == ["default", "default"]


def test_what_has_not_changed_is_not_sent_again(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, stream("m7i.large", 47.9))
    first = client.get("/v1/latest/memory-benchmarks.json")
    again = client.get("/v1/latest/memory-benchmarks.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    head = client.head("/v1/latest/memory-benchmarks.json")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    fill(workspace, stream("c7g.large", 55.1))
    changed = client.get("/v1/latest/memory-benchmarks.json", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_every_change_of_the_ledger_shows_in_its_fingerprint(workspace: Workspace) -> None:
    seen = [workspace.ledger.fingerprint()]
    sessions = fill(workspace, stream("m7i.large", 47.9))
    seen.append(workspace.ledger.fingerprint())
    assert workspace.ledger.fingerprint() == seen[-1]
    judge(workspace, sessions, sessions[:1])
    seen.append(workspace.ledger.fingerprint())
    workspace.ledger.replace_statistics(workspace.ledger.statistics())
    seen.append(workspace.ledger.fingerprint())
    workspace.ledger.reject("x.json", "no session", "0" * 64)
    seen.append(workspace.ledger.fingerprint())
    workspace.ledger.decide(sessions[0], "released", who="somebody", why="checked by hand")
    seen.append(workspace.ledger.fingerprint())
    assert len(set(seen)) == len(seen)


def test_a_ledger_that_changes_while_the_documents_are_built_is_read_again(
    workspace: Workspace, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workspace, stream("m7i.large", 47.9))
    built = []

    def build_while_somebody_works(*given: Any) -> dict[str, bytes]:
        documents = snapshot.build(*given)
        if not built:
            fill(workspace, stream("c7g.large", 55.1))
        built.append(documents)
        return documents

    monkeypatch.setattr(view_module, "build", build_while_somebody_works)
    assert set(client.get("/v1/latest/memory-benchmarks.json").json()["benchmarks"]["stream"]) == {"c7g.large", "m7i.large"}
    assert len(built) == 2


def test_before_anything_is_accepted_the_answer_says_so(workspace: Workspace, client: TestClient) -> None:
    for path in ("/v1/latest", "/v1/latest/memory-benchmarks.json", "/v1/statistics", "/v1/rankings"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
        assert answer.json()["type"] == "urn:assay:problem:nothing-yet"
    assert client.get("/v1/sessions").json() == {"total": 0, "limit": 100, "offset": 0, "items": []}
    assert client.get("/v1/health").json() == {"status": "ok", "dataset": "default"}


def test_between_verdicts_and_statistics_the_answer_is_to_ask_again(workspace: Workspace, client: TestClient) -> None:
    sessions = fill(workspace, stream("m7i.large", 47.9))
    judge(workspace, sessions, sessions[:1])
    answer = client.get("/v1/latest")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["title"] == "Ask again in a few seconds"


def test_statistics_are_filtered_by_all_that_is_given(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, fleet())
    everything = client.get("/v1/statistics?limit=500").json()
    assert everything["total"] == len(everything["items"]) == len(workspace.ledger.statistics())

    def ask(**wanted: Any) -> list[dict[str, Any]]:
        answer = client.get("/v1/statistics", params={"limit": 500, **wanted})
        assert answer.status_code == 200
        items: list[dict[str, Any]] = answer.json()["items"]
        assert items == [item for item in everything["items"] if item in items]
        return items

    assert {item["instance"] for item in ask(family=["m7i", "c7a"])} == {"m7i.large", "c7a.large"}
    assert {item["architecture"] for item in ask(architecture="graviton")} == {"graviton"}
    assert {(item["benchmark"], item["metric"]) for item in ask(metric="hpl.gflops")} == {("hpl", "gflops")}
    assert ask(metric="gflops") == ask(benchmark="hpl")
    assert {item["threads"] for item in ask(threads="one", instance="m7i.large")} == {"one"}
    assert {item["quality"] for item in ask(quality=["A", "B"])} <= {"A", "B"}
    assert all(item["n"] >= 3 and "confidence_interval" in item and not item["provisional"] for item in ask(min_n=3))
    assert any(item["provisional"] and "confidence_interval" not in item for item in ask(instance="c7a.large"))
    assert {item["implementation"] for item in ask(implementation="hpcc-stream")} == {"hpcc-stream"}
    assert ask(family="never") == []


def test_filtered_values_are_those_of_the_documents(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, fleet())
    (row,) = client.get(
        "/v1/statistics?instance=m7i.large&metric=stream.triad_bandwidth&threads=all&implementation=assay-stream&implementation=assay-stream"
    ).json()["items"]
    published = client.get("/v1/latest/memory-benchmarks.json").json()["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]
    assert row["median"] == published["value"]
    assert row["confidence_interval"] == published["confidence_interval"]
    assert row["n"] == published["sample_size"]
    assert row["sources"] == published["sources"]


def test_pages_hold_every_row_once_in_one_order(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, fleet())
    for path in ("/v1/statistics", "/v1/sessions", "/v1/rankings"):
        whole = client.get(f"{path}?limit=500").json()["items"]
        rows, following = [], "?limit=7&family=m7i&family=c7g&family=host&family=c7a" if path != "/v1/sessions" else "?limit=7"
        while following:
            page = client.get(path + following).json()
            assert len(page["items"]) <= 7
            rows += page["items"]
            following = page.get("next")
        assert rows == whole
        assert page["total"] == len(whole) > 7


def test_without_filters_rankings_are_the_published_ones(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, fleet())
    published = client.get("/v1/latest/instance-rankings.json").json()["rankings"]
    del published["cost_efficiency"]
    served = client.get("/v1/rankings?limit=500&top=1000").json()["items"]
    assert {item["name"]: item["ranks"] for item in served} == {name: ranking["ranks"] for name, ranking in published.items()}
    assert {item["name"]: item["key"] for item in served} == {name: ranking["key"] for name, ranking in published.items()}


def test_a_filtered_ranking_counts_its_ranks_anew(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, fleet())
    (whole,) = client.get(
        "/v1/rankings?metric=triad_bandwidth&threads=all&implementation=assay-stream&instance=m7i.large&instance=c7g.large"
    ).json()["items"]
    assert [(row["rank"], row["instance"]) for row in whole["ranks"]] == [(1, "c7g.large"), (2, "m7i.large")]
    (alone,) = client.get("/v1/rankings?metric=triad_bandwidth&threads=all&implementation=assay-stream&family=m7i").json()[
        "items"
    ]
    assert [(row["rank"], row["instance"]) for row in alone["ranks"]] == [(1, "m7i.large")]
    (cut,) = client.get("/v1/rankings?metric=stream.triad_bandwidth&threads=all&implementation=assay-stream&top=1").json()[
        "items"
    ]
    assert (len(cut["ranks"]), cut["members"]) == (1, 3)
    assert client.get("/v1/rankings?min_n=1000").json()["total"] == 0


def test_sessions_say_where_they_stand_and_why(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, fleet(), quarantined=["c7a.large"])
    publish_snapshot(workspace)
    workspace.ledger.register_many([made_arrival(7)])
    rows = client.get("/v1/sessions").json()["items"]
    assert [row["started_at"] for row in rows] == sorted((row["started_at"] for row in rows), reverse=True)
    (kept_out,) = [row for row in rows if row.get("verdict") == "quarantined"]
    assert (kept_out["subject"], kept_out["published"]) == ("c7a.large", False)
    assert kept_out["findings"][0]["rule"] == "physics.latency-order"
    (pending,) = [row for row in rows if row["state"] == "arrived"]
    assert "verdict" not in pending
    assert {row["snapshot"] for row in rows if row["published"]} == {"2024-11-20"}
    assert client.get("/v1/sessions?published=true").json()["total"] == 9
    assert client.get("/v1/sessions?verdict=quarantined&instance=c7a.large&kind=instance_benchmark").json()["items"] == [kept_out]
    assert client.get("/v1/sessions?state=arrived").json()["items"] == [pending]
    assert client.get("/v1/sessions?started_from=2024-11-20T10:00:00Z&started_before=2024-11-20T12:00:00%2B01:00").json()[
        "total"
    ] == sum("2024-11-20T10:00:00Z" <= row["started_at"] < "2024-11-20T11:00:00Z" for row in rows)
    assert client.get(f"/v1/sessions/{kept_out['session']}").json() == kept_out
    missing = client.get("/v1/sessions/20200101T000000Z-000000000000")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:assay:problem:unknown-session")


def test_nothing_of_the_inside_or_of_a_machine_gets_out(
    workspace: Workspace, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = fill(workspace, fleet())
    secret = "/home/someone/run on ip-10-1-2-3.ec2.internal at 10.1.2.3, account 123456789012"
    arrivals = [
        made_arrival(1, subject="someones-laptop", source_file=secret, labels={"where": secret}, run=secret),
        made_arrival(2, subject="build.company.example"),
    ]
    workspace.ledger.register_many(arrivals)
    findings = judge_with_secret(workspace, sessions[0], secret)
    assert findings
    everything = [
        client.get(path).text
        for path in (
            "/v1/sessions?limit=500",
            "/v1/statistics?limit=500",
            "/v1/rankings?limit=500",
            "/v1/latest",
            "/openapi.json",
        )
    ]
    everything += [client.get(f"/v1/sessions/{sessions[0]}").text, client.get("/v1/latest/nothing.json").text]
    monkeypatch.setattr(view_module.LiveView, "now", lambda _: Path("/nowhere/secret-file").read_bytes())
    failed = client.get("/v1/statistics")
    assert (failed.status_code, failed.headers["content-type"]) == (500, PROBLEM)
    everything.append(failed.text)
    inside = [
        "someone",
        "10.1.2.3",
        "ec2.internal",
        "123456789012",
        "company.example",
        "secret-file",
        "Traceback",
        "raw/instance",
    ]
    inside += [str(workspace.settings.home), str(workspace.engine.url.database), "hostname"]
    for text in everything:
        assert not [word for word in inside if word in text]
    assert "<path> on <host> at <ip>" in everything[5]


def judge_with_secret(workspace: Workspace, session: str, secret: str) -> bool:
    import pandas as pd
    from assay.check.rule import FINDING_COLUMNS

    finding = (session, "stability.cv", "warning", secret, secret, secret, secret)
    verdicts = pd.DataFrame({"session": [session], "verdict": ["accepted with warnings"]})
    workspace.ledger.record_judgement(verdicts, pd.DataFrame([finding], columns=list(FINDING_COLUMNS)))
    return not workspace.ledger.findings([session]).empty


@pytest.mark.parametrize(
    ("query", "field", "expected"),
    [
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=501", "limit", "less than or equal to 500"),
        ("limit=many", "limit", "a valid integer"),
        ("offset=-1", "offset", "greater than or equal to 0"),
        ("famly=m7i", "famly", "no such parameter"),
        ("quality=Z", "quality.0", "'A', 'B', 'C' or 'D'"),
        ("architecture=sparc", "architecture.0", "'intel', 'amd', 'graviton' or 'other'"),
        ("min_n=1e9", "min_n", "a valid integer"),
        ("metric=", "metric.0", "at least 1 character"),
        ("metric=a%00b", "metric.0", "match pattern"),
        ("&".join(["family=m7i"] * 51), "family", "at most 50 items"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_was_found_and_expected(
    workspace: Workspace, client: TestClient, query: str, field: str, expected: str
) -> None:
    answer = client.get(f"/v1/statistics?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    problem = answer.json()
    assert problem["type"] == "urn:assay:problem:invalid-parameter"
    (error,) = problem["errors"]
    assert error["field"] == field
    assert expected in error["expected"]


@pytest.mark.parametrize("moment", ["2024-11-20", "2024-11-20T10:00:00", "0001-01-01T00:00:00%2B10:00", "never"])
def test_a_time_needs_its_offset(workspace: Workspace, client: TestClient, moment: str) -> None:
    assert client.get(f"/v1/sessions?started_from={moment}").status_code == 422


def test_an_unknown_document_is_named_with_those_that_there_are(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, stream("m7i.large", 47.9))
    answer = client.get("/v1/latest/memory.json")
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert "memory-benchmarks.json" in answer.json()["errors"][0]["expected"]
    for path in ("/v1/latest/..%2f..%2fetc%2fpasswd", "/v1/latest/../../etc/passwd", "/nowhere"):
        assert client.get(path).status_code == 404
    assert client.post("/v1/latest").status_code == 405
    assert client.post("/v1/latest").headers["content-type"] == PROBLEM
    assert client.get("/v1/statistics?family=" + "x" * 9000).status_code == 414


def test_large_answers_are_compressed_and_pages_of_other_origins_may_read(workspace: Workspace, client: TestClient) -> None:
    fill(workspace, fleet())
    answer = client.get("/v1/latest/bundle.json", headers={"Accept-Encoding": "gzip", "Origin": "https://example.org"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(answer.content) / 3
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "ETag" in answer.headers["access-control-expose-headers"]
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    assert client.options("/v1/latest", headers=asked).status_code == 400


def test_with_a_token_nothing_is_said_without_it(workspace: Workspace, live: LiveView) -> None:
    fill(workspace, stream("m7i.large", 47.9))
    token = "0123456789abcdef"
    client = TestClient(create_app(live, dependencies=[Depends(bearer(SecretStr(token)))], origins=()))
    for path in ("/v1/latest", "/v1/latest/metadata.json", "/v1/sessions", "/v1/statistics", "/v1/rankings", "/v1/health"):
        for headers in ({}, {"Authorization": f"Bearer {token}x"}, {"Authorization": f"Basic {token}"}):
            refused = client.get(path, headers=headers)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        granted = client.get(path, headers={"Authorization": f"Bearer {token}", "Origin": "https://example.org"})
        assert granted.status_code == 200
        assert "access-control-allow-origin" not in granted.headers
    assert client.get("/openapi.json").json()["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


def test_a_database_that_goes_away_is_no_fault_of_the_request(settings: Settings) -> None:
    from assay.errors import DatabaseUnavailable

    @contextlib.contextmanager
    def nowhere() -> Iterator[Workspace]:
        raise DatabaseUnavailable("postgresql://secret-host is not there")
        yield

    client = TestClient(create_app(LiveView(nowhere, "default")))
    answer = client.get("/v1/sessions")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "secret-host" not in answer.text


def test_everything_in_the_openapi_document_is_described(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert len(document["paths"]) == 7
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            assert operation["description"], path
            assert operation["tags"], path
            for parameter in operation.get("parameters", []):
                assert parameter["description"], (path, parameter["name"])
                described = orjson.dumps(parameter)
                assert b'"example' in described or parameter["name"] == "published", (path, parameter["name"])
            for status, response in operation["responses"].items():
                assert response["description"], (path, status)
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        for field, about in schema.get("properties", {}).items():
            assert about.get("description"), (name, field)


def test_a_metric_of_a_wide_dataset_is_found_among_hundreds_that_are_built_once(
    workspace: Workspace, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = count_builds(monkeypatch, view_module)
    fill(workspace, [simple("m7i.large", "stressng", f"op_{number}", "op/s", 100.0 + number) for number in range(300)])
    for number in range(0, 300, 60):
        found = client.get(f"/v1/statistics?metric=op_{number}").json()
        assert found["total"] == 1
        assert found["items"][0]["median"] == pytest.approx(100.0 + number, rel=0.02)
    assert builds == ["default"]
