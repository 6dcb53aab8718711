"""From a manifest in raw storage to a session in the ledger of its dataset. Told twice, or in another order, it ends the same."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from sqlalchemy import text

from assay.check.arrivals import register_keys
from assay.database.uploads import complete_and_unknown
from assay.errors import AssayError, DatasetConflict, ManifestError, TooLarge
from assay.session import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, SessionKind, is_session_id
from assay.storage import Storage
from assay.workspace import Workspace

KEYS_AT_ONCE = 2_000

_KEY = re.compile(r"raw/recording/\d{4}/\d{2}/\d{2}/([^/]+)/" + re.escape(MANIFEST_NAME))

log = logging.getLogger(__name__)


def register_arrived(workspace: Workspace, keys: Iterable[str]) -> list[str]:
    """Enter the recordings whose manifests have these keys; gives the ids of those that are new.

    A key that is known, that names no manifest of a recording, or where nothing lies is passed over. What is no manifest is
    rejected in the workspace's dataset, with the reason; its bytes stay.
    """
    storage, new = workspace.recordings, []
    for dataset, those in _by_dataset(storage, [key for key in dict.fromkeys(keys) if _KEY.fullmatch(key)]).items():
        target = workspace.of_dataset(dataset) if dataset else workspace
        try:
            new.extend(register_keys(target, storage, those))
        except DatasetConflict as error:
            # Of another licence than its dataset: told at every sweep until a person has put it right; the bytes stay.
            log.error("recordings of dataset %r are not entered: %s", dataset, error)
    return new


def register_session(workspace: Workspace, session: str) -> list[str]:
    """Enter one recording by its id, wherever it lies. Raises AssayError if the id is none, or nothing whole lies under it."""
    if not is_session_id(session):
        raise AssayError(f"session: found {session[:60]!r}; expected an id such as 20240229T151221Z-3fa9c24be01d")
    found = [stored.key for stored in workspace.recordings.list("raw/recording") if _names(stored.key, session)]
    if not found:
        raise AssayError(
            f"session {session}: no manifest in {workspace.recordings.uri('raw/recording')}; it has not arrived whole"
        )
    return register_arrived(workspace, found)


def register_completed(workspace: Workspace) -> list[str]:
    """Enter the recordings that the ingestion API completed and that no ledger knows; gives the ids of those that are new.

    Cheap, so that every run looks: of a burst of events Airflow may keep one back until the next one comes.
    """
    with workspace.engine.connect() as connection:
        prefixes = complete_and_unknown(connection)
    return register_arrived(workspace, [f"{prefix}{MANIFEST_NAME}" for prefix in prefixes])


def sweep(workspace: Workspace) -> list[str]:
    """Enter every recording that lies whole in raw storage and that no ledger knows: what an event missed. Gives the new ids."""
    new: list[str] = []
    keys: list[str] = []
    for stored in workspace.recordings.list(f"raw/{SessionKind.RECORDING}"):
        if _KEY.fullmatch(stored.key):
            keys.append(stored.key)
        if len(keys) >= KEYS_AT_ONCE:
            new.extend(register_arrived(workspace, _unknown(workspace, keys)))
            keys = []
    new.extend(register_arrived(workspace, _unknown(workspace, keys)))
    if new:
        log.info("sweep: %d recordings had arrived and were not known: %s", len(new), ", ".join(new[:20]))
    return new


def waiting(workspace: Workspace) -> int:
    """How many recordings of all datasets are not judged yet."""
    with workspace.engine.connect() as connection:
        query = text("SELECT count(*) FROM assay.sessions WHERE kind = 'recording' AND state <> 'judged'")
        return int(connection.scalar(query) or 0)


def _names(key: str, session: str) -> bool:
    match = _KEY.fullmatch(key)
    return match is not None and match[1] == session


def _unknown(workspace: Workspace, keys: list[str]) -> list[str]:
    prefixes = [key.removesuffix(MANIFEST_NAME) for key in keys]
    with workspace.engine.connect() as connection:
        query = text("SELECT prefix FROM assay.sessions WHERE kind = 'recording' AND prefix = ANY(:prefixes)")
        known = set(connection.execute(query, {"prefixes": prefixes}).scalars())
    return [key for key, prefix in zip(keys, prefixes, strict=True) if prefix not in known]


def _by_dataset(storage: Storage, keys: list[str]) -> dict[str, list[str]]:
    """The keys by the dataset that their manifests name; by an empty name those that are no manifests."""
    found: dict[str, list[str]] = {}
    for key in keys:
        try:
            dataset = Manifest.parse(storage.read(key, limit=MAX_MANIFEST_BYTES), storage.uri(key)).dataset
        except (ManifestError, TooLarge):
            dataset = ""
        except FileNotFoundError:
            log.warning("%s: told of, and not there", storage.uri(key))
            continue
        found.setdefault(dataset, []).append(key)
    return found
