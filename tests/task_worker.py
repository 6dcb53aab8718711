"""Runs the tasks of the fleet's DAGs, each in a process forked for it, as Airflow's LocalExecutor does; a program of its own.

A line of JSON on standard input names a task, what it is given, its environment and the file for its answer. On standard
output the process id is told when it starts, and its exit code when it ends. The answer: `value`, or `deferred`, or `failed`
with whether Airflow would try again.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Paid once, before the first fork.
import assay.orchestration.triggers  # noqa: F401
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from assay.collect.ec2.client import ec2_client
from assay.collect.fleet import arrive, launch, planning  # noqa: F401
from assay.orchestration import fleet
from assay.orchestration.machines import LaunchMachine, WaitForManifest


def _operator(kind: Any, given: dict[str, Any]) -> Any:
    tried = given["tried"]
    context = {"ti": SimpleNamespace(try_number=tried["number"], max_tries=tried["most"] - 1)}
    operator = kind(task_id="task", **given["arguments"])
    if resume := given.get("resume"):
        return getattr(operator, resume["method"])(context, **resume["kwargs"])
    return operator.execute(context, **{f"{kind.__name__}__sentinel": ExecutorSafeguard.sentinel_value})


def _trigger(given: dict[str, Any]) -> Any:
    module, _, name = given["path"].rpartition(".")
    trigger = getattr(importlib.import_module(module), name)(**given["kwargs"])

    async def first() -> Any:
        return (await anext(trigger.run())).payload

    return asyncio.run(first())


TASKS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "plan": lambda given: fleet.plan_run(given["params"], given["run"], given["dag"]),
    "launch": lambda given: _operator(LaunchMachine, given),
    "wait": lambda given: _operator(WaitForManifest, given),
    "trigger": _trigger,
    "store": lambda given: fleet.store_upload(given["launched"]),
    "terminate": lambda given: fleet.end_machine(given["order"]),
    "reap": lambda given: fleet.reap_all(lambda _, run: given["states"][run]),
    "settle": lambda given: fleet.settle_ledger(given["found"], lambda _, run: given["states"][run]),
}


def answer(task: str, given: dict[str, Any]) -> dict[str, Any]:
    """What becomes of a task."""
    try:
        return {"value": TASKS[task](given)}
    except TaskDeferred as deferred:
        path, kwargs = deferred.trigger.serialize()
        return {"deferred": {"path": path, "kwargs": kwargs, "method": deferred.method_name, "resume": deferred.kwargs or {}}}
    except AirflowFailException as error:
        return {"failed": str(error), "again": False}
    except Exception as error:  # noqa: BLE001 - Airflow tries again after any other
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}", "again": True}


def main() -> None:
    """One task after the other until standard input ends."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    ec2_client("us-east-1")  # the description of EC2, which takes a second to read, is inherited
    told = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a task prints is a log
    print("ready", file=told)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.environ.update(asked["environment"])
            found = json.dumps(answer(asked["task"], asked["given"]), default=str)
            if asked["untold"]:
                os.kill(os.getpid(), signal.SIGKILL)
            Path(asked["answer"]).write_text(found, encoding="utf-8")
            sys.stderr.flush()
            os._exit(0)
        print(pid, file=told)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=told)


if __name__ == "__main__":
    main()
