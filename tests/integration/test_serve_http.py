"""`assay serve` as its users run it: a process of its own, real HTTP, a real PostgreSQL."""

from __future__ import annotations

import gzip
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import orjson
import pytest
from assay.workspace import Workspace
from dataset_content import stream
from dataset_ledger import fill
from documented import snippets

pytestmark = pytest.mark.enable_socket

TOKEN = "a-token-of-a-test"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def environment(workspace: Workspace, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "AWS_"))}
    url = workspace.engine.url.render_as_string(hide_password=False)
    return kept | {"ASSAY_HOME": str(workspace.settings.home), "ASSAY_DATABASE_URL": url} | more


def get(port: int, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def wait_until_up(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(1200):
        assert server.poll() is None
        try:
            get(port, "/v1/health")
            return
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError("the server did not come up in two minutes")


@pytest.fixture
def served(workspace: Workspace) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    fill(workspace, stream("m7i.large", 47.9))
    port = free_port()
    command = [sys.executable, "-m", "assay.cli", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=environment(workspace, ASSAY_SERVE_TOKEN=TOKEN), stderr=subprocess.PIPE)
    wait_until_up(server, port)
    yield server, port
    if server.poll() is None:
        server.kill()
    server.wait()
    assert server.stderr is not None
    server.stderr.close()


def test_documents_and_filters_over_http(workspace: Workspace, served: tuple[subprocess.Popen[bytes], int]) -> None:
    server, port = served
    token = {"Authorization": f"Bearer {TOKEN}"}
    refused, _ = get(port, "/v1/latest")
    assert refused.status == 401
    answer, body = get(port, "/v1/latest/memory-benchmarks.json", Accept_Encoding="gzip", **token)
    assert (answer.status, answer.headers["content-encoding"], answer.headers["server"]) == (200, "gzip", None)
    document = orjson.loads(gzip.decompress(body))
    assert document["benchmarks"]["stream"]["m7i.large"]["triad_bandwidth"]["sample_size"] == 6
    same, nothing = get(port, "/v1/latest/memory-benchmarks.json", If_None_Match=answer.headers["etag"], **token)
    assert (same.status, nothing) == (304, b"")
    fill(workspace, stream("c7g.large", 55.1))
    time.sleep(1.1)  # the ledger is asked once a second at most
    _, body = get(port, "/v1/statistics?family=c7g&min_n=3", **token)
    assert orjson.loads(body)["total"] == 4
    _, body = get(port, "/v1/sessions?published=false", **token)
    assert orjson.loads(body)["total"] == 6
    server.send_signal(signal.SIGINT)
    assert server.wait(20) == 0


def test_the_requests_of_the_page_about_serving(workspace: Workspace) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed; the page shows requests with it")
    fill(workspace, [*stream("m7i.large", 47.9), *stream("c7g.large", 55.1)])
    shown = [
        line.removeprefix("curl ").strip("'") for one in snippets("serve.md") for line in one.splitlines() if "curl " in line
    ]
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "assay.cli", "serve", "--port", str(port)], env=environment(workspace))
    try:
        wait_until_up(server, port)
        totals = []
        for address in shown:
            url = address.replace("127.0.0.1:8787", f"127.0.0.1:{port}")
            done = subprocess.run([curl, "-sS", "--fail-with-body", url], capture_output=True, text=True, check=False, timeout=60)
            assert done.returncode == 0, f"{address}: {done.stdout}{done.stderr}"
            totals.append(orjson.loads(done.stdout)["total"])
    finally:
        server.kill()
        server.wait()
    assert totals == [2, 0, 6], "triad of two types; no LU solve; six sessions"


def test_without_a_token_only_this_machine_is_served(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "assay.cli", "serve", "--host", "0.0.0.0", "--port", str(free_port())]
    done = subprocess.run(command, env=environment(workspace), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "ASSAY_SERVE_TOKEN" in done.stderr
    short = subprocess.run(
        command, env=environment(workspace, ASSAY_SERVE_TOKEN="short"), capture_output=True, text=True, timeout=60, check=False
    )
    assert short.returncode == 1
    assert "found 5 characters" in short.stderr


def test_a_port_that_is_taken_is_said_in_one_line(workspace: Workspace) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "assay.cli", "serve", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, env=environment(workspace), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "in use" in done.stderr
