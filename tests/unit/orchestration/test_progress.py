"""What a person sees while a run goes on."""

from __future__ import annotations

import io

from assay.orchestration.api import TaskState
from assay.orchestration.progress import Progress
from rich.console import Console


def task(state: str, *, name: str = "measure", index: int = -1, tries: int = 1, seconds: float = 0.0) -> TaskState:
    label = name if index < 0 else f"{name} {index + 1}"
    return TaskState(task=name, index=index, label=label, state=state, tries=tries, seconds=seconds, slots=1)


def shown(*updates: list[TaskState], terminal: bool = False) -> str:
    output = io.StringIO()
    with Progress(Console(file=output, force_terminal=terminal, width=100)) as progress:
        for tasks in updates:
            progress.update("benchmark_instances", tasks)
    return output.getvalue()


def test_without_a_terminal_every_change_is_one_line() -> None:
    text = shown([task("queued")], [task("running")], [task("running")], [task("success", seconds=12.34)])
    lines = [line.split(" s  ", 1)[1] for line in text.splitlines()]
    assert lines == ["benchmark_instances.measure: running", "benchmark_instances.measure: done in 12.3 s"]


def test_another_try_is_said() -> None:
    text = shown([task("failed", tries=1, seconds=1)], [task("up_for_retry", tries=1)], [task("running", tries=2)])
    assert "will be tried again" in text
    assert "running (try 2)" in text


def test_mapped_tasks_count_from_one() -> None:
    assert "benchmark_instances.measure 1: running" in shown([task("running", index=0)])


def test_in_a_terminal_the_last_picture_has_every_task() -> None:
    text = shown([task("success", index=0, seconds=3), task("running", index=1), task("queued", name="hand_over")], terminal=True)
    for part in ("measure 1", "measure 2", "hand_over", "done", "3.0"):
        assert part in text


def test_text_of_a_task_is_never_taken_for_markup() -> None:
    assert "measure[/red]" in shown([task("running", name="measure[/red]")])
