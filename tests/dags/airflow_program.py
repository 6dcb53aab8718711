"""Runs `in_airflow.py` in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.database import embedded
from assay.orchestration.environment import Ports, airflow_environment, process_environment
from assay.orchestration.keys import load_secrets
from assay.settings import Settings, project_root

PROGRAM = Path(__file__).with_name("in_airflow.py")
DAGS = project_root() / "dags"


@dataclass(frozen=True)
class Answer:
    """What the program said: its answer, and the logs before it."""

    value: Any
    log: str


class InAirflow:
    """Starts `in_airflow.py` with settings of the test's choice."""

    def __init__(self, urls: embedded.Urls) -> None:
        self._urls = urls

    def __call__(
        self, settings: Settings, *arguments: str, watch: Callable[[subprocess.Popen[str]], None] | None = None
    ) -> Answer:
        home = settings.home / "airflow"
        home.mkdir(parents=True, exist_ok=True)
        secrets = load_secrets(home)
        environment = process_environment(os.environ, settings) | airflow_environment(
            settings, airflow_url=self._urls.airflow, assay_url=self._urls.assay, ports=Ports(1, 2), secrets=secrets
        )
        command = [sys.executable, str(PROGRAM), arguments[0], str(DAGS), *arguments[1:]]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            if watch is not None:
                watch(process)
            output, _ = process.communicate(timeout=300)
        log, _, last = output.rstrip("\n").rpartition("\n")
        assert process.returncode == 0, output[-6000:]
        return Answer(json.loads(last), log)
