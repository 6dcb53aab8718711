"""quarantine.json: every session that was kept out, with every reason."""

from __future__ import annotations

from typing import Any

import pandas as pd

from assay.check.rule import Severity
from assay.dataset.redact import redact

REASON_FIELDS = ("rule", "file", "value", "expected", "message")


def quarantine_document(quarantined: pd.DataFrame, findings: pd.DataFrame) -> list[dict[str, Any]]:
    """The quarantined sessions (session, kind, subject) with their findings of severity quarantine, by session id."""
    reasons: dict[str, list[dict[str, str]]] = {}
    kept = findings[findings["severity"] == Severity.QUARANTINE.value]
    for session, *texts in zip(kept["session"], *(kept[name] for name in REASON_FIELDS), strict=True):
        reason = dict(zip(REASON_FIELDS, (_text(text) for text in texts), strict=True))
        reasons.setdefault(str(session), []).append(reason)
    ordered = quarantined.sort_values("session", kind="stable")
    return [
        {
            "session": str(session),
            "kind": str(kind),
            "subject": str(subject),
            "reasons": sorted(reasons.get(str(session), []), key=lambda reason: tuple(reason[name] for name in REASON_FIELDS)),
        }
        for session, kind, subject in zip(ordered["session"], ordered["kind"], ordered["subject"], strict=True)
    ]


def warning_rules(findings: pd.DataFrame) -> dict[str, set[str]]:
    """The rules that warned, by session."""
    warned = findings[findings["severity"] == Severity.WARNING.value]
    rules: dict[str, set[str]] = {}
    for session, rule in zip(warned["session"], warned["rule"], strict=True):
        rules.setdefault(str(session), set()).add(str(rule))
    return rules


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else redact(str(value))
