"""Machines of an emulated EC2 that take no time: each reads the order in its user data and uploads a small session of its own.

They write with the permission that they were given, through the agent's own code, in the agent's own order. What measures for
real is in `emulated_fleet`. A machine can be told to end at a stated step, as a fault wants it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from assay.agent.remote import Outbox, Reporter
from assay.errors import AssayError
from assay.session import Manifest, RawFile, SessionKind, Source

STEPS = ("boot", "measure", "session.tar", "manifest.json", "shutdown")

Strike = Callable[["ScriptedMachine"], None]

_ORDER = re.compile(r"<<'END_OF_ORDER'\n(.*?)\nEND_OF_ORDER\n", re.DOTALL)


class Stopped(Exception):
    """The machine does nothing more."""


class ScriptedMachine:
    """One instance; `strikes`: what happens before a step, which may raise Stopped."""

    def __init__(self, client: Any, instance_id: str) -> None:
        self.client, self.instance_id = client, instance_id
        answer = client.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
        script = base64.b64decode(answer["UserData"]["Value"]).decode()
        found = _ORDER.search(script)
        assert found is not None
        assert script.splitlines()[1].startswith("shutdown -P +"), "the failsafe is armed first"
        self.order: dict[str, Any] = json.loads(found[1])
        grant = self.order["grant"]
        self.outbox = Outbox(grant["url"], grant["prefix"], grant["fields"])
        self.reporter = Reporter(self.outbox)

    def live(self, strikes: dict[str, Strike]) -> None:
        """From boot to shutdown, or as far as the strikes let it come."""
        try:
            for step in STEPS:
                if step in strikes:
                    strikes[step](self)
                self._do(step)
        except Stopped:
            pass
        except AssayError as error:  # as the agent and boot.sh answer what cannot be uploaded
            self.reporter.tell("failed", text=str(error)[:500])
            self.switch_off()

    def switch_off(self) -> None:
        """EC2 ends it then: it was started with "terminate on shutdown"."""
        self.client.terminate_instances(InstanceIds=[self.instance_id])

    def _do(self, step: str) -> None:
        if step == "boot":
            self.reporter.tell("booted")
        elif step == "measure":
            self.reporter.tell("running", tool="vectors", step=1, steps=1)
        elif step == "session.tar":
            self.outbox.put(step, _packed(self._content()))
        elif step == "manifest.json":
            self.outbox.put(step, self._manifest().to_bytes())
        else:
            self.reporter.tell("uploaded")
            self.switch_off()

    def _content(self) -> bytes:
        return f"measured on {self.instance_id}\n".encode()

    def _manifest(self) -> Manifest:
        content, ended = self._content(), datetime.now(UTC).replace(microsecond=0)
        return Manifest(
            kind=SessionKind.INSTANCE_BENCHMARK,
            subject=self.order["subject"] or "host-5c71b7ed",
            started_at=ended - timedelta(minutes=1),
            ended_at=ended,
            source=Source("assay-agent", "0.1.0", self.order["licence"], self.order["attribution"]),
            files=(RawFile(_FILE, len(content), hashlib.sha256(content).hexdigest()),),
            dataset=self.order["dataset"],
            labels=self.order["labels"],
        )


_FILE = "vectors-one/1/stdout.txt"


def _packed(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(_FILE)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def stays(machine: ScriptedMachine) -> None:
    """It says nothing more and does not end: the worst that it can do."""
    raise Stopped


class ScriptedFleet:
    """All machines of the emulator. `strikes`: for each machine in the order of their boots; later ones are left alone."""

    def __init__(self, region: str = "us-east-1") -> None:
        self.strikes: list[dict[str, Strike]] = []
        self.booted: list[str] = []
        self._client = boto3.client("ec2", region_name=region)

    def boot(self) -> None:
        """Let every machine that has not lived yet live."""
        for instance_id in running(self._client):
            if instance_id not in self.booted:
                self.booted.append(instance_id)
                strikes = self.strikes.pop(0) if self.strikes else {}
                ScriptedMachine(self._client, instance_id).live(strikes)


def running(client: Any) -> list[str]:
    """Every instance that is not gone, whoever started it, oldest first."""
    pages = client.get_paginator("describe_instances").paginate()
    found = [instance for page in pages for reservation in page["Reservations"] for instance in reservation["Instances"]]
    alive = [each for each in found if each["State"]["Name"] not in ("terminated", "shutting-down")]
    return [str(each["InstanceId"]) for each in sorted(alive, key=lambda each: each["LaunchTime"])]
