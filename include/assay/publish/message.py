"""The commit message of a snapshot: what is new, what moved, the accounting, and which versions made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from assay import __version__
from assay.dataset.build import METADATA, digest_of
from assay.dataset.changes import CHANGES
from assay.publish.wording import counted, in_a_row

MAX_LISTED = 10


@dataclass(frozen=True)
class Rollback:
    """Which snapshot is published again, the commit of its tag, why, and who decided it: `account` is for the ledger alone."""

    to: str
    commit: str
    reason: str
    account: str
    signed_as: str = ""

    def __str__(self) -> str:
        return f"{self.account}: rollback to {self.to}: {self.reason}"


def commit_message(
    name: str,
    documents: Mapping[str, bytes],
    code: str,
    *,
    rollback: Rollback | None = None,
    thinned: Sequence[str] = (),
    approved_by: str = "",
) -> str:
    """The message for the snapshot of these documents. `code`: the commit of Assay that built them, or empty.

    `thinned`: the snapshots whose folders leave the tree with this commit. `approved_by`: the name of who approved it, where
    somebody was asked.
    """
    metadata, changes = orjson.loads(documents[METADATA]), orjson.loads(documents[CHANGES])
    counts, accounting = metadata["counts"], metadata["accounting"]
    made_by = f"Assay {__version__}" + (f" ({code})" if code else "")
    kind = f"rollback to {rollback.to}, " if rollback else ""
    lines = [
        f"Snapshot {name}: {kind}{counted(counts['instance_types'], 'type')}, {counted(counts['sessions'], 'session')}",
        "",
        *([f"Rollback to {rollback.to} ({rollback.commit[:12]}) for this reason: {rollback.reason}", ""] if rollback else []),
        *_news(changes),
        "",
        f"Accounting: {accounting['read']} read = {accounting['accepted']} accepted + {accounting['quarantined']} quarantined "
        f"+ {accounting['rejected']} rejected",
        f"Dataset: {metadata['dataset']}, {metadata['licence']}, last updated {metadata['last_updated']}",
        f"Content: {digest_of(documents)}",
        f"Made by: {made_by}, schema {metadata['schema_version']}",
    ]
    if thinned:
        lines.append(f"Folders thinned, their tags and releases stay: {in_a_row(thinned, MAX_LISTED)}")
    if approved_by:
        lines.append(f"Approved-by: {approved_by}")
    return "\n".join(lines) + "\n"


def title_and_notes(message: str) -> tuple[str, str]:
    """A commit message as the title and the notes of a release."""
    title, _, notes = message.partition("\n")
    return title, notes.strip() + "\n"


def _news(changes: Mapping[str, Any]) -> list[str]:
    if not changes["since"]:
        return ["The first snapshot of this dataset."]
    beyond = [row for row in changes["moved"] if row["beyond_noise"]]
    lines = [f"Since {changes['since']}:"]
    for title, names in (("new", changes["new"]), ("gone", changes["gone"]), ("quarantined", changes["quarantined"])):
        if names:
            lines.append(f"- {title}: {in_a_row(names, MAX_LISTED)}")
    if changes["moved"]:
        lines.append(f"- moved: {counted(len(changes['moved']), 'value')}, {len(beyond)} of them beyond noise")
    lines += [f"  - {row['instance']} {row['metric']}: {row['from']} -> {row['to']} {row['unit']}" for row in beyond[:MAX_LISTED]]
    if len(beyond) > MAX_LISTED:
        lines.append(f"  - and {len(beyond) - MAX_LISTED} more")
    if changes["replaced"]:
        lines.append(f"- from another configuration now, not comparable: {counted(len(changes['replaced']), 'value')}")
    return lines if len(lines) > 1 else [*lines, "- no published value changed"]
