"""What instance types cost, and what they cost before."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from assay.database.models.base import Base


class PriceRow(Base):
    """One price of an instance type in a region, from the day it was first read; a new price is a new row, and all stay."""

    __tablename__ = "prices"
    __table_args__ = (
        CheckConstraint("hourly_price > 0", name="hourly_price"),
        CheckConstraint("(hourly_price IS NULL) = (reason IS NOT NULL)", name="reason"),
        CheckConstraint("last_seen >= as_of", name="last_seen"),
    )

    region: Mapped[str] = mapped_column(primary_key=True, comment="AWS region, such as `us-east-1`.")
    instance_type: Mapped[str] = mapped_column(primary_key=True, comment="Instance type.")
    as_of: Mapped[date] = mapped_column(primary_key=True, comment="Day of the price list that was the first to say so.")
    last_seen: Mapped[date] = mapped_column(comment="Day of the last price list that said the same.")
    hourly_price: Mapped[float | None] = mapped_column(
        comment="USD an hour, on demand, Linux, shared tenancy (bare metal: its only one); empty where there is none."
    )
    reason: Mapped[str | None] = mapped_column(comment="Why there is no price; empty where there is one.")
    source: Mapped[str] = mapped_column(comment="Who says so.")
