"""A real Chromium over a published tree: started once, watched for every complaint, and a static host without tricks."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def static_host(folder: Path) -> Iterator[str]:
    """Serve a folder as any static host does; gives its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def checkout(repository: Path, folder: Path) -> Path:
    """The files of a bare repository's branch main, as a host gets them."""
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{repository}", str(folder)], check=True)
    return folder


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """The machine's Chromium with an empty profile; skips the test, with the reason, where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on PATH; `apt-get install chromium` brings one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page of a fresh profile. `complaints`: whatever the console, the scripts or the network complained of."""

    def __init__(self, browser: Any, base: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", base_url=base
        )
        self.base, self.page = base, self.context.new_page()
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url} {request.failure}"))
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("response", self._response)

    def open(self, address: str = "") -> Any:
        """Go to a view and wait until it is shown, its charts drawn."""
        # Another document each time: only then does the page start anew.
        self.page.goto("about:blank")
        self.page.goto(f"{self.base}{address}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the view and its charts are there."""
        self.page.locator("main[data-view]").wait_for()
        self.page.locator("[aria-busy]").first.wait_for(state="detached")
        for canvas in self.page.locator(".canvas").all():
            canvas.locator("svg").first.wait_for()

    def close(self) -> None:
        self.context.close()

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def _response(self, response: Any) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url}")
