"""The machines of the fleet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base, one_of
from assay.database.models.sessions import Dataset
from assay.database.words import MachineState


class MachineRow(Base):
    """One machine of a run on EC2, from plan to end: how far its session came, and whether the machine is gone."""

    __tablename__ = "machines"
    __table_args__ = (
        CheckConstraint(one_of("state", MachineState), name="state"),
        CheckConstraint("(state = 'stored') = (session IS NOT NULL)", name="stored_has_session"),
        CheckConstraint("(instance_id IS NULL) = (launched_at IS NULL)", name="launched_has_instance"),
        CheckConstraint("attempt > 0", name="attempt"),
        Index("machines_open_index", "region", postgresql_where=text("ended_at IS NULL")),
    )

    dataset: Mapped[str] = mapped_column(
        ForeignKey(Dataset.dataset), primary_key=True, comment="Dataset that its session is meant for."
    )
    run: Mapped[str] = mapped_column(primary_key=True, comment="Name of the run, as in the machine's tags.")
    slot: Mapped[str] = mapped_column(primary_key=True, comment="Name of the machine in its run, such as `m7i.large-1`.")
    attempt: Mapped[int] = mapped_column(
        Integer, primary_key=True, comment="Counts the machines that were started for the same session, from 1."
    )
    origin: Mapped[str] = mapped_column(comment="What the run is called where it was started: DAG and run id; may be empty.")
    instance_type: Mapped[str] = mapped_column(comment="Instance type.")
    state: Mapped[str] = mapped_column(
        comment="planned; not started; launched; booted, running, uploading, uploaded (as its agent reports); stored; "
        "failed, interrupted, lost; ended: it was ended before its session was over."
    )
    failure: Mapped[str] = mapped_column(comment="Class of the failure, such as QUOTA or LOST; empty where there is none.")
    says: Mapped[str] = mapped_column(comment="Its last report, or why it ended without a session.")
    session: Mapped[str | None] = mapped_column(comment="Session that was stored of it; empty before.")
    region: Mapped[str | None] = mapped_column(comment="Region that it was started in; empty before.")
    zone: Mapped[str | None] = mapped_column(comment="Availability zone that it was started in; empty before.")
    market: Mapped[str | None] = mapped_column(comment="spot or on-demand; empty before it was started.")
    instance_id: Mapped[str | None] = mapped_column(comment="EC2's id of it; never published. Empty before it was started.")
    hourly_price: Mapped[float | None] = mapped_column(comment="USD an hour when it was planned; empty where not known.")
    emulated: Mapped[bool] = mapped_column(comment="Whether another server than Amazon's stood for EC2.")
    planned_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was entered, UTC.")
    launched_at: Mapped[datetime | None] = mapped_column(comment="When it was started, UTC; empty before.")
    deadline: Mapped[datetime | None] = mapped_column(comment="When it must be gone, UTC; empty before it was started.")
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When its state or report changed, UTC.")
    ended_at: Mapped[datetime | None] = mapped_column(comment="When it was known to be gone, UTC; empty while it may run.")
