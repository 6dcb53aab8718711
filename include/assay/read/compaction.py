"""Compaction: the many small files that sessions leave when they come one by one become few large ones, for each kind and day.

Nothing but the place of the rows changes: the same rows come back in the same order within a file, so what is published stays the
same to the byte. It may be killed anywhere: a file is announced to the ledger before it is written, sessions move to it in one
transaction once it is there, and what it replaces is removed only when no session of any dataset names it and nobody is reading.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import pandas as pd

from assay.read.batches import EXECUTIONS, MEASUREMENTS, read_batch
from assay.read.merge import Large, Small, merge
from assay.workspace import Workspace

FULL_BYTES = 64 * 1024 * 1024
"""A file of measurements is closed at this size."""

SMALL = 0.5
"""A file below this part of FULL_BYTES is small."""

MANY = 16
"""So many small files of a kind and day are put together after a pass by itself."""

_FILES_AT_ONCE = 64

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compaction:
    """What was put together, or would be: `batches` small ones of `bytes` of measurements in `partitions` (kind and day).

    `into` large ones of `into_bytes`; `removed`: replaced files that are gone from storage, of this and of earlier runs.
    """

    partitions: int = 0
    batches: int = 0
    bytes: int = 0
    into: int = 0
    into_bytes: int = 0
    removed: int = 0


def compact(workspace: Workspace, *, at_least: int = 2, dry_run: bool = False, full_bytes: int = FULL_BYTES) -> Compaction:
    """Put the dataset's small batches together wherever a kind and day has `at_least` of them, and remove what that replaces.

    Run again it finds nothing to do. `dry_run`: only say what would be put together. Raises FileNotFoundError when a file that
    the ledger names is gone, and what storage and database raise; then what was not moved lies where it lay.
    """
    began = time.monotonic()
    with workspace.ledger.lock("compact"):
        lying = workspace.ledger.batches()
        found = _small_batches(workspace, lying, at_least, full_bytes)
        done = Compaction(len(found), sum(map(len, found.values())), sum(sum(sizes.values()) for sizes in found.values()))
        if dry_run:
            return done
        with workspace.ledger.keeping_batches():
            for partition, sizes in found.items():
                here = lying[lying["batch"].isin(sizes)]
                for large in merge(_rows(workspace, here), full_bytes):
                    _replace(workspace, here, partition, large)
                    done = replace(done, into=done.into + 1, into_bytes=done.into_bytes + len(large.measurements))
        done = replace(done, removed=_remove(workspace))
    if done.batches or done.removed:
        log.info(
            "compacted %d batches (%.1f MB) of %d days into %d (%.1f MB), removed %d files in %.1f s",
            *(done.batches, done.bytes / 1e6, done.partitions, done.into, done.into_bytes / 1e6, done.removed),
            time.monotonic() - began,
        )
    return done


def compact_many(workspace: Workspace) -> Compaction:
    """What happens by itself after a pass: `compact` where MANY small batches have gathered."""
    return compact(workspace, at_least=MANY)


def _small_batches(workspace: Workspace, lying: pd.DataFrame, at_least: int, full_bytes: int) -> Mapping[str, Mapping[str, int]]:
    """For each kind and day that has enough of them, its small batches with their sizes in bytes."""
    named: dict[str, set[str]] = defaultdict(set)
    for batch in lying["batch"].unique():
        named[batch.rpartition("/")[0]].add(batch)
    found = {}
    for partition, batches in sorted(named.items()):
        if len(batches) < max(at_least, 2):
            continue
        there = {
            one.key.removeprefix(f"{MEASUREMENTS}/"): one.size for one in workspace.storage.list(f"{MEASUREMENTS}/{partition}")
        }
        # One that is gone counts as small, so that reading it says which it is.
        sizes = {batch: there.get(batch, 0) for batch in batches if there.get(batch, 0) < full_bytes * SMALL}
        if len(sizes) >= max(at_least, 2):
            found[partition] = sizes
    return found


def _rows(workspace: Workspace, lying: pd.DataFrame) -> Iterator[Small]:
    """The batches with the rows of the sessions that lie in them, sorted by name, a few in memory at a time."""
    sessions = dict(iter(lying.groupby("batch")["session"]))
    waiting = iter(sorted(sessions))
    while some := list(islice(waiting, _FILES_AT_ONCE)):
        measurements = read_batch(workspace.storage, MEASUREMENTS, {key: sessions[key] for key in some})
        executions = read_batch(workspace.storage, EXECUTIONS, {key: sessions[key] for key in some})
        yield from (Small(key, measurements[key], executions[key]) for key in some)


def _replace(workspace: Workspace, lying: pd.DataFrame, partition: str, large: Large) -> None:
    """Write the large batch and move the sessions to it whose rows were put into it."""
    key = f"{partition}/{large.digest[:20]}.parquet"
    if large.parts == (key,):
        return
    workspace.ledger.announce_batch(key)
    workspace.storage.write(f"{MEASUREMENTS}/{key}", large.measurements)
    workspace.storage.write(f"{EXECUTIONS}/{key}", large.executions)
    moved = lying[lying["batch"].isin(large.parts)].rename(columns={"batch": "old"})
    workspace.ledger.move_batches(moved.assign(new=pd.Series(key, index=moved.index, dtype="string")))


def _remove(workspace: Workspace) -> int:
    """Remove loose files, unless somebody reads just now: then the next compaction does. Gives the number of batches removed."""
    with workspace.ledger.removing_batches() as alone:
        if not alone:
            log.info("somebody reads measurements; what was replaced is removed by the next compaction")
            return 0
        gone = workspace.ledger.loose_batches()
        workspace.storage.delete(f"{layer}/{key}" for key in gone for layer in (MEASUREMENTS, EXECUTIONS))
        workspace.ledger.forget_batches(gone)
        return len(gone)
