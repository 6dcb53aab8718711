"""What may differ between storage and database, and what to do about each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """In what way something differs."""

    MISSING = "missing"
    EXTRA = "extra"
    SIZE = "size"
    CONTENT = "content"
    ROWS = "rows"
    NOT_ENTERED = "not entered"
    UNPROCESSED = "unprocessed"


@dataclass(frozen=True, order=True)
class Difference:
    """One thing that differs: `where` it is (full name of an object, or a session), what was found and what was expected."""

    kind: Kind
    where: str
    found: str
    expected: str
    advice: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: found {self.found}; expected {self.expected}. {self.advice}"


_OLDER_VERSION = "a bucket that keeps versions has the former one"
_RAW = (
    f"Bring the bytes back: {_OLDER_VERSION}; `assay restore` has what was archived; a lab machine sends its folder again with "
    "`assay ship once`"
)
_BATCH = "`assay recheck` cannot do without it: bring it back from a backup of the processed storage"
_AGAIN = "`assay recordings reprocess --session ID --anew` makes it again from the raw file"

ADVICE = {
    (Kind.MISSING, "raw file"): _RAW,
    (Kind.MISSING, "manifest"): _RAW,
    (Kind.MISSING, "batch"): _BATCH,
    (Kind.MISSING, "processed file"): _AGAIN,
    (Kind.EXTRA, "raw"): "Nothing may lie there that no session has: see who wrote it, then move it away or (a whole session) "
    "have it entered: `assay process`, or a run of ingest_recordings for recordings",
    (Kind.EXTRA, "processed"): "No row tells of it: restore the database's row from a backup, or delete the object",
    (Kind.EXTRA, "cleaned"): "It was deleted once its archive was proven, and is there again or still: `assay clean` was cut "
    "short, or it was put back by hand; delete it, or bring it back in order with `assay restore`",
}


def advice(kind: Kind, what: str) -> str:
    """What to do about a difference of this kind in a thing of this name."""
    if kind in (Kind.SIZE, Kind.CONTENT):
        kind = Kind.MISSING
    return ADVICE[kind, what]
