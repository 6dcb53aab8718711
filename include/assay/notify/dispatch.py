"""A GitHub `repository_dispatch`, which starts the workflows of another repository that wait for `snapshot.published`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from github import Auth, Github, GithubException
from pydantic import SecretStr

from assay.errors import PublicationError
from assay.notify.event import EVENT, Event, NotDelivered
from assay.publish.patience import Patience

TIMEOUT_S = 30


def send(
    event: Event, repository: str, token: SecretStr | None, *, api: str, pause: Callable[[float], None] = time.sleep
) -> None:
    """Dispatch the event to `owner/name`. The token needs `contents: write` there. Raises NotDelivered."""
    if token is None:
        raise NotDelivered(f"{repository}: no token; set ASSAY_DISPATCH_TOKEN (contents: write on that repository)")
    github = Github(
        base_url=api,
        auth=Auth.Token(token.get_secret_value()),
        timeout=TIMEOUT_S,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        lazy=True,
    )
    asked = {"event_type": EVENT, "client_payload": event.payload()}
    try:
        target = github.get_repo(repository)
        # Not `create_repository_dispatch`: it gives False for every error and keeps to itself which.
        call = partial(target.requester.requestJsonAndCheck, "POST", f"{target.url}/dispatches", input=asked)
        Patience(repository, pause)("dispatch", call)
    except GithubException as error:
        advice = " (the token needs contents: write there)" if error.status in (401, 403, 404) else ""
        raise NotDelivered(f"{repository}: HTTP {error.status}{advice}") from None
    except PublicationError as error:
        raise NotDelivered(str(error)) from None
    finally:
        github.close()
