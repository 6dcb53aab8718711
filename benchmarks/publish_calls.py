"""Publishing a change to GitHub: our commit beside one commit per file through the contents API, as many scripts do it.

Both write the same files with PyGithub, over real HTTP, to the tests' own server, which keeps a real Git repository and counts
the calls. `--delay` is what every call waits at the server: GitHub takes 0.3 s and more, and wants a second between writes.

    python benchmarks/publish_calls.py
    python benchmarks/publish_calls.py --files 1000 --delay 0
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from assay.publish.github import GitHubRepository
from assay.publish.known import KnownTrees
from assay.publish.target import Change, blob_id
from assay.storage import Storage
from github import Auth, Github
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from git_server import REPOSITORY, TOKEN, GitServer

TABLES = 2


class SlowServer(GitServer):
    """The server, with a pause before every call."""

    delay = 0.0

    def handle(self, request: object, body: bytes | Path) -> None:
        time.sleep(self.delay)
        super().handle(request, body)  # type: ignore[arg-type]


def made(files: int, version: int) -> dict[str, bytes]:
    """Files of 10 kB, two of them tables."""
    written = {
        f"data/{number:04}.json": (f"[{version}," + "1," * 5_000 + f"{number}]").encode() for number in range(files - TABLES)
    }
    return written | {f"data/{number}.parquet": bytes([0, 255, version, number]) * 2_500 for number in range(TABLES)}


def ours(server: GitServer, files: dict[str, bytes], known: KnownTrees) -> str:
    """What a publication sends; the tree before is known from its read-back."""
    target = GitHubRepository(REPOSITORY, SecretStr(TOKEN), api=server.url, known=known)
    return target.commit(Change(files), "snapshot", expected=target.head(), tag=f"at-{time.monotonic_ns()}")


def one_by_one(server: GitServer, files: dict[str, bytes], before: dict[str, bytes]) -> None:
    """A commit for each file. It is spared asking for the ids that the contents API wants: they are known."""
    repository = Github(
        base_url=server.url, auth=Auth.Token(TOKEN), seconds_between_requests=None, seconds_between_writes=None, lazy=True
    ).get_repo(REPOSITORY)
    for path, data in files.items():
        repository.update_file(path, f"update {path}", data, blob_id(before[path]), branch="main")


def measure(files: int, delay: float, publisher: str) -> tuple[int, int, float]:
    """Calls, commits and seconds of a change of so many files."""
    with tempfile.TemporaryDirectory() as folder:
        server = SlowServer(Path(folder))
        known = KnownTrees(Storage.open(Path(folder, "storage").as_uri()), "server")
        old, new = made(files, 1), made(files, 2)
        commit = ours(server, old, known)
        GitHubRepository(REPOSITORY, SecretStr(TOKEN), api=server.url, known=known).tree(commit)  # the read-back lists it
        commits = int(server.text("rev-list", "--count", "main"))
        server.calls.clear()
        server.delay = delay
        started = time.perf_counter()
        ours(server, new, known) if publisher == "ours" else one_by_one(server, new, old)
        seconds = time.perf_counter() - started
        written = server.text("ls-tree", "-r", "--format=%(objectname)", "main").split()
        assert {blob_id(data) for data in new.values()} <= set(written)
        found = len(server.calls), int(server.text("rev-list", "--count", "main")) - commits, seconds
        server.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--delay", type=float, default=0.3, help="seconds that every call waits (default: 0.3)")
    given = parser.parse_args()
    calls, commits, seconds = measure(given.files, given.delay, "ours")
    peer_calls, peer_commits, peer_seconds = measure(given.files, given.delay, "peer")
    print(f"{given.files} changed files of 10 kB, {TABLES} of them tables, {given.delay} s a call")
    print(f"ours:                 {calls:5} calls, {commits:4} commit, {seconds:6.1f} s")
    print(f"one commit per file:  {peer_calls:5} calls, {peer_commits:4} commits, {peer_seconds:6.1f} s")
    print(f"ratio:                {peer_calls / calls:5.1f} calls, {peer_seconds / seconds:5.1f} in time")


if __name__ == "__main__":
    main()
