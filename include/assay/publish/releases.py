"""Releases on GitHub: one for each snapshot's tag, with files attached to it, streamed from and to disk.

An upload that broke off can leave an asset in the state "starter" under its name: it is no file, and is deleted before the next
attempt. Uploads go to a host of their own (uploads.github.com), which the release names.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from github import GithubException
from github.Repository import Repository
from pydantic import SecretStr

from assay.errors import PublicationError
from assay.publish.arriving import arriving
from assay.publish.patience import Patience
from assay.publish.plainly import Plainly
from assay.publish.target import Attached, Releases, attachable, file_sha256, require_same

PAGE = 100
_WHOLE = "uploaded"
_CHUNK = 1024 * 1024

Asset = dict[str, Any]
"""A release or an asset, as GitHub describes it."""


class GitHubReleases(Releases):
    """The releases of a repository. Raises PublicationError when GitHub refuses."""

    def __init__(
        self, repository: Repository, name: str, api: str, token: SecretStr | None, patiently: Patience, timeout: int
    ) -> None:
        self._repository, self._name, self._api = repository, name, api
        self._patiently, self._timeout = patiently, timeout
        self._session = requests.Session()
        self._session.auth = _Token(token)  # also keeps what ~/.netrc says of these hosts out of it

    def make(self, tag: str, title: str, notes: str) -> None:
        """Make the release of a tag that exists, unless there is one."""
        with self._plainly(f"make release {tag}"):
            self._patiently(f"make release {tag}", lambda: self._make(tag, title, notes))

    def attach(self, tag: str, name: str, path: Path, sha256: str) -> None:
        """Attach a file; see GitTarget.attach."""
        size = attachable(name, path, sha256)
        with self._plainly(f"attach {name} to {tag}"):
            # Asked again as a whole: a broken attempt may have left a file, or a part of one, which comes to light by looking.
            self._patiently(f"attach {name} to {tag}", lambda: self._attach(tag, name, path, Attached(size, sha256)))

    def attached(self, tag: str) -> dict[str, Attached]:
        """The whole files of a release by name."""
        with self._plainly(f"list the files of {tag}"):
            assets = self._patiently(f"list the files of {tag}", lambda: self._assets(self._find(tag)))
        return {asset["name"]: _about(asset) for asset in assets if asset["state"] == _WHOLE}

    def fetch(self, tag: str, name: str, into: Path) -> None:
        """Write an attached file to a path; see GitTarget.fetch_attached."""
        with self._plainly(f"fetch {name} of {tag}"):
            self._patiently(f"fetch {name} of {tag}", lambda: self._fetch(tag, name, into))

    def _make(self, tag: str, title: str, notes: str) -> None:
        if self._find(tag) is not None:
            return
        try:
            # "legacy": the newest commit's release is the latest one, also where an older one is made afterwards.
            self._ask("POST", "/releases", {"tag_name": tag, "name": title, "body": notes, "make_latest": "legacy"})
        except GithubException as error:
            if error.status != 422 or self._find(tag) is None:  # made by somebody else meanwhile, or by an attempt before
                raise

    def _find(self, tag: str) -> Asset | None:
        try:
            return dict(self._ask("GET", f"/releases/tags/{quote(tag, safe='')}"))
        except GithubException as error:
            if error.status == 404:
                return None
            raise

    def _assets(self, release: Asset | None) -> list[Asset]:
        found: list[Asset] = []
        page = 0
        while release is not None and len(found) == page * PAGE:
            page += 1
            found += self._ask("GET", f"/releases/{release['id']}/assets?per_page={PAGE}&page={page}")
        return found

    def _delete(self, asset: Asset) -> None:
        self._ask("DELETE", f"/releases/assets/{asset['id']}")

    def _attach(self, tag: str, name: str, path: Path, wanted: Attached) -> None:
        release = self._find(tag)
        if release is None:
            raise PublicationError(f"{self._name}: there is no release {tag} to attach {name} to; publish the snapshot first")
        there = next((asset for asset in self._assets(release) if asset["name"] == name), None)
        if there is not None and there["state"] == _WHOLE:
            self._require_same(there, wanted, tag)
            return
        if there is not None:
            self._delete(there)
        stored = self._upload(str(release["upload_url"]), name, path)
        # Older servers say no digest: then the size is what can be compared, and fetching proves the rest.
        found = _about(stored)
        whole = (stored["name"], stored["state"], found.bytes) == (name, _WHOLE, wanted.bytes)
        if not whole or found.sha256 not in (None, wanted.sha256):
            self._delete(stored)
            raise GithubException(502, {"message": f"{name} arrived as {stored['name']}, {found}; sent was {wanted}"}, {})

    def _require_same(self, there: Asset, wanted: Attached, tag: str) -> None:
        found = _about(there)
        if found.sha256 is None and found.bytes == wanted.bytes:
            with tempfile.TemporaryDirectory(prefix="assay-github-") as folder:
                part = Path(folder) / "asset"
                self._download(there, part)
                found = Attached(part.stat().st_size, file_sha256(part))
        require_same(self._name, tag, str(there["name"]), found, wanted)

    def _upload(self, template: str, name: str, path: Path) -> Asset:
        url = template.partition("{")[0]
        if not is_upload_host(url, self._api):
            raise PublicationError(
                f"{self._name}: files are to be sent to {urlsplit(url).netloc}, which is no host of {self._api}; nothing was sent"
            )
        with path.open("rb") as stream:  # requests sends a file as it reads it, with its length
            answer = self._session.post(
                url,
                params={"name": name},
                data=stream,
                headers={"Content-Type": "application/octet-stream", "Accept": "application/vnd.github+json"},
                timeout=self._timeout,
                allow_redirects=False,
            )
        return dict(_checked(answer, 201).json())

    def _fetch(self, tag: str, name: str, into: Path) -> None:
        assets = self._assets(self._find(tag))
        found = next((asset for asset in assets if asset["name"] == name and asset["state"] == _WHOLE), None)
        if found is None:
            raise FileNotFoundError(f"{self._name}: release {tag} has no file {name}")
        about = _about(found)
        with arriving(into) as part:
            self._download(found, part)
            size, digest = part.stat().st_size, file_sha256(part)
            if size != about.bytes or about.sha256 not in (None, digest):
                raise GithubException(502, {"message": f"{name} came with {size} bytes, SHA-256 {digest}; expected {about}"}, {})

    def _download(self, asset: Asset, into: Path) -> None:
        wanted = {"Accept": "application/octet-stream"}
        url = f"{self._repository.url}/releases/assets/{asset['id']}"
        answer = self._session.get(
            f"{self._api}{url}" if url.startswith("/") else url,
            headers=wanted,
            stream=True,
            timeout=self._timeout,
            allow_redirects=False,
        )
        if answer.is_redirect:
            # To a storage host, with a signed address: the token stays here.
            answer.close()
            answer = requests.get(answer.headers["Location"], stream=True, timeout=self._timeout)
        with _checked(answer, 200), into.open("wb") as stream:
            for chunk in answer.iter_content(_CHUNK):
                stream.write(chunk)

    def _ask(self, verb: str, path: str, given: dict[str, Any] | None = None) -> Any:
        return self._repository.requester.requestJsonAndCheck(verb, f"{self._repository.url}{path}", input=given)[1]

    def _plainly(self, what: str) -> Plainly:
        return Plainly(self._name, what)


class _Token(requests.auth.AuthBase):
    def __init__(self, token: SecretStr | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"token {self._token.get_secret_value()}"
        return request


def is_upload_host(url: str, api: str) -> bool:
    """Whether an address is one of the host of the API, or of its sibling: uploads.github.com of api.github.com.

    What is sent there carries the token, so the server's word alone is not enough.
    """
    there, ours = urlsplit(url), urlsplit(api)
    if there.scheme != ours.scheme or there.hostname is None or ours.hostname is None:
        return False
    if there.hostname == ours.hostname:
        return there.port == ours.port
    domain = ours.hostname.removeprefix("api.")
    return domain != ours.hostname and there.hostname.endswith(f".{domain}")


def _checked(answer: requests.Response, expected: int) -> requests.Response:
    if answer.status_code == expected:
        return answer
    try:
        said = answer.json()
    except requests.JSONDecodeError:
        said = None
    raise GithubException(answer.status_code, said, dict(answer.headers))


def _about(asset: Asset) -> Attached:
    algorithm, _, value = str(asset.get("digest") or "").partition(":")
    return Attached(int(asset["size"]), value if algorithm == "sha256" else None)
