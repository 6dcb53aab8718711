"""Which repository a dataset is published to: the settings say."""

from __future__ import annotations

import re

from assay.errors import PublicationError
from assay.publish.known import KnownTrees
from assay.publish.local import LocalRepository
from assay.publish.target import GitTarget
from assay.settings import Settings
from assay.storage import Storage

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")


def open_repository(settings: Settings, dataset: str, storage: Storage | None = None) -> GitTarget:
    """The GitHub repository of the settings, or else the local one. Nothing is asked of it yet.

    `storage`: where it is noted what the repository has shown, which saves asking for it again.

    Raises PublicationError if the settings name no GitHub repository for this dataset, or one without a token.
    """
    if settings.github_repository is None:
        return LocalRepository(settings.git_repository(dataset))
    name = settings.github_repository.replace("{dataset}", dataset)
    if not _NAME.fullmatch(name):
        raise PublicationError(f"ASSAY_GITHUB_REPOSITORY: found {settings.github_repository!r}; expected owner/name")
    if name == settings.github_repository and dataset != settings.dataset:
        raise PublicationError(
            f"ASSAY_GITHUB_REPOSITORY: {name} is for the dataset {settings.dataset!r}; for {dataset!r} too, write the name with "
            "`{dataset}`, as in owner/benchmarks-{dataset}"
        )
    if settings.github_token is None:
        raise PublicationError(f"publishing to {name} needs a token: set ASSAY_GITHUB_TOKEN (contents: write on that repository)")
    # Only here: what publishes locally needs neither PyGithub nor what it imports.
    from assay.publish.github import GitHubRepository

    known = None if storage is None else KnownTrees(storage, f"{settings.github_api} {name}")
    return GitHubRepository(name, settings.github_token, api=settings.github_api, known=known)
