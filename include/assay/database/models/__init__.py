"""The tables. Every class docstring and column comment becomes a comment in the database and a line of docs/database.md."""

from assay.database.models.approvals import Approval
from assay.database.models.archives import ArchivedSession, ArchiveRow, ArchiveVolume
from assay.database.models.base import SCHEMA, Base
from assay.database.models.batches import LooseBatch
from assay.database.models.decisions import DecisionRow
from assay.database.models.deliveries import Delivery
from assay.database.models.findings import Finding, Rejection
from assay.database.models.ingest import ApiKeyRow, IngestAuditRow, UploadFileRow, UploadRow
from assay.database.models.machines import MachineRow
from assay.database.models.prices import PriceRow
from assay.database.models.recordings import ProcessedFileRow, ProcessingRow, VariableRow
from assay.database.models.runs import Run
from assay.database.models.sessions import Dataset, RawFileRow, SessionRow
from assay.database.models.snapshots import Snapshot, SnapshotSession
from assay.database.models.statistics import Statistic

__all__ = [
    "SCHEMA",
    "ApiKeyRow",
    "Approval",
    "ArchiveRow",
    "ArchiveVolume",
    "ArchivedSession",
    "Base",
    "Dataset",
    "DecisionRow",
    "Delivery",
    "Finding",
    "IngestAuditRow",
    "LooseBatch",
    "MachineRow",
    "PriceRow",
    "ProcessedFileRow",
    "ProcessingRow",
    "RawFileRow",
    "Rejection",
    "Run",
    "SessionRow",
    "Snapshot",
    "SnapshotSession",
    "Statistic",
    "UploadFileRow",
    "UploadRow",
    "VariableRow",
]
