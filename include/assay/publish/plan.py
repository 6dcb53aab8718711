"""What publishing a set of documents would change in the target."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import orjson

from assay.dataset.api import api_documents
from assay.dataset.build import METADATA, digest_of, rebase
from assay.dataset.migrations.guide import guide_files
from assay.dataset.schema import schema_files
from assay.dataset.validate import validate_documents
from assay.publish.budget import Cost, cost
from assay.publish.companions import companion_files
from assay.publish.current import CurrentSnapshot, current_snapshot
from assay.publish.layout import API_FOLDER, LATEST, below, is_history, snapshot_folder, snapshot_folders, snapshot_name
from assay.publish.page import PAGE_FOLDER, page_files
from assay.publish.spool import Joined, Spool
from assay.publish.target import Change, GitTarget, blob_id
from assay.publish.thin import Keep, thinned


@dataclass(frozen=True)
class Plan:
    """A commit to be made on `head`: a new snapshot's name, its documents, and what it writes and removes.

    `files`: the paths that are different afterwards. `thinned`: the snapshots whose folders leave the tree. `cost`: what it adds.
    `before`: the snapshot that it follows; None for the first of a dataset.
    """

    name: str
    head: str | None
    documents: Mapping[str, bytes]
    change: Change
    files: tuple[str, ...]
    thinned: tuple[str, ...]
    cost: Cost
    before: CurrentSnapshot | None = None


def plan(
    target: GitTarget,
    documents: Mapping[str, bytes],
    used: Collection[str] = (),
    history: Spool | None = None,
    keep: Keep | None = None,
) -> Plan | CurrentSnapshot:
    """The commit that publishes these documents on top of the target's head; the snapshot there if it says the same already.

    `used`: names that no new snapshot may take, beside those of the target's tags and folders. `history`: the documents over time
    by path in the repository; those that are there and not among them are removed. Without it they stay as they are.
    `keep`: which dated folders stay; without it all do.
    """
    head = target.head()
    current = current_snapshot(target, head)
    tree = target.tree(head) if head else {}
    past = history.blobs if history is not None else {}
    if current is not None and current.whole and current.digest == digest_of(documents) and past.items() <= tree.items():
        return current
    documents = rebase(documents, current.as_previous() if current else None)
    day = orjson.loads(documents[METADATA])["dataset_version"]
    name = snapshot_name(day, {*snapshot_folders(tree), *target.tags(), *used})
    write = {
        **page_files(documents),
        **below(LATEST, documents),
        **below(snapshot_folder(name), documents),
        **below(API_FOLDER, _api(documents) | companion_files()),
        **{f"data/{path}": text.encode() for path, text in (schema_files() | guide_files()).items()},
    }
    blobs = {path: blob_id(data) for path, data in write.items()} | past
    ours = [path for path in tree if path.startswith((f"{LATEST}/", PAGE_FOLDER)) or (history is not None and is_history(path))]
    old = _thinned(target, tree, {name, current.name if current else name}, keep)
    ours += [path for path in tree if path.startswith(tuple(f"{snapshot_folder(former)}/" for former in old))]
    gone = frozenset(path for path in ours if path not in blobs)
    different = {path for path, blob in blobs.items() if tree.get(path) != blob}
    change = Change(write if history is None else Joined(write, history), gone)
    added = cost(change.write, {*tree.values()})
    return Plan(name, head, documents, change, tuple(sorted(different | gone)), tuple(old), added, current)


def _thinned(target: GitTarget, tree: Mapping[str, str], always: Collection[str], keep: Keep | None) -> list[str]:
    """The snapshots whose folders may go: only what a tag holds, never the newest nor the one before it."""
    return [] if keep is None else thinned((snapshot_folders(tree) & target.tags().keys()) | {*always}, keep, always)


def _api(documents: Mapping[str, bytes]) -> dict[str, bytes]:
    api = api_documents(documents)
    validate_documents(api)
    return api
