"""The local repository: apart from everybody's configuration, safe against what a killed process leaves, clear when it fails."""

from __future__ import annotations

import os
import pwd
import subprocess
import threading
import time
from pathlib import Path

import pytest
from assay.errors import PublicationError
from assay.publish.local import STALE_LOCK_S, LocalRepository
from assay.publish.target import Change


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "safe.directory=*", f"--git-dir={repository}", *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def target(tmp_path: Path) -> LocalRepository:
    return LocalRepository(tmp_path / "dataset.git")


def test_configuration_hooks_and_environment_of_the_user_do_not_reach_it(
    target: LocalRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "post-commit", "pre-commit", "commit-msg"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\nexit 1\n")
        (hooks / name).chmod(0o755)
    template = tmp_path / "template"
    (template / "hooks").mkdir(parents=True)
    (template / "hooks" / "reference-transaction").write_text("#!/bin/sh\nexit 1\n")
    (template / "hooks" / "reference-transaction").chmod(0o755)
    home = tmp_path / "user"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[user]\n name = Somebody\n email = somebody@example.com\n[core]\n hooksPath = {hooks}\n autocrlf = true\n"
        f"[init]\n templateDir = {template}\n defaultBranch = trunk\n[commit]\n gpgSign = true\n[gpg]\n program = /bin/false\n"
    )
    monkeypatch.setenv("HOME", str(home))
    for name, value in {
        "GIT_DIR": "/nowhere",
        "GIT_INDEX_FILE": "/nowhere/index",
        "GIT_AUTHOR_NAME": "Somebody",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": str(hooks),
    }.items():
        monkeypatch.setenv(name, value)
    commit = target.commit(Change({"a.txt": b"one\r\ntwo\r\n"}), "first\n", expected=None, tag="t")
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    assert (
        git(target.path, "log", "-1", "--format=%an <%ae> %cn <%ce>", commit) == "Assay <assay@localhost> Assay <assay@localhost>"
    )
    assert git(target.path, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert target.read(commit, "a.txt") == b"one\r\ntwo\r\n"
    assert not list(tmp_path.glob("ran-*"))


def test_a_repository_behind_a_link_is_written_where_it_is(tmp_path: Path) -> None:
    real, link = tmp_path / "real.git", tmp_path / "link.git"
    LocalRepository(real).commit(Change({"a": b"1"}), "first", expected=None)
    link.symlink_to(real)
    linked = LocalRepository(link)
    commit = linked.commit(Change({"a": b"2"}), "second", expected=linked.head())
    assert link.is_symlink()
    assert LocalRepository(real).head() == commit


def test_a_link_in_the_tree_is_replaced_not_followed(target: LocalRepository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    clone = tmp_path / "clone"
    first = target.commit(Change({"README.md": b"x"}), "first", expected=None)
    subprocess.run(["git", "clone", "-q", str(target.path), str(clone)], check=True)
    (clone / "data").symlink_to(outside)
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run(["git", "-C", str(clone), "add", "-A"], check=True)
    subprocess.run(["git", "-C", str(clone), *identity, "commit", "-qm", "link"], check=True)
    subprocess.run(["git", "-C", str(clone), "push", "-q"], check=True)
    head = target.head()
    assert head not in (None, first)
    commit = target.commit(Change({"data/latest/a.json": b"{}"}), "second", expected=head)
    assert set(target.tree(commit)) == {"README.md", "data/latest/a.json"}
    assert list(outside.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give the repository to another user")
def test_a_repository_of_another_user_can_be_written(target: LocalRepository) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None)
    nobody = pwd.getpwnam("nobody")
    for path in (target.path, *target.path.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    second = target.commit(Change({"a": b"2"}), "second", expected=first, tag="t")
    assert target.head() == second
    assert target.read(second, "a") == b"2"


@pytest.mark.parametrize("name", ["refs/heads/main.lock", "refs/tags/t.lock", "packed-refs.lock"])
def test_a_lock_that_a_killed_process_left_is_removed_when_it_is_old(
    target: LocalRepository, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None)
    git(target.path, "pack-refs", "--all")
    lock = target.path / name
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("")
    old = time.time() - STALE_LOCK_S - 60
    os.utime(lock, (old, old))
    assert target.commit(Change({"a": b"2"}), "second", expected=first, tag="t") == target.head()
    if name != "packed-refs.lock":  # an update writes loose refs and needs no lock on the packed ones
        assert "a process that was killed had left it" in caplog.text
        assert not lock.exists()


def test_a_fresh_lock_is_waited_for(target: LocalRepository, caplog: pytest.LogCaptureFixture) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None)
    lock = target.path / "refs/heads/main.lock"
    lock.write_text("")
    holder = threading.Timer(1.5, lock.unlink)
    holder.start()
    second = target.commit(Change({"a": b"2"}), "second", expected=first)
    holder.join()
    assert target.head() == second
    assert "had left it" not in caplog.text


def test_refs_that_cannot_be_written_are_named(target: LocalRepository) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None)
    (target.path / "refs/tags/2024").write_text(f"{first}\n")
    with pytest.raises(PublicationError, match="refs/tags/2024"):
        target.commit(Change({"a": b"2"}), "second", expected=first, tag="2024/11")
    assert target.head() == first


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "dataset.git").write_text("hello")
    with pytest.raises(PublicationError, match="found a file; expected a bare Git repository"):
        LocalRepository(tmp_path / "dataset.git").head()


def test_a_folder_that_is_no_repository_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "dataset.git"
    folder.mkdir()
    (folder / "letter.txt").write_text("mine")
    with pytest.raises(PublicationError, match="no repository"):
        LocalRepository(folder).commit(Change({"a": b"1"}), "first", expected=None)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_an_empty_folder_becomes_the_repository(tmp_path: Path) -> None:
    (tmp_path / "dataset.git").mkdir()
    target = LocalRepository(tmp_path / "dataset.git")
    assert target.commit(Change({"a": b"1"}), "first", expected=None) == target.head()


def test_a_repository_with_a_working_tree_is_refused(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "checkout")], check=True)
    with pytest.raises(PublicationError, match="working tree"):
        LocalRepository(tmp_path / "checkout" / ".git").head()


def test_without_git_it_says_what_to_install(target: LocalRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PublicationError, match="git was not found on PATH; install it"):
        target.commit(Change({"a": b"1"}), "first", expected=None)


def test_a_full_disk_leaves_branch_and_tags_as_they_were(target: LocalRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    first = target.commit(Change({"a": b"1"}), "first", expected=None)
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        with pytest.raises(PublicationError):
            target.commit(Change({"big": os.urandom(1_000_000)}), "second", expected=first, tag="t")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert target.head() == first
    assert target.tags() == {}
