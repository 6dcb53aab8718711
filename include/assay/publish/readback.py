"""Reads a snapshot back from the target and proves that it is what was built."""

from __future__ import annotations

from assay.dataset.encode import sha256
from assay.dataset.manifest import MANIFEST
from assay.errors import NotWhole
from assay.publish.layout import LATEST, PROCESSED, is_history, names_below, snapshot_folder
from assay.publish.listing import published_listing
from assay.publish.target import GitTarget


def read_back(target: GitTarget, name: str, commit: str, manifest_sha256: str) -> None:
    """Fetch every file of a snapshot and compare it with the manifest, and the manifest with the hash that was sent.

    The documents over time of that commit are among them. Raises NotWhole if the tag is elsewhere, a file is missing,
    added or different, or `latest/` at that commit is not the dated folder.
    """
    where = f"{target.name}: snapshot {name} at {commit[:12]}"
    tagged = target.tags().get(name)
    if tagged != commit:
        raise NotWhole(f"{where}: the tag is on {tagged or 'nothing'}; do not clean anything, look at who moved it")
    folder = snapshot_folder(name)
    dated, latest = names_below(folder, target.tree(commit, folder)), names_below(LATEST, target.tree(commit, LATEST))
    if dated != latest:
        different = sorted(path for path in {*dated, *latest} if dated.get(path) != latest.get(path))
        raise NotWhole(f"{where}: {LATEST} and {folder} differ in {', '.join(different[:5])}; publish again")
    try:
        said, _ = published_listing(target, commit, name, manifest_sha256)
    except FileNotFoundError:
        raise NotWhole(f"{where}: {MANIFEST} is missing; publish again") from None
    stated = {file.path: (file.bytes, file.sha256) for file in said.files}
    if stated.keys() | {MANIFEST} != dated.keys():
        stray = sorted((stated.keys() | {MANIFEST}) ^ dated.keys())
        raise NotWhole(f"{where}: the manifest and the folder disagree on {', '.join(stray[:5])}")
    past = {f"{PROCESSED}/{file.path}": (file.bytes, file.sha256) for file in said.history}
    there = {path for path in target.tree(commit, PROCESSED) if is_history(path)}
    if past.keys() != there:
        raise NotWhole(f"{where}: the manifest and the commit disagree on {', '.join(sorted(past.keys() ^ there)[:5])}")
    expected = {f"{folder}/{file}": facts for file, facts in stated.items()} | past
    for path, data in target.read_many(commit, sorted(expected)):
        if (len(data), sha256(data)) != expected[path]:
            raise NotWhole(
                f"{where}: {path.removeprefix(f'{folder}/')} has {len(data)} bytes and SHA-256 {sha256(data)}; "
                f"the manifest says {expected[path]}"
            )
