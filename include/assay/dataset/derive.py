"""The documents and tables that follow from the core documents, the statistics and the measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from assay.dataset.content import DatasetContent
from assay.dataset.entries import Workbench
from assay.dataset.prices import price_document
from assay.dataset.summaries import summary_documents
from assay.dataset.tables import MEASUREMENTS, STATISTICS, measurements_table, statistics_table
from assay.dataset.trends import history, trends_document
from assay.dataset.views import view_documents
from assay.summarize.change_points import change_points

PRICES = "price-performance.json"
TRENDS = "trends.json"


def derived_documents(
    content: DatasetContent,
    placed: pd.DataFrame,
    workbench: Workbench,
    core: Mapping[str, Any],
    rankings: Mapping[str, Mapping[str, Any]],
    last_updated: str,
) -> dict[str, Any]:
    """Views, summaries, prices and trends, decoded, by file name."""
    names = {_place(ranking): name for name, ranking in rankings.items()}
    changes = change_points(content.measurements, content.sessions)
    daily = history(content.measurements, content.sessions)
    return {
        **view_documents(core, workbench.subjects),
        **summary_documents(rankings, workbench.subjects, last_updated),
        PRICES: price_document(rankings, content.prices, last_updated),
        TRENDS: trends_document(placed, daily, changes, names, last_updated),
    }


def tables(content: DatasetContent) -> dict[str, bytes]:
    """The Parquet files, by file name."""
    return {STATISTICS: statistics_table(content.statistics), MEASUREMENTS: measurements_table(content.measurements)}


def _place(ranking: Mapping[str, Any]) -> tuple[str, str, str]:
    where = ranking["values_at"]
    return str(ranking["key"]["benchmark"]), str(where["field"]), str(where["configuration"])
