"""What the target holds now: the snapshot that consumers see."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import orjson

from assay.dataset.build import digest_of
from assay.dataset.content import PreviousSnapshot
from assay.dataset.manifest import MANIFEST
from assay.publish.layout import LATEST, VERSIONS, names_below, snapshot_folder, snapshot_folders, snapshot_order
from assay.publish.target import GitTarget

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CurrentSnapshot:
    """The snapshot in `latest/` at a commit: its name, its documents, and whether its dated folder says the same."""

    name: str
    commit: str
    documents: dict[str, bytes]
    whole: bool

    @property
    def digest(self) -> str:
        """The content digest in its manifest."""
        return digest_of(self.documents)

    def as_previous(self) -> PreviousSnapshot:
        """What the next snapshot is compared with."""
        return PreviousSnapshot(self.name, self.documents)


def current_snapshot(target: GitTarget, commit: str | None) -> CurrentSnapshot | None:
    """The snapshot in `latest/` at a commit of the target; None where there is none.

    Its name is that of the dated folder with the same manifest, the last if there are several. Where there is no such folder,
    or a document is not JSON, somebody else wrote there: that is no snapshot.
    """
    if commit is None:
        return None
    latest, dated = target.tree(commit, LATEST), target.tree(commit, VERSIONS)
    inside = names_below(LATEST, latest)
    if MANIFEST not in inside:
        return None
    same = [name for name in snapshot_folders(dated) if dated.get(f"{snapshot_folder(name)}/{MANIFEST}") == inside[MANIFEST]]
    name = max(same, key=snapshot_order, default="")
    if not name:
        log.warning(
            "%s: %s at %s is no snapshot: no dated folder has its manifest; it is replaced", target.name, LATEST, commit[:12]
        )
        return None
    documents = {path.removeprefix(f"{LATEST}/"): data for path, data in target.read_many(commit, sorted(latest))}
    damaged = [file for file, data in documents.items() if file.endswith(".json") and not _is_json(data)]
    if damaged:
        log.warning("%s: %s at %s holds %s, not JSON; it is replaced", target.name, LATEST, commit[:12], ", ".join(damaged[:3]))
        return None
    return CurrentSnapshot(name, commit, documents, whole=names_below(snapshot_folder(name), dated) == inside)


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True
