"""What publishing a set of documents would change in the target."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import orjson

from assay.dataset.api import api_documents
from assay.dataset.build import METADATA, digest_of, rebase
from assay.dataset.schema import schema_files
from assay.dataset.validate import validate_documents
from assay.publish.companions import companion_files
from assay.publish.current import CurrentSnapshot, current_snapshot
from assay.publish.layout import API_FOLDER, LATEST, below, snapshot_folder, snapshot_folders, snapshot_name
from assay.publish.page import PAGE_FOLDER, page_files
from assay.publish.target import Change, GitTarget, blob_id


@dataclass(frozen=True)
class Plan:
    """A commit to be made on `head`: a new snapshot's name, its documents, and what it writes and removes.

    `files`: the paths that are different afterwards.
    """

    name: str
    head: str | None
    documents: Mapping[str, bytes]
    change: Change
    files: tuple[str, ...]


def plan(target: GitTarget, documents: Mapping[str, bytes], used: Collection[str] = ()) -> Plan | CurrentSnapshot:
    """The commit that publishes these documents on top of the target's head; the snapshot there if it says the same already.

    `used`: names that no new snapshot may take, beside those of the target's tags and folders.
    """
    head = target.head()
    current = current_snapshot(target, head)
    if current is not None and current.whole and current.digest == digest_of(documents):
        return current
    documents = rebase(documents, current.as_previous() if current else None)
    tree = target.tree(head) if head else {}
    day = orjson.loads(documents[METADATA])["dataset_version"]
    name = snapshot_name(day, {*snapshot_folders(tree), *target.tags(), *used})
    write = {
        **page_files(documents),
        **below(LATEST, documents),
        **below(snapshot_folder(name), documents),
        **below(API_FOLDER, _api(documents) | companion_files()),
        **{f"data/{path}": text.encode() for path, text in schema_files().items()},
    }
    gone = frozenset(path for path in tree if path.startswith((f"{LATEST}/", PAGE_FOLDER)) and path not in write)
    different = {path for path, data in write.items() if tree.get(path) != blob_id(data)}
    return Plan(name, head, documents, Change(write, gone), tuple(sorted(different | gone)))


def _api(documents: Mapping[str, bytes]) -> dict[str, bytes]:
    api = api_documents(documents)
    validate_documents(api)
    return api
