"""The contract: schemas are fresh, describe every field, accept what is built and refuse what breaks a client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from assay.dataset.encode import to_json
from assay.dataset.models import API, DOCUMENTS
from assay.dataset.models.base import DOCUMENT_UNITS
from assay.dataset.models.migrated import UNLESS_MIGRATED
from assay.dataset.schema import VERSIONS, schema_files, schemas
from assay.dataset.validate import validate_documents, validate_folder
from assay.errors import SchemaMismatch
from assay.settings import project_root

EVERY = [(version, name) for version in VERSIONS for name in sorted(schemas(version))]
MEMORY = "memory-benchmarks.json"
TYPE = "m7i.large"


@pytest.mark.parametrize("path", sorted(schema_files()))
def test_the_schema_in_the_checkout_is_the_one_of_the_models(path: str) -> None:
    assert (project_root() / path).read_text(encoding="utf-8") == schema_files()[path], "run `python -m assay.dataset.schema`"


@pytest.mark.parametrize(("version", "name"), EVERY)
def test_the_schema_is_valid_2020_12(version: str, name: str) -> None:
    schema = schemas(version)[name]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.Draft202012Validator(schema)
    assert jsonschema_rs.meta.is_valid(schema)


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property that a schema declares; not those that only narrow one of a definition beside them."""
    if isinstance(schema, dict):
        narrows = "$ref" in schema or "anyOf" in schema
        for name, value in schema.get("properties", {}).items():
            if not narrows:
                yield f"{path}.{name}", value
        for key, value in schema.items():
            yield from properties(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for number, item in enumerate(schema):
            yield from properties(item, f"{path}/{number}")


def is_numeric(schema: dict[str, Any]) -> bool:
    """Whether a field holds numbers: one, a list, or by name."""
    if schema.get("type") in ("number", "integer"):
        return True
    below = [*schema.get("prefixItems", []), *schema.get("anyOf", []), schema.get("items"), schema.get("additionalProperties")]
    return any(is_numeric(item) for item in below if isinstance(item, dict))


@pytest.mark.parametrize(("version", "name"), EVERY)
def test_every_field_is_described(version: str, name: str) -> None:
    without = [path for path, schema in properties(schemas(version)[name]) if not schema.get("description", "").strip()]
    assert without == [], "give these fields a description in assay.dataset.models"


@pytest.mark.parametrize(("version", "name"), EVERY)
def test_every_number_has_a_unit(version: str, name: str) -> None:
    numbers = [(path, schema.get("x-unit")) for path, schema in properties(schemas(version)[name]) if is_numeric(schema)]
    without = [path for path, unit in numbers if unit is None]
    assert without == [], "add json_schema_extra=measured_in(...) of assay.dataset.models.base"
    units = {unit for _, said in numbers for unit in (said if isinstance(said, list) else [said])}
    assert units <= set(DOCUMENT_UNITS)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_named_quantity_says_the_units_that_it_may_have(name: str) -> None:
    for path, schema in properties(schemas()[name]):
        targets = [schema, *schema.get("anyOf", [])]
        if any(target.get("$ref", "").endswith(("/Measured", "/Provisional")) for target in targets):
            said = schema["x-unit"]
            assert schema["properties"]["unit"]["enum"] == (said if isinstance(said, list) else [said]), path


@pytest.mark.parametrize(("version", "name"), EVERY)
def test_every_schema_has_an_id_a_title_and_an_example_that_satisfies_it(version: str, name: str) -> None:
    schema = schemas(version)[name]
    assert schema["$id"] == f"urn:assay:schema:{version}:{name}"
    assert version in schema["title"]
    (example,) = schema["examples"]
    jsonschema_rs.Draft202012Validator(schema).validate(example)


def test_what_a_migrated_document_may_lack_is_required_of_every_other() -> None:
    found = {}
    for schema in schemas().values():
        found |= {name: definition for name, definition in schema.get("$defs", {}).items() if "else" in definition}
        found |= {schema["$id"]: schema} if "else" in schema else {}
    assert found
    for definition in found.values():
        lacking = definition["else"]["required"]
        assert not set(lacking) & set(definition.get("required", ()))
        assert set(lacking) <= set(definition["properties"])
    models = {model.__name__ for _, model in {**DOCUMENTS, **API}.values()}
    assert set(UNLESS_MIGRATED) - models <= set(found)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_no_field_may_be_null_but_a_price_that_there_is_not(name: str) -> None:
    assert to_json(schemas()[name]).decode().count('"null"') == (1 if name == "price-performance" else 0)


def stream_entry(documents: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = documents[MEMORY]["benchmarks"]["stream"][TYPE]
    return entry


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda documents: stream_entry(documents)["triad_bandwidth"].pop(name)


def set_value(value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda documents: stream_entry(documents)["triad_bandwidth"].update(value=value)


BREAKING: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no interval": without("confidence_interval"),
    "no sample size": without("sample_size"),
    "no sources": without("sources"),
    "null value": set_value(None),
    "text for a value": set_value("47.9"),
    "interval of one number": lambda d: stream_entry(d)["triad_bandwidth"].update(confidence_interval=[1.0]),
    "sample size under three": lambda d: stream_entry(d)["triad_bandwidth"].update(sample_size=2),
    "another unit": lambda d: stream_entry(d)["triad_bandwidth"].update(unit="MB/s"),
    "no copy": lambda d: stream_entry(d).pop("copy_bandwidth"),
    "no family": lambda d: stream_entry(d)["metadata"].pop("instance_family"),
    "unknown architecture": lambda d: stream_entry(d)["metadata"].update(architecture="x86_64"),
    "no stream_cache": lambda d: d[MEMORY]["benchmarks"].pop("stream_cache"),
    "no rankings": lambda d: d[MEMORY].pop("rankings"),
    "wrong version": lambda d: d[MEMORY].update(schema_version="1.0.0"),
    "time with a zone": lambda d: d[MEMORY].update(last_updated="2024-11-20T09:00:00+01:00"),
    "no hpl container": lambda d: d["cpu-benchmarks.json"]["benchmarks"].pop("hpl_mkl"),
    "no architecture map": lambda d: d["microarch-benchmarks.json"].pop("intel"),
    "short hash": lambda d: d["manifest.json"]["files"][0].update(sha256="abc"),
    "session without files": lambda d: d["manifest.json"]["sessions"][0].update(files=[]),
    "reason without rule": lambda d: d["quarantine.json"][0]["reasons"][0].pop("rule"),
    "no accounting": lambda d: d["metadata.json"].pop("accounting"),
    "rank zero": lambda d: d["instance-rankings.json"]["rankings"]["triad_bandwidth"]["ranks"][0].update(rank=0),
}


@pytest.mark.parametrize("name", sorted(BREAKING))
def test_what_would_break_a_client_is_refused(decoded: dict[str, Any], name: str) -> None:
    validate_documents({document: to_json(value) for document, value in decoded.items()})
    BREAKING[name](decoded)
    with pytest.raises(SchemaMismatch):
        validate_documents({document: to_json(value) for document, value in decoded.items()})


def test_more_fields_are_allowed(decoded: dict[str, Any]) -> None:
    stream_entry(decoded)["triad_bandwidth"]["later"] = {"anything": 1}
    decoded[MEMORY]["later"] = []
    validate_documents({document: to_json(value) for document, value in decoded.items()})


def test_the_message_says_document_path_found_and_expected(decoded: dict[str, Any]) -> None:
    set_value("fast")(decoded)
    with pytest.raises(SchemaMismatch) as caught:
        validate_documents({MEMORY: to_json(decoded[MEMORY])})
    message = str(caught.value)
    for part in (MEMORY, "/benchmarks/stream/m7i.large/triad_bandwidth/value", "'fast'", '"number"', "memory-benchmark"):
        assert part in message


def test_bytes_that_are_not_json_are_named() -> None:
    with pytest.raises(SchemaMismatch, match=r"memory-benchmarks\.json: found bytes that are not JSON"):
        validate_documents({MEMORY: b"{"})


def test_a_folder_is_checked_document_by_document(built: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in built.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "notes.txt").write_text("not ours")
    assert validate_folder(tmp_path) == sorted(name for name in built if name.endswith(".json"))
    document = orjson.loads(built[MEMORY])
    del document["rankings"]
    (tmp_path / MEMORY).write_bytes(to_json(document))
    with pytest.raises(SchemaMismatch, match="rankings"):
        validate_folder(tmp_path)
