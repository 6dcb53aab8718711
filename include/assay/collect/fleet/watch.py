"""Where the machines of a run stand: one look at EC2 and at storage for all of them, and a judgement of each."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from assay.collect.ec2.client import ec2_client
from assay.collect.ec2.failure import FailureClass, state_class
from assay.collect.ec2.inventory import Machine, list_machines
from assay.collect.fleet.launch import SPARE_LIFE_MINUTES, Launched
from assay.collect.fleet.names import INCOMING, PROGRESS, RUN
from assay.errors import TooLarge
from assay.session import MANIFEST_NAME
from assay.storage import Storage

MAX_PROGRESS_BYTES = 16 * 1024
UNSEEN = timedelta(seconds=60)
"""A machine that was just started may not be listed by EC2 yet."""

_ENDED = ("shutting-down", "terminated", "stopping", "stopped")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """One look at a run in one region. `machines` by instance id; `keys`: what lies in storage below the run's inboxes."""

    machines: Mapping[str, Machine]
    keys: frozenset[str]
    at: datetime


@dataclass(frozen=True)
class Standing:
    """Where one machine stands: `state` as the agent reports it, `says` in a sentence; `outcome` once nothing more is to come.

    `reported`: the agent's own word for it, empty where only EC2 says the state; `outcome`: `uploaded`, or a FailureClass.
    """

    state: str
    says: str
    outcome: str = ""
    reported: str = ""


def look(storage: Storage, run: str, region: str) -> View:
    """One look. EC2 is asked before storage, so that who has ended without a manifest in the view never had one.

    Raises AwsUnavailable, StorageError."""
    machines = {machine.instance_id: machine for machine in list_machines(ec2_client(region), {RUN: run})}
    at = datetime.now(UTC)
    return View(machines, frozenset(found.key for found in storage.list(f"{INCOMING}/{run}")), at)


def read_progress(storage: Storage, launched: Launched) -> dict[str, Any]:
    """What the agent reported last; empty where it has not reported. What cannot be read is told in the log and ignored."""
    try:
        told = json.loads(storage.read(launched.prefix + PROGRESS, limit=MAX_PROGRESS_BYTES))
    except FileNotFoundError:
        return {}
    except (ValueError, TooLarge, RecursionError) as error:
        log.warning("%s: its progress cannot be read: %s", launched.slot, error)
        return {}
    return told if isinstance(told, dict) else {}


def judge(launched: Launched, view: View, progress: Mapping[str, Any]) -> Standing:
    """Where a machine stands, from one view and its last report. Pure."""
    machine = view.machines.get(launched.instance_id)
    state = str(progress.get("state", ""))[:20] or (machine.state if machine else "starting")
    says = _sentence(launched, state, progress)
    if launched.prefix + MANIFEST_NAME in view.keys:
        return Standing("uploaded", f"{launched.slot}: uploaded", "uploaded")
    if state == "failed":
        text = str(progress.get("text", ""))[:500]
        return Standing(state, f"{launched.slot}: the agent gave up: {text}", FailureClass.CHECK_FAILED)
    if state == "interrupted":
        # A machine that reaches the end of its life stops its agent just as an interruption does.
        late = view.at > launched.deadline_at - timedelta(minutes=SPARE_LIFE_MINUTES)
        kind = FailureClass.COMMAND_TIMEOUT if late else FailureClass.INTERRUPTED
        return Standing(state, f"{launched.slot}: the agent was stopped before it had finished", kind)
    if machine is None:
        if view.at - _moment(launched.launched_at) < UNSEEN:
            return Standing("starting", f"{launched.slot}: EC2 does not list {launched.instance_id} yet")
        return Standing("lost", f"{launched.slot}: EC2 does not know {launched.instance_id} any more", FailureClass.LOST)
    if machine.state in _ENDED:
        kind = state_class(machine.reason)
        why = machine.reason or "EC2 gives no reason"
        return Standing(
            kind.lower(), f"{launched.slot}: {machine.instance_id} is {machine.state} ({why}), its last word: {says}", kind
        )
    if view.at > launched.deadline_at:
        return Standing(
            "timeout", f"{launched.slot}: no manifest by {launched.deadline}, its last word: {says}", FailureClass.COMMAND_TIMEOUT
        )
    return Standing(state, says, reported=state if progress.get("state") else "")


@dataclass
class SharedLook:
    """Looks at most every `seconds` at a run and region, whoever asks: two hundred who wait cost as much as one."""

    storage: Storage
    run: str
    region: str
    seconds: float
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _view: View | None = None
    _looked: float = 0.0

    def view(self) -> View:
        """The newest view, at most `seconds` old. Raises AwsUnavailable, StorageError."""
        with self._lock:
            if self._view is None or time.monotonic() - self._looked >= self.seconds:
                self._view = look(self.storage, self.run, self.region)
                self._looked = time.monotonic()
            return self._view


def _sentence(launched: Launched, state: str, progress: Mapping[str, Any]) -> str:
    if state == "running" and progress.get("tool"):
        step, steps, tool = (str(progress.get(name, "?"))[:40] for name in ("step", "steps", "tool"))
        return f"{launched.slot}: running {tool}, step {step} of {steps}"
    return f"{launched.slot}: {state}"


def _moment(text: str) -> datetime:
    from assay.session import parse_time

    return parse_time(text)
