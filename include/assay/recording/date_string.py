"""The name of a session's folder: `20240229_161221`, the local time of the lab at which the recording began."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FIRST_YEAR, LAST_YEAR = 1970, 2199

_FORM = re.compile(r"[0-9]{8}_[0-9]{6}")
_TEXT = "%Y%m%d_%H%M%S"


class Clock(StrEnum):
    """What the lab's clocks showed at a local time: once, twice (set back in autumn) or never (set forward in spring)."""

    ONCE = "once"
    TWICE = "twice"
    NEVER = "never"


@dataclass(frozen=True)
class Moment:
    """A local time as UTC, and how often the clocks showed it; of two moments it is the first."""

    utc: datetime
    shown: Clock


def parse_date_string(text: str) -> datetime:
    """The local time that a folder's name states, without a zone.

    Raises ValueError, with what was expected, unless the text is a real date and time: `20240229_161221` is one,
    `20210229_161221` is not, since 2021 had no 29 February.
    """
    if not _FORM.fullmatch(text):
        raise ValueError(f"found {text[:80]!r}; expected eight digits, '_' and six digits, as in 20240229_161221")
    try:
        found = datetime.strptime(text, _TEXT)  # noqa: DTZ007 - the lab's zone is a setting, the label has none
    except ValueError as error:
        raise ValueError(f"found {text!r}, which is no real date and time ({error})") from None
    # strptime takes 60 and 61 as seconds and gives the next minute.
    if format_date_string(found) != text or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"found {text!r}; expected a time of the years {FIRST_YEAR} to {LAST_YEAR}, with seconds of 00 to 59")
    return found


def format_date_string(local: datetime) -> str:
    """The reverse of `parse_date_string`."""
    return f"{local.year:04d}{local:%m%d_%H%M%S}"


def time_zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises ValueError with an example."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"time zone: found {name[:80]!r}; expected an IANA name such as Europe/Berlin or UTC") from None


def in_utc(local: datetime, zone: ZoneInfo) -> Moment:
    """A local time of the lab as UTC. Where the clocks showed it twice, the first; where never, as if they were not set yet."""
    early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early == late:
        return Moment(early, Clock.ONCE)
    back = early.astimezone(zone).replace(tzinfo=None)
    return Moment(early, Clock.TWICE if abs(back - local) < timedelta(seconds=1) else Clock.NEVER)
