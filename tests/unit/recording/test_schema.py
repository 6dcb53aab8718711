"""The schema of a lab's metadata: an ordinary JSON Schema, and ours in every verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from assay.errors import SchemaMismatch
from assay.recording.formats import Entry
from assay.recording.schema import load_schema, parse_schema
from assay.recording.values import numeric, typed
from hypothesis import given
from hypothesis import strategies as st

SCHEMAS = Path(__file__).parents[3] / "schemas" / "recording"
EXAMPLE = json.loads((SCHEMAS / "example-lab" / "v1.json").read_text(encoding="utf-8"))
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document(**properties: Any) -> dict[str, Any]:
    return {"$schema": DIALECT, "type": "object", "properties": properties}


def test_every_schema_of_the_checkout_is_a_json_schema_and_one_of_ours() -> None:
    labs = [folder.name for folder in SCHEMAS.iterdir() if folder.is_dir()]
    assert labs
    for lab in labs:
        schema = load_schema(SCHEMAS, lab)
        assert schema is not None
        jsonschema_rs.meta.validate(dict(schema.document))


def test_the_newest_version_holds_unless_one_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    for version, name in ((1, "a"), (2, "b"), (10, "c")):
        (folder / f"v{version}.json").write_text(json.dumps(document(**{name: {"type": "string"}})), encoding="utf-8")
    (folder / "notes.txt").write_text("not a schema", encoding="utf-8")
    newest, second = load_schema(tmp_path, "lab"), load_schema(tmp_path, "lab", 2)
    assert newest is not None
    assert second is not None
    assert (newest.name, list(newest.variables)) == ("lab/v10", ["c"])
    assert (second.name, list(second.variables)) == ("lab/v2", ["b"])
    assert load_schema(tmp_path, "lab", 3) is None
    assert load_schema(tmp_path, "other") is None


@pytest.mark.parametrize("lab", ["../secret", "", "Lab", "a/b", "x" * 41])
def test_a_lab_cannot_name_a_path(tmp_path: Path, lab: str) -> None:
    with pytest.raises(SchemaMismatch, match="lab:"):
        load_schema(tmp_path, lab)


@pytest.mark.parametrize(
    ("made", "where"),
    [
        ({"properties": {}}, r"\$schema"),
        (document(a={"type": "object"}), r"properties\.a: type"),
        (document(a={"type": "number"}), r"properties\.a: unit"),
        (document(a={"type": "string", "format": "date"}), r"properties\.a: unknown keywords format"),
        (document(a={"type": "string", "minimum": 1}), r"properties\.a: minimum"),
        (document(a={"type": "string", "pattern": "("}), r"properties\.a: pattern"),
        (document(a={"type": "number", "unit": "1", "minimum": "1"}), r"properties\.a: minimum"),
        (document(**{"A b": {"type": "string"}}), "a_b"),
        ({**document(a={"type": "string"}), "required": ["b"]}, "required"),
        ({**document(a={"type": "string"}), "additionalProperties": False}, "additionalProperties"),
        ({**document(a={"type": "string"}), "x-names-files": "b"}, "x-names-files"),
        ({**document(a={"type": "string"}), "x-max-hours": True}, "x-max-hours"),
        ([], "properties"),
    ],
)
def test_a_schema_that_we_cannot_hold_to_is_refused_with_its_place(made: object, where: str) -> None:
    with pytest.raises(SchemaMismatch, match=where):
        parse_schema(made, "lab", 1)


scalars = st.sampled_from(
    ["X1", "x1", "X1-PRO", "rest", "sleep", "", "0", "1", "9", "10", "5.5", "-20", "60.01", "1e5", "1e6", "nan"]
)
metadata = st.dictionaries(st.sampled_from([*EXAMPLE["properties"], "unknown"]), scalars | st.text(max_size=5), max_size=8)


@given(metadata)
def test_any_metadata_gets_the_verdict_of_a_validator_of_json_schema(given_texts: dict[str, str]) -> None:
    schema = load_schema(SCHEMAS, "example-lab")
    assert schema is not None
    entries = [Entry(key, key, value.strip()) for key, value in given_texts.items()]
    variables, found = typed(entries, schema)
    ours = {key for key, one in found if one.rule != "recording.unknown-key"}
    # What a person means by an empty value is none, and a number that is none stays a text.
    instance = {v.name: v.text if v.number is None else v.number for v in variables if v.text}
    theirs = set()
    for error in jsonschema_rs.Draft202012Validator(EXAMPLE).iter_errors(instance):
        theirs |= {error.kind.as_dict()["property"]} if error.kind.name == "required" else {str(error.instance_path[0])}
    assert {key for key in ours if key != "unknown"} == theirs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", (3.0, "")),
        ("3.5 Hz", (3.5, "Hz")),
        ("-1e3", (-1000.0, "")),
        (".5", (0.5, "")),
        ("x", None),
        ("nan", None),
        ("1e9999", None),
    ],
)
def test_a_number_may_carry_its_unit(text: str, expected: tuple[float, str] | None) -> None:
    assert numeric(text) == expected


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("250 Hz", ""),
        ("250", ""),
        ("250 kHz", "recording.unit"),
        ("0", "recording.range"),
        ("2e5", "recording.range"),
        ("fast", "recording.type"),
        ("3,5", "recording.type"),
        ("inf", "recording.type"),
    ],
)
def test_a_number_is_judged_by_type_unit_and_range(value: str, rule: str) -> None:
    schema = load_schema(SCHEMAS, "example-lab")
    assert schema is not None
    _, found = typed([Entry("sampling_rate", "Sampling Rate", value, 3)], schema)
    mine = [one for key, one in found if key == "sampling_rate"]
    assert [one.rule for one in mine] == ([rule] if rule else [])
    for one in mine:
        assert "Sampling Rate (line 3)" in one.message
        assert rule in one.message
        assert value in one.message
        assert "Hz" in one.message
