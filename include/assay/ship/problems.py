"""What can go wrong with sending: now, and for good."""

from __future__ import annotations

from assay.errors import AssayError


class Unsent(AssayError):
    """Sending did not work this time: no network, a server that is busy or down. Trying again is right."""

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class Refused(AssayError):
    """The server, or the validator, will not take it; trying the same again changes nothing. A person has to look."""
