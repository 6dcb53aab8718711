"""Machines of an emulated EC2: each runs its real user data in a folder of its own, with shims for what would touch the host.

`shutdown` ends the instance in the emulator, as EC2 does where it was started with terminate-on-shutdown; `apt-get` installs
nothing. The agent is the real one, fetched from the emulated S3 by hash, measures this host, and uploads for real.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

_SHIMS = {
    "shutdown": 'echo "$@" >>"$EMULATED/shutdown"; case "$*" in *now*) touch "$EMULATED/off";; esac',
    "poweroff": 'touch "$EMULATED/off"',
    "apt-get": 'echo "$@" >>"$EMULATED/apt-get"; [ ! -e "$EMULATED/no-packages" ]',
    "python3": f'exec {sys.executable} -I "$@"',
}


class EmulatedMachine:
    """One instance and the process that runs its user data."""

    def __init__(self, client: Any, instance_id: str, folder: Path) -> None:
        self.instance_id, self.folder = instance_id, folder
        self._client = client
        answer = client.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
        script = folder / "user-data"
        script.write_bytes(base64.b64decode(answer["UserData"]["Value"]))
        script.chmod(0o755)
        shims = folder / "shims"
        shims.mkdir()
        for name, body in _SHIMS.items():
            (shims / name).write_text(f"#!/bin/sh\n{body}\n")
            (shims / name).chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ASSAY_", "AIRFLOW", "PYTHON"))}
        environment = kept | {"PATH": f"{shims}:{os.environ['PATH']}", "TMPDIR": str(folder), "EMULATED": str(folder)}
        self.process = subprocess.Popen([str(script)], env=environment, cwd=folder, start_new_session=True)

    def ended(self) -> bool:
        """Whether it has switched itself off; the emulator is told then."""
        if self.process.poll() is None and not (self.folder / "off").exists():
            return False
        self.process.wait(30)
        self._client.terminate_instances(InstanceIds=[self.instance_id])
        return True

    def kill(self) -> None:
        """As when the machine dies: nothing of it says a word more."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class EmulatedFleet:
    """Boots every instance that appears in the emulator. `doomed`: types whose machines die at once, without a word; `at_once`:
    how many may run at the same time, others wait to be booted; None: as many as there are."""

    def __init__(self, folder: Path, doomed: tuple[str, ...] = (), region: str = "us-east-1", at_once: int | None = None) -> None:
        self.folder, self.doomed, self._at_once = folder, doomed, at_once
        self.machines: dict[str, EmulatedMachine] = {}
        self._gone: set[str] = set()
        self._client = boto3.client("ec2", region_name=region)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emulated-fleet", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End everything that still runs."""
        self._stop.set()
        self._thread.join()
        for machine in self.machines.values():
            machine.kill()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            alive = {instance["InstanceId"]: instance for instance in alive_instances(self._client)}
            for instance_id, instance in alive.items():
                if instance_id in self.machines or instance_id in self._gone:
                    continue
                if instance["InstanceType"] in self.doomed:
                    self._gone.add(instance_id)
                    self._client.terminate_instances(InstanceIds=[instance_id])
                elif self._at_once is None or sum(known not in self._gone for known in self.machines) < self._at_once:
                    folder = Path(tempfile.mkdtemp(prefix=f"{instance_id}-", dir=self.folder))
                    self.machines[instance_id] = EmulatedMachine(self._client, instance_id, folder)
            for instance_id, machine in list(self.machines.items()):
                if instance_id not in alive:
                    machine.kill()
                    self._gone.add(instance_id)
                elif instance_id not in self._gone and machine.ended():
                    self._gone.add(instance_id)


def alive_instances(client: Any) -> list[Any]:
    """Every instance that EC2 lists and that is not gone, whoever started it."""
    pages = client.get_paginator("describe_instances").paginate()
    found = [instance for page in pages for reservation in page["Reservations"] for instance in reservation["Instances"]]
    return [instance for instance in found if instance["State"]["Name"] not in ("terminated", "shutting-down")]


@contextmanager
def emulated_fleet(folder: Path, doomed: tuple[str, ...] = (), at_once: int | None = None) -> Iterator[EmulatedFleet]:
    """A fleet for as long as the context lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    fleet = EmulatedFleet(folder, doomed, at_once=at_once)
    try:
        yield fleet
    finally:
        fleet.stop()
