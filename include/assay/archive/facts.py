"""What an index says besides its sessions: read from the published snapshot, and from the ledger where that does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pandas as pd

from assay.archive.index import Decision, Document, Price, Rejection
from assay.database.words import Decision as Decided
from assay.dataset.build import COMPARED, METADATA, QUARANTINE, RANKINGS
from assay.dataset.changes import CHANGES
from assay.dataset.cost import NAME as COST_EFFICIENCY
from assay.dataset.derive import PRICES
from assay.dataset.encode import rounded
from assay.dataset.redact import redact
from assay.errors import ArchiveError, NotWhole
from assay.publish.layout import snapshot_folder
from assay.publish.listing import ListedFile, published_listing
from assay.publish.target import GitTarget
from assay.reference.prices.known import known_prices
from assay.reference.prices.price import PRICE_COLUMNS
from assay.workspace import Workspace


@dataclass(frozen=True)
class Facts:
    """What is known of a published snapshot. `held`: its sessions that did not go in. `compared`: documents of the one before."""

    snapshot: str
    commit: str
    licence: str
    content_digest: str
    manifest: Document
    documents: list[Document]
    history: list[Document]
    accepted: int
    rejected: int
    cost_region: str
    prices: list[Price]
    decisions: list[Decision]
    rejections: list[Rejection]
    held: frozenset[str]
    previous: str
    compared: Mapping[str, bytes]


def gather_facts(workspace: Workspace, target: GitTarget, snapshot: str, commit: str, manifest_sha256: str) -> Facts:
    """The facts of a published snapshot. Raises ArchiveError if the target does not hold it as it was published."""
    documents = _documents(target, commit, snapshot, (METADATA, QUARANTINE, CHANGES, RANKINGS, PRICES))
    try:
        listing, manifest = published_listing(target, commit, snapshot, manifest_sha256)
    except FileNotFoundError as error:
        raise _missing(target, commit, snapshot, error) from None
    except NotWhole as error:
        raise ArchiveError(f"{error}. Nothing was archived: look at who wrote there") from None
    metadata, changes = orjson.loads(documents[METADATA]), orjson.loads(documents[CHANGES])
    snapshots = workspace.ledger.snapshots()
    # A rollback says again what an earlier snapshot said: what people decided in between is no part of it.
    begun_at = snapshots.loc[(snapshots["content_digest"] == listing.content_digest).to_numpy(dtype=bool), "begun_at"].min()
    decisions = workspace.ledger.decisions()
    decisions = decisions[(decisions["decided_at"] <= begun_at).to_numpy(dtype=bool)]
    rejections = workspace.ledger.rejections()
    rejections = rejections[(rejections["rejected_at"] <= begun_at).to_numpy(dtype=bool)]
    newest = decisions.drop_duplicates("session", keep="last")
    by_people = newest.loc[newest["decision"] == Decided.REJECTED.value, "session"]
    return Facts(
        snapshot=snapshot,
        commit=commit,
        licence=str(metadata["licence"]),
        content_digest=listing.content_digest,
        manifest=_document(manifest),
        documents=[_document(file) for file in listing.files],
        history=[_document(file) for file in listing.history],
        accepted=int(metadata["accounting"]["accepted"]),
        rejected=int(metadata["accounting"]["rejected"]),
        cost_region=_cost_region(workspace, documents),
        prices=_prices(workspace, orjson.loads(documents[PRICES])["instances"]),
        decisions=[
            Decision(str(row.session), str(row.decision), redact(str(row.who)), redact(str(row.why)))
            for row in decisions.itertuples()
        ],
        rejections=_rejections(rejections),
        held=frozenset({str(entry["session"]) for entry in orjson.loads(documents[QUARANTINE])} | set(by_people)),
        previous=str(changes["since"]),
        compared=_compared(target, commit, str(changes["since"])),
    )


def _document(file: ListedFile) -> Document:
    return Document(file.path, file.bytes, file.sha256)


def _documents(target: GitTarget, commit: str, snapshot: str, names: tuple[str, ...]) -> dict[str, bytes]:
    folder = snapshot_folder(snapshot)
    try:
        read = dict(target.read_many(commit, [f"{folder}/{name}" for name in names]))
    except FileNotFoundError as error:
        raise _missing(target, commit, snapshot, error) from None
    return {path.removeprefix(f"{folder}/"): data for path, data in read.items()}


def _missing(target: GitTarget, commit: str, snapshot: str, error: FileNotFoundError) -> ArchiveError:
    return ArchiveError(f"{target.name}: snapshot {snapshot} at {commit[:12]}: {error}; it cannot be archived")


def _compared(target: GitTarget, commit: str, previous: str) -> dict[str, bytes]:
    """Of the snapshot before, the documents that this one's changes were found in; from its own commit, where its tag is."""
    if not previous:
        return {}
    return _documents(target, target.tags().get(previous, commit), previous, COMPARED)


def _cost_region(workspace: Workspace, documents: Mapping[str, bytes]) -> str:
    ranking = orjson.loads(documents[RANKINGS])["rankings"].get(COST_EFFICIENCY)
    return workspace.settings.regions[0] if ranking is None else str(ranking["region"])


def _prices(workspace: Workspace, instances: Mapping[str, Mapping[str, Any]]) -> list[Price]:
    """The prices that were published: exact where the ledger still says the same, else with the digits that were published."""
    regions = sorted({region for entries in instances.values() for region in entries})
    known = known_prices(workspace.engine, instances, regions)
    exact: dict[tuple[str, str], dict[str, Any]] = {}
    for facts in known.to_dict("records"):
        exact[str(facts["instance"]), str(facts["region"])] = {str(name): value for name, value in facts.items()}
    found = []
    for instance, entries in sorted(instances.items()):
        for region, entry in sorted(entries.items()):
            price = entry["hourly_price"]
            if price is None:
                found.append(Price(instance, region, None, str(entry["reason"]), None, None))
                continue
            now = exact.get((instance, region), {})
            value = float(price["value"])
            if not pd.isna(now.get("hourly_price")):
                same = (rounded(now["hourly_price"]), now["source"], now["as_of"]) == (value, price["source"], price["as_of"])
                value = float(now["hourly_price"]) if same else value
            found.append(Price(instance, region, value, None, str(price["source"]), str(price["as_of"])))
    return found


def price_table(prices: list[Price]) -> pd.DataFrame:
    """Prices as the documents are built from: PRICE_COLUMNS."""
    rows = [[getattr(price, name) for name in PRICE_COLUMNS] for price in prices]
    return pd.DataFrame(rows, columns=list(PRICE_COLUMNS)).astype({"hourly_price": "float64"})


def _rejections(frame: pd.DataFrame) -> list[Rejection]:
    """The rejections without what must not be told; two that are the same then are told apart by a number."""
    found: list[Rejection] = []
    seen: dict[tuple[str, str], int] = {}
    for row in frame.itertuples():
        name, digest = redact(str(row.source_file)), str(row.sha256)
        number = seen[name, digest] = seen.get((name, digest), 0) + 1
        found.append(Rejection(name if number == 1 else f"{name} ({number})", digest, redact(str(row.reason))))
    return found
