"""Fills a workspace with sessions as they stand after judging: raw files in storage, rows in the ledger, statistics loaded."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from assay.check.rule import FINDING_COLUMNS
from assay.measurement import execution_frame
from assay.read.batches import batch_key, write_batch
from assay.session import Manifest, SessionKind, Source, hash_folder, raw_prefix
from assay.storage.session import store_session
from assay.summarize.step import refresh_statistics
from assay.workspace import Workspace
from dataset_content import PROFILES, Series, measurements

SOURCE = Source("assay-agent", "0.1.0", "CC BY 4.0", "measured with Assay")


def fill(workspace: Workspace, series: Iterable[Series], quarantined: Iterable[str] = ()) -> list[str]:
    """Store, register, judge and summarize the sessions of these series; gives the session ids.

    `quarantined`: subjects whose sessions are kept out, with a finding of the rule `physics.latency-order`.
    """
    table = measurements(series)
    kept_out = set(quarantined)
    names: dict[str, Manifest] = {}
    for (made, subject), rows in table.groupby(["session", "subject"]):
        manifest = _store(workspace, str(made), str(subject), rows)
        names[str(made)] = manifest
        prefix = raw_prefix(manifest.kind, manifest.started_at.date(), manifest.session)
        workspace.ledger.register(manifest, hashlib.sha256(manifest.to_bytes()).hexdigest(), prefix)
    table["session"] = table["session"].map(lambda made: names[made].session)
    sessions = [manifest.session for manifest in names.values()]
    profiles = {manifest.session: dict(PROFILES.get(manifest.subject, {})) for manifest in names.values()}
    key = batch_key("instance_benchmark", "2024-11-20", sessions, "made")
    write_batch(workspace.storage, key, table, execution_frame([]))
    workspace.ledger.mark_verified(sessions)
    workspace.ledger.mark_read(dict.fromkeys(sessions, key), profiles)
    out = [manifest.session for manifest in names.values() if manifest.subject in kept_out]
    judge(workspace, sessions, out)
    refresh_statistics(workspace)
    return sessions


def judge(workspace: Workspace, sessions: list[str], quarantined: list[str]) -> None:
    """Give these sessions their verdicts."""
    findings = pd.DataFrame(
        [
            {
                "session": session,
                "rule": "physics.latency-order",
                "severity": "quarantine",
                "file": "x/1/stdout.txt",
                "value": "1.93 ns",
                "expected": "DRAM at least 5x L1",
                "message": "L1 and DRAM answer in 1.93 ns",
            }
            for session in quarantined
        ],
        columns=list(FINDING_COLUMNS),
    )
    verdicts = ["quarantined" if session in quarantined else "accepted" for session in sessions]
    workspace.ledger.record_judgement(pd.DataFrame({"session": sessions, "verdict": verdicts}), findings)


def _store(workspace: Workspace, made: str, subject: str, rows: pd.DataFrame) -> Manifest:
    started = datetime.strptime(made[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, numbers in rows.groupby("file"):
            path = folder / str(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{row.metric} {row.value!r} {row.unit}\n" for row in numbers.itertuples()))
        ended, files = started + timedelta(minutes=10), hash_folder(folder)
        manifest = Manifest(SessionKind.INSTANCE_BENCHMARK, subject, started, ended, SOURCE, files, workspace.dataset)
        store_session(workspace.storage, folder, manifest)
    return manifest
