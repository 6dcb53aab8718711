"""From a value in the newest published snapshot back to raw bytes, with what the ledger knows of each session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pandas as pd

from assay.dataset.manifest import MANIFEST
from assay.dataset.trace import Step, trace
from assay.errors import PublicationError
from assay.publish.current import CurrentSnapshot, current_snapshot
from assay.publish.layout import PROCESSED
from assay.publish.snapshot import open_target
from assay.publish.target import GitTarget
from assay.session import format_time
from assay.workspace import Workspace


def trace_published(workspace: Workspace, document: str, path: str) -> list[Step]:
    """The steps of assay.dataset.trace.trace; each session's step also says verdict, warnings and where it lies in raw storage.

    `document`: a file of `latest/`, or a path below `data/processed/` (`historical/trends/m7i.json`).
    Raises PublicationError if nothing is published yet, AssayError if document or path does not exist.
    """
    target = open_target(workspace)
    current = current_snapshot(target, target.head())
    if current is None:
        raise PublicationError(f"{target.name}: nothing is published yet; `assay publish` does that")
    steps = trace(_with_history(target, current, document), document, path)
    known = _known(workspace, [step["session"] for step in steps if step["step"] == "session"])
    first = {
        "step": "snapshot",
        "text": f"snapshot {current.name}, commit {current.commit} of {target.name}",
        "snapshot": current.name,
        "commit": current.commit,
    }
    return [first, *(_with_ledger(step, known) for step in steps)]


def _with_history(target: GitTarget, current: CurrentSnapshot, document: str) -> Mapping[str, bytes]:
    """The documents of the snapshot, and the one over time that is asked for, if it is one of those."""
    name = document.removeprefix("../")
    listed = {str(entry["path"]) for entry in orjson.loads(current.documents[MANIFEST])["history"]}
    if name not in listed:
        return current.documents
    return {**current.documents, document: target.read(current.commit, f"{PROCESSED}/{name}")}


def _known(workspace: Workspace, sessions: list[str]) -> dict[str, Mapping[str, Any]]:
    frame = workspace.ledger.sessions(only=sessions)
    columns = ("verdict", "prefix", "source", "source_version", "source_file")
    archived = {str(row["session"]): row for row in workspace.ledger.archived(sessions).to_dict("records")}
    return {
        str(session): {
            **dict(zip(columns, map(str, facts), strict=True)),
            **_archived(archived.get(str(session))),
            "warnings": list(warnings),
        }
        for session, warnings, *facts in zip(frame["session"], frame["warnings"], *(frame[name] for name in columns), strict=True)
    }


def _archived(row: Mapping[Any, Any] | None) -> dict[str, Any]:
    """Which archive holds the raw bytes, and when they were deleted from raw storage; nothing where none does."""
    if row is None:
        return {}
    cleaned = "" if pd.isna(row["cleaned_at"]) else format_time(row["cleaned_at"])
    return {"archive": f"{row['archive']}/{row['volume']}", "archived_in": str(row["place"] or ""), "cleaned_at": cleaned}


def _where(facts: Mapping[str, Any]) -> str:
    """Where the raw bytes of a session are."""
    if "archive" not in facts:
        return f"raw at {facts['prefix']}"
    held = f"archived in {facts['archive']}, {facts['archived_in']}"
    if not facts["cleaned_at"]:
        return f"raw at {facts['prefix']}, {held}"
    return f"{held}; cleaned from {facts['prefix']} at {facts['cleaned_at']}, `assay restore` brings it back"


def _with_ledger(step: Step, known: Mapping[str, Mapping[str, Any]]) -> Step:
    if step["step"] != "session" or step["session"] not in known:
        return step
    facts = known[step["session"]]
    warned = f", warned by {', '.join(facts['warnings'])}" if facts["warnings"] else ", every rule passed"
    made_by = f"{facts['source']} {facts['source_version']}".strip()
    return {**step, **facts, "text": f"{step['text']}; {facts['verdict']}{warned}; made by {made_by}; {_where(facts)}"}
