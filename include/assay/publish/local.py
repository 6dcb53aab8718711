"""A bare Git repository on this machine as the place where a dataset is published; made on first use."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from assay.errors import PublicationError
from assay.publish.beside import LocalReleases
from assay.publish.git import Git, GitFailed
from assay.publish.target import BRANCH, Change, GitTarget, MovedBranch, TagTaken, blob_id

log = logging.getLogger(__name__)

STALE_LOCK_S = 10.0
"""Git holds a lock on a ref for milliseconds; one that is older was left behind by a process that was killed."""

_BRANCH_REF = f"refs/heads/{BRANCH}"
_NO_COMMIT = "0" * 40


class LocalRepository(GitTarget):
    """The bare repository at a path. Safe to use from several processes at once, and where another user owns the repository."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self._git = Git(path)
        self._releases = LocalReleases(path)

    def head(self) -> str | None:
        """The commit that the branch points to; None while there is no commit, or no repository."""
        return self._resolve(_BRANCH_REF) if self._exists() else None

    def tree(self, commit: str, folder: str = "") -> dict[str, str]:
        """Every file below a folder of a commit: full path -> blob id."""
        where = ("--", f"{folder.rstrip('/')}/") if folder else ()
        listing = self._git.run("ls-tree", "-r", "-z", "--full-tree", commit, *where)
        entries = (line.split("\t", 1) for line in listing.decode("utf-8", "surrogateescape").split("\0") if line)
        return {path: about.split()[2] for about, path in entries}

    def read(self, commit: str, path: str) -> bytes:
        """A file of a commit. Raises FileNotFoundError."""
        return next(self.read_many(commit, [path]))[1]

    def read_many(self, commit: str, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Files of a commit, one after the other; memory does not grow with their number."""
        prefix = f"{commit}:"
        for name, data in self._git.blobs(prefix + path for path in paths):
            yield name.removeprefix(prefix), data

    def pieces(self, commit: str, path: str) -> Iterator[bytes]:
        """A file of a commit, piece by piece. Raises FileNotFoundError."""
        return self._git.pieces(f"{commit}:{path}")

    def tags(self) -> dict[str, str]:
        """Every tag -> its commit."""
        if not self._exists():
            return {}
        listing = self._git.text("for-each-ref", "--format=%(refname:strip=2) %(objectname) %(*objectname)", "refs/tags")
        return {name: (peeled or direct) for name, direct, peeled in (f"{line} ".split(" ")[:3] for line in listing.splitlines())}

    def commit(self, change: Change, message: str, *, expected: str | None, tag: str | None = None) -> str:
        """Commit a change on top of `expected`; see GitTarget.commit."""
        self._create()
        self._check_unmoved(expected, tag)
        try:
            with tempfile.TemporaryDirectory(prefix="assay-publish-") as scratch:
                tree = self._write_tree(change, expected, Path(scratch))
        except OSError as error:
            raise PublicationError(
                f"{self.name}: cannot write ({error}); the branch is as it was. Is {tempfile.gettempdir()} full?"
            ) from error
        if expected is not None and tree == self._resolve(f"{expected}^{{tree}}"):
            return expected
        parent = () if expected is None else ("-p", expected)
        new = self._git.run("commit-tree", tree, *parent, input=message.encode()).decode().strip()
        updates = [f"update {_BRANCH_REF} {new} {expected or _NO_COMMIT}"]
        if tag is not None:
            updates.append(f"create refs/tags/{tag} {new}")
        self._update_refs(updates, expected, tag)
        return new

    def add_tag(self, name: str, commit: str) -> None:
        """Put a tag on a commit; no error if it is there already."""
        there = self._resolve(f"refs/tags/{name}")
        if there is None:
            self._update_refs([f"create refs/tags/{name} {commit}"], self.head(), None)
        elif there != commit:
            raise TagTaken(f"{self.name}: tag {name} is on commit {there}, not on {commit}")

    def message(self, commit: str) -> str:
        """The message of a commit."""
        return self._git.run("show", "--no-patch", "--format=%B", commit).decode().rstrip("\n") + "\n"

    def _create(self) -> None:
        if self._exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Made aside and renamed: there is a whole repository at the path, or none, also for a process that is killed here.
        aside = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent))
        try:
            Git(aside).run("init", "--quiet", "--bare", f"--initial-branch={BRANCH}", "--template=")
            aside.chmod(0o755)
            try:
                aside.rename(self.path)
            except OSError:
                if not self._exists():
                    raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _exists(self) -> bool:
        try:
            if not any(self.path.iterdir()):
                return False
        except FileNotFoundError:
            return False
        except NotADirectoryError:
            raise PublicationError(f"{self.path}: found a file; expected a bare Git repository, or nothing yet") from None
        except PermissionError:
            raise PublicationError(f"{self.path}: may not be read by this user; give it access to the repository") from None
        try:
            bare = self._git.text("rev-parse", "--is-bare-repository")
        except GitFailed as error:
            raise PublicationError(
                f"{self.path}: found a folder that is no repository; expected a bare one, or nothing yet ({error.stderr[:200]})"
            ) from None
        if bare != "true":
            raise PublicationError(f"{self.path}: found a repository with a working tree; expected a bare one (git clone --bare)")
        return True

    def _resolve(self, name: str) -> str | None:
        try:
            return self._git.text("rev-parse", "--verify", "--quiet", f"{name}^{{}}")
        except GitFailed as error:
            if error.returncode == 1:
                return None
            raise

    def _check_unmoved(self, expected: str | None, tag: str | None) -> None:
        head = self.head()
        if head != expected:
            raise MovedBranch(f"{self.name}: {BRANCH} is at {head or 'no commit'}; expected {expected or 'no commit'}")
        if tag is not None and (there := self._resolve(f"refs/tags/{tag}")) is not None:
            raise TagTaken(f"{self.name}: tag {tag} exists, on commit {there}")

    def _write_tree(self, change: Change, expected: str | None, scratch: Path) -> str:
        index = {"GIT_INDEX_FILE": str(scratch / "index")}
        there: dict[str, str] = {}
        if expected is not None:
            self._git.run("read-tree", expected, extra=index)
            there = self.tree(expected)
        wanted = {path: blob_id(data) for path, data in change.write.items()}
        new = {wanted[path]: path for path in change.write if there.get(path) != wanted[path]}
        self._write_blobs(new, change.write, scratch)
        lines = [f"0 {_NO_COMMIT}\t{path}\0" for path in sorted(change.remove) if path in there and path not in wanted]
        lines += [f"100644 {blob}\t{path}\0" for path, blob in sorted(wanted.items())]
        self._git.run(
            "update-index",
            "--add",
            "--replace",
            "-z",
            "--index-info",
            input="".join(lines).encode("utf-8", "surrogateescape"),
            extra=index,
        )
        return self._git.run("write-tree", extra=index).decode().strip()

    def _write_blobs(self, blobs: Mapping[str, str], files: Mapping[str, bytes], scratch: Path) -> None:
        """Store files, given by blob id and path; one at a time in memory."""
        paths = []
        for number, name in enumerate(blobs.values()):
            path = scratch / f"blob-{number}"
            path.write_bytes(files[name])
            paths.append(f"{path}\n")
        written = (
            self._git.run("hash-object", "-w", "--no-filters", "--stdin-paths", input="".join(paths).encode()).decode().split()
        )
        if written != list(blobs):
            raise PublicationError(
                f"{self.name}: git stored other bytes than were given; is it a repository with SHA-1 object names?"
            )

    def _update_refs(self, updates: list[str], expected: str | None, tag: str | None) -> None:
        commands = "\n".join(["start", *updates, "prepare", "commit", ""]).encode()
        patience = time.monotonic() + 2 * STALE_LOCK_S
        while True:
            try:
                self._git.run("update-ref", "--stdin", input=commands)
                return
            except GitFailed as error:
                self._check_unmoved(expected, tag)
                if ".lock" not in error.stderr or time.monotonic() > patience:
                    raise
            self._remove_stale_locks()
            time.sleep(0.2)

    def _remove_stale_locks(self) -> None:
        """Remove the locks on refs that a killed process left behind."""
        for lock in (self.path / "packed-refs.lock", self.path / "HEAD.lock", *(self.path / "refs").rglob("*.lock")):
            try:
                age = time.time() - lock.stat().st_mtime
                if age > STALE_LOCK_S:
                    lock.unlink()
                    log.warning("%s: removed, %.0f s old: a process that was killed had left it", lock, age)
            except FileNotFoundError:
                continue
