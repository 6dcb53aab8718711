"""What every Git target promises. A target that joins later is one more parameter of `target`."""

from __future__ import annotations

import hashlib
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from assay.errors import PublicationError
from assay.publish.github import GitHubRepository
from assay.publish.local import LocalRepository
from assay.publish.target import AttachedConflict, Change, GitTarget, MovedBranch, TagTaken, blob_id
from emulate_program import TOKEN as EMULATE_TOKEN
from emulate_program import VARIABLE, VERSION, EmulateProgram, find_emulate
from git_server import REPOSITORY, TOKEN, GitServer
from pydantic import SecretStr

pytestmark = pytest.mark.enable_socket


_NO_CONTENT = "it says no digest of an attached file, and answers its description where its content is asked for"
EMULATE_ERRS = {
    "test_a_folder_may_take_the_place_of_a_file_and_back": "it refuses a file where a folder was, though the folder goes too",
    "test_an_attached_file_comes_back_as_it_went": _NO_CONTENT,
    "test_a_file_is_attached_once_and_never_changes": _NO_CONTENT,
    "test_a_large_file_goes_and_comes_back_piece_by_piece": _NO_CONTENT,
}
"""Tests that the emulator of somebody else fails, and why; where it errs, our own server decides."""


@pytest.fixture(scope="module")
def emulate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulateProgram]:
    program = find_emulate()
    if program is None:
        pytest.skip(f"no GitHub emulator: `npm install emulate@{VERSION}`, then set {VARIABLE} to its program")
    running = EmulateProgram(program, tmp_path_factory.mktemp("emulate"))
    yield running
    running.stop()


@pytest.fixture
def make(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], GitTarget]]:
    """Makes one publisher after the other of the same repository."""
    if kind == "local":
        yield lambda: LocalRepository(tmp_path / "home" / "dataset.git")
        return
    if kind == "emulate":
        if reason := EMULATE_ERRS.get(request.node.originalname):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        running = request.getfixturevalue("emulate")
        name = running.repository()
        yield lambda: GitHubRepository(name, SecretStr(EMULATE_TOKEN), api=running.url, timeout=30, pause=lambda _: None)
        return
    server = GitServer(tmp_path)
    yield lambda: GitHubRepository(REPOSITORY, SecretStr(TOKEN), api=server.url, pause=lambda _: None)
    server.stop()


@pytest.fixture(params=["local", "github", pytest.param("emulate", marks=pytest.mark.full)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def target(make: Callable[[], GitTarget]) -> GitTarget:
    return make()


@pytest.fixture
def other(make: Callable[[], GitTarget]) -> GitTarget:
    """A second publisher of the same repository."""
    return make()


def files(target: GitTarget, commit: str) -> dict[str, bytes]:
    return dict(target.read_many(commit, target.tree(commit)))


def test_nothing_is_there_before_the_first_commit(target: GitTarget) -> None:
    assert target.head() is None
    assert target.tags() == {}


def test_reading_makes_nothing(target: GitTarget, tmp_path: Path) -> None:
    target.head()
    target.tags()
    assert not (tmp_path / "home").exists()


def test_the_first_commit_makes_the_repository(target: GitTarget) -> None:
    commit = target.commit(Change({"a/b.json": b"{}", "README.md": b"hello\n"}), "first\n", expected=None, tag="2024-11-20")
    assert target.head() == commit
    assert target.tags() == {"2024-11-20": commit}
    assert files(target, commit) == {"a/b.json": b"{}", "README.md": b"hello\n"}


def test_a_change_writes_removes_and_keeps(target: GitTarget) -> None:
    first = target.commit(Change({"a": b"1", "b/c": b"2", "b/d": b"3"}), "first", expected=None)
    second = target.commit(
        Change({"a": b"1", "b/c": b"4", "e": b"5"}, frozenset({"b/d", "never-there"})), "second", expected=first
    )
    assert files(target, second) == {"a": b"1", "b/c": b"4", "e": b"5"}
    assert files(target, first) == {"a": b"1", "b/c": b"2", "b/d": b"3"}


def test_a_path_that_is_written_and_removed_is_written(target: GitTarget) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None)
    second = target.commit(Change({"a": b"2"}, frozenset({"a"})), "second", expected=first)
    assert files(target, second) == {"a": b"2"}


def test_a_folder_may_take_the_place_of_a_file_and_back(target: GitTarget) -> None:
    first = target.commit(Change({"data": b"a file", "x": b"1"}), "first", expected=None)
    second = target.commit(Change({"data/latest/a.json": b"{}"}), "second", expected=first)
    assert files(target, second) == {"data/latest/a.json": b"{}", "x": b"1"}
    third = target.commit(Change({"data": b"a file again"}), "third", expected=second)
    assert files(target, third) == {"data": b"a file again", "x": b"1"}


def test_nothing_to_change_writes_nothing(target: GitTarget) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None, tag="one")
    assert target.commit(Change({"a": b"1"}, frozenset({"gone"})), "again", expected=first, tag="two") == first
    assert target.head() == first
    assert target.tags() == {"one": first}


