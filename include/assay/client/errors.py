"""What the client raises. Every one is an AssayError with a message that says what to do."""

from __future__ import annotations

from assay.errors import AssayError


class ClientError(AssayError):
    """Base of what goes wrong while a published dataset is read."""


class NotPublished(ClientError):
    """The host answers, and there is no such document, snapshot, type or metric."""


class Unreachable(ClientError):
    """The host does not answer, or not in time, or with an error, after every attempt."""


class NotCached(ClientError):
    """Offline, and no copy on this disk."""


class Corrupt(ClientError):
    """Bytes that are not those that the manifest names, or no JSON, or larger than the limit."""


class Superseded(ClientError):
    """A new snapshot was published while the dataset was open; open it again."""
