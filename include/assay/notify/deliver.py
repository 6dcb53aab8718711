"""Tells every configured channel of the snapshots that it was not told of yet, in their order.

A failure never unpublishes anything: it is noted in the ledger, and the next run tries again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assay.database.words import DeliveryState, SnapshotState
from assay.notify import sns, webhook
from assay.notify.event import Event, NotDelivered
from assay.settings import Settings
from assay.workspace import Workspace

LOCK = "notify"
MAX_PENDING = 20
"""The most notifications that a channel gets in one run: of what is older than the newest so many, nobody is told any more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """What a run did: `snapshot: channel` of each notification that arrived, and why others did not."""

    delivered: tuple[str, ...]
    failed: tuple[str, ...]


def notify_downstream(workspace: Workspace, pause: Callable[[float], None] = time.sleep) -> Told:
    """Deliver what is pending. Only snapshots that were read back well are told of; a channel that fails is left for this run."""
    settings = workspace.settings
    delivered: list[str] = []
    failed: list[str] = []
    with workspace.ledger.lock(LOCK):
        found = workspace.ledger.deliveries()
        pending = found[
            (found["state"] == DeliveryState.PENDING.value) & (found["snapshot_state"] == SnapshotState.PUBLISHED.value)
        ]
        for channel in settings.channels:
            for row in pending[pending["channel"] == channel].tail(MAX_PENDING).itertuples():
                event = _event(settings, workspace.dataset, row)
                error = _send(settings, channel, event, pause)
                workspace.ledger.note_delivery(event.snapshot, channel, error)
                if error:
                    log.warning("snapshot %s is published; %s could not be told: %s", event.snapshot, channel, error)
                    failed.append(f"{event.snapshot}: {channel}: {error}")
                    break
                log.info("snapshot %s: told %s, delivery %s", event.snapshot, channel, event.delivery)
                delivered.append(f"{event.snapshot}: {channel}")
    return Told(tuple(delivered), tuple(failed))


def _event(settings: Settings, dataset: str, row: Any) -> Event:
    return Event(dataset, row.name, row.commit, row.content_digest, settings.base_url(dataset, row.commit))


def _send(settings: Settings, channel: str, event: Event, pause: Callable[[float], None]) -> str:
    """Why it failed; empty if it did not."""
    try:
        if channel == "webhook" and settings.webhook_url is not None:
            webhook.send(event, settings.webhook_url, settings.webhook_secret, pause)
        elif channel == "dispatch" and settings.dispatch_repository is not None:
            from assay.notify import dispatch  # PyGithub takes its time

            token = settings.dispatch_token or settings.github_token
            dispatch.send(event, settings.dispatch_repository, token, api=settings.github_api, pause=pause)
        elif channel == "sns" and settings.sns_topic is not None:
            sns.send(event, settings.sns_topic)
    except NotDelivered as error:
        return str(error) or "no reason was given"
    return ""
