"""What surrounds the data in the dataset repository: README and explorer. They follow the code, not the measurements."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson

from assay.dataset.build import METADATA
from assay.explorer.page import FOLDER, explorer_files
from assay.publish.layout import README
from assay.publish.readme import readme
from assay.publish.target import Change, GitTarget, MovedBranch, blob_id

log = logging.getLogger(__name__)

PAGE_FOLDER = f"{FOLDER}/"
"""Everything below belongs to the page; what a newer page no longer has is removed."""


def page_files(documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """README and explorer of these documents, by path. No part of a snapshot: neither manifest nor content digest knows them."""
    return {README: readme(orjson.loads(documents[METADATA])).encode(), **explorer_files()}


def page_change(documents: Mapping[str, bytes], tree: Mapping[str, str]) -> Change:
    """What brings the page of a tree (path -> blob id) up to date: only files that differ."""
    files = page_files(documents)
    gone = frozenset(path for path in tree if path.startswith(PAGE_FOLDER) and path not in files)
    return Change({path: data for path, data in files.items() if tree.get(path) != blob_id(data)}, gone)


def refresh_page(target: GitTarget, documents: Mapping[str, bytes], head: str) -> str | None:
    """Bring the page of a published snapshot up to date where the code has changed since, in a commit of its own without a tag.

    Gives the new commit; None if the page is right already, or if somebody committed meanwhile (the next publication does it).
    """
    change = page_change(documents, target.tree(head))
    if not change.write and not change.remove:
        return None
    message = "Explorer and README: as the newest code writes them\n\nNo document, no number and no snapshot changed.\n"
    try:
        commit = target.commit(change, message, expected=head)
    except MovedBranch as error:
        log.warning("the page was not refreshed: %s", error)
        return None
    log.info("%s: page refreshed in commit %s; the data is as it was", target.name, commit[:12])
    return commit