def test_a_moved_branch_is_refused_and_nothing_changes(target: GitTarget, other: GitTarget) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None)
    second = other.commit(Change({"b": b"2"}), "second", expected=first)
    with pytest.raises(MovedBranch, match=second):
        target.commit(Change({"a": b"3"}), "third", expected=first, tag="late")
    assert target.head() == second
    assert target.tags() == {}


def test_a_first_commit_that_comes_second_is_refused(target: GitTarget, other: GitTarget) -> None:
    other.commit(Change({"a": b"1"}), "first", expected=None)
    with pytest.raises(MovedBranch):
        target.commit(Change({"a": b"2"}), "also first", expected=None)


def test_a_tag_that_exists_is_refused_and_the_branch_stays(target: GitTarget) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None, tag="2024-11-20")
    with pytest.raises(TagTaken):
        target.commit(Change({"a": b"2"}), "second", expected=first, tag="2024-11-20")
    assert target.head() == first
    assert target.tags() == {"2024-11-20": first}


def test_a_missing_tag_can_be_added_once(target: GitTarget) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None)
    second = target.commit(Change({"a": b"2"}), "second", expected=first)
    target.add_tag("late", first)
    target.add_tag("late", first)
    assert target.tags() == {"late": first}
    with pytest.raises(TagTaken):
        target.add_tag("late", second)


def test_a_folder_is_listed_with_the_ids_of_its_files(target: GitTarget) -> None:
    commit = target.commit(Change({"a/b": b"1", "a/c/d": b"2", "ab/e": b"3"}), "first", expected=None)
    assert target.tree(commit, "a") == {"a/b": blob_id(b"1"), "a/c/d": blob_id(b"2")}
    assert target.tree(commit, "nothing") == {}


@pytest.mark.parametrize("data", [b"", b"\0\1\2\xff", b"\r\n\r\n", b"x" * 3_000_000], ids=["empty", "binary", "crlf", "large"])
def test_any_bytes_come_back_as_they_went(target: GitTarget, data: bytes) -> None:
    commit = target.commit(Change({"file": data}), "first", expected=None)
    assert target.read(commit, "file") == data
    assert b"".join(target.pieces(commit, "file")) == data
    assert target.tree(commit)["file"] == blob_id(data)


@pytest.mark.parametrize("name", ["with space.json", "ü/é.json", "a'b\"c.json", "-dash", "2024-11-20.2/x"])
def test_any_name_comes_back_as_it_went(target: GitTarget, name: str) -> None:
    commit = target.commit(Change({name: b"1"}), "first", expected=None)
    assert files(target, commit) == {name: b"1"}


def test_a_file_that_is_not_there_is_said_so(target: GitTarget) -> None:
    commit = target.commit(Change({"folder/file": b"1"}), "first", expected=None)
    for path in ("nothing", "folder", "folder/file/x"):
        with pytest.raises(FileNotFoundError):
            target.read(commit, path)
        with pytest.raises(FileNotFoundError):
            list(target.pieces(commit, path))


def test_a_large_file_comes_in_pieces(target: GitTarget) -> None:
    commit = target.commit(Change({"file": b"x" * 3_000_000}), "first", expected=None)
    assert max(map(len, target.pieces(commit, "file"))) <= 1024 * 1024
    assert next(target.pieces(commit, "file")), "who stops early leaves nothing behind"


def test_of_concurrent_publishers_one_wins_and_the_others_are_told(
    make: Callable[[], GitTarget], kind: str, tmp_path: Path
) -> None:
    target = make()
    start = threading.Barrier(4)
    outcomes: list[str] = []

    def publish(number: int) -> None:
        mine = make()
        start.wait()
        try:
            mine.commit(Change({"who": str(number).encode()}), f"by {number}", expected=None, tag=f"t{number}")
            outcomes.append("committed")
        except MovedBranch:
            outcomes.append("moved")

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["committed", "moved", "moved", "moved"]
    head = target.head()
    assert head is not None
    assert list(target.tags().values()) == [head]
    if kind == "local":
        assert [path.name for path in (tmp_path / "home").iterdir()] == ["dataset.git"]


TAG = "2024-11-20"


