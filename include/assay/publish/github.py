"""A repository on GitHub as the place where a dataset is published, through the Git Data API.

A commit is: blobs for what is too large or not text, a tree with everything else inline on top of the tree that is there, one
commit, one update of the branch without force, one tag. Objects that nothing points to are harmless; the branch decides. A run
that is killed between branch and tag is completed by the next, which finds the same content and adds the tag.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from github import Auth, Github, GithubException, InputGitTreeElement
from github.GitCommit import GitCommit
from github.GitTree import GitTree
from pydantic import SecretStr

from assay.errors import PublicationError
from assay.publish.download import Downloads
from assay.publish.inline import Entry, pack, with_displaced
from assay.publish.known import KnownTrees, Tree, tree_id
from assay.publish.patience import Patience
from assay.publish.plainly import Plainly
from assay.publish.releases import GitHubReleases
from assay.publish.target import BRANCH, Change, GitTarget, MovedBranch, TagTaken, blob_id

API = "https://api.github.com"
TIMEOUT_S = 60
_TAGS, _BRANCH_REF = "refs/tags/", f"refs/heads/{BRANCH}"
_FILE, _TREE, _NORMAL = "blob", "tree", "100644"

log = logging.getLogger(__name__)


class GitHubRepository(GitTarget):
    """The repository `owner/name`. The token needs the permission `contents: write` on it, and no other."""

    def __init__(
        self,
        repository: str,
        token: SecretStr | None,
        *,
        api: str = API,
        timeout: int = TIMEOUT_S,
        known: KnownTrees | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`known`: where trees of earlier commits are looked up before GitHub is asked. `timeout`: seconds without an answer."""
        self.name = f"github.com/{repository}" if api == API else f"{api.partition('://')[2]}/{repository}"
        auth = None if token is None else Auth.Token(token.get_secret_value())
        # Pauses and retries are ours: PyGithub waits between all requests, and retries what must not be asked twice.
        self._github = Github(
            base_url=api,
            auth=auth,
            timeout=timeout,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            per_page=100,
            lazy=True,
        )
        self._repository = self._github.get_repo(repository)
        self._patiently = Patience(self.name, pause)
        self._downloads = Downloads(self._repository, self._patiently, timeout)
        self._releases = GitHubReleases(self._repository, self.name, api, token, self._patiently, timeout)
        self._refs: dict[str, str] | None = None
        self._trees: dict[str, Tree] = {}
        self._known = known

    def head(self) -> str | None:
        """The commit that the branch points to; None while there is none. Asked once until something is written or moved."""
        return self._all_refs().get(_BRANCH_REF)

    def tags(self) -> dict[str, str]:
        """Every tag -> its commit, as of the last look at the branch."""
        return {name.removeprefix(_TAGS): commit for name, commit in self._all_refs().items() if name.startswith(_TAGS)}

    def tree(self, commit: str, folder: str = "") -> dict[str, str]:
        """Every file below a folder of a commit: full path -> blob id."""
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        return {path: blob for path, blob in self._listed(commit).files.items() if path.startswith(prefix)}

    def _listed(self, commit: str) -> Tree:
        if commit not in self._trees:
            known = None if self._known is None else self._known.find(commit)
            if known is None:
                known = self._list(commit)
                if self._known is not None:
                    self._known.keep(commit, known)
            self._trees = {commit: known}
        return self._trees[commit]

    def read(self, commit: str, path: str) -> bytes:
        """A file of a commit. Raises FileNotFoundError."""
        return next(self.read_many(commit, [path]))[1]

    def read_many(self, commit: str, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Files of a commit: few by themselves, many by one download of the whole commit."""
        tree, wanted = self.tree(commit), list(paths)
        missing = next((path for path in wanted if path not in tree), None)
        known = [path for path in wanted if path in tree]
        with self._plainly("read files"):
            self._downloads.fetch(commit, [tree[path] for path in known])
            for path in wanted:
                if path == missing:
                    raise FileNotFoundError(f"{self.name}: {path} is not in commit {commit}")
                yield path, self._downloads.blob(tree[path])

    def pieces(self, commit: str, path: str) -> Iterator[bytes]:
        """A file of a commit, piece by piece. Raises FileNotFoundError."""
        tree = self.tree(commit)
        if path not in tree:
            raise FileNotFoundError(f"{self.name}: {path} is not in commit {commit}")
        with self._plainly("read a file"):
            self._downloads.fetch(commit, [tree[path]])
            yield from self._downloads.pieces(tree[path])

    def commit(self, change: Change, message: str, *, expected: str | None, tag: str | None = None) -> str:
        """Commit a change on top of `expected`; see GitTarget.commit."""
        self._check_unmoved(expected, tag)
        there = {} if expected is None else self.tree(expected)
        wanted = {path: blob_id(data) for path, data in change.write.items()}
        write = {path: data for path, data in change.write.items() if there.get(path) != wanted[path]}
        remove = {path for path in change.remove if path in there and path not in wanted}
        if expected is not None and not write and not remove:
            return expected
        with self._plainly("commit"):
            if expected is None and not self._all_refs():
                expected, write = self._first_commit(write, message)
            new = (
                expected
                if expected is not None and not write and not remove
                else self._commit(write, remove, message, expected, there)
            )
            if new != expected:
                self._move_branch(new, expected)
            self._refs = None
            if tag is not None:
                self._tag(tag, new)
        return new

    def add_tag(self, name: str, commit: str) -> None:
        """Put a tag on a commit; no error if it is there already."""
        with self._plainly("tag"):
            there = self.tags().get(name)
            if there is None:
                self._tag(name, commit)
            elif there != commit:
                raise TagTaken(f"{self.name}: tag {name} is on commit {there}, not on {commit}")

    def message(self, commit: str) -> str:
        """The message of a commit."""
        with self._plainly("read a commit"):
            return str(self._get(f"/git/commits/{commit}")["message"])

    def release(self, tag: str, title: str, notes: str) -> None:
        """Make the release of a tag, which may be younger than the last look; see GitTarget.release."""
        if tag not in self.tags():
            self._refs = None
        super().release(tag, title, notes)

    def _all_refs(self) -> dict[str, str]:
        if self._refs is None:
            with self._plainly("look at the branch"):
                try:
                    found = self._patiently("look at the branch", lambda: list(self._repository.get_git_matching_refs("")))
                except GithubException as error:
                    if error.status != 409:  # what an empty repository answers
                        raise
                    found = []
                self._refs = {ref.ref: self._peeled(ref.object.type, ref.object.sha) for ref in found}
        return self._refs

    def _peeled(self, kind: str, sha: str) -> str:
        """The commit behind an annotated tag; ours point to their commits themselves."""
        return self._get(f"/git/tags/{sha}")["object"]["sha"] if kind == "tag" else sha

    def _list(self, commit: str) -> Tree:
        with self._plainly("list files"):
            top, files = self._walk(commit)
        return Tree(tree_id(top), files)

    def _walk(self, tree: str) -> tuple[list[dict[str, str]], dict[str, str]]:
        """What is in a tree itself, and every file below it; a listing that is cut is read folder by folder."""
        answer = self._get(f"/git/trees/{tree}", recursive="1")
        if not answer.get("truncated"):
            files = {entry["path"]: entry["sha"] for entry in answer["tree"] if entry["type"] != _TREE}
            return [entry for entry in answer["tree"] if "/" not in entry["path"]], files
        top = self._get(f"/git/trees/{tree}")["tree"]
        files = {entry["path"]: entry["sha"] for entry in top if entry["type"] != _TREE}
        for entry in (entry for entry in top if entry["type"] == _TREE):
            files |= {f"{entry['path']}/{path}": blob for path, blob in self._walk(entry["sha"])[1].items()}
        return top, files

    def _commit(
        self, write: Mapping[str, bytes], remove: Iterable[str], message: str, expected: str | None, there: Mapping[str, str]
    ) -> str:
        packed = pack(write, {*there.values()})
        for blob, path in packed.blobs.items():
            self._send(path, write[path], blob)
        gone = [InputGitTreeElement(path, _NORMAL, _FILE, sha=None) for path in sorted(with_displaced(remove, write, there))]
        requester = self._repository.requester
        base = None if expected is None else GitTree(requester, {}, {"sha": self._listed(expected).root})
        for entries in packed.trees:
            base = self._write_tree(gone + [_element(entry, write) for entry in entries], base)
            gone = []
        assert base is not None  # there is one tree at least
        tree = base
        parents = [] if expected is None else [GitCommit(requester, {}, {"sha": expected})]
        return self._patiently("write the commit", lambda: self._repository.create_git_commit(message, tree, parents)).sha

    def _write_tree(self, elements: list[InputGitTreeElement], base: GitTree | None) -> GitTree:
        on_top: dict[str, Any] = {} if base is None else {"base_tree": base}
        return self._patiently("write the tree", lambda: self._repository.create_git_tree(elements, **on_top))

    def _send(self, path: str, data: bytes, blob: str) -> None:
        encoded = base64.b64encode(data).decode()
        stored = self._patiently(f"send {path}", lambda: self._repository.create_git_blob(encoded, "base64")).sha
        if stored != blob:
            raise PublicationError(f"{self.name}: {path} was stored as {stored}; sent was {blob}. Nothing was published.")

    def _first_commit(self, write: dict[str, bytes], message: str) -> tuple[str, dict[str, bytes]]:
        """An empty repository takes no objects: its first commit is one file, and the rest follows as any other change."""
        path = "README.md" if "README.md" in write else min(write)
        encoded = base64.b64encode(write[path]).decode()
        try:
            answer = self._patiently(
                "write the first file",
                lambda: self._repository.requester.requestJsonAndCheck(
                    "PUT",
                    f"{self._repository.url}/contents/{quote(path)}",
                    input={"message": message, "content": encoded, "branch": BRANCH},
                ),
            )
        except GithubException as error:
            self._refs = None
            if error.status in (409, 422) and self.head() is not None:
                self._raise_moved(None)
            raise
        self._refs = None
        made = answer[1]["commit"]
        self._trees = {str(made["sha"]): Tree(str(made["tree"]["sha"]), {path: blob_id(write[path])})}
        return str(made["sha"]), {name: data for name, data in write.items() if name != path}

    def _move_branch(self, new: str, expected: str | None) -> None:
        try:
            if expected is None:
                self._patiently("make the branch", lambda: self._repository.create_git_ref(_BRANCH_REF, new))
            else:
                self._patiently("move the branch", lambda: self._patch_branch(new))
        except GithubException as error:
            self._refs = None
            if error.status not in (409, 422):
                raise
            # Refused, or moved already by an attempt whose answer was lost: the branch itself says which.
            if self.head() != new:
                self._raise_moved(expected)

    def _patch_branch(self, new: str) -> None:
        url = f"{self._repository.url}/git/{_BRANCH_REF}"
        self._repository.requester.requestJsonAndCheck("PATCH", url, input={"sha": new, "force": False})

    def _tag(self, name: str, commit: str) -> None:
        try:
            self._patiently("tag", lambda: self._repository.create_git_ref(f"{_TAGS}{name}", commit))
        except GithubException as error:
            self._refs = None
            if error.status != 422 or self.tags().get(name) is None:
                raise
            if (there := self.tags()[name]) != commit:
                raise TagTaken(f"{self.name}: tag {name} is on commit {there}, not on {commit}") from None
        finally:
            self._refs = None

    def _check_unmoved(self, expected: str | None, tag: str | None) -> None:
        if self.head() != expected:
            self._raise_moved(expected)
        if tag is not None and (there := self.tags().get(tag)) is not None:
            self._refs = None
            raise TagTaken(f"{self.name}: tag {tag} exists, on commit {there}")

    def _raise_moved(self, expected: str | None) -> None:
        self._refs = None
        head = self.head()
        raise MovedBranch(f"{self.name}: {BRANCH} is at {head or 'no commit'}; expected {expected or 'no commit'}")

    def _get(self, path: str, **parameters: str) -> Any:
        url = f"{self._repository.url}{path}"
        return self._patiently(
            f"read {path.split('/')[2]}", lambda: self._repository.requester.requestJsonAndCheck("GET", url, parameters)
        )[1]

    def _plainly(self, what: str) -> Plainly:
        return Plainly(self.name, what)


def _element(entry: Entry, write: Mapping[str, bytes]) -> InputGitTreeElement:
    if not entry.inline:
        return InputGitTreeElement(entry.path, _NORMAL, _FILE, sha=entry.blob)
    return InputGitTreeElement(entry.path, _NORMAL, _FILE, content=write[entry.path].decode())
