"""The bodies of the tasks of `reconcile`: plain data goes in and out."""

from __future__ import annotations

import logging
from typing import Any

from assay.orchestration.work import run_step
from assay.workspace import Workspace

MOST_PASSED_ON = 50
"""Differences that go from task to task; the log of `compare` names the first thousand."""

log = logging.getLogger(__name__)


def compare(day: str) -> dict[str, Any]:
    """Compare storage and database, hashing what is chosen by the day; gives counts, and the first differences as text."""
    from assay.notify.metrics import Metric, put_metric
    from assay.reconcile.look import reconcile

    def step(workspace: Workspace) -> dict[str, Any]:
        report = reconcile(workspace, share=workspace.settings.reconcile_hash_share, seed=day)
        for difference in report.differences:
            log.error("%s", difference)
        for notice in report.notices:
            log.warning("%s", notice)
        log.info(
            "%d sessions, %d objects, %d hashed, %d on their way: %d differ",
            *(report.sessions, report.objects, report.hashed, report.coming, report.total),
        )
        put_metric(workspace.settings, Metric.DIFFERENCES, report.total)
        named = [str(difference) for difference in report.differences[:MOST_PASSED_ON]]
        return {"sessions": report.sessions, "objects": report.objects, "hashed": report.hashed, "total": report.total} | {
            "differences": named
        }

    return run_step(step)


def alert(found: dict[str, Any]) -> None:
    """Raises AirflowFailException, which names the first differences, where there are any."""
    from airflow.sdk.exceptions import AirflowFailException

    if found["total"]:
        raise AirflowFailException(
            f"{found['total']} things differ between storage and database: {'; '.join(found['differences'])}"
        )
