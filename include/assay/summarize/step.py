"""The step that brings a dataset's statistics up to date with its verdicts."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from assay.database.ledger import Verdict
from assay.read.batches import MEASUREMENTS
from assay.read.sessions import load, located
from assay.storage import Storage
from assay.summarize.heavy import HashCollision, summarize_parquet
from assay.summarize.statistics import STATISTIC_COLUMNS, summarize
from assay.workspace import Workspace

log = logging.getLogger(__name__)

MANY_SESSIONS = 5_000
"""From here on the rows are sorted by DuckDB where they lie, instead of being loaded."""


def refresh_statistics(workspace: Workspace) -> int:
    """Replace the dataset's statistics by those of the sessions that are accepted now; gives their number.

    Idempotent: the same accepted sessions give the same statistics, to the last bit. Raises what storage and database raise; then
    the statistics that were there stay.
    """
    started = time.monotonic()
    with workspace.ledger.lock("statistics"):
        accepted = workspace.ledger.sessions(verdicts=[Verdict.ACCEPTED, Verdict.ACCEPTED_WITH_WARNINGS])
        statistics = _statistics(workspace, accepted)
        workspace.ledger.replace_statistics(statistics)
    log.info(
        "statistics of dataset %s: %d keys from %d executions of %d accepted sessions in %.1f s",
        workspace.dataset,
        len(statistics),
        int(statistics["n"].sum()),
        len(accepted),
        time.monotonic() - started,
    )
    return len(statistics)


def _statistics(workspace: Workspace, accepted: pd.DataFrame) -> pd.DataFrame:
    if len(accepted) >= MANY_SESSIONS:
        with (
            located(workspace, accepted) as there,
            _local_files(workspace.storage, there) as files,
            contextlib.suppress(HashCollision),
        ):
            return summarize_parquet(sorted(set(files.values())), files)
    measurements, _ = load(workspace, accepted)
    statistics = summarize(measurements)
    return statistics[list(STATISTIC_COLUMNS)]


@contextlib.contextmanager
def _local_files(storage: Storage, sessions: pd.DataFrame) -> Iterator[dict[str, Path]]:
    """For each session the local Parquet file that holds its rows; objects of a bucket are fetched for as long as it takes."""
    with tempfile.TemporaryDirectory(prefix="assay-statistics-") as folder:
        files: dict[str, Path] = {}
        for batch in sessions["batch"].unique():
            key = f"{MEASUREMENTS}/{batch}"
            if storage.url.startswith("file:"):
                files[batch] = Path(storage.uri(key))
                continue
            files[batch] = Path(folder) / f"{len(files)}.parquet"
            with files[batch].open("wb") as target:
                for chunk in storage.chunks(key):
                    target.write(chunk)
        yield {session: files[batch] for session, batch in zip(sessions["session"], sessions["batch"], strict=True)}
