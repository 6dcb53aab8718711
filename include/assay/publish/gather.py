"""Gathers what a dataset is built from: sessions, statistics and findings from the ledger, the snapshot before from the
target."""

from __future__ import annotations

from assay.database.ledger import Verdict
from assay.dataset.content import Counts, DatasetContent, PreviousSnapshot
from assay.read.sessions import SessionRows
from assay.reference.prices.known import known_prices
from assay.session import SessionKind
from assay.summarize.grades import definitions
from assay.workspace import Workspace

ACCEPTED = (Verdict.ACCEPTED.value, Verdict.ACCEPTED_WITH_WARNINGS.value)
PUBLISHED = SessionKind.INSTANCE_BENCHMARK
"""What was recorded in a lab is asked for through the API, by those who may; nothing of it is ever published."""


def gather_content(workspace: Workspace, previous: PreviousSnapshot | None) -> DatasetContent:
    """The content of a dataset as the ledger knows it now. Sessions that are not judged yet do not count."""
    ledger = workspace.ledger
    sessions = ledger.sessions(verdicts=ACCEPTED, kind=PUBLISHED)
    quarantined = ledger.sessions(verdicts=[Verdict.QUARANTINED.value], kind=PUBLISHED)
    accepted, kept_out, rejected = len(sessions), len(quarantined), ledger.accounting().rejected
    return DatasetContent(
        dataset=workspace.dataset,
        licence=ledger.licence() or workspace.settings.licence,
        statistics=ledger.statistics(),
        sessions=sessions,
        raw_files=ledger.raw_files(list(sessions["session"])),
        quarantined=quarantined,
        findings=ledger.findings([*sessions["session"], *quarantined["session"]]),
        accounting=Counts(accepted + kept_out + rejected, accepted, kept_out, rejected),
        grades=definitions(),
        measurements=SessionRows(workspace, sessions),
        prices=known_prices(workspace.engine, sessions["subject"], workspace.settings.regions),
        cost_region=workspace.settings.regions[0],
        previous=previous,
    )
