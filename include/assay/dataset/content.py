"""What a dataset is built from: plain data, gathered from the ledger by publish/, or made by a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from assay.dataset.rows import Measurements
from assay.measurement import measurement_frame
from assay.reference.prices import PRICE_COLUMNS

SESSION_COLUMNS = (
    "session",
    "kind",
    "subject",
    "started_at",
    "ended_at",
    "source",
    "licence",
    "attribution",
    "url",
    "manifest_sha256",
    "profile",
)
"""Columns that `DatasetContent.sessions` must have; more are ignored."""


DEFAULT_REGION = "us-east-1"
"""Whose prices the ranking by cost takes if nothing else is said."""


@dataclass(frozen=True)
class Counts:
    """The accounting of a dataset. `read = accepted + quarantined + rejected`."""

    read: int
    accepted: int
    quarantined: int
    rejected: int


@dataclass(frozen=True)
class PreviousSnapshot:
    """The snapshot that consumers see now: its name and its documents by file name."""

    name: str
    documents: Mapping[str, bytes]


@dataclass(frozen=True)
class DatasetContent:
    """Everything that the documents of a dataset say.

    `statistics`: one row an aggregation key, columns as assay.summarize gives them. `sessions`: the accepted sessions,
    columns SESSION_COLUMNS, times in UTC. `raw_files`: session, path, size, sha256 of the accepted sessions. `quarantined`:
    session, kind, subject, started_at, ended_at. `findings`: FINDING_COLUMNS of accepted (warnings) and quarantined
    sessions. `grades`: what each quality grade means, by grade. `measurements`: the tidy table of the accepted sessions,
    or something that gives it day by day. `prices`: PRICE_COLUMNS; `cost_region`: the region whose prices the ranking
    `cost_efficiency` is made of.
    """

    dataset: str
    licence: str
    statistics: pd.DataFrame
    sessions: pd.DataFrame
    raw_files: pd.DataFrame
    quarantined: pd.DataFrame
    findings: pd.DataFrame
    accounting: Counts
    grades: Mapping[str, str] = field(default_factory=dict)
    measurements: Measurements = field(default_factory=lambda: measurement_frame([]))
    prices: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(PRICE_COLUMNS)))
    cost_region: str = DEFAULT_REGION
    previous: PreviousSnapshot | None = None
