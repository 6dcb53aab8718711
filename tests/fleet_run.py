"""A run of the fleet's DAGs, task by task, by the rules of Airflow that matter to a fault: retries, deferral, setup and teardown.

Every task is the one that the DAG names, in a process of its own (`task_worker`) that can be killed; what tasks give each other
goes through JSON as through XCom. Waiting between tries is left out: time does not mend what the tests break.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assay.session import format_time

DAG = "benchmark_instances"
RETRIES = {"terminate": 5}
DEFAULT_RETRIES = 2
FAILED = object()
"""What a task gives that has failed for good."""


class SchedulerDied(Exception):
    """Nothing of the run goes on; the next start marks it failed."""


class MarkedFailed(Exception):
    """An operator has marked the run failed: what ran was stopped, and only a teardown may still run."""


class Workers:
    """Forks one process for each task, one at a time."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._answer = folder / "answer.json"
        self._log = (folder / "workers.log").open("wb")
        self.log = folder / "workers.log"
        program = Path(__file__).with_name("task_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=dict(environment),
        )
        self._pid, self._forked = 0, threading.Event()
        while self._line() != "ready":
            pass  # what Airflow prints while it is imported

    def run(self, task: str, given: Any, environment: Mapping[str, str], *, untold: bool = False) -> dict[str, Any] | None:
        """The answer of a task, or None where its process was killed. `untold`: it is killed when it has done all."""
        self._answer.unlink(missing_ok=True)
        asked = {"task": task, "given": given, "environment": dict(environment), "answer": str(self._answer), "untold": untold}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        self._pid = int(self._line())
        self._forked.set()
        code = int(self._line())
        self._forked.clear()
        assert code in (0, -signal.SIGKILL, -signal.SIGTERM), self.log.read_text()[-4000:]
        return None if code else json.loads(self._answer.read_text(encoding="utf-8"))

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Kill the process of the task that runs now; whoever calls is asked by that very process."""
        assert self._forked.wait(30)
        os.kill(self._pid, number)

    def stop(self) -> None:
        """End the program."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._log.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().rstrip("\n")
        assert line or self._process.poll() is None, self.log.read_text()[-4000:]
        return line


@dataclass
class FleetRun:
    """One run. `boot`: lets the machines live; `healed`: called before another try; `doing`: the task that runs now.

    `untold`: tasks whose process is killed when it has done all, each once. `struck`: what else happens to the run at the next
    moment: `dead`, `failed` or `cleared`. `late`: from now on every machine has outlived its deadline.
    """

    workers: Workers
    environment: Mapping[str, str]
    run_id: str
    boot: Callable[[], None]
    types: str = "m7i.large"
    healed: Callable[[], None] = lambda: None
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    untold: list[str] = field(default_factory=list)
    struck: str = ""
    late: bool = False
    doing: str = ""
    state: str = "running"
    states: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    """States of runs before it, which the reaper may ask for."""
    _ending: list[Any] = field(default_factory=list)

    def go(self) -> str:
        """Run everything that is due; gives the state of the run."""
        try:
            orders = self._task("plan", {"params": self._params(), "run": self.run_id, "dag": DAG})
            for order in [] if orders is FAILED else orders:
                self._machine(order)
            self.state = "success" if set(self.states.values()) == {"success"} else "failed"
        except SchedulerDied:
            self.state = "failed"
        except MarkedFailed:
            self.struck, self.state = "", "failed"
            for order in self._ending:
                self._task("terminate", {"order": order})
        return self.state

    def _machine(self, order: Any) -> None:
        slot = order["machine"]["slot"]
        launched = self._task("launch", {"arguments": {"order": order}}, slot)
        if launched is FAILED:
            return  # the teardown of a setup that failed does not run
        self._ending.append(order)
        arrived = self._task("wait", {"arguments": {"order": order, "launched": launched}}, slot)
        if arrived is not FAILED:
            session = self._task("store", {"launched": arrived}, slot)
            self.sessions += [] if session is FAILED else [session]
        self._task("terminate", {"order": order}, slot)

    def reap(self) -> list[dict[str, Any]] | Any:
        """One run of `reap_instances`: what was left over. A reaper that failed told the ledger nothing."""
        self.struck, states = "", {**self.others, self.run_id: self.state}
        found = self._task("reap", {"states": states})
        if found is not FAILED:
            self._task("settle", {"states": states, "found": found})
        return found

    def _task(self, task: str, given: dict[str, Any], slot: str = "") -> Any:
        name, most, number, resume = f"{task} {slot}".strip(), 1 + RETRIES.get(task, DEFAULT_RETRIES), 1, None
        while True:
            tried = {"number": number, "most": most}
            answer = self._worker(task, {**given, "tried": tried, "resume": resume})
            if self._was_cleared():
                number, resume = 1, None
            elif answer is None or "failed" in answer:
                self.said.append(f"{name}: {answer['failed'] if answer else 'killed'}")
                if number == most or (answer and not answer["again"]):
                    self.states[name] = "failed"
                    return FAILED
                number, resume = number + 1, None
                self.healed()
            elif "deferred" in answer:
                resume = self._wait(answer["deferred"])
                if self._was_cleared():
                    number, resume = 1, None
            else:
                self.states[name] = "success"
                return answer["value"]

    def _wait(self, deferred: dict[str, Any]) -> dict[str, Any]:
        """In the triggerer; if it is killed, another one takes over."""
        kwargs = dict(deferred["resume"])
        if "ManifestTrigger" not in deferred["path"]:
            self.healed()  # a minute passes
            return {"method": deferred["method"], "kwargs": {**kwargs, "event": None}}
        self.boot()
        asked = deferred["kwargs"]
        answer = None
        while answer is None and self.struck != "cleared":
            if self.late:
                past = format_time(datetime.now(UTC) - timedelta(minutes=1))
                asked = {"launched": {**asked["launched"], "deadline": past}}
            answer = self._worker("trigger", {"path": deferred["path"], "kwargs": asked})
        assert answer is None or "value" in answer, answer
        return {"method": deferred["method"], "kwargs": {**kwargs, "event": answer and answer["value"]}}

    def _worker(self, task: str, given: dict[str, Any]) -> dict[str, Any] | None:
        if task in self.before:
            self.before.pop(task)()
        untold = task in self.untold
        if untold:
            self.untold.remove(task)
        self.doing = task
        answer = None if self.struck else self.workers.run(task, given, self.environment, untold=untold)
        self.doing = ""
        if self.struck == "dead":
            raise SchedulerDied
        if self.struck == "failed":
            raise MarkedFailed
        return answer

    def _was_cleared(self) -> bool:
        cleared = self.struck == "cleared"
        if cleared:
            self.struck = ""
        return cleared

    def _params(self) -> dict[str, Any]:
        return {
            "target": "EC2",
            "types": self.types,
            "dry_run": False,
            "market": "spot",
            "machines": 1,
            "ec2_executions": 1,
            "max_dollars": 10.0,
            "max_instances": 20,
        }
