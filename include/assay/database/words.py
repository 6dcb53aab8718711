"""The words that the ledger writes into its tables."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a session stands on its path."""

    ARRIVED = "arrived"
    VERIFIED = "verified"
    READ = "read"
    JUDGED = "judged"


class Verdict(StrEnum):
    """The outcome for a session: of all rules, or (`rejected`, and accepted against a rule) of a person's decision."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_WARNINGS = "accepted with warnings"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


class Decision(StrEnum):
    """What a person may decide about a session."""

    RELEASED = "released"
    REJECTED = "rejected"


class Answer(StrEnum):
    """What became of the question whether a snapshot may be published."""

    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"


class SnapshotState(StrEnum):
    """Where a snapshot stands: built, committed to the target, read back and proven; or read back and found to be another."""

    BUILDING = "building"
    COMMITTED = "committed"
    PUBLISHED = "published"
    DAMAGED = "damaged"


class DeliveryState(StrEnum):
    """Where the notification about a snapshot stands. What failed is tried again by the next run."""

    PENDING = "pending"
    DELIVERED = "delivered"


class UploadState(StrEnum):
    """Where a session stands that a lab brings: announced, or complete in raw storage."""

    ANNOUNCED = "announced"
    COMPLETE = "complete"


class ProcessingState(StrEnum):
    """What became of a raw file of a recording in a processor."""

    DONE = "done"
    FAILED = "failed"


class MachineState(StrEnum):
    """Where a machine of the fleet stands with its session; whether it still runs is another matter (`ended_at`)."""

    PLANNED = "planned"
    NOT_STARTED = "not started"
    LAUNCHED = "launched"
    BOOTED = "booted"
    RUNNING = "running"
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    STORED = "stored"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    LOST = "lost"
    ENDED = "ended"


REPORTED = (MachineState.BOOTED, MachineState.RUNNING, MachineState.UPLOADING, MachineState.UPLOADED)
"""What the agent on a machine reports on its way."""

OPEN = (MachineState.PLANNED, MachineState.LAUNCHED, *REPORTED[:-1])
"""From here something is still to come."""

STAGES = ("verify", "read", "check", "preprocess")
SEVERITIES = ("warning", "quarantine")
FINDING_COLUMNS = ("session", "rule", "severity", "file", "value", "expected", "message")
"""As in assay.check.rule, which this room must not import; a test holds the two together."""
