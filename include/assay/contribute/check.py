"""The verdict on contributions: the same steps and rules as for every session, in a workspace that is thrown away."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from assay.check.judge import judge_read
from assay.check.verify import verify_arrived
from assay.collect.importers import Refused
from assay.contribute.received import DATASET, Received, receive
from assay.database import embedded
from assay.database.arrivals import Arrival
from assay.database.words import Verdict
from assay.dataset.redact import redact
from assay.read.sessions import read_verified
from assay.session import MANIFEST_NAME, hash_file, raw_prefix
from assay.settings import Settings
from assay.workspace import Workspace, open_workspace

ORDER = (Verdict.ACCEPTED, Verdict.ACCEPTED_WITH_WARNINGS, Verdict.QUARANTINED, Verdict.REJECTED)
"""From the best; the verdict on several is the worst of them."""


@dataclass(frozen=True)
class Found:
    """What a rule found."""

    rule: str
    severity: str
    file: str
    value: str
    expected: str
    message: str


@dataclass(frozen=True)
class Judged:
    """One session, or bytes that cannot form one: `session` and `subject` are empty then, and `reason` says why."""

    source_file: str
    verdict: str
    session: str = ""
    subject: str = ""
    licence: str = ""
    reason: str = ""
    findings: tuple[Found, ...] = ()


@dataclass(frozen=True)
class Checked:
    """The verdict on all that was contributed together."""

    verdict: str
    sessions: tuple[Judged, ...]

    def as_document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


def check_contributions(paths: Sequence[Path], *, licence: str | None = None) -> Checked:
    """Judge everything below these paths together; nothing of this installation's state is read or written.

    `licence`: sessions under another are rejected. Rules that compare sessions see what was contributed together and no more.
    Texts are redacted as in quarantine.json. Raises AssayError when a path cannot be read, DatabaseUnavailable when the embedded
    PostgreSQL cannot be started.
    """
    with _thrown_away() as home:
        scratch = home / "received"
        scratch.mkdir()
        received = [item for path in paths for item in receive(path, scratch)]
        items = [item if isinstance(item, Refused) else _licensed(item, licence) for item in received]
        judged = [_rejected(item.source_file, item.reason) for item in items if isinstance(item, Refused)]
        sessions = {item.manifest.session: item for item in items if isinstance(item, Received)}
        by_licence: dict[str, list[Received]] = {}
        for item in sessions.values():
            by_licence.setdefault(item.manifest.source.licence, []).append(item)
        settings = Settings(home=home, database_url=None, storage_url=None)
        if by_licence:
            with embedded.server(home):
                for number, together in enumerate(by_licence.values(), start=1):
                    with open_workspace(f"{DATASET}-{number}", settings) as workspace:
                        judged += _judge(workspace, together)
    judged.sort(key=lambda each: (each.source_file, each.session))
    worst = max((ORDER.index(Verdict(each.verdict)) for each in judged), default=ORDER.index(Verdict.REJECTED))
    return Checked(ORDER[worst].value, tuple(judged))


def _licensed(item: Received, licence: str | None) -> Received | Refused:
    found = item.manifest.source.licence
    if licence is None or found == licence:
        return item
    reason = f"source.licence: found {found!r}; this dataset is under {licence!r}, and a dataset has one licence"
    return Refused(item.source_file, reason, hashlib.sha256(item.manifest_bytes).hexdigest())


def _judge(workspace: Workspace, items: list[Received]) -> list[Judged]:
    workspace.ledger.register_many([_store(workspace, item) for item in items])
    verify_arrived(workspace)
    read_verified(workspace)
    judge_read(workspace)
    verdicts = workspace.ledger.sessions().set_index("session")["verdict"].to_dict()
    findings: dict[str, list[Found]] = {}
    for row in workspace.ledger.findings().fillna("").to_dict("records"):
        texts = {name: redact(str(row[name])) for name in ("file", "value", "expected", "message")}
        findings.setdefault(str(row["session"]), []).append(Found(rule=row["rule"], severity=row["severity"], **texts))
    return [
        Judged(
            source_file=redact(item.source_file),
            verdict=str(verdicts[item.manifest.session]),
            session=item.manifest.session,
            subject=item.manifest.subject,
            licence=redact(item.manifest.source.licence),
            findings=tuple(findings.get(item.manifest.session, ())),
        )
        for item in items
    ]


def _store(workspace: Workspace, item: Received) -> Arrival:
    """Put the files into raw storage as they are, whatever the manifest says of them: that is for the rules."""
    manifest = item.manifest
    prefix = raw_prefix(manifest.kind, manifest.started_at.date(), manifest.session)
    for name, path in item.paths.items():
        workspace.storage.write_once(prefix + name, path, hash_file(path))
    digest = hashlib.sha256(item.manifest_bytes).hexdigest()
    workspace.storage.write_once(prefix + MANIFEST_NAME, item.manifest_bytes, digest)
    return Arrival(replace(manifest, dataset=workspace.dataset), digest, prefix, item.source_file)


def _rejected(source_file: str, reason: str) -> Judged:
    return Judged(source_file=redact(source_file), verdict=Verdict.REJECTED.value, reason=redact(reason))


@contextlib.contextmanager
def _thrown_away() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="assay-contribution-"))
    try:
        yield home
    finally:
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)
