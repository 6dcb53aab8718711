"""How a machine is named on EC2 and in storage, so that it can be found again by whoever looks, without our own state."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from assay.session import format_time, parse_time

RUN, SLOT, ATTEMPT, OWNER, DEADLINE = "assay:run", "assay:slot", "assay:attempt", "assay:owner", "assay:deadline"
"""Keys of the tags."""

ORIGIN = "assay:origin"
"""Key of the tag that says what the run is called where it was started, where a tag can say it."""

INCOMING = "incoming"
"""Where machines may write: `incoming/<run>/<slot>/<attempt>/`, each below its own prefix and nowhere else."""

PROGRESS, ARCHIVE, PARTIAL, LOG = "progress.json", "session.tar", "partial.tar", "boot.log"
"""What a machine puts there, beside the manifest, which is the last of all."""

_MAX_RUN = 60
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{1,256}", re.ASCII)


def run_name(run: str) -> str:
    """The name of a run for tags and keys: letters, digits, dot, dash; two runs never have the same."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", run).strip("-.") or "run"
    if plain == run and len(run) <= _MAX_RUN:
        return run
    return f"{plain[:_MAX_RUN]}-{hashlib.sha256(run.encode()).hexdigest()[:8]}"


def inbox(run: str, slot: str, attempt: int) -> str:
    """The prefix that one machine may write below, with a trailing slash. `run`: as `run_name` gives it."""
    return f"{INCOMING}/{run}/{slot}/{attempt}/"


def client_token(run: str, slot: str, attempt: int, place: str, market: str) -> str:
    """The same for the same machine, 64 characters: EC2 then starts it once, however often it is asked."""
    return hashlib.sha256("\n".join((run, slot, str(attempt), place, market)).encode()).hexdigest()


def machine_tags(run: str, slot: str, attempt: int, owner: str, deadline: datetime, origin: str = "") -> dict[str, str]:
    """The tags of a machine and its volume."""
    said = {ORIGIN: origin} if _TAG_VALUE.fullmatch(origin) else {}
    return said | {
        "Name": f"assay {slot}",
        RUN: run,
        SLOT: slot,
        ATTEMPT: str(attempt),
        OWNER: owner,
        DEADLINE: format_time(deadline),
    }


def read_deadline(tags: Mapping[str, str]) -> datetime | None:
    """When a machine must be gone, by its tags; None where they do not say."""
    try:
        return parse_time(tags.get(DEADLINE, ""))
    except ValueError:
        return None
