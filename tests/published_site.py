"""A published tree behind real HTTP, as a static host serves it: ETag and 304, ranges, gzip where asked for; faults on demand."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from assay.publish.snapshot import open_target
from assay.workspace import Workspace

TYPES = {".json": "application/json", ".js": "text/javascript", ".mjs": "text/javascript", ".html": "text/html"}


@dataclass
class Site:
    """A running host: what it serves, what it was asked, and which answers it spoils."""

    root: Path
    url: str = ""
    requests: list[tuple[str, int]] = field(default_factory=list)
    """Path and status of every answer."""
    headers: list[dict[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Taken from the front, one a request: a status (`503`, `429:1` to retry after), `drop`, `cut`, `slow` or `redirect:URL`."""
    gzip: bool = False
    etags: bool = True

    def asked(self, name: str) -> list[int]:
        """The statuses of every answer for a file of this name."""
        return [status for path, status in self.requests if path.rpartition("/")[2] == name]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, site: Site, *rest: object) -> None:
        self.site = site
        super().__init__(*rest)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.site.headers.append(dict(self.headers.items()))
        fault = self.site.faults.pop(0) if self.site.faults else ""
        if fault == "drop":
            self.site.requests.append((self.path, 0))
            self.close_connection = True
            self.connection.close()
            return
        if fault == "slow":
            time.sleep(3)
        if fault.startswith("redirect:"):
            self._say(302, b"", {"Location": fault.removeprefix("redirect:")})
            return
        if fault[:3].isdigit():
            status, _, after = fault.partition(":")
            self._say(int(status), b"", {"Retry-After": after} if after else {})
            return
        file = self.site.root / self.path.partition("?")[0].lstrip("/")
        if not file.is_file() or not file.resolve().is_relative_to(self.site.root.resolve()):
            self._say(404, b"")
            return
        self._file(file, cut=fault == "cut", body=body)

    def _file(self, file: Path, *, cut: bool, body: bool) -> None:
        data = file.read_bytes()
        etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        headers = {"Content-Type": TYPES.get(file.suffix, "application/octet-stream"), "Accept-Ranges": "bytes"}
        if self.site.etags:
            headers["ETag"] = etag
            if self.headers.get("If-None-Match") == etag:
                self._say(304, None, headers)
                return
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes=") and "," not in asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start = int(first) if first else max(0, len(data) - int(last))
            end = min(int(last), len(data) - 1) if first and last else len(data) - 1
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            self._say(206, data[start : end + 1], headers, body=body)
            return
        if self.site.gzip and "gzip" in self.headers.get("Accept-Encoding", ""):
            data, headers["Content-Encoding"] = gzip.compress(data), "gzip"
        if cut:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            self.site.requests.append((self.path, 200))
            return
        self._say(200, data, headers, body=body)

    def _say(self, status: int, data: bytes | None, headers: dict[str, str] | None = None, *, body: bool = True) -> None:
        self.site.requests.append((self.path, status))
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if data is not None:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if data and body:
            with suppress(ConnectionError):  # a client that read enough hangs up
                self.wfile.write(data)


@contextmanager
def serve(root: Path) -> Iterator[Site]:
    """Serve a folder on 127.0.0.1 for as long as the block runs."""
    site = Site(root)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, site))
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def check_out(workspace: Workspace, folder: Path) -> Path:
    """Write the published tree of a workspace's dataset into a folder, as a static host gets it."""
    target = open_target(workspace)
    head = target.head()
    assert head is not None
    for path, data in target.read_many(head, sorted(target.tree(head))):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


def write_tree(folder: Path, documents: dict[str, bytes], snapshot: str = "latest") -> Path:
    """Write built documents where a snapshot has its place."""
    place = folder / "data/processed" / ("latest" if snapshot == "latest" else f"v1.0/{snapshot}")
    place.mkdir(parents=True, exist_ok=True)
    for name, data in documents.items():
        (place / name).write_bytes(data)
    return folder
