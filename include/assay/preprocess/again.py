"""Processing anew by choice: files whose processor has a newer version, and files that are to be made again as they were."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from assay.errors import AssayError
from assay.preprocess.registry import processors
from assay.preprocess.step import process_files
from assay.workspace import Workspace

COLUMNS = ("session", "path", "processor", "version", "newest")


def outdated(workspace: Workspace, *, processor: str | None = None, sessions: Collection[str] = ()) -> pd.DataFrame:
    """Raw files of the dataset whose last processing was by an older version than there is now: columns COLUMNS, by session.

    `processor`, `sessions`: only those. Raises AssayError where there is no such processor.
    """
    found = _newest(workspace, processor, sessions)
    return found[found["version"] != found["newest"]].reset_index(drop=True)


def everything(workspace: Workspace, *, processor: str | None = None, sessions: Collection[str] = ()) -> pd.DataFrame:
    """As `outdated`, also files that the version of now has processed."""
    return _newest(workspace, processor, sessions)


def reprocess(workspace: Workspace, files: pd.DataFrame, *, anew: bool = False) -> int:
    """Process these files (columns session and path) by the processors as they are now; gives how many were.

    What older versions made stays beside. `anew`: also what this version did with the same bytes, in its place. Sessions in
    quarantine for another reason than their processing are left alone.
    """
    waiting = workspace.ledger.unprocessed(again=True).merge(files[["session", "path"]].drop_duplicates())
    return process_files(workspace, waiting, again=not anew)


def _newest(workspace: Workspace, processor: str | None, sessions: Collection[str]) -> pd.DataFrame:
    versions = {one.NAME: one.VERSION for one in processors()}
    if processor is not None and processor not in versions:
        raise AssayError(f"processor: found {processor!r}; expected one of {', '.join(sorted(versions))}")
    done = workspace.ledger.processing(sessions or None)
    newest = done.sort_values("processed_at").drop_duplicates(["session", "path"], keep="last")
    newest = newest[newest["processor"].isin([processor] if processor else list(versions))]
    newest = newest.assign(newest=newest["processor"].map(versions))
    return newest.sort_values(["session", "path"])[list(COLUMNS)].reset_index(drop=True)
