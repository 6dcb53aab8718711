"""What is known of the machine behind each session: facts of the catalogue for an EC2 type, the profile for everything else."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from assay.check.rule import Batch
from assay.reference import catalogue

FACTS = (
    "instance_family",
    "architecture",
    "isa",
    "processor",
    "vcpus",
    "burstable",
    "memory_type",
    "sockets",
    "vector_bits",
    "max_clock_khz",
    "llc_total_bytes",
)


def machines(batch: Batch) -> pd.DataFrame:
    """One row a session, index as `batch.sessions`: session, subject, source, is_host, known, hardware, and FACTS.

    `known`: the catalogue has the subject. `hardware`: what machines with the same processor share: the processor's name,
    else the family, else the subject. What is not known is missing.
    """
    sessions = batch.sessions
    table = sessions[["session", "subject", "source"]].copy()
    table["is_host"] = table["subject"].str.startswith("host-").fillna(False).astype(bool)
    known = _catalogue()
    facts = table[["subject"]].merge(known, on="subject", how="left").set_axis(table.index)
    table["known"] = table["subject"].isin(known["subject"])
    for name in FACTS:
        profile = batch.claim(name)
        table[name] = facts[name].where(table["known"], profile) if name in facts else profile
    table["hardware"] = _hardware(table)
    return table


@cache
def _catalogue() -> pd.DataFrame:
    known = catalogue.frame().rename(columns={"instance_type": "subject"}).astype({"subject": "string"})
    return known.drop_duplicates("subject")


def _hardware(table: pd.DataFrame) -> pd.Series[str]:
    family = table["instance_family"].where(~table["is_host"], pd.NA)
    named = table["subject"].astype(object)
    for known in (family, table["processor"]):
        known = known.astype(object)
        named = pd.Series(np.where(known.notna() & (known != ""), known, named), index=table.index)
    return named.astype("string")
