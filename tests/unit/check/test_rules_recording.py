"""recording.* and expectation.recording-*: what the checks find in recordings, on the server as on the lab machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from assay.check.expectations import suites, validate
from assay.check.judge import judge
from assay.check.recordings import variables_beside_schemas
from assay.check.registry import all_rules
from assay.check.rule import Batch
from assay.database.recordings import VARIABLE_COLUMNS
from assay.measurement import execution_frame, measurement_frame
from assay.recording import Recording, RecordingFile, load_schema
from assay.recording import judge as judge_recording
from assay.recording.rules import RULES as RECORDING_RULES
from assay.settings import project_root

SCHEMAS = project_root() / "schemas" / "recording"
START = datetime(2024, 2, 29, 15, 12, 21, tzinfo=UTC)
NOW = START + timedelta(hours=3)
GOOD = "fatigue: 3\nhardware_model: X1\nsampling_rate: 250\n"
SHIPPED = sorted(rule.id for rule in RECORDING_RULES.values())

CASES: dict[str, tuple[str, str]] = {
    # What is wrong with the second of three sessions: its folder's name or its metadata; the rule that says so.
    "recording.folder-name": ("20210229_161221", GOOD),
    "recording.clock-skew": ("20250101_000000", GOOD),
    "recording.required-key": ("20240229_161221", "fatigue: 3\n"),
    "recording.type": ("20240229_161221", "fatigue: very\nhardware_model: X1\n"),
    "recording.unit": ("20240229_161221", f"{GOOD}room_temperature: 20 K\n"),
    "recording.range": ("20240229_161221", "fatigue: 11\nhardware_model: X1\n"),
    "recording.choice": ("20240229_161221", "fatigue: 3\nhardware_model: new one\n"),
    "recording.duplicate-key": ("20240229_161221", f"{GOOD}fatigue: 4\n"),
    "recording.metadata-format": ("20240229_161221", f"{GOOD}words\n"),
    "recording.listed-file": ("20240229_161221", f"{GOOD}data_files: b.bin\n"),
    "recording.listed-size": ("20240229_161221", f"{GOOD}[sizes]\na.bin = 7\n"),
    "recording.unknown-key": ("20240229_161221", f"colour: red\n{GOOD}"),
    "expectation.recording-required": ("20240229_161221", "fatigue: 3\n"),
    "expectation.recording-number": ("20240229_161221", "fatigue: very\nhardware_model: X1\n"),
    "expectation.recording-maximum": ("20240229_161221", "fatigue: 11\nhardware_model: X1\n"),
    "expectation.recording-minimum": ("20240229_161221", f"{GOOD}room_temperature: -21\n"),
    "expectation.recording-date-string": ("my session", GOOD),
}


def batch(*sessions: tuple[str, str], hashes: tuple[str, ...] = ()) -> Batch:
    """Recordings of (folder, metadata), as they stand when they are judged."""
    schema = load_schema(SCHEMAS, "example-lab")
    assert schema is not None
    rows, variables, files, profiles = [], [], [], []
    for number, (folder, metadata) in enumerate(sessions):
        name = f"20240229T1512{number:02d}Z-{number:012x}"
        sha256 = hashes[number] if hashes else f"{number:064x}"
        known = (RecordingFile("a.bin", 5, None, sha256), RecordingFile("metadata.txt", len(metadata)))
        found = judge_recording(
            Recording(folder, "example-lab", "Europe/Berlin", known, (("metadata.txt", metadata.encode()),)), schema, NOW
        )
        rows.append([name, "recording", "example-lab", "lab-recording", "", START, START])
        files.append((name, "a.bin", 5, sha256))
        variables += [
            (name, v.name, "example-lab", found.schema, v.numeric, v.number, v.text, v.unit, v.known) for v in found.variables
        ]
        profiles.append(
            {
                "lab": "example-lab",
                "folder": folder,
                "schema": found.schema,
                "metadata_format": found.format,
                "metadata_findings": [[f.rule, f.file, f.field, f.value, f.expected, f.message] for f in found.findings],
            }
        )
    columns = ["session", "kind", "subject", "source", "source_file", "started_at", "ended_at"]
    frame = pd.DataFrame(rows, columns=columns).astype(
        {name: "datetime64[us, UTC]" if name.endswith("_at") else "string" for name in columns}
    )
    beside = variables_beside_schemas(
        pd.DataFrame(variables, columns=list(VARIABLE_COLUMNS)).astype({"number": "float64"}),
        frame.assign(profile=pd.Series(profiles, dtype=object)),
        SCHEMAS,
    )
    table = pd.DataFrame(files, columns=["session", "path", "size", "sha256"])
    return Batch(frame.join(pd.DataFrame(profiles)), table, execution_frame([]), measurement_frame([]), beside)


@pytest.mark.parametrize("rule", CASES)
def test_each_rule_finds_the_session_that_breaks_it_and_no_other(rule: str) -> None:
    made = batch(("20240229_161219", GOOD), CASES[rule], ("20240229_161222", GOOD))
    [of] = [one for one in all_rules() if one.id == rule]
    found = judge(made, [of])
    assert list(found["session"]) == [made.sessions["session"].iloc[1]]
    assert found["severity"].iloc[0] == ("warning" if rule == "recording.unknown-key" else "quarantine")


def test_good_recordings_have_no_findings() -> None:
    assert judge(batch(("20240229_161219", GOOD), ("20240229_161222", GOOD))).empty


def test_great_expectations_names_the_variable() -> None:
    made = batch(CASES["expectation.recording-maximum"])
    [of] = [one for one in all_rules() if one.id == "expectation.recording-maximum"]
    [message] = judge(made, [of])["message"]
    assert message.startswith("fatigue: ")
    assert "11" in message


def test_expectation_recording_once_warns_of_a_folder_that_came_twice() -> None:
    made = batch(("20240229_161221", GOOD), ("20240229_161221", GOOD), ("20240229_161222", GOOD))
    found = judge(made)
    assert set(found["rule"]) == {"expectation.recording-once"}
    assert set(found["session"]) == set(made.sessions["session"].iloc[:2])


def test_expectation_recording_same_bytes_warns_of_a_file_in_two_sessions() -> None:
    made = batch(("20240229_161221", GOOD), ("20240229_161222", GOOD), hashes=("a" * 64, "a" * 64))
    found = judge(made)
    assert set(found["rule"]) == {"expectation.recording-same-bytes"}
    assert set(found["session"]) == set(made.sessions["session"])


def test_expectation_recording_ends_after_start() -> None:
    made = batch(("20240229_161221", GOOD))
    spoilt = Batch(
        made.sessions.assign(ended_at=made.sessions["ended_at"] - pd.Timedelta("1s")),
        made.files,
        made.executions,
        made.measurements,
        made.variables,
    )
    assert set(judge(spoilt)["rule"]) == {"expectation.recording-ends-after-start"}


def test_every_expectation_of_recordings_is_tried_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8").replace("_", "-")
    for suite in suites():
        for line in suite.expectations if suite.kind == "recording" else ():
            assert line.rule in CASES or f"def test-{line.rule.replace('.', '-')}" in here, line.rule


def test_the_server_has_every_rule_of_the_lab_machine_with_its_severity() -> None:
    server = {rule.id: rule for rule in all_rules()}
    assert {rule_id: server[rule_id].severity.value for rule_id in SHIPPED} == {
        rule_id: rule.on_server.value for rule_id, rule in RECORDING_RULES.items()
    }
    # Each of them is tried on real folders: recording.clock-skew, recording.duplicate-file, recording.empty-file,
    # recording.file-times, recording.folder-unreadable, recording.link-leaves, recording.link-skipped, recording.local-time,
    # recording.metadata-encoding, recording.metadata-missing, recording.metadata-several, recording.metadata-size,
    # recording.no-files, recording.no-schema, recording.not-a-file, recording.too-large, recording.unlisted-file and
    # recording.unsafe-name in tests/unit/recording/test_validate.py.


def test_a_validation_of_recordings_is_json() -> None:
    validation = validate(batch(CASES["recording.range"]))
    for result in validation.results.values():
        json.dumps(result.to_json_dict())
