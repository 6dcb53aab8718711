"""The two assets that join the DAGs. A DAG that ends with new sessions or statistics emits one; the next waits for it."""

from __future__ import annotations

from airflow.sdk import Asset

SESSIONS = Asset("sessions", group="assay", extra={"new": "sessions have arrived in raw storage; process_sessions judges them"})

STATISTICS = Asset(
    "statistics",
    group="assay",
    extra={"new": "the statistics were brought up to date; publish_snapshot looks at them at 06:00 UTC"},
)
