"""A small client of Airflow's REST API, as much of it as following a run needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from assay.errors import AssayError

_FRAMES = 4


class ApiUnavailable(AssayError):
    """Airflow's API does not answer (yet, or any more)."""


class ApiRefused(AssayError):
    """Airflow's API answered, with an error."""


@dataclass(frozen=True)
class TaskState:
    """Where one task of a run stands. `index` is -1 unless the task is mapped; `seconds` is how long it took."""

    task: str
    index: int
    label: str
    state: str
    tries: int
    seconds: float
    slots: int


class AirflowApi:
    """Talks to one API server that treats everybody on this machine as its administrator."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30.0, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def last_heartbeat(self, part: str) -> float:
        """When the scheduler, dag_processor or triggerer last showed life, in seconds since the epoch; 0 if never.

        More than Airflow's own "healthy", which for half a minute holds for one that was killed.
        """
        found = self._call("GET", "/api/v2/monitor/health", token=False).get(part) or {}
        return _seconds(found.get(f"latest_{part}_heartbeat"))

    def import_errors(self) -> list[str]:
        """One text for each DAG file that cannot be imported: its name and the traceback."""
        found = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}:\n{error['stack_trace']}" for error in found]

    def parse_times(self) -> dict[str, float]:
        """When each DAG was last parsed, in seconds since the epoch."""
        return {dag["dag_id"]: _seconds(dag["last_parsed_time"]) for dag in self._pages("/api/v2/dags", "dags")}

    def unpause(self, dag: str) -> bool:
        """Let a DAG run; True if it was paused."""
        if not self._call("GET", f"/api/v2/dags/{dag}")["is_paused"]:
            return False
        self._call("PATCH", f"/api/v2/dags/{dag}", json={"is_paused": False})
        return True

    def trigger(self, dag: str, conf: Mapping[str, Any]) -> str:
        """Start a run and give its id."""
        answer = self._call("POST", f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None, "conf": dict(conf)})
        return str(answer["dag_run_id"])

    def run_state(self, dag: str, run: str) -> str:
        """State of a run: queued, running, success or failed."""
        return str(self._call("GET", _run_path(dag, run))["state"])

    def tasks(self, dag: str, run: str) -> list[TaskState]:
        """Where every task of a run stands; mapped ones once for each index."""
        found = self._pages(f"{_run_path(dag, run)}/taskInstances", "task_instances", order_by="map_index")
        return [
            TaskState(
                task=task["task_id"],
                index=task["map_index"],
                label=task["task_id"] if task["map_index"] < 0 else f"{task['task_id']} {task['map_index'] + 1}",
                state=task["state"] or "waiting",
                tries=task["try_number"],
                seconds=task["duration"] or 0.0,
                slots=task["pool_slots"],
            )
            for task in found
        ]

    def triggered_by(self, dag: str, source_dag: str, source_run: str) -> str | None:
        """The run of `dag` that an asset event of the source run started; None as long as there is none."""
        recent = self._call("GET", f"/api/v2/dags/{dag}/dagRuns", params={"limit": 5, "order_by": "-id"})["dag_runs"]
        for run in recent:
            events = self._call("GET", f"{_run_path(dag, run['dag_run_id'])}/upstreamAssetEvents")["asset_events"]
            if any(event["source_dag_id"] == source_dag and event["source_run_id"] == source_run for event in events):
                return str(run["dag_run_id"])
        return None

    def log(self, dag: str, run: str, task: TaskState) -> list[str]:
        """The lines that a task logged in its last try, oldest first, tracebacks among them."""
        found = self._call(
            "GET",
            f"{_run_path(dag, run)}/taskInstances/{task.task}/logs/{max(task.tries, 1)}",
            params={"map_index": task.index, "full_content": True},
            headers={"Accept": "application/json"},
        )
        lines = [line for entry in found["content"] for line in _log_lines(entry)]
        return [line for line in lines if not line.startswith("::")]  # the UI's marks for folding

    def _pages(self, path: str, field: str, **parameters: Any) -> list[Any]:
        """All entries of a listing, which the server gives by the hundred."""
        found: list[Any] = []
        while True:
            page = self._call("GET", path, params={"limit": 100, "offset": len(found), **parameters})
            found += page[field]
            if not page[field] or len(found) >= page["total_entries"]:
                return found

    def _call(
        self, method: str, path: str, *, token: bool = True, headers: Mapping[str, str] | None = None, **options: Any
    ) -> Any:
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {self._token()}"
        return self._send(method, path, headers=sent, **options)

    def _token(self) -> str:
        if not hasattr(self, "_known_token"):
            self._known_token = str(self._send("GET", "/auth/token")["access_token"])
        return self._known_token

    def _send(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise ApiUnavailable(f"{method} {self._client.base_url}{path}: {error}") from error
        if answer.status_code >= 500:
            raise ApiUnavailable(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        if answer.status_code >= 400:
            raise ApiRefused(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()


def _run_path(dag: str, run: str) -> str:
    return f"/api/v2/dags/{dag}/dagRuns/{quote(run, safe='')}"


def _seconds(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0


def _log_lines(entry: Any) -> list[str]:
    """One entry of a log as text: its message, and what it carries of an exception."""
    if not isinstance(entry, Mapping):
        return [str(entry)]
    lines = str(entry.get("event", "")).splitlines() or [""]
    for fault in entry.get("error_detail") or []:
        for frame in (fault.get("frames") or [])[-_FRAMES:]:
            lines.append(f"  {frame.get('filename')}:{frame.get('lineno')} in {frame.get('name')}")
        lines.append(f"{fault.get('exc_type')}: {fault.get('exc_value')}")
    return lines
