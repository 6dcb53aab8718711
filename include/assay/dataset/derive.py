"""The documents and tables that follow from the core documents, the statistics and the measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.dataset.content import DatasetContent
from assay.dataset.entries import Workbench
from assay.dataset.predictions import predictions_document
from assay.dataset.prices import price_document
from assay.dataset.summaries import summary_documents
from assay.dataset.tables import MEASUREMENTS, STATISTICS, measurements_table, statistics_table
from assay.dataset.views import view_documents

PREDICTIONS = "predictions.json"
PRICES = "price-performance.json"


def derived_documents(
    content: DatasetContent,
    workbench: Workbench,
    core: Mapping[str, Any],
    rankings: Mapping[str, Mapping[str, Any]],
    last_updated: str,
) -> dict[str, Any]:
    """Views, summaries and prices, decoded, by file name."""
    return {
        **view_documents(core, workbench.subjects),
        **summary_documents(rankings, workbench.subjects, last_updated),
        PREDICTIONS: predictions_document(workbench, last_updated),
        PRICES: price_document(rankings, content.prices, last_updated, workbench.published()),
    }


def tables(content: DatasetContent) -> dict[str, bytes]:
    """The Parquet files, by file name."""
    return {STATISTICS: statistics_table(content.statistics), MEASUREMENTS: measurements_table(content.measurements)}
