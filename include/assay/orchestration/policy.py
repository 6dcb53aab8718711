"""How tasks are retried and how much of the machine they take. Parsed with every DAG file: imports only airflow.sdk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import conf

from assay.orchestration.alarm import tell_operator

TASKS: dict[str, Any] = {
    "owner": "assay",
    "retries": 2,
    "retry_delay": timedelta(seconds=5),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "on_failure_callback": tell_operator,
}
"""Arguments of every task: two more tries, after 5 s and 10 s; then the operator is told. A step goes on where it stopped, so a
retry repeats nothing."""

WHOLE_POOL: int = conf.getint("core", "default_pool_task_slot_count", fallback=128)
"""Every slot of the default pool: a task that takes them all runs alone.

The pool's size is Airflow's `[core] default_pool_task_slot_count`; the same value must reach every part of the deployment, and
the pool must not be made smaller by hand, or such a task waits forever.
"""
