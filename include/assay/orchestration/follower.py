"""Starts runs of DAGs on a local Airflow and follows them task by task, as `assay run` shows them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from assay.errors import AssayError
from assay.orchestration.api import ApiUnavailable, TaskState
from assay.orchestration.progress import Progress
from assay.orchestration.stack import LocalStack

_ASSET_SECONDS = 120
_LOG_LINES = 40


class RunFailed(AssayError):
    """A DAG run did not succeed; the log of what failed was shown."""


class Follower:
    """Starts runs and waits for them, telling the progress on the way. `beside` is called at every look."""

    def __init__(self, stack: LocalStack, progress: Progress, beside: Callable[[], None] = lambda: None) -> None:
        self._stack = stack
        self._progress = progress
        self._beside = beside

    def trigger(self, dag: str, conf: Mapping[str, object]) -> str:
        """Start a run and give its id; a DAG that is paused is unpaused."""
        self._unpause(dag)
        return self._stack.api.trigger(dag, conf)

    def started_by(self, dag: str, source_dag: str, source_run: str) -> str:
        """The run that an asset event of the source run starts."""
        self._unpause(dag)
        found = self._poll(lambda: self._stack.api.triggered_by(dag, source_dag, source_run), _ASSET_SECONDS)
        if found is None:
            raise RunFailed(f"{dag} did not start within {_ASSET_SECONDS} s after {source_dag}; trigger it in the UI: `make up`")
        return found

    def succeeded(self, dag: str, run: str, task: str) -> bool:
        """Whether a task of a run has succeeded."""
        return any(found.task == task and found.state == "success" for found in self._stack.api.tasks(dag, run))

    def follow(self, dag: str, run: str) -> None:
        """Until the run has ended. Raises RunFailed, after showing the logs of what failed, if not in success."""
        shown: set[tuple[str, int, int]] = set()

        def ended() -> str | None:
            state = self._stack.api.run_state(dag, run)
            tasks = self._stack.api.tasks(dag, run)
            self._progress.update(dag, tasks)
            for task in tasks:
                attempt = (task.task, task.index, task.tries)
                if task.state in ("failed", "up_for_retry") and attempt not in shown:
                    shown.add(attempt)
                    self._show_log(dag, run, task)
            if any(task.state == "awaiting_input" for task in tasks):
                raise RunFailed(
                    f"{dag} waits for approval, which nobody can give once this command has ended; what was finished is kept. "
                    "`assay publish` shows what it is about and asks"
                )
            self._beside()
            # Watching costs a little of the machine: look less often while it is being measured.
            self._pause = (
                2.0 if any(task.state == "deferred" or (task.state == "running" and task.slots > 1) for task in tasks) else 0.4
            )
            return state if state in ("success", "failed") else None

        state = self._poll(ended, None)
        if state != "success":
            failed = sorted({task.task for task in self._stack.api.tasks(dag, run) if task.state == "failed"})
            raise RunFailed(
                f"{dag} failed in {', '.join(failed) or 'the scheduler'}; what was finished is kept: run again to go on"
            )

    def _unpause(self, dag: str) -> None:
        if self._stack.api.unpause(dag):
            self._progress.say(f"{dag} was paused; it was unpaused for this run")

    def _poll(self, look: Callable[[], str | None], seconds: float | None) -> str | None:
        deadline = None if seconds is None else time.monotonic() + seconds
        self._pause = 0.4
        while deadline is None or time.monotonic() < deadline:
            self._stack.check()
            try:
                found = look()
            except ApiUnavailable:
                self._stack.check()  # it usually knows better why
                found = None
            if found is not None:
                return found
            time.sleep(self._pause)
        return None

    def _show_log(self, dag: str, run: str, task: TaskState) -> None:
        lines = self._stack.api.log(dag, run, task)
        self._progress.say(f"{dag}.{task.label}: the end of its log:")
        for line in lines[-_LOG_LINES:]:
            self._progress.console.print(f"    {line}", highlight=False, markup=False, soft_wrap=True)
