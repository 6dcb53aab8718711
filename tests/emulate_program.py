"""The npm program `emulate` as a GitHub that is not ours, where it is installed: a second opinion on what the API looks like.

To run the contract suite on it:

    npm install --prefix ~/emulate emulate@0.11.2
    ASSAY_TEST_EMULATE=~/emulate/node_modules/.bin/emulate pytest -m full tests/unit/publish

It answers 404 to `GET /git/matching-refs/` without a name, for which GitHub documents all references; every publication begins
with it. So a small proxy here, not the product, puts that one answer together from those to `heads` and `tags`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

VARIABLE, VERSION = "ASSAY_TEST_EMULATE", "0.11.2"
OWNER, TOKEN = "octocat", "a-token-that-the-emulator-knows"

_SEED = f"""
tokens:
  {TOKEN}:
    login: {OWNER}
    scopes: [repo, user]
github:
  users:
    - login: {OWNER}
      name: The Octocat
      email: octocat@example.com
"""


class EmulateProgram:
    """The running program. Every repository is an empty one of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._there = f"http://localhost:{port}"  # no other name is known to it
        self._proxy = _proxy(self._there)
        self.url = f"http://localhost:{self._proxy.server_address[1]}"
        seed = folder / "seed.yaml"
        seed.write_text(_SEED)
        self._made = 0
        command = [program, "start", "--service", "github", "--port", str(port), "--seed", str(seed), "--base-url", self.url]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        for _ in range(300):
            try:
                requests.get(f"{self._there}/meta", timeout=5)
                return
            except requests.ConnectionError:
                time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"{program} did not answer at {self.url} within 30 s")

    def repository(self) -> str:
        """The name of a new repository without a commit."""
        self._made += 1
        name = f"dataset-{self._made}"
        headers = {"Authorization": f"token {TOKEN}"}
        requests.post(f"{self.url}/user/repos", json={"name": name}, headers=headers, timeout=30).raise_for_status()
        return f"{OWNER}/{name}"

    def stop(self) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()
        self._process.terminate()
        self._process.wait(timeout=30)


def _proxy(there: str) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")}
            path, _, _ = self.path.partition("?")
            if path.endswith("/git/matching-refs/"):
                parts = [requests.get(f"{there}{path}{kind}", headers=headers, timeout=60) for kind in ("heads", "tags")]
                answer = parts[0]
                content = json.dumps([*parts[0].json(), *parts[1].json()]).encode() if answer.ok else answer.content
            else:
                answer = requests.request(
                    self.command, f"{there}{self.path}", data=body, headers=headers, timeout=60, allow_redirects=False
                )
                content = answer.content
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Location"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            if answer.status_code != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _forward  # noqa: N815 - the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def find_emulate() -> str | None:
    """The program, from the environment or PATH."""
    return os.environ.get(VARIABLE) or shutil.which("emulate")
