"""What downstream is told of a snapshot: the same bytes at every try, with an id to recognise them by."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass

import orjson

EVENT = "snapshot.published"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "assay:deliveries")


@dataclass(frozen=True)
class Event:
    """A published snapshot: its dataset, name, commit, content digest (SHA-256), and where its repository can be read.

    `base_url` is empty where no address is known; below it lie the paths of the repository (`data/processed/latest/...`).
    """

    dataset: str
    snapshot: str
    commit: str
    content_digest: str
    base_url: str

    @property
    def delivery(self) -> str:
        """The id of the notification: the same for the same snapshot, so that one that comes twice can be told from a new one."""
        return str(uuid.uuid5(_SPACE, f"{self.dataset}\n{self.snapshot}\n{self.commit}"))

    def payload(self) -> dict[str, str]:
        """The fields of the notification."""
        return {"event": EVENT, "delivery": self.delivery, **asdict(self)}

    def body(self) -> bytes:
        """The notification as JSON; the same event gives the same bytes."""
        return orjson.dumps(self.payload(), option=orjson.OPT_SORT_KEYS)


class NotDelivered(Exception):
    """The other side was not told. The message says why, in words that hold no secret."""
