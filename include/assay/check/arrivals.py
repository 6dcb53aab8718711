"""The sweep: sessions that lie whole in raw storage and that the ledger does not know, as after a kill between the two."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator

from assay.database.ledger import Arrival
from assay.errors import ManifestError, TooLarge
from assay.session import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, SessionKind
from assay.storage import Storage
from assay.workspace import Workspace

SESSIONS_AT_ONCE = 2_000

_MANIFEST_KEY = re.compile(r"raw/(?P<kind>[a-z_]+)/\d{4}/\d{2}/\d{2}/(?P<session>[^/]+)/" + re.escape(MANIFEST_NAME))

log = logging.getLogger(__name__)


def register_unknown(workspace: Workspace) -> list[str]:
    """Enter what has arrived in raw storage and is not in the ledger; give the ids of the new sessions.

    A manifest that cannot be read is rejected with the reason, its bytes stay. A session of another dataset is left to that one.
    """
    new: list[str] = []
    for kind in SessionKind:
        storage = workspace.raw_storage(kind)
        keys: list[tuple[str, str]] = []
        for stored in storage.list(f"raw/{kind.value}"):
            match = _MANIFEST_KEY.fullmatch(stored.key)
            if match:
                keys.append((match["session"], stored.key))
            if len(keys) >= SESSIONS_AT_ONCE:
                new.extend(_register(workspace, storage, keys))
                keys = []
        new.extend(_register(workspace, storage, keys))
    return new


def register_keys(workspace: Workspace, storage: Storage, keys: Iterable[str]) -> list[str]:
    """As `register_unknown`, for these keys of manifests alone; a key of another form, or of no object, is passed over."""
    found = [(match["session"], key) for key in keys if (match := _MANIFEST_KEY.fullmatch(key))]
    return _register(workspace, storage, [(session, key) for session, key in found if storage.size(key) is not None])


def _register(workspace: Workspace, storage: Storage, keys: list[tuple[str, str]]) -> list[str]:
    known = workspace.ledger.known(session for session, _ in keys)
    unknown = [(session, key) for session, key in keys if session not in known]
    arrivals = list(_arrivals(workspace, storage, unknown))
    if not arrivals:
        return []
    registered = workspace.ledger.register_many(arrivals)
    for session in registered.new:
        log.info("session %s: found in raw storage, not in the ledger; registered", session)
    return list(registered.new)


def _arrivals(workspace: Workspace, storage: Storage, unknown: list[tuple[str, str]]) -> Iterator[Arrival]:
    for session, key in unknown:
        where = storage.uri(key)
        try:
            raw = storage.read(key, limit=MAX_MANIFEST_BYTES)
        except TooLarge as error:
            # Too large to hash here on every sweep: the key stands for the bytes.
            _reject(workspace, key, str(error), hashlib.sha256(key.encode()).hexdigest())
            continue
        digest = hashlib.sha256(raw).hexdigest()
        try:
            manifest = Manifest.parse(raw, where)
        except ManifestError as error:
            _reject(workspace, key, str(error), digest)
            continue
        if manifest.session != session:
            _reject(workspace, key, f"{where}: lies in folder {session!r}; its own session id is {manifest.session!r}", digest)
        elif manifest.dataset == workspace.dataset:
            yield Arrival(manifest, digest, key.removesuffix(MANIFEST_NAME))


def _reject(workspace: Workspace, key: str, reason: str, digest: str) -> None:
    log.warning("%s: rejected: %s", key, reason)
    workspace.ledger.reject(key, reason, digest)
