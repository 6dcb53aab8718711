"""What GitHub refuses, said to people."""

from __future__ import annotations

from github import GithubException

from assay.errors import PublicationError


class Plainly:
    """In a `with`: what GitHub refuses, as one sentence that says what to do; never the request, whose headers hold the token."""

    def __init__(self, where: str, what: str) -> None:
        self._where, self._what = where, what

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, GithubException):
            return
        said = error.data.get("message", "") if isinstance(error.data, dict) else ""
        advice = {
            401: "the token is not valid: set ASSAY_GITHUB_TOKEN to a new one",
            403: "the token may not: it needs the permission `contents: write` on this repository",
            404: "there is no such repository, or the token may not see it: check ASSAY_GITHUB_REPOSITORY and the token",
        }.get(error.status, "nothing was published; publish again")
        raise PublicationError(f"{self._where}: {self._what}: HTTP {error.status} {said[:200]!r}; {advice}") from None
