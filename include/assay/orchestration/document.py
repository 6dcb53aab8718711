"""docs/dags.md from the DAGs themselves: `python -m assay.orchestration.document` prints it.

Meant for a process of its own: it gives Airflow a temporary home before importing it.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from assay.settings import project_root

_HEAD = """# DAGs

Generated from the files in `dags/` by `make docs`: the texts are those that the Airflow UI shows.

The DAGs are joined by assets: one ends by saying that something is new, the next starts because of it.

```mermaid
flowchart LR
"""


def dags_markdown(dags: Iterable[Any]) -> str:
    """The page: how the DAGs hang together, then for each its text, its parameters and its tasks."""
    ordered = sorted(dags, key=lambda dag: (not _starts_path(dag), dag.dag_id))
    lines = [_HEAD.rstrip("\n")]
    for dag in ordered:
        lines += [f"    {name}([{name}]) --> {dag.dag_id}" for name in _consumed(dag)]
        lines += [f"    {dag.dag_id} --> {name}([{name}])" for name in _emitted(dag)]
    lines += ["```", "", "| DAG | starts | tags |", "|---|---|---|"]
    lines += [f"| [`{dag.dag_id}`](#{dag.dag_id}) | {_starts(dag)} | {', '.join(sorted(dag.tags))} |" for dag in ordered]
    for dag in ordered:
        lines += ["", f"## `{dag.dag_id}`", "", _body(dag.doc_md)]
        lines += _parameters(dag)
        lines += _tasks(dag)
    return "\n".join(lines) + "\n"


def load_dags(folder: Path) -> list[Any]:
    """Every DAG in a folder, parsed as Airflow does. Raises RuntimeError with the traceback if a file cannot be imported."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(folder))
    if bag.import_errors:
        raise RuntimeError("\n".join(f"{file}:\n{trace}" for file, trace in bag.import_errors.items()))
    return list(bag.dags.values())


def main() -> int:
    """Print the page."""
    for name in [name for name in os.environ if name.startswith(("AIRFLOW", "_AIRFLOW", "ASSAY_"))]:
        del os.environ[name]  # the page says what holds where nothing is configured
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(AIRFLOW_HOME=home, AIRFLOW__CORE__LOAD_EXAMPLES="False", AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR")
        output = os.dup(1)
        os.dup2(2, 1)  # Airflow prints while it is imported
        logging.disable(logging.WARNING)
        page = dags_markdown(load_dags(project_root() / "dags"))
    with os.fdopen(output, "w", encoding="utf-8") as stream:
        stream.write(page)
    return 0


_RULES = {
    "all_success": "all before it succeeded",
    "all_done": "all before it ended",
    "all_done_min_one_success": "all before it ended, one at least in success",
    "none_failed": "none before it failed",
}


def _starts_path(dag: Any) -> bool:
    return not _consumed(dag) and bool(_emitted(dag))


def _starts(dag: Any) -> str:
    if names := _scheduled_by(dag):
        return "when there is something new in " + ", ".join(f"`{name}`" for name in names) + "; manual"
    if dag.schedule is None:
        return "manual"
    return f"`{dag.schedule}` (cron, UTC); manual"


def _scheduled_by(dag: Any) -> list[str]:
    from airflow.sdk import Asset

    return [dag.schedule.name] if isinstance(dag.schedule, Asset) else []


def _consumed(dag: Any) -> list[str]:
    return sorted({*_scheduled_by(dag), *(asset.name for task in dag.tasks for asset in task.inlets)})


def _emitted(dag: Any) -> list[str]:
    return sorted({asset.name for task in dag.tasks for asset in task.outlets})


def _body(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(lines[1:] if lines[0].startswith("#") else lines).strip()


def _parameters(dag: Any) -> list[str]:
    if not dag.params:
        return []
    lines = ["", "| parameter | default | allowed | meaning |", "|---|---|---|---|"]
    for name in dag.params:
        parameter = dag.params.get_param(name)
        schema = parameter.schema
        allowed = f"{schema['minimum']} to {schema['maximum']}" if "minimum" in schema else schema.get("type", "")
        lines.append(f"| `{name}` | `{parameter.value}` | {allowed} | {parameter.description} |")
    return lines


def _tasks(dag: Any) -> list[str]:
    lines = ["", "| task | after | runs when | tries | alone |", "|---|---|---|---|---|"]
    for task in dag.topological_sort():
        name = f"`{task.task_id}`" + (" (many)" if task.is_mapped else "")
        after = ", ".join(f"`{upstream}`" for upstream in sorted(task.upstream_task_ids))
        alone = "yes" if task.pool_slots > 1 else ""
        rule = task.trigger_rule.value
        when = _RULES.get(rule, rule.replace("_", " ")) if after else "at once"
        lines.append(f"| {name} | {after} | {when} | {task.retries + 1} | {alone} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
