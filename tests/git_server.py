"""A server that speaks the part of GitHub's API that publishing needs (Git data, releases), over a real bare Git repository.

It counts the calls, and answers the n-th with a fault of the test's choice, before or after it did what was asked. An upload that
breaks off leaves an asset in the state "starter", as on GitHub.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

REPOSITORY = "owner/dataset"
TOKEN = "a-token-that-must-not-be-logged"
MAX_BODY = 100_000_000
UPLOADS = "/api/uploads"
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Fault:
    """What happens to a call. `status` 0: the connection is dropped. `late`: only after the call was carried out."""

    name: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "injected"
    late: bool = False
    slow_s: float = 0.0
    move: bool = False


@dataclass
class Release:
    """A release and its assets by id: name, state, and where the bytes lie."""

    number: int
    tag: str
    name: str
    body: str
    assets: dict[int, tuple[str, str, Path]] = field(default_factory=dict)


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class GitServer:
    """The server and its repository `owner/dataset`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "remote.git"
        self.calls: list[str] = []
        self.dispatches: list[dict[str, Any]] = []
        self.faults: dict[int, Fault] = {}
        self.releases: dict[str, Release] = {}
        self.says_digests = True
        self.redirects_downloads = True
        self.tamper = False
        self._folder = folder
        self._made = 0
        self._lock = threading.Lock()
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.path), bare=False)
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                if self.path.startswith(UPLOADS):
                    server.handle(self, server.receive(self, size))
                else:
                    server.handle(self, self.rfile.read(min(size, MAX_BODY)))

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 - the names that http.server calls

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("GET")]

    def git(self, *arguments: str, input: bytes = b"", bare: bool = True, env: dict[str, str] | None = None) -> bytes:
        where = [f"--git-dir={self.path}"] if bare else []
        who = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@e", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@e"}
        done = subprocess.run(["git", *where, *arguments], input=input, capture_output=True, env=who | (env or {}), check=False)
        if done.returncode:
            raise Refused(422, done.stderr.decode()[:300])
        return done.stdout

    def text(self, *arguments: str, **options: Any) -> str:
        return self.git(*arguments, **options).decode().strip()

    def refs(self) -> dict[str, str]:
        lines = self.text("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)  # type: ignore[misc]

    def move_branch(self) -> str:
        """Somebody else commits a file."""
        head = self.refs().get("refs/heads/main")
        blob = self.text("hash-object", "-w", "--stdin", input=str(time.time_ns()).encode())
        tree = self.write_tree(head, [{"path": "somebody.txt", "sha": blob}])
        parent = [] if head is None else ["-p", head]
        commit = self.text("commit-tree", tree, *parent, "-m", "somebody else")
        self.text("update-ref", "refs/heads/main", commit)
        return commit

    def write_tree(self, base: str | None, entries: list[dict[str, Any]]) -> str:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            index = {"GIT_INDEX_FILE": str(folder / "index")}
            if base:
                self.git("read-tree", base, env=index)
            inline = [entry for entry in entries if "content" in entry]
            for number, entry in enumerate(inline):
                (folder / f"{number}").write_bytes(entry["content"].encode())
            paths = "".join(f"{folder / str(number)}\n" for number in range(len(inline))).encode()
            blobs = self.text("hash-object", "-w", "--no-filters", "--stdin-paths", input=paths).split() if inline else []
            for entry, blob in zip(inline, blobs, strict=True):
                entry["sha"] = blob
            gone = [entry for entry in entries if entry["sha"] is None]
            kept = [entry for entry in entries if entry["sha"] is not None]
            for entry in kept:
                self.git("cat-file", "-e", entry["sha"])
            lines = [f"0 {'0' * 40}\t{entry['path']}\0" for entry in gone]
            lines += [f"100644 {entry['sha']}\t{entry['path']}\0" for entry in kept]
            self.git("update-index", "--add", "--replace", "-z", "--index-info", input="".join(lines).encode(), env=index)
            return self.text("write-tree", env=index)

    def receive(self, request: BaseHTTPRequestHandler, size: int) -> Path:
        """What is uploaded, on disk."""
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as stream:
            while size > 0 and (piece := request.rfile.read(min(size, _PIECE))):
                stream.write(piece)
                size -= len(piece)
        return Path(stream.name)

    def handle(self, request: BaseHTTPRequestHandler, body: bytes | Path) -> None:
        parts = urlsplit(request.path)
        path = unquote(parts.path).removeprefix(UPLOADS).removeprefix(f"/repos/{REPOSITORY}")
        with self._lock:  # GitHub does many things at once; what is tested here is the client
            number = len(self.calls)
            api = not path.startswith(("/download/", "/stored/"))
            if api:
                plain = re.sub("[0-9a-f]{40}", "<sha>", re.sub("(/releases(?:/assets)?)/[0-9]+", r"\1/<id>", path))
                self.calls.append(f"{request.command} {plain}")
            fault = self.faults.pop(number, None) if api else None
            if fault is not None and fault.move:
                self.move_branch()
            if fault is not None and not fault.late and not fault.move:
                if isinstance(body, Path) and (fault.status == 0 or fault.status >= 500):
                    self._break_off(path, parse_qs(parts.query), body)
                self._fault(request, fault)
                return
            try:
                status, answer = self._do(request, path, parse_qs(parts.query), body)
            except Refused as error:
                status, answer = error.status, {"message": error.message}
            if fault is not None and fault.late:
                self._fault(request, fault)
                return
        self._send(request, status, answer)

    def _fault(self, request: BaseHTTPRequestHandler, fault: Fault) -> None:
        if fault.slow_s:
            time.sleep(fault.slow_s)
        if fault.status:
            self._send(request, fault.status, {"message": fault.message}, fault.headers)
        else:
            request.close_connection = True
            request.connection.close()

    def _send(self, request: BaseHTTPRequestHandler, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        data = answer if isinstance(answer, bytes | Path) else json.dumps(answer).encode()
        try:
            request.send_response(status)
            for name, value in (headers or {}).items():
                request.send_header(name, value)
            if status == 302:
                request.send_header("Location", answer["location"])
            request.send_header("Content-Length", str(data.stat().st_size if isinstance(data, Path) else len(data)))
            request.end_headers()
            if isinstance(data, Path):
                with data.open("rb") as stream:
                    shutil.copyfileobj(stream, request.wfile)
            else:
                request.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client did not wait

    def _do(self, request: BaseHTTPRequestHandler, path: str, query: dict[str, list[str]], body: bytes | Path) -> tuple[int, Any]:
        if path.startswith("/stored/"):
            assert "Authorization" not in request.headers, "the token went to the storage host"
            stored = self._asset(int(path.removeprefix("/stored/")))[1][2]
            return 200, stored.read_bytes()[::-1] if self.tamper else stored
        if path.startswith("/download/"):
            return 200, self.git("archive", "--format=tar.gz", "--prefix=owner-dataset/", path.removeprefix("/download/"))
        if request.headers.get("Authorization") != f"token {TOKEN}":
            raise Refused(401, "Bad credentials")
        given = body if isinstance(body, Path) else json.loads(body) if body else {}
        for (verb, pattern), answer in self._routes().items():
            found = re.fullmatch(pattern, path)
            if verb == request.command and found:
                if not self.refs() and not (verb == "PUT" and path.startswith("/contents/")):
                    raise Refused(409, "Git Repository is empty.")
                return answer(found, query, given)
        raise Refused(404, "Not Found")

    def _routes(self) -> dict[tuple[str, str], Callable[..., tuple[int, Any]]]:
        return {
            ("GET", "/git/matching-refs/(.*)"): self._list_refs,
            ("GET", "/git/trees/([0-9a-f]{40})"): self._get_tree,
            ("GET", "/git/blobs/([0-9a-f]{40})"): self._get_blob,
            ("GET", "/git/tags/([0-9a-f]{40})"): self._get_tag,
            ("GET", "/tarball/([0-9a-f]{40})"): self._archive,
            ("POST", "/git/blobs"): self._post_blob,
            ("POST", "/git/trees"): self._post_tree,
            ("POST", "/git/commits"): self._post_commit,
            ("POST", "/git/refs"): self._post_ref,
            ("PATCH", "/git/refs/heads/main"): self._patch_branch,
            ("PUT", "/contents/(.+)"): self._put_file,
            ("POST", "/dispatches"): self._dispatch,
            ("GET", "/git/commits/([0-9a-f]{40})"): self._get_commit,
            ("GET", "/releases/tags/(.+)"): self._get_release,
            ("POST", "/releases"): self._post_release,
            ("GET", "/releases/([0-9]+)/assets"): self._list_assets,
            ("POST", "/releases/([0-9]+)/assets"): self._post_asset,
            ("GET", "/releases/assets/([0-9]+)"): self._get_asset,
            ("DELETE", "/releases/assets/([0-9]+)"): self._delete_asset,
        }

    def _list_refs(self, found: re.Match[str], *_: Any) -> tuple[int, Any]:
        refs = {name: sha for name, sha in self.refs().items() if name.startswith(f"refs/{found[1]}")}
        return 200, [
            {"ref": name, "object": {"sha": sha, "type": self.text("cat-file", "-t", sha)}} for name, sha in refs.items()
        ]

    def _get_tree(self, found: re.Match[str], query: dict[str, list[str]], _: Any) -> tuple[int, Any]:
        deep = ["-r", "-t"] if "recursive" in query else []
        entries = []
        for line in self.git("ls-tree", "-z", *deep, found[1]).decode().split("\0")[:-1]:
            about, _, path = line.partition("\t")
            mode, kind, sha = about.split()
            entries.append({"path": path, "mode": mode, "type": kind, "sha": sha})
        cut = self.cut_trees_at is not None and len(entries) > self.cut_trees_at and bool(deep)
        return 200, {"sha": found[1], "tree": entries[: self.cut_trees_at] if cut else entries, "truncated": cut}

    cut_trees_at: int | None = None

    def _get_blob(self, found: re.Match[str], *_: Any) -> tuple[int, Any]:
        data = self.git("cat-file", "blob", found[1])
        return 200, {"sha": found[1], "encoding": "base64", "content": base64.encodebytes(data).decode()}

    def _get_tag(self, found: re.Match[str], *_: Any) -> tuple[int, Any]:
        return 200, {"object": {"sha": self.text("rev-parse", f"{found[1]}^{{}}"), "type": "commit"}}

    def _archive(self, found: re.Match[str], *_: Any) -> tuple[int, Any]:
        return 302, {"location": f"{self.url}/download/{found[1]}"}

    def _post_blob(self, _: Any, __: Any, given: dict[str, Any]) -> tuple[int, Any]:
        data = base64.b64decode(given["content"]) if given["encoding"] == "base64" else given["content"].encode()
        return 201, {"sha": self.text("hash-object", "-w", "--no-filters", "--stdin", input=data)}

    def _post_tree(self, _: Any, __: Any, given: dict[str, Any]) -> tuple[int, Any]:
        base = given.get("base_tree")
        if base is not None and self.text("cat-file", "-t", base) != "tree":  # what GitHub documents, though it takes commits too
            raise Refused(422, "Invalid base_tree")
        return 201, {"sha": self.write_tree(base, given["tree"]), "tree": []}

    def _post_commit(self, _: Any, __: Any, given: dict[str, Any]) -> tuple[int, Any]:
        parents = [word for parent in given["parents"] for word in ("-p", parent)]
        return 201, {"sha": self.text("commit-tree", given["tree"], *parents, input=given["message"].encode())}

    def _post_ref(self, _: Any, __: Any, given: dict[str, Any]) -> tuple[int, Any]:
        if given["ref"] in self.refs():
            raise Refused(422, "Reference already exists")
        self.git("update-ref", given["ref"], given["sha"], "0" * 40)
        return 201, {"ref": given["ref"], "object": {"sha": given["sha"], "type": "commit"}}

    def _patch_branch(self, _: Any, __: Any, given: dict[str, Any]) -> tuple[int, Any]:
        head = self.refs()["refs/heads/main"]
        assert given["force"] is False
        base = self.text("merge-base", head, given["sha"])
        if base != head:
            raise Refused(422, "Update is not a fast forward")
        self.git("update-ref", "refs/heads/main", given["sha"], head)
        return 200, {"ref": "refs/heads/main", "object": {"sha": given["sha"], "type": "commit"}}

    def _dispatch(self, _: Any, __: Any, given: dict[str, Any]) -> tuple[int, Any]:
        if not isinstance(given["event_type"], str) or len(given["client_payload"]) > 10:
            raise Refused(422, "No more than 10 properties are allowed")
        self.dispatches.append(given)
        return 204, b""

    def _put_file(self, found: re.Match[str], _: Any, given: dict[str, Any]) -> tuple[int, Any]:
        head = self.refs().get("refs/heads/main")
        there = self.text("ls-tree", "--format=%(objectname)", head, found[1]) if head else ""
        if there != given.get("sha", ""):
            raise Refused(422, 'Invalid request. "sha" wasn\'t supplied.')
        blob = self.text("hash-object", "-w", "--no-filters", "--stdin", input=base64.b64decode(given["content"]))
        tree = self.write_tree(head, [{"path": found[1], "sha": blob}])
        parent = ["-p", head] if head else []
        commit = self.text("commit-tree", tree, *parent, input=given["message"].encode())
        self.git("update-ref", "refs/heads/main", commit)
        return 201, {"commit": {"sha": commit, "tree": {"sha": tree}}, "content": {"path": found[1], "sha": blob}}

    def _get_commit(self, found: re.Match[str], *_: Any) -> tuple[int, Any]:
        return 200, {"sha": found[1], "message": self.git("show", "--no-patch", "--format=%B", found[1]).decode().rstrip("\n")}

    def _get_release(self, found: re.Match[str], *_: Any) -> tuple[int, Any]:
        if found[1] not in self.releases:
            raise Refused(404, "Not Found")
        return 200, self._described(self.releases[found[1]])

    def _post_release(self, _: Any, __: Any, given: dict[str, Any]) -> tuple[int, Any]:
        tag = given["tag_name"]
        if tag in self.releases:
            raise Refused(422, "Validation Failed")
        assert f"refs/tags/{tag}" in self.refs(), "GitHub would make the tag, wherever the branch is"
        self._made += 1
        self.releases[tag] = Release(self._made, tag, given["name"], given["body"])
        return 201, self._described(self.releases[tag])

    def _list_assets(self, found: re.Match[str], query: dict[str, list[str]], _: Any) -> tuple[int, Any]:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        release = self._release(int(found[1]))
        return 200, [self._described_asset(release, number) for number in release.assets][(page - 1) * size : page * size]

    def _post_asset(self, found: re.Match[str], query: dict[str, list[str]], body: Path) -> tuple[int, Any]:
        release, (name,) = self._release(int(found[1])), query["name"]
        if name in {asset[0] for asset in release.assets.values()}:
            raise Refused(422, "Validation Failed: already_exists")
        self._made += 1
        release.assets[self._made] = (name, "uploaded", body)
        return 201, self._described_asset(release, self._made)

    def _break_off(self, path: str, query: dict[str, list[str]], body: Path) -> None:
        release, (name,) = self._release(int(path.split("/")[2])), query["name"]
        if name not in {asset[0] for asset in release.assets.values()}:
            body.write_bytes(b"")
            self._made += 1
            release.assets[self._made] = (name, "starter", body)

    def _get_asset(self, found: re.Match[str], *_: Any) -> tuple[int, Any]:
        if self.redirects_downloads:
            return 302, {"location": f"{self.url}/stored/{found[1]}"}
        return 200, self._asset(int(found[1]))[1][2]

    def _delete_asset(self, found: re.Match[str], *_: Any) -> tuple[int, Any]:
        del self._asset(int(found[1]))[0].assets[int(found[1])]
        return 204, b""

    def _release(self, number: int) -> Release:
        for release in self.releases.values():
            if release.number == number:
                return release
        raise Refused(404, "Not Found")

    def _asset(self, number: int) -> tuple[Release, tuple[str, str, Path]]:
        for release in self.releases.values():
            if number in release.assets:
                return release, release.assets[number]
        raise Refused(404, "Not Found")

    def _described(self, release: Release) -> dict[str, Any]:
        here = f"/repos/{REPOSITORY}/releases/{release.number}"
        return {
            "id": release.number,
            "url": f"{self.url}{here}",
            "upload_url": f"{self.url}{UPLOADS}{here}/assets{{?name,label}}",
            "tag_name": release.tag,
            "name": release.name,
            "body": release.body,
        }

    def _described_asset(self, release: Release, number: int) -> dict[str, Any]:
        name, state, path = release.assets[number]
        with path.open("rb") as stream:
            digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        known = digest if self.says_digests and state == "uploaded" else None
        return {"id": number, "name": name, "state": state, "size": path.stat().st_size, "digest": known}
