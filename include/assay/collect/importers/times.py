"""Times that a source states, as UTC; none is guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(2006, 8, 1, tzinfo=UTC)
"""EC2 opened in August 2006; an earlier start is a clock or a field that was never set."""

LONGEST = timedelta(days=7)
"""No run of a known source lasts longer; an end beyond that is not believed."""


def instant(text: object, *, zone: bool = True) -> datetime | None:
    """An ISO 8601 instant as UTC to the second, or None where the text is none.

    `zone`: whether the text must say its offset; without, it is UTC because the source documents that.
    """
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            if zone:
                return None
            moment = moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def believable_start(moment: datetime | None) -> bool:
    """Whether a session may have started then; the future is judged later, against the clock of the check."""
    return moment is not None and moment >= EARLIEST and moment.year < 9999


def believable_end(start: datetime, end: datetime | None) -> datetime:
    """The stated end if it lies in a believable span after the start, else the start."""
    return end if end is not None and start <= end <= start + LONGEST else start
