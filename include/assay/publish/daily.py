"""The dataset as it stood at the end of a day, as documents in a folder: for those who publish by other means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from assay.dataset.build import RANKINGS, build_documents, rebase
from assay.dataset.content import Counts, DatasetContent
from assay.dataset.over_time import TRENDS
from assay.dataset.validate import validate_documents
from assay.errors import PublicationError
from assay.publish.gather import gather_content
from assay.read.sessions import load
from assay.summarize.statistics import summarize
from assay.workspace import Workspace


def documents_of_day(workspace: Workspace, day: date, *, rankings: bool, trends: bool) -> dict[str, bytes]:
    """The validated documents of every session that started on this UTC day or before, by file name.

    Without `rankings` or `trends` those documents are left out, and the manifest knows nothing of them.
    Raises PublicationError if no session is accepted by then, SchemaMismatch if a document breaks the contract.
    """
    content = until(workspace, gather_content(workspace, None), day)
    if content.sessions.empty:
        raise PublicationError(
            f"dataset {workspace.dataset}: no accepted session started on {day} or before; `assay sessions list` shows what "
            "there is"
        )
    unwanted = {name for name, wanted in ((RANKINGS, rankings), (TRENDS, trends)) if not wanted}
    documents = build_documents(content)
    if unwanted:
        documents = rebase({name: data for name, data in documents.items() if name not in unwanted}, None)
    validate_documents(documents)
    return documents


def until(workspace: Workspace, content: DatasetContent, day: date) -> DatasetContent:
    """The content without what started after a UTC day. What could not become a session has no day, and stays counted."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    sessions, quarantined = _before(content.sessions, end), _before(content.quarantined, end)
    if len(sessions) == len(content.sessions) and len(quarantined) == len(content.quarantined):
        return content
    accepted, kept_out, rejected = len(sessions), len(quarantined), content.accounting.rejected
    known = {*sessions["session"], *quarantined["session"]}
    measurements = load(workspace, sessions)[0]
    return replace(
        content,
        statistics=summarize(measurements),
        sessions=sessions,
        raw_files=content.raw_files[content.raw_files["session"].isin(known)],
        quarantined=quarantined,
        findings=content.findings[content.findings["session"].isin(known)],
        accounting=Counts(accepted + kept_out + rejected, accepted, kept_out, rejected),
        measurements=measurements,
    )


def _before(sessions: pd.DataFrame, end: datetime) -> pd.DataFrame:
    started = pd.to_datetime(sessions["started_at"], utc=True)
    return sessions[(started < end).to_numpy(dtype=bool)].reset_index(drop=True)
