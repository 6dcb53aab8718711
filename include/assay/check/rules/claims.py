"""What a source says of its own result and cannot be so. The numbers stand; the claim is never published."""

from __future__ import annotations

import pandas as pd

from assay.check.found import found
from assay.check.rule import Batch, Rule, Severity

PLACEHOLDERS = {
    "d41d8cd98f00b204e9800998ecf8427e": "MD5",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709": "SHA-1",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": "SHA-256",
}
"""Digests of the empty string: what a program prints that hashed nothing."""


def placeholder_digest(batch: Batch) -> pd.DataFrame:
    """Sessions that state the digest of nothing."""
    claims = batch.claim("claimed_digests")
    rows = []
    for session, digests in zip(batch.sessions["session"], claims, strict=True):
        empty = [digest for digest in digests if digest in PLACEHOLDERS] if isinstance(digests, list | tuple) else []
        if empty:
            kinds = " and ".join(PLACEHOLDERS[digest] for digest in empty)
            message = f"The stated {kinds} is that of the empty string: nothing was hashed. Ours is computed."
            rows.append((session, "", empty[0], "a digest of the data", message))
    return found(rows)


def placeholder_reproducibility(batch: Batch) -> pd.DataFrame:
    """Sessions that claim certainty from a single run."""
    runs, confidence = (pd.to_numeric(batch.claim(name), errors="coerce") for name in ("claimed_runs", "claimed_confidence"))
    certain = batch.sessions[((runs <= 1) & (confidence >= 1)).to_numpy(dtype=bool, na_value=False)]
    return found(
        (
            session,
            "",
            "1 run, confidence 1",
            "2 runs at least",
            "A confidence of 1 is claimed from a single run; one run has no spread.",
        )
        for session in certain["session"]
    )


def two_clocks(batch: Batch) -> pd.DataFrame:
    """Sessions whose start and end are told in different time zones."""
    rows = []
    for session, offsets in zip(batch.sessions["session"], batch.claim("claimed_utc_offsets"), strict=True):
        if isinstance(offsets, list | tuple) and len(set(offsets)) > 1:
            named = " and ".join(str(offset) or "none" for offset in offsets)
            rows.append(
                (session, "", named, "one time zone", f"Start and end are told in different time zones ({named}); ours are UTC.")
            )
    return found(rows)


def empty_for_null(batch: Batch) -> pd.DataFrame:
    """Sessions with an empty text where there is no value."""
    rows = []
    for session, fields in zip(batch.sessions["session"], batch.claim("claimed_empty_fields"), strict=True):
        if isinstance(fields, list | tuple) and fields:
            names = ", ".join(str(name) for name in fields)
            rows.append(
                (
                    session,
                    "",
                    f"{names}: empty text",
                    "a value, or nothing",
                    f"{names} holds an empty text; it is taken for absent.",
                )
            )
    return found(rows)


RULES = (
    Rule(
        "integrity.placeholder-digest",
        Severity.WARNING,
        "A stated digest is not that of the empty string.",
        "The digests of zero bytes are known constants (RFC 1321, FIPS 180-4); a program that states them hashed nothing.",
        placeholder_digest,
    ),
    Rule(
        "integrity.placeholder-reproducibility",
        Severity.WARNING,
        "Certainty is not claimed from one run.",
        "Reproducibility is about repeated runs; a single run says nothing of it.",
        placeholder_reproducibility,
    ),
    Rule(
        "integrity.two-clocks",
        Severity.WARNING,
        "A result tells its times in one time zone.",
        "Two zones in one file are two clocks; days and partitions are taken from the UTC start alone.",
        two_clocks,
    ),
    Rule(
        "integrity.empty-for-null",
        Severity.WARNING,
        "What is not there is absent, not an empty text.",
        "An empty text is a value; a reader cannot tell whether it was not known, not applicable or lost.",
        empty_for_null,
    ),
)
