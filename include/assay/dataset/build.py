"""Builds the documents of a dataset: a pure function from content to bytes.

The same content gives the same bytes, in any process and whatever the order of its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from assay.dataset.api import BUNDLE, bundle_document
from assay.dataset.changes import CHANGES, changes_document
from assay.dataset.content import DatasetContent, PreviousSnapshot
from assay.dataset.cost import rankings_document
from assay.dataset.cpu import cpu_document
from assay.dataset.derive import PREDICTIONS, PRICES, derived_documents, tables
from assay.dataset.encode import to_json
from assay.dataset.entries import Workbench
from assay.dataset.manifest import MANIFEST, content_digest, file_entry, manifest_document, session_list
from assay.dataset.memory import memory_document
from assay.dataset.metadata import document_list, metadata_core
from assay.dataset.microarch import microarch_document
from assay.dataset.over_time import TRENDS, documents_over_time
from assay.dataset.place import CPU, MEMORY, MICROARCH, document_of
from assay.dataset.quarantine import quarantine_document, warning_rules
from assay.dataset.rankings import ranked_sessions, ranking_lists
from assay.dataset.select import implementations, place
from assay.dataset.shared import share_sources
from assay.dataset.subject import subjects
from assay.dataset.trends import Archive
from assay.dataset.updated import Ends
from assay.errors import PublicationError

METADATA = "metadata.json"
QUARANTINE = "quarantine.json"
RANKINGS = "instance-rankings.json"
COMPACT = (TRENDS, PRICES, PREDICTIONS)
"""Long lists of small numbers, which indentation would make three times as large."""
COMPARED = (MEMORY, CPU, MICROARCH, QUARANTINE)
"""What changes are found in; the other documents follow from these."""


def build_documents(content: DatasetContent, archive: Archive | None = None) -> dict[str, bytes]:
    """Every document of a snapshot, by file name.

    `archive`: takes the documents over time that lie outside the snapshot's folder, one by one as they are made (path below
    `data/processed/`, bytes), so that not all need be in memory; the manifest then lists them. Without it none are made.

    Raises PublicationError if there is nothing to publish, or if the content contradicts itself: a statistic over a session
    that is not accepted, a session without raw files.
    """
    _check(content)
    placed = place(content.statistics)
    workbench = Workbench(placed, subjects(content.sessions), warning_rules(content.findings))
    metadata = metadata_core(content, workbench, implementations(placed))
    ends = Ends(content.sessions, content.quarantined)
    documents = {benchmark: document_of(benchmark, workbench.units(benchmark)) for benchmark in workbench.benchmarks}
    rankings = ranking_lists(workbench, documents)
    ranked = ends.newest(ranked_sessions(workbench))
    within = {name: [b for b, document in documents.items() if document == name] for name in (MEMORY, CPU, MICROARCH)}
    data: dict[str, Any] = {
        MEMORY: ends.stamp(memory_document(workbench, within[MEMORY], rankings)),
        CPU: ends.stamp(cpu_document(workbench, within[CPU], rankings)),
        MICROARCH: ends.stamp(microarch_document(workbench, within[MICROARCH])),
        RANKINGS: rankings_document(rankings, content.prices, content.cost_region, ranked),
        QUARANTINE: quarantine_document(content.quarantined, content.findings),
    }
    share_sources(data)
    data |= derived_documents(content, workbench, data, rankings, ranked, ends)
    history: list[dict[str, Any]] = []
    listed = None if archive is None else _listed(archive, history)
    trends = documents_over_time(content, placed, workbench, rankings, ends, listed)
    sessions = session_list(content.sessions, content.raw_files)
    data[TRENDS] = trends
    encoded = {name: to_json(document, compact=name in COMPACT) for name, document in data.items()} | tables(content)
    history.sort(key=lambda entry: str(entry["path"]))
    return _assemble(encoded, metadata, sessions, history, content.previous)


def rebase(documents: Mapping[str, bytes], previous: PreviousSnapshot | None) -> dict[str, bytes]:
    """The same documents with another snapshot before them: only changes, metadata and manifest differ."""
    metadata, manifest = orjson.loads(documents[METADATA]), orjson.loads(documents[MANIFEST])
    del metadata["documents"]
    data = {name: data for name, data in documents.items() if name not in (CHANGES, METADATA, BUNDLE, MANIFEST)}
    return _assemble(data, metadata, manifest["sessions"], manifest["history"], previous)


def digest_of(documents: Mapping[str, bytes]) -> str:
    """The content digest that a built or published set of documents states in its manifest."""
    return str(orjson.loads(documents[MANIFEST])["content_digest"])


def _listed(archive: Archive, entries: list[dict[str, Any]]) -> Archive:
    """The archive, with an entry for every document that goes into it."""

    def note(path: str, raw: bytes) -> None:
        entries.append(file_entry(path, raw))
        archive(path, raw)

    return note


def _assemble(
    data: Mapping[str, bytes],
    metadata: Mapping[str, Any],
    sessions: list[dict[str, Any]],
    history: list[dict[str, Any]],
    previous: PreviousSnapshot | None,
) -> dict[str, bytes]:
    digest = content_digest(data, metadata, sessions)
    now = {**_decoded(data), MANIFEST: {"sessions": sessions}}
    changes = changes_document(_decoded(previous.documents) if previous else {}, now, previous.name if previous else "")
    documents = {**data, CHANGES: to_json(changes)}
    documents[METADATA] = to_json({**metadata, "documents": document_list(documents)})
    documents[BUNDLE] = to_json(bundle_document(documents), compact=True)
    documents[MANIFEST] = to_json(manifest_document(documents, sessions, history, digest))
    return documents


def _decoded(documents: Mapping[str, bytes]) -> dict[str, Any]:
    """The documents that changes are found in, decoded."""
    return {name: orjson.loads(documents[name]) for name in COMPARED if name in documents}


def _check(content: DatasetContent) -> None:
    accepted = set(content.sessions["session"])
    used = {session for sessions in content.statistics["session_ids"] for session in sessions}
    unknown = sorted(used - accepted)
    if unknown:
        raise PublicationError(
            f"dataset {content.dataset}: statistics rest on {len(unknown)} sessions that are not accepted, such as {unknown[0]}; "
            "they are older than the last verdicts: run `assay process` to bring them up to date, then publish again"
        )
    without_files = sorted(accepted - set(content.raw_files["session"]))
    if without_files:
        raise PublicationError(
            f"dataset {content.dataset}: {len(without_files)} accepted sessions have no raw files in the ledger, such as "
            f"{without_files[0]}; a published value could not be traced back: run `assay process` again"
        )
