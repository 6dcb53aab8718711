"""The stage `check`: every rule over the whole dataset at once, one verdict a session.

Rules look across sessions, so a batch that arrives later can change the verdict of an earlier session: all that were read are
judged each time, and the ledger writes down what changed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

import pandas as pd

from assay.check.data_docs import write_data_docs
from assay.check.expectations import validate
from assay.check.recordings import variables_beside_schemas
from assay.check.registry import all_rules
from assay.check.rule import FINDING_COLUMNS, Batch, Rule, Severity, Stage
from assay.database.ledger import Verdict
from assay.read.sessions import load
from assay.session import SessionKind
from assay.workspace import Workspace

LINES = 20
"""More sessions than this are logged as a summary."""

log = logging.getLogger(__name__)


def judge(batch: Batch, rules: Iterable[Rule] | None = None) -> pd.DataFrame:
    """What the rules find in a batch: columns FINDING_COLUMNS, in an order that does not depend on the order of the rows."""
    frames = []
    parts: dict[str, Batch] = {}
    for rule in all_rules() if rules is None else rules:
        if rule.judge is None:
            continue
        if rule.kind not in parts:
            parts[rule.kind] = batch.of_kind(rule.kind)
        found = rule.judge(parts[rule.kind])
        if len(found):
            frames.append(found.assign(rule=rule.id, severity=rule.severity.value))
    if not frames:
        return pd.DataFrame({name: pd.Series(dtype="string") for name in FINDING_COLUMNS})
    findings = pd.concat(frames, ignore_index=True)[list(FINDING_COLUMNS)].astype("string").fillna("")
    findings["file"] = _the_file(batch, findings)
    return findings.drop_duplicates().sort_values(list(FINDING_COLUMNS), ignore_index=True)


def _the_file(batch: Batch, findings: pd.DataFrame) -> pd.Series[str]:
    """The file that each finding is about; where a rule names none and the session has one file only, that one."""
    alone = batch.files[~batch.files["session"].duplicated(keep=False).to_numpy()]
    single = pd.Series(alone["path"].to_numpy(dtype=object), index=alone["session"].to_numpy(dtype=object), dtype="string")
    return findings["file"].where(findings["file"] != "", findings["session"].map(single).astype("string").fillna(""))


def verdicts(sessions: Iterable[str], findings: pd.DataFrame) -> pd.DataFrame:
    """One verdict a session (columns session, verdict) from the findings of all stages."""
    held = set(findings.loc[findings["severity"] == Severity.QUARANTINE.value, "session"])
    warned = set(findings["session"])
    names = sorted(set(sessions))
    decided = [
        Verdict.QUARANTINED if session in held else Verdict.ACCEPTED_WITH_WARNINGS if session in warned else Verdict.ACCEPTED
        for session in names
    ]
    return pd.DataFrame({"session": names, "verdict": [verdict.value for verdict in decided]})


def judge_read(workspace: Workspace) -> pd.DataFrame:
    """Judge every session of the dataset that was read, and give the verdicts (columns session, verdict).

    With nothing new since the last time, nothing is done. Killed at any point and run again it gives the same state.
    """
    if workspace.ledger.sessions(states=["read"]).empty:
        return verdicts((), pd.DataFrame(columns=["session", "severity"]))
    return recheck(workspace)


def recheck(workspace: Workspace) -> pd.DataFrame:
    """Judge every session that was read, whether it was judged before or not, as after a rule was corrected."""
    with workspace.ledger.lock("check"):
        began = time.monotonic()
        batch = load_batch(workspace)
        found = judge(batch)
        earlier = workspace.ledger.findings(list(batch.sessions["session"]))
        earlier = earlier[earlier["stage"] != "check"]
        decided = verdicts(
            batch.sessions["session"], pd.concat([earlier[["session", "severity"]], found[["session", "severity"]]])
        )
        workspace.ledger.record_judgement(decided, found)
        write_data_docs(batch.once(validate), workspace.settings.home / "data_docs" / workspace.dataset)
    _log(batch, decided, found, time.monotonic() - began)
    return decided


def load_batch(workspace: Workspace) -> Batch:
    """Everything that rules look at: the dataset's sessions that were read, with their profiles as columns, and their rows.

    `held` says of a session that an earlier stage has quarantined it, with the reason.
    """
    sessions = workspace.ledger.sessions()
    sessions = sessions[sessions["batch"].notna()].reset_index(drop=True)
    earlier = workspace.ledger.findings(list(sessions["session"]))
    reasons = earlier[((earlier["severity"] == Severity.QUARANTINE.value) & (earlier["stage"] != Stage.CHECK.value)).to_numpy()]
    sessions["held"] = sessions["session"].isin(reasons["session"])
    recordings = sessions[(sessions["kind"] == SessionKind.RECORDING.value).to_numpy(dtype=bool)]
    variables = variables_beside_schemas(
        workspace.ledger.variables(list(recordings["session"])), recordings, workspace.settings.recording_schemas
    )
    profiles = pd.DataFrame(sessions["profile"].to_list(), index=sessions.index)
    profiles = profiles[[name for name in profiles.columns if name not in sessions.columns]]
    measurements, executions = load(workspace, sessions)
    files = workspace.ledger.raw_files(list(sessions["session"]))
    return Batch(sessions.drop(columns="profile").join(profiles), files, executions, measurements, variables)


def _log(batch: Batch, decided: pd.DataFrame, found: pd.DataFrame, seconds: float) -> None:
    if 0 < len(decided) <= LINES:
        reasons = found.groupby("session")["message"].agg("; ".join)
        for session, verdict in decided.itertuples(index=False):
            log.info("session %s: %s%s", session, verdict, f": {reasons[session]}" if session in reasons.index else "")
    counts = decided["verdict"].value_counts().to_dict()
    log.info(
        "checked %d sessions, %d measurements in %.1f s: %s",
        len(decided),
        len(batch.measurements),
        seconds,
        ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())),
    )
