"""The documents over time of a dataset: trends.json, and outside `latest/` the whole series and the aggregates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from assay.dataset.aggregates import archive_aggregates
from assay.dataset.content import DatasetContent
from assay.dataset.entries import Workbench
from assay.dataset.executions import executions_of
from assay.dataset.series import series_of
from assay.dataset.trends import Archive, trends_document
from assay.dataset.updated import Ends

TRENDS = "trends.json"


def documents_over_time(
    content: DatasetContent,
    placed: pd.DataFrame,
    workbench: Workbench,
    rankings: Mapping[str, Mapping[str, Any]],
    ends: Ends,
    archive: Archive | None,
) -> dict[str, Any]:
    """trends.json, decoded. The documents outside `latest/` go to `archive` one by one, as soon as each is made; none are made
    without it."""
    names = {_place(ranking): name for name, ranking in rankings.items()}
    executions = executions_of(content.measurements, content.sessions)
    series = series_of(executions.keys, placed, names, workbench.subjects)
    if archive is not None:
        configurations = workbench.configurations(workbench.benchmarks)
        archive_aggregates(executions, series, configurations, ends.newest(()), archive)
    return trends_document(executions, series, ends, archive)


def _place(ranking: Mapping[str, Any]) -> tuple[str, str, str]:
    where = ranking["values_at"]
    return str(ranking["key"]["benchmark"]), str(where["field"]), str(where["configuration"])
