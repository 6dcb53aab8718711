"""What a snapshot may cost the repository: the size of a file, and how much the repository grows by.

GitHub warns of files over 50 MB, refuses them over 100 MB, and wants repositories of a few GB at most (its documentation, "About
large files on GitHub"). A clone carries every snapshot ever published.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from assay.errors import PublicationError
from assay.publish.target import blob_id

WARN_SHARE = 0.8
"""From this share of a limit on, a warning is logged."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Budget:
    """The most bytes that a file may have, and that a snapshot may add to the repository, compressed as Git does."""

    file_bytes: int
    growth_bytes: int


@dataclass(frozen=True)
class Cost:
    """What a change costs: the largest new file with its size, and how many bytes the repository grows by."""

    largest: str
    largest_bytes: int
    growth_bytes: int


def cost(write: Mapping[str, bytes], known: Collection[str]) -> Cost:
    """The cost of writing files to a repository that has the blobs `known`. Each content counts once."""
    largest, largest_bytes, growth = "", 0, 0
    seen = set(known)
    for path in write:
        data = write[path]
        if (blob := blob_id(data)) in seen:
            continue
        seen.add(blob)
        growth += len(zlib.compress(data, 1))
        if len(data) > largest_bytes:
            largest, largest_bytes = path, len(data)
    return Cost(largest, largest_bytes, growth)


def require_affordable(found: Cost, budget: Budget) -> None:
    """Raises PublicationError, before anything is sent, if a budget is exceeded; logs a warning where it soon will be."""
    if found.largest_bytes > budget.file_bytes:
        raise PublicationError(
            f"{found.largest} has {_mb(found.largest_bytes)}; expected at most {_mb(budget.file_bytes)} "
            "(ASSAY_SNAPSHOT_FILE_BYTES): nothing was published. Publish fewer types in a dataset (another `--dataset`); GitHub "
            "refuses files over 100 MB, so raising the limit helps up to there"
        )
    if found.growth_bytes > budget.growth_bytes:
        raise PublicationError(
            f"this snapshot would make the repository grow by {_mb(found.growth_bytes)}, compressed; expected at most "
            f"{_mb(budget.growth_bytes)} (ASSAY_SNAPSHOT_GROWTH_BYTES): nothing was published. Publish less often, or fewer "
            "types in a dataset (another `--dataset`), or raise the limit; a clone carries every snapshot ever published"
        )
    for what, bytes_, limit in (
        (found.largest, found.largest_bytes, budget.file_bytes),
        ("the growth of the repository, compressed,", found.growth_bytes, budget.growth_bytes),
    ):
        if bytes_ > WARN_SHARE * limit:
            log.warning("%s: %s, near the limit of %s; a snapshot over it is refused", what, _mb(bytes_), _mb(limit))


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
