"""Sessions that were never measured, for tests of what happens around measuring."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from assay.check.rule import FINDING_COLUMNS
from assay.database.ledger import Arrival
from assay.session import Manifest, RawFile, SessionKind, Source, raw_prefix

OURS = Source("assay-agent", "0.1.0", "CC BY 4.0", "measured with Assay")


def made_manifest(number: int, *, files: int = 2, **changes: Any) -> Manifest:
    """A manifest that is the same for the same number, and another session for another."""
    started_at = datetime(2024, 11, 20, tzinfo=UTC) + timedelta(seconds=number)
    manifest = Manifest(
        kind=SessionKind.INSTANCE_BENCHMARK,
        subject=f"host-{number % 5:08x}",
        started_at=started_at,
        ended_at=started_at + timedelta(minutes=5),
        source=OURS,
        files=tuple(
            RawFile(f"stream-all/{f}/stdout.txt", 100 + f, hashlib.sha256(f"{number} {f}".encode()).hexdigest())
            for f in range(files)
        ),
        labels={"number": str(number)},
    )
    return replace(manifest, **changes)


def made_arrival(number: int, *, source_file: str = "", run: str = "", **changes: Any) -> Arrival:
    """The arrival of `made_manifest(number)`."""
    manifest = made_manifest(number, **changes)
    prefix = raw_prefix(manifest.kind, manifest.started_at.date(), manifest.session)
    return Arrival(manifest, hashlib.sha256(manifest.to_bytes()).hexdigest(), prefix, source_file, run)


def made_findings(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Findings from (session, rule, severity)."""
    full = [(session, rule, severity, "f.txt", "found", "expected", "a sentence") for session, rule, severity in rows]
    return pd.DataFrame(full, columns=list(FINDING_COLUMNS))
