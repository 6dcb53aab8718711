"""Publishing to GitHub over real HTTP: how many calls it takes, and what is there after any fault at any call."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from assay.errors import PublicationError
from assay.publish.github import GitHubRepository
from assay.publish.inline import INLINE_FILE_BYTES
from assay.publish.local import LocalRepository
from assay.publish.releases import is_upload_host
from assay.publish.repository import open_repository
from assay.publish.snapshot import publish_snapshot
from assay.publish.target import AttachedConflict, Change, MovedBranch, TagTaken, blob_id
from assay.settings import Settings
from assay.workspace import Workspace
from dataset_content import fleet, stream
from dataset_ledger import fill
from git_server import REPOSITORY, TOKEN, Fault, GitServer
from pydantic import SecretStr

pytestmark = pytest.mark.enable_socket

MAIN = "refs/heads/main"
NAMES = tuple(f"{family}.large" for family in ("c5", "c6a", "c6i", "m5", "m6a", "m6i", "r5", "r6g", "r6i", "t3"))
OLD = {f"data/{number:02}.json": f"{number}\n".encode() for number in range(6)} | {"README.md": b"old\n"}
NEW = {path: data + b"new\n" for path, data in OLD.items()} | {
    "table.parquet": b"PAR1\0\xff" * 10,
    "large.json": b"x" * 1_100_000,
}
RAW = "raw.tar.zst"
REMOVED = frozenset({"gone.json"})

FAULTS = [
    Fault("401", 401, message="Bad credentials"),
    Fault("403", 403, message="Resource not accessible by personal access token"),
    Fault("403 limit", 403, {"Retry-After": "7"}, "You have exceeded a secondary rate limit"),
    Fault("403 used up", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, "API rate limit exceeded"),
    Fault("404", 404, message="Not Found"),
    Fault("409", 409, message="Conflict"),
    Fault("422", 422, message="Validation Failed"),
    Fault("429", 429, {"Retry-After": "11"}, "Too many requests"),
    Fault("500", 500),
    Fault("502", 502),
    Fault("503", 503, {"Retry-After": "3"}),
    Fault("dropped"),
    Fault("502 after it was done", 502, late=True),
    Fault("dropped after it was done", late=True),
    Fault("moved branch", move=True),
]
SLOW = Fault("slow answer", 200, late=True, slow_s=1.5)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    server = GitServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def publisher(server: GitServer, pauses: list[float]) -> Callable[..., GitHubRepository]:
    """Makes a publisher, as every run does; it notes how long it would have waited."""
    return lambda timeout=30: GitHubRepository(REPOSITORY, SecretStr(TOKEN), api=server.url, timeout=timeout, pause=pauses.append)


def publish(target: GitHubRepository, files: dict[str, bytes], tag: str, attempts: int = 5, raw: Path | None = None) -> str:
    """What the snapshot's steps do: on whatever head there is, until the branch stands still; a missing tag or release is added.

    `raw`: a file that is attached to the release.
    """
    for _ in range(attempts):
        head = target.head()
        change = Change(files, REMOVED)
        try:
            commit = target.commit(change, f"snapshot {tag}", expected=head, tag=tag)
        except (MovedBranch, TagTaken):
            head = target.head()
            if head is None or {path: target.tree(head).get(path) for path in files} != blobs(files):
                continue
            commit = head
        if target.tags().get(tag) is None:
            target.add_tag(tag, commit)
        target.release(tag, f"snapshot {tag}", "news")
        if raw is not None:
            target.attach(tag, RAW, raw, hashlib.sha256(raw.read_bytes()).hexdigest())
        return commit
    raise PublicationError("the branch kept moving")


def blobs(files: dict[str, bytes]) -> dict[str, str]:
    return {path: blob_id(data) for path, data in files.items()}


def content(server: GitServer) -> dict[str, str]:
    """What consumers see at the branch now, less what somebody else put there."""
    listing = server.git("ls-tree", "-r", "-z", MAIN).decode().split("\0")[:-1]
    found = {line.partition("\t")[2]: line.split()[2] for line in listing}
    found.pop("somebody.txt", None)
    return found


@pytest.fixture
def published(server: GitServer, publisher: Callable[[], GitHubRepository]) -> str:
    """A repository that holds the old snapshot."""
    commit = publish(publisher(), OLD | {"gone.json": b"1"}, "old")
    server.calls.clear()
    return commit


def count(server: GitServer, publisher: Callable[[], GitHubRepository], files: dict[str, bytes], tag: str) -> list[str]:
    server.calls.clear()
    target = publisher()
    head = target.head()  # as building, planning and committing ask, each for itself
    assert head is not None
    target.tree(head)
    assert target.head() == head
    target.tree(head, "data")
    target.tags()
    target.commit(Change(files), "snapshot", expected=head, tag=tag)
    return list(server.calls)


def test_sixty_files_take_seven_calls_and_one_commit(
    server: GitServer, publisher: Callable[[], GitHubRepository], published: str
) -> None:
    files = {f"data/{number}.json": b"[" + b"1," * 5_000 + f"{number}]".encode() for number in range(60)}
    calls = count(server, publisher, files, "sixty")
    print(len(calls), "calls for 60 files:", *calls, sep="\n  ")
    assert len(calls) <= 7
    assert server.text("rev-list", "--count", f"{published}..main") == "1"
    assert content(server).items() >= blobs(files).items()


def test_a_thousand_files_take_twelve_calls(server: GitServer, publisher: Callable[[], GitHubRepository], published: str) -> None:
    files = {f"data/{number}.json": b"1," * 5_000 + f"{number}".encode() for number in range(998)}
    files |= {"a.parquet": b"\0\xff" * 1000, "copy/a.parquet": b"\0\xff" * 1000, "b.parquet": b"\0\xfe" * 1000}
    calls = count(server, publisher, files, "thousand")
    print(len(calls), "calls for 1,001 files:", *calls, sep="\n  ")
    assert len(calls) <= 12
    assert content(server).items() >= blobs(files).items()


def test_nothing_changed_is_no_write(server: GitServer, publisher: Callable[[], GitHubRepository], published: str) -> None:
    target = publisher()
    assert target.commit(Change(OLD, frozenset({"not-there"})), "again", expected=target.head(), tag="again") == published
    assert server.writes == []


def test_only_what_changed_is_sent(server: GitServer, publisher: Callable[[], GitHubRepository], published: str) -> None:
    large = {"large.bin": b"\0" * 2_000_000, "large.txt": b"x" * (INLINE_FILE_BYTES + 1)}
    publish(publisher(), OLD | large, "large")
    server.calls.clear()
    publish(publisher(), OLD | large | {"README.md": b"other"}, "other")
    assert "POST /git/blobs" not in server.calls
    assert content(server) == blobs(OLD | large | {"README.md": b"other"})


def test_a_listing_that_is_cut_is_read_folder_by_folder(
    server: GitServer, publisher: Callable[[], GitHubRepository], published: str
) -> None:
    target = publisher()
    whole = target.tree(published)
    server.cut_trees_at = 7
    assert publisher().tree(published) == whole == blobs(OLD | {"gone.json": b"1"})


def test_many_files_are_read_by_one_download(
    server: GitServer, publisher: Callable[[], GitHubRepository], published: str
) -> None:
    target = publisher()
    assert dict(target.read_many(published, OLD)) == OLD
    assert [call.split()[1].split("/")[1] for call in server.calls] == ["git", "tarball"]


def test_what_an_archive_rewrites_is_read_by_itself(server: GitServer, publisher: Callable[[], GitHubRepository]) -> None:
    files = OLD | {".gitattributes": b"data/00.json export-ignore\ndata/01.json export-subst\n", "data/01.json": b"$Format:%H$\n"}
    commit = publish(publisher(), files, "rewritten")
    assert dict(publisher().read_many(commit, files)) == files


def test_limits_are_waited_out_as_long_as_they_say(
    server: GitServer, publisher: Callable[[], GitHubRepository], pauses: list[float], published: str
) -> None:
    busy = Fault("422", 422, message="Sorry, your request timed out. It's likely that your input was too big to process.")
    server.faults = {0: Fault("429", 429, {"Retry-After": "11"}), 3: Fault("500", 500), 4: busy}
    publish(publisher(), NEW, "new")
    assert pauses == [11.0, 1.0, 2.0]


def test_a_limit_that_lasts_too_long_is_told(
    server: GitServer, publisher: Callable[[], GitHubRepository], pauses: list[float], published: str
) -> None:
    server.faults = {0: Fault("429", 429, {"Retry-After": "3600"})}
    with pytest.raises(PublicationError, match="in 60 minutes"):
        publish(publisher(), NEW, "new")
    assert pauses == []
    server.faults = dict.fromkeys(range(100), Fault("500", 500))
    with pytest.raises(PublicationError, match="after 5 attempts"):
        publish(publisher(), NEW, "new")
    assert server.writes == []


@pytest.mark.parametrize(
    ("fault", "advice"),
    [(FAULTS[0], "ASSAY_GITHUB_TOKEN"), (FAULTS[1], "contents: write"), (FAULTS[4], "ASSAY_GITHUB_REPOSITORY")],
)
def test_what_is_refused_says_what_to_do_and_never_the_token(
    server: GitServer,
    publisher: Callable[[], GitHubRepository],
    published: str,
    fault: Fault,
    advice: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for number in range(6):
        server.calls.clear()
        server.faults = {number: fault}
        with pytest.raises(PublicationError, match=advice) as refused:
            publish(publisher(), {**NEW, "which": str(number).encode()}, f"new-{number}")
        assert TOKEN not in str(refused.value)
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("fault", [Fault("502", 502), Fault("dropped")], ids=lambda fault: fault.name)
def test_what_a_broken_upload_left_is_replaced(
    server: GitServer, publisher: Callable[..., GitHubRepository], published: str, tmp_path: Path, fault: Fault
) -> None:
    raw = tmp_path / RAW
    raw.write_bytes(b"raw")
    sha256 = hashlib.sha256(b"raw").hexdigest()
    server.faults = {2: fault} | dict.fromkeys(range(3, 40), Fault("500", 500))
    with pytest.raises(PublicationError, match="after 5 attempts"):
        publisher().attach("old", RAW, raw, sha256)
    assert [state for _, state, _ in server.releases["old"].assets.values()] == ["starter"]
    server.faults = {}
    assert publisher().attached("old") == {}
    publisher().attach("old", RAW, raw, sha256)
    assert publisher().attached("old") == {RAW: (3, sha256)}
    assert len(server.releases["old"].assets) == 1


def test_a_server_that_says_no_digest_is_asked_for_the_file(
    server: GitServer, publisher: Callable[..., GitHubRepository], published: str, tmp_path: Path
) -> None:
    server.says_digests = server.redirects_downloads = False
    raw = tmp_path / RAW
    raw.write_bytes(b"raw")
    for _ in range(2):
        publisher().attach("old", RAW, raw, hashlib.sha256(b"raw").hexdigest())
    assert publisher().attached("old") == {RAW: (3, None)}
    raw.write_bytes(b"war")
    with pytest.raises(AttachedConflict):
        publisher().attach("old", RAW, raw, hashlib.sha256(b"war").hexdigest())
    publisher().fetch_attached("old", RAW, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"raw"


def test_a_file_that_arrives_changed_is_not_kept(
    server: GitServer, publisher: Callable[..., GitHubRepository], published: str, tmp_path: Path
) -> None:
    raw = tmp_path / RAW
    raw.write_bytes(b"raw")
    publisher().attach("old", RAW, raw, hashlib.sha256(b"raw").hexdigest())
    (stored,) = server.releases["old"].assets.values()
    target = publisher()
    assert target.attached("old")
    server.tamper = True
    with pytest.raises(PublicationError, match="after 5 attempts"):
        target.fetch_attached("old", RAW, tmp_path / "back")
    assert stored[2].read_bytes() == b"raw"
    assert [path.name for path in tmp_path.glob("*back*")] == []


def test_a_token_is_sent_to_hosts_of_the_api_alone() -> None:
    assert is_upload_host("https://uploads.github.com/repos/o/n/releases/1/assets", "https://api.github.com")
    assert is_upload_host("https://ghe.example/api/uploads/repos/o/n/releases/1/assets", "https://ghe.example/api/v3")
    assert is_upload_host("https://uploads.our.ghe.com/repos/o/n/releases/1/assets", "https://api.our.ghe.com")
    for url in ("http://uploads.github.com/x", "https://uploads.github.com.evil.example/x", "https://evilgithub.com/x", "/x"):
        assert not is_upload_host(url, "https://api.github.com")
    assert not is_upload_host("https://other.example/x", "https://ghe.example/api/v3")


def pairs(server: GitServer, publisher: Callable[..., GitHubRepository], faults: list[Fault], first: bool, raw: Path) -> int:
    """Try every fault at every call of a publication; the number of pairs tried."""
    raw.write_bytes(b"\0raw\xff" * 1000)
    tried = 0
    for fault in faults:
        number = 0
        while True:
            old = reset(server, publisher, first)
            server.faults = {number: fault}
            timeout = 1 if fault.slow_s else 30
            try:
                publish(publisher(timeout), NEW, "new", raw=raw)
                finished = True
            except PublicationError:
                finished = False
            reached = not server.faults
            server.faults = {}
            check(server, old, finished)
            publish(publisher(), NEW, "new", raw=raw)
            check(server, old, True)
            assert server.refs()["refs/tags/new"]
            assert attached(server) == [(RAW, "uploaded", raw.read_bytes())], (fault, number)
            commits = [line for line in server.text("log", "--format=%s", MAIN).splitlines() if line == "snapshot new"]
            assert 1 <= len(commits) <= (2 if first else 1), (fault, number)
            if not reached:
                break
            tried += 1
            number += 1
    return tried


def reset(server: GitServer, publisher: Callable[..., GitHubRepository], first: bool) -> dict[str, str] | None:
    for ref in server.refs():
        server.git("update-ref", "-d", ref)
    server.faults = {}
    server.releases.clear()
    if not first:
        publish(publisher(), OLD | {"gone.json": b"1"}, "old")
    server.calls.clear()
    return None if first else content(server)


def check(server: GitServer, old: dict[str, str] | None, finished: bool) -> None:
    """The old snapshot or the new one, whole; of the first snapshot nothing, one file that it begins with, or all."""
    if MAIN not in server.refs():
        assert old is None
        assert not finished
        return
    now, new = content(server), blobs(NEW)
    if finished:
        assert now == new
    elif old is None:
        assert now in ({}, {"README.md": new["README.md"]}, new)
    else:
        assert now in (old, new)
    if "refs/tags/new" in server.refs():
        assert now == new
    if "new" in server.releases:
        assert "refs/tags/new" in server.refs()
        assert (server.releases["new"].name, server.releases["new"].body) == ("snapshot new", "news")


def attached(server: GitServer) -> list[tuple[str, str, bytes]]:
    return [(name, state, path.read_bytes()) for name, state, path in server.releases["new"].assets.values()]


def test_after_a_fault_at_a_call_one_snapshot_is_whole_and_a_rerun_ends_published(
    server: GitServer, publisher: Callable[..., GitHubRepository], published: str, tmp_path: Path
) -> None:
    sample = [fault for fault in FAULTS if fault.name == "dropped after it was done"]
    tried = pairs(server, publisher, sample, first=False, raw=tmp_path / RAW)
    print(f"{tried} pairs of fault and call tried")
    assert tried >= 10


@pytest.mark.full
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("first", [False, True], ids=["a snapshot more", "the first snapshot"])
def test_after_any_fault_at_any_call_one_snapshot_is_whole(
    server: GitServer, publisher: Callable[..., GitHubRepository], first: bool, tmp_path: Path
) -> None:
    tried = pairs(server, publisher, [*FAULTS, SLOW], first, tmp_path / RAW)
    print(f"{tried} pairs of fault and call tried, first snapshot: {first}")
    assert tried >= 100


@pytest.fixture
def on_github(server: GitServer, workspace: Workspace) -> Workspace:
    """The workspace, published to the server."""
    there = {"github_repository": REPOSITORY, "github_token": SecretStr(TOKEN), "github_api": server.url}
    return replace(workspace, settings=workspace.settings.model_copy(update=there))


def test_a_dataset_is_published_to_github_and_read_back(server: GitServer, on_github: Workspace) -> None:
    workspace = on_github
    fill(workspace, stream("m7i.large", 47.9))
    first = publish_snapshot(workspace)
    assert (first.changed, first.name) == (True, "2024-11-20")
    assert server.refs() == {MAIN: first.commit, "refs/tags/2024-11-20": first.commit}
    assert not publish_snapshot(workspace).changed
    fill(workspace, [*stream("m7i.large", 47.9), *stream("c7g.large", 55.1)])
    server.calls.clear()
    second = publish_snapshot(workspace)
    assert second.name == "2024-11-20.2"
    print(len(second.files), "files:", *server.calls, sep="\n  ")
    published = server.calls[: server.calls.index("POST /git/refs") + 1]
    # The tree is known from the read-back before, one download brings the documents; each table is a blob, because it is no text.
    assert [call for call in published if call.startswith("GET")] == ["GET /git/matching-refs/", "GET /tarball/<sha>"]
    assert len([call for call in published if "tarball" not in call]) <= 7
    assert [call for call in server.writes if "blobs" not in call] == [
        "POST /git/trees",
        "POST /git/commits",
        "PATCH /git/refs/heads/main",
        "POST /git/refs",
        "POST /releases",
    ]
    assert server.releases.keys() == {"2024-11-20", "2024-11-20.2"}
    assert workspace.ledger.snapshots()["state"].tolist() == ["published", "published"]


def test_a_snapshot_of_sixty_changed_files_takes_seven_calls(server: GitServer, on_github: Workspace) -> None:
    fill(on_github, fleet())
    publish_snapshot(on_github)
    server.calls.clear()
    fill(on_github, [*fleet(), *(series for name in NAMES for series in stream(name, 60.0))])
    before = server.refs()[MAIN]
    snapshot = publish_snapshot(on_github)
    publication = server.calls[: server.calls.index("POST /git/refs") + 1]
    counted = [call for call in publication if "tarball" not in call]
    print(f"{len(counted)} calls for a snapshot of {len(snapshot.files)} changed files:", *publication, sep="\n  ")
    assert len(snapshot.files) >= 60
    assert counted.count("POST /git/blobs") == 2  # two new Parquet tables, each in two folders
    assert len(counted) <= 7
    assert server.text("rev-list", "--count", f"{before}..main") == "1"
    server.calls.clear()
    assert not publish_snapshot(on_github).changed
    assert server.writes == []


def test_a_tree_that_is_not_known_any_more_is_asked_for(server: GitServer, on_github: Workspace) -> None:
    fill(on_github, stream("m7i.large", 47.9))
    publish_snapshot(on_github)
    on_github.storage.delete(item.key for item in on_github.storage.list("processed/trees"))
    assert not publish_snapshot(on_github).changed
    (known,) = on_github.storage.list("processed/trees")
    on_github.storage.write(known.key, b"{")
    assert not publish_snapshot(on_github).changed


def test_the_settings_say_where_a_dataset_goes(tmp_path: Path) -> None:
    assert isinstance(open_repository(Settings(home=tmp_path), "default"), LocalRepository)
    there = Settings(home=tmp_path, github_repository="owner/benchmarks-{dataset}", github_token=SecretStr(TOKEN))
    assert open_repository(there, "spare-cores").name == "github.com/owner/benchmarks-spare-cores"
    for settings, dataset, expected in (
        (Settings(home=tmp_path, github_repository="owner/name"), "default", "ASSAY_GITHUB_TOKEN"),
        (Settings(home=tmp_path, github_repository="no name"), "default", "owner/name"),
        (Settings(home=tmp_path, github_repository="owner/name", github_token=SecretStr(TOKEN)), "other", "{dataset}"),
    ):
        with pytest.raises(PublicationError, match=expected.replace("{", r"\{")):
            open_repository(settings, dataset)
