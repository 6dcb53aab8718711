"""The documents and tables that follow from the core documents, the statistics and the measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.dataset.content import DatasetContent
from assay.dataset.entries import Workbench
from assay.dataset.predictions import predictions_document
from assay.dataset.prices import price_document
from assay.dataset.rankings import ranked_sessions
from assay.dataset.summaries import summary_documents
from assay.dataset.tables import MEASUREMENTS, STATISTICS, measurements_table, statistics_table
from assay.dataset.updated import Ends
from assay.dataset.views import view_documents

PREDICTIONS = "predictions.json"
PRICES = "price-performance.json"


def derived_documents(
    content: DatasetContent,
    workbench: Workbench,
    core: Mapping[str, Any],
    rankings: Mapping[str, Mapping[str, Any]],
    ranked: str,
    ends: Ends,
) -> dict[str, Any]:
    """Views, summaries, estimates and prices, decoded, by file name. `ranked`: end of the newest session behind the rankings."""
    priced = ends.newest(ranked_sessions(workbench, set(content.prices["instance"])))
    return {
        **{name: ends.stamp(view) for name, view in view_documents(core, workbench.subjects).items()},
        **summary_documents(rankings, workbench.subjects, ranked),
        PREDICTIONS: predictions_document(workbench, ends),
        PRICES: price_document(rankings, content.prices, priced, workbench.published()),
    }


def tables(content: DatasetContent) -> dict[str, bytes]:
    """The Parquet files, by file name."""
    return {STATISTICS: statistics_table(content.statistics), MEASUREMENTS: measurements_table(content.measurements)}
