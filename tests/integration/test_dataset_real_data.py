"""The whole path over other people's real results: a dataset of 143 types and more that builds, validates and can be traced."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest
from assay.collect.imports import import_folder
from assay.dataset.trace import measured_values, trace_steps
from assay.dataset.validate import validate_documents
from assay.process import process_arrived
from assay.publish.current import current_snapshot
from assay.publish.snapshot import open_target, publish_snapshot
from assay.workspace import Workspace

TRACED = 3000


@pytest.mark.full
def test_the_spare_cores_results_become_a_dataset(workspace: Workspace, test_data: Path) -> None:
    import_folder(workspace, "spare-cores", test_data / "spare-cores")
    process_arrived(workspace)
    snapshot = publish_snapshot(workspace)
    assert snapshot.changed
    assert publish_snapshot(workspace).changed is False
    target = open_target(workspace)
    current = current_snapshot(target, target.head())
    assert current is not None
    validate_documents(current.documents)
    decoded = {name: orjson.loads(raw) for name, raw in current.documents.items() if name.endswith(".json")}
    metadata = decoded["metadata.json"]
    accounting = metadata["accounting"]
    assert accounting["read"] == accounting["accepted"] + accounting["quarantined"] + accounting["rejected"]
    assert metadata["licence"] == "CC BY-SA 4.0"
    assert {credit["source"] for credit in metadata["attribution"]} == {"spare-cores"}
    assert metadata["counts"]["instance_types"] >= 143
    assert len(decoded["quarantine.json"]) == accounting["quarantined"]
    assert all(entry["reasons"] for entry in decoded["quarantine.json"])
    # Most types were measured once: shown and marked as provisional, and in no ranking.
    assert len(decoded["cpu-benchmarks.json"]["provisional"]["geekbench"]) > 100
    values = [(name, keys) for name, document in decoded.items() for keys in measured_values(document)]
    for name, keys in random.Random(1).sample(values, TRACED):
        assert list(trace_steps(decoded, name, keys))[-1]["step"] == "raw_file"
