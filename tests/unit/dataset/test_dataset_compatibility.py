"""What was released stays: every sort of breaking change is found and named, additions are not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from assay.cli import app
from assay.dataset import compatibility
from assay.dataset.compatibility import breaking_changes, check, record, record_path, released_versions, without_words
from assay.dataset.schema import VERSIONS, schemas
from assay.errors import SchemaMismatch
from assay.settings import project_root
from typer.testing import CliRunner

Schemas = dict[str, Any]


def current(version: str = "1.1.0") -> Schemas:
    return copy.deepcopy(dict(schemas(version)))


def definition(schemas_: Schemas, name: str, schema: str = "memory-benchmark") -> dict[str, Any]:
    found: dict[str, Any] = schemas_[schema]["$defs"][name]
    return found


def rename(schemas_: Schemas) -> None:
    fields = definition(schemas_, "Measured")["properties"]
    fields["average"] = fields.pop("mean")


BREAKING: dict[str, tuple[Callable[[Schemas], Any], str]] = {
    "a document goes": (lambda s: s.pop("trends"), "trends 1.1.0: the schema was removed"),
    "a field goes": (
        lambda s: definition(s, "Subject")["properties"].pop("processor"),
        "/processor: the field was removed or renamed",
    ),
    "a field is renamed": (rename, "/mean: the field was removed or renamed"),
    "a type is narrowed": (
        lambda s: definition(s, "Measured")["properties"]["value"].update(type="integer"),
        'value: the type was "number", is "integer"',
    ),
    "a type is widened": (
        lambda s: definition(s, "Measured")["properties"]["value"].update(type=["number", "null"]),
        'value: the type was "number", is ["number", "null"]',
    ),
    "a range is narrowed": (
        lambda s: definition(s, "Measured")["properties"]["sample_size"].update(minimum=5),
        "sample_size: the minimum was 3, is 5",
    ),
    "a pattern comes": (
        lambda s: definition(s, "Subject")["properties"]["processor"].update(pattern="^Intel"),
        'processor: the pattern was none, is "^Intel"',
    ),
    "a field is newly required": (
        lambda s: definition(s, "Subject")["required"].append("vcpus"),
        "/vcpus: the field is required now, and was not",
    ),
    "a required field is new": (
        lambda s: (
            s["manifest"]["properties"].update(signature={"type": "string"}),
            s["manifest"]["required"].append("signature"),
        ),
        "manifest 1.1.0: /signature: the field is required now, and was not",
    ),
    "a required field need not be there": (
        lambda s: definition(s, "Measured")["required"].remove("confidence_interval"),
        "confidence_interval: the field need not be there now, and was required",
    ),
    "what only migrated documents lacked may be lacking": (
        lambda s: definition(s, "Measured")["else"]["required"].remove("sources"),
        "/sources: the field need not be there now, and was otherwise",
    ),
    "a unit is another": (
        lambda s: definition(s, "Measured")["properties"]["coefficient_variation"].update({"x-unit": "ratio"}),
        'coefficient_variation: the unit was "percent", is "ratio"',
    ),
    "a quantity may have another unit": (
        lambda s: definition(s, "StreamEntry")["properties"]["triad_bandwidth"]["properties"]["unit"].update(
            enum=["GB/s", "MB/s"]
        ),
        'triad_bandwidth/unit: the values to choose from were ["GB/s"], are ["GB/s", "MB/s"]',
    ),
    "a choice of values is smaller": (
        lambda s: definition(s, "Subject")["properties"]["architecture"]["enum"].remove("other"),
        "architecture: the values to choose from were",
    ),
    "a map of numbers holds text": (
        lambda s: definition(s, "StreamEntry")["properties"]["warnings"]["additionalProperties"].update(type="string"),
        '/warnings/*: the type was "integer", is "string"',
    ),
    "the members of a list are others": (
        lambda s: s["memory-benchmark"]["properties"]["architectures"]["items"].update(type="integer"),
        '/architectures/[]: the type was "string", is "integer"',
    ),
    "one of two forms goes": (
        lambda s: definition(s, "Variant")["properties"]["instances"]["additionalProperties"]["additionalProperties"][
            "anyOf"
        ].pop(),
        "of 2 forms there are 1",
    ),
    "an interval has three bounds": (
        lambda s: definition(s, "Measured")["properties"]["confidence_interval"].update(maxItems=3),
        "confidence_interval: the maxItems was 2, is 3",
    ),
}

ALLOWED: dict[str, Callable[[Schemas], Any]] = {
    "nothing changes": lambda s: None,
    "an optional field comes": lambda s: definition(s, "Subject")["properties"].update(cache_line={"type": "integer"}),
    "a document comes": lambda s: s.update(forecast={"type": "object"}),
    "a description is better": lambda s: definition(s, "Measured")["properties"]["value"].update(description="The median."),
    "an example is another": lambda s: s["manifest"].update(examples=[]),
    "a definition has another name": lambda s: s.update(
        json.loads(json.dumps(s).replace('"#/$defs/Measured"', '"#/$defs/Counted"').replace('"Measured": {', '"Counted": {'))
    ),
}


@pytest.mark.parametrize("name", sorted(BREAKING))
def test_a_breaking_change_is_refused_and_named(name: str) -> None:
    change, says = BREAKING[name]
    changed = current()
    change(changed)
    released = {schema: without_words(each) for schema, each in current().items()}
    found = breaking_changes(released, changed, "1.1.0")
    assert any(says in sentence for sentence in found), found


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_an_addition_is_allowed(name: str) -> None:
    changed = current()
    ALLOWED[name](changed)
    released = {schema: without_words(each) for schema, each in current().items()}
    assert breaking_changes(released, changed, "1.1.0") == []


def test_this_checkout_breaks_nothing_that_was_released() -> None:
    assert released_versions(project_root()) == list(VERSIONS)
    assert check(project_root()) == []


def test_a_field_that_is_called_as_a_keyword_is_no_word() -> None:
    recorded = without_words(current()["endpoints"])
    assert "title" in recorded["$defs"]["Endpoint"]["properties"]
    assert "description" not in json.dumps(recorded)


def test_a_record_takes_additions_and_refuses_to_lose_anything(tmp_path: Path) -> None:
    assert record(tmp_path) == list(VERSIONS)
    assert record(tmp_path) == []
    path = record_path(tmp_path, "1.1.0")
    released = json.loads(path.read_text())
    del released["trends"]
    path.write_text(json.dumps(released))
    assert record(tmp_path) == ["1.1.0"]
    released["gone"] = {"type": "object"}
    path.write_text(json.dumps(released))
    with pytest.raises(SchemaMismatch, match=r"gone 1\.1\.0: the schema was removed; give the contract a new version"):
        record(tmp_path)
    record_path(tmp_path, "0.9.0").write_text("{}")
    assert "0.9.0: was released, and there is no schema for it any more" in check(tmp_path)


def test_the_command_refuses_with_the_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.settings.project_root", lambda: tmp_path)
    assert "recorded 1.0.0, 1.1.0" in CliRunner().invoke(app, ["schema", "record"]).stdout
    assert CliRunner().invoke(app, ["schema", "check"]).exit_code == 0
    path = record_path(tmp_path, "1.1.0")
    path.write_text(path.read_text().replace('"coefficient_variation"', '"spread"'))
    refused = CliRunner().invoke(app, ["schema", "check", "--json"])
    assert refused.exit_code == 1
    assert any("/spread: the field was removed or renamed" in change for change in json.loads(refused.stdout)["breaking"])
    assert compatibility.check(tmp_path)
