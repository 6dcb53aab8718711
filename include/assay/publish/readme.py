"""README.md of the dataset repository: what it is, under which licence, whom to credit, how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.dataset.models import DOCUMENTS, says
from assay.publish.layout import LATEST, VERSIONS


def readme(metadata: Mapping[str, Any]) -> str:
    """The text, from the decoded metadata.json; it changes only with licence, sources or the contract."""
    credits = [_credit(credit) for credit in metadata["attribution"]]
    documents = [f"| [{name}]({LATEST}/{name}) | {says(model)} |" for name, (_, model) in DOCUMENTS.items()]
    return "\n".join(
        [
            f"# Dataset {metadata['dataset']}",
            "",
            "Measured, checked and published with Assay. This page is generated with every snapshot.",
            "",
            "## Licence and attribution",
            "",
            f"Licence: {metadata['licence']}. Keep this credit with any copy:",
            "",
            *(credits or ["- no session has been accepted yet"]),
            "",
            "## What is where",
            "",
            f"`{LATEST}/` is the newest snapshot. `{VERSIONS}/<date>/` are snapshots;",
            "they never change, and each has a tag of its name. Of old ones only the last of a week or of a quarter is here: the",
            "tag and the release of a snapshot hold it for good. `data/schemas/` holds the contract: a JSON Schema for each",
            "document.",
            "",
            "| document | what it says |",
            "|---|---|",
            *documents,
            "",
            "## How to trust a number",
            "",
            "Every value names the sessions that it comes from (`sources`). `manifest.json` lists these sessions with the",
            "SHA-256 of their manifests and of every raw file, and every document with its SHA-256. `value` is the median of",
            "the executions, `confidence_interval` its order-statistic interval, `confidence_level` how often such an",
            "interval covers the true median. A type with fewer than three executions stands under `provisional` and is in",
            "no ranking.",
            "`quarantine.json` says what was kept out, and why.",
            "",
        ]
    )


def _credit(credit: Mapping[str, Any]) -> str:
    where = f", <{credit['url']}>" if credit.get("url") else ""
    return f"- {credit['attribution']} ({credit['source']}{where}), {credit['licence']}"
