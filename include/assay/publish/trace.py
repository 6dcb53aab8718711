"""From a value in the newest published snapshot back to raw bytes, with what the ledger knows of each session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.dataset.trace import Step, trace
from assay.errors import PublicationError
from assay.publish.current import current_snapshot
from assay.publish.snapshot import open_target
from assay.workspace import Workspace


def trace_published(workspace: Workspace, document: str, path: str) -> list[Step]:
    """The steps of assay.dataset.trace.trace; each session's step also says verdict, warnings and where it lies in raw storage.

    Raises PublicationError if nothing is published yet, AssayError if document or path does not exist.
    """
    target = open_target(workspace)
    current = current_snapshot(target, target.head())
    if current is None:
        raise PublicationError(f"{target.name}: nothing is published yet; `assay publish` does that")
    steps = trace(current.documents, document, path)
    known = _known(workspace, [step["session"] for step in steps if step["step"] == "session"])
    first = {
        "step": "snapshot",
        "text": f"snapshot {current.name}, commit {current.commit} of {target.name}",
        "snapshot": current.name,
        "commit": current.commit,
    }
    return [first, *(_with_ledger(step, known) for step in steps)]


def _known(workspace: Workspace, sessions: list[str]) -> dict[str, Mapping[str, Any]]:
    frame = workspace.ledger.sessions(only=sessions)
    columns = ("verdict", "prefix", "source", "source_version", "source_file")
    return {
        str(session): {**dict(zip(columns, map(str, facts), strict=True)), "warnings": list(warnings)}
        for session, warnings, *facts in zip(frame["session"], frame["warnings"], *(frame[name] for name in columns), strict=True)
    }


def _with_ledger(step: Step, known: Mapping[str, Mapping[str, Any]]) -> Step:
    if step["step"] != "session" or step["session"] not in known:
        return step
    facts = known[step["session"]]
    warned = f", warned by {', '.join(facts['warnings'])}" if facts["warnings"] else ", every rule passed"
    made_by = f"{facts['source']} {facts['source_version']}".strip()
    return {**step, **facts, "text": f"{step['text']}; {facts['verdict']}{warned}; made by {made_by}; raw at {facts['prefix']}"}