@pytest.fixture
def released(target: GitTarget) -> GitTarget:
    """A target with one commit, its tag and its release."""
    target.commit(Change({"a": b"1"}), "first\n\nwhat is new\n", expected=None, tag=TAG)
    target.release(TAG, "first", "what is new")
    return target


def file(folder: Path, data: bytes, name: str = "raw.tar.zst") -> tuple[Path, str]:
    path = folder / name
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def test_the_message_of_a_commit_comes_back(target: GitTarget) -> None:
    commit = target.commit(Change({"a": b"1"}), "first\n\n- ü: what is new\n", expected=None)
    assert target.message(commit).rstrip("\n") == "first\n\n- ü: what is new"


def test_a_release_is_made_once_and_of_a_tag_that_is_there(released: GitTarget, other: GitTarget, tmp_path: Path) -> None:
    other.release(TAG, "another title", "other notes")
    assert other.attached(TAG) == {}
    with pytest.raises(PublicationError, match="no tag 2024-11-21"):
        released.release("2024-11-21", "second", "notes")
    path, sha256 = file(tmp_path, b"raw")
    with pytest.raises(PublicationError, match="no release"):
        released.attach("2024-11-21", "raw.tar.zst", path, sha256)
    assert released.attached("2024-11-21") == {}
    assert list(released.tags()) == [TAG]


def test_an_attached_file_comes_back_as_it_went(released: GitTarget, other: GitTarget, tmp_path: Path) -> None:
    path, sha256 = file(tmp_path, b"\0raw\xff\r\n" * 1000)
    released.attach(TAG, "raw.tar.zst", path, sha256)
    assert other.attached(TAG) == {"raw.tar.zst": (path.stat().st_size, sha256)}
    into = tmp_path / "back"
    other.fetch_attached(TAG, "raw.tar.zst", into)
    assert into.read_bytes() == path.read_bytes()
    with pytest.raises(FileNotFoundError):
        other.fetch_attached(TAG, "another", tmp_path / "nothing")
    assert sorted(found.name for found in tmp_path.iterdir() if "nothing" in found.name or ".part" in found.name) == []


def test_a_file_is_attached_once_and_never_changes(released: GitTarget, other: GitTarget, tmp_path: Path) -> None:
    path, sha256 = file(tmp_path, b"raw")
    for target in (released, released, other):
        target.attach(TAG, "raw.tar.zst", path, sha256)
    for data in (b"war", b"longer"):
        changed, its_sha256 = file(tmp_path, data, "changed")
        with pytest.raises(AttachedConflict, match="another name"):
            other.attach(TAG, "raw.tar.zst", changed, its_sha256)
        other.attach(TAG, f"raw-{data.decode()}.tar.zst", changed, its_sha256)
    assert released.attached(TAG)["raw.tar.zst"] == (3, sha256)
    assert len(released.attached(TAG)) == 3


def test_what_cannot_be_attached_is_refused_before_anything_is_sent(released: GitTarget, tmp_path: Path) -> None:
    path, sha256 = file(tmp_path, b"raw")
    for name in ("../raw", ".raw", "raw.", "a raw file", "ra/w", "", "r" * 101):
        with pytest.raises(PublicationError, match="letters"):
            released.attach(TAG, name, path, sha256)
    with pytest.raises(PublicationError, match="SHA-256"):
        released.attach(TAG, "raw", path, "0" * 64)
    path.write_bytes(b"")
    with pytest.raises(PublicationError, match="0 bytes"):
        released.attach(TAG, "raw", path, sha256)
    with path.open("wb") as stream:
        stream.truncate(2 * 1024**3)
    with pytest.raises(PublicationError, match="in parts"):
        released.attach(TAG, "raw", path, sha256)
    assert released.attached(TAG) == {}


def test_more_files_than_a_page_are_listed(released: GitTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.publish.releases.PAGE", 5)
    path, sha256 = file(tmp_path, b"raw")
    for number in range(12):
        released.attach(TAG, f"part-{number}", path, sha256)
    assert released.attached(TAG).keys() == {f"part-{number}" for number in range(12)}


def test_a_large_file_goes_and_comes_back_piece_by_piece(released: GitTarget, tmp_path: Path) -> None:
    path, size = tmp_path / "large", 64 * 1024 * 1024
    with path.open("wb") as stream:
        stream.truncate(size)
    sha256 = hashlib.sha256(bytes(size)).hexdigest()
    tracemalloc.start()
    try:
        released.attach(TAG, "large", path, sha256)
        released.fetch_attached(TAG, "large", tmp_path / "back")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert released.attached(TAG) == {"large": (size, sha256)}
    assert (tmp_path / "back").stat().st_size == size
    assert peak < 12 * 1024 * 1024
