"""What the metadata of a lab's sessions must be: one JSON Schema 2020-12 document a lab and version, in `schemas/recording/`.

A document says of each variable its type, range and unit, or its choices, pattern and length, and which are required. Any
validator of JSON Schema can read it; beside it stand keywords of our own: `unit` of a number, and for the whole session
`x-metadata-files`, `x-names-files`, `x-file-sizes` and `x-max-hours`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import SchemaMismatch
from assay.recording.formats import MAX_KEY_CHARS, key_of

METADATA_FILES = ("metadata.txt", "metadata.json", "metadata.yaml", "metadata.yml", "metadata.ini")
"""Names of the metadata file where a lab's schema gives no others; capitals do not matter."""

MAX_SCHEMA_BYTES = 1024 * 1024

_LAB = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_VERSION_FILE = re.compile(r"v([1-9][0-9]{0,3})\.json")
_RULES = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "pattern", "minLength", "maxLength"}
_NOTES = {"title", "description", "examples", "$comment", "type", "unit"}


@dataclass(frozen=True)
class VariableSchema:
    """What one variable must be. Bounds are inclusive unless `exclusive`; `unit` is empty for texts and for pure numbers `1`."""

    name: str
    numeric: bool
    whole: bool = False
    required: bool = False
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    min_length: int = 0
    max_length: int | None = None
    description: str = ""


@dataclass(frozen=True)
class LabSchema:
    """The schema of one lab's metadata."""

    lab: str
    version: int
    variables: Mapping[str, VariableSchema]
    metadata_files: tuple[str, ...] = METADATA_FILES
    names_files: str = ""
    """Variable whose value names the session's files, with commas between them; empty: the metadata name none."""
    file_sizes: str = ""
    """Section whose keys are files and whose values are their sizes in bytes; empty: the metadata state none."""
    max_hours: float = 24.0
    """Longest that a session lasts: no file may be written later than this after its start."""
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Lab and version, as in `sleep-lab/v2`."""
        return f"{self.lab}/v{self.version}"


def is_lab_name(text: str) -> bool:
    """Whether the text may name a lab: lower case letters, digits and dashes, 40 at most."""
    return _LAB.fullmatch(text) is not None


def load_schema(folder: Path, lab: str, version: int | None = None) -> LabSchema | None:
    """The schema of a lab, `<folder>/<lab>/v<version>.json`; the newest where none is named. None: the lab has none.

    Raises SchemaMismatch, with the file and the place in it, when a document says what no schema of ours can say.
    """
    if not is_lab_name(lab):
        raise SchemaMismatch(f"lab: found {lab[:80]!r}; expected lower case letters, digits and '-', 40 at most")
    there = {}
    if (folder / lab).is_dir():
        there = {int(match[1]): path for path in (folder / lab).iterdir() if (match := _VERSION_FILE.fullmatch(path.name))}
    if not there or (version is not None and version not in there):
        return None
    number = max(there) if version is None else version
    path = there[number]
    if path.stat().st_size > MAX_SCHEMA_BYTES:
        raise SchemaMismatch(f"{path}: larger than {MAX_SCHEMA_BYTES} bytes; expected a schema of metadata")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SchemaMismatch(f"{path}: not readable as JSON ({error})") from None
    return parse_schema(document, lab, number, str(path))


def parse_schema(document: object, lab: str, version: int, where: str = "schema") -> LabSchema:
    """A schema from its JSON. Raises SchemaMismatch with `where` and the keyword that is wrong or unknown."""
    if not isinstance(document, dict) or not isinstance(document.get("properties"), dict):
        raise SchemaMismatch(f"{where}: expected a JSON Schema of an object, with `properties`")
    if document.get("$schema") != "https://json-schema.org/draft/2020-12/schema":
        raise SchemaMismatch(f"{where}: $schema: found {document.get('$schema')!r}; expected JSON Schema 2020-12")
    if document.get("additionalProperties", True) is not True:
        raise SchemaMismatch(f"{where}: additionalProperties: expected true: an unknown key is kept and flagged, never refused")
    required = document.get("required", [])
    if not isinstance(required, list) or not set(required) <= set(document["properties"]):
        raise SchemaMismatch(f"{where}: required: found {required!r}; expected names of `properties`")
    variables = {
        name: _variable(name, rules, name in required, f"{where}: properties.{name}")
        for name, rules in document["properties"].items()
    }
    files = document.get("x-metadata-files", list(METADATA_FILES))
    if not isinstance(files, list) or not files or not all(isinstance(one, str) and one and "/" not in one for one in files):
        raise SchemaMismatch(f"{where}: x-metadata-files: found {files!r}; expected a list of file names")
    names_files, sizes = (document.get(key, "") for key in ("x-names-files", "x-file-sizes"))
    if names_files and names_files not in variables:
        raise SchemaMismatch(f"{where}: x-names-files: found {names_files!r}; expected one of `properties`")
    if sizes and (not isinstance(sizes, str) or key_of(sizes) != sizes):
        raise SchemaMismatch(f"{where}: x-file-sizes: found {sizes!r}; expected a section's name in lower case")
    hours = document.get("x-max-hours", 24)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= 24 * 31:
        raise SchemaMismatch(f"{where}: x-max-hours: found {hours!r}; expected hours, above 0 and at most 744")
    return LabSchema(lab, version, variables, tuple(one.lower() for one in files), names_files, sizes, float(hours), document)


def _variable(name: str, rules: object, required: bool, where: str) -> VariableSchema:
    if not name or key_of(name) != name or len(name) > MAX_KEY_CHARS:
        raise SchemaMismatch(f"{where}: expected a name as it is queried, such as {key_of(name)[:MAX_KEY_CHARS]!r}")
    if not isinstance(rules, dict) or rules.get("type") not in ("number", "integer", "string"):
        raise SchemaMismatch(f"{where}: type: expected number, integer or string")
    if unknown := set(rules) - _RULES - _NOTES:
        raise SchemaMismatch(
            f"{where}: unknown keywords {', '.join(sorted(unknown))}; expected {', '.join(sorted(_RULES | _NOTES))}"
        )
    numeric = rules["type"] != "string"
    if numeric and not isinstance(rules.get("unit"), str):
        raise SchemaMismatch(f'{where}: unit: a number has one; expected a text such as "Hz", or "1" for a count or a level')
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"):
        bound = rules.get(key, 0)
        of_length = key.endswith("Length")
        if (
            isinstance(bound, bool)
            or not isinstance(bound, int if of_length else (int, float))
            or (key in rules and of_length == numeric)
        ):
            raise SchemaMismatch(f"{where}: {key}: found {bound!r}; expected a number, and bounds of numbers for numbers only")
    choices = rules.get("enum", [])
    if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices) or (choices and numeric):
        raise SchemaMismatch(f"{where}: enum: found {choices!r}; expected a list of texts, for a string")
    pattern = rules.get("pattern", "")
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise SchemaMismatch(f"{where}: pattern: found {pattern!r} ({error}); expected a regular expression") from None
    return VariableSchema(
        name=name,
        numeric=numeric,
        whole=rules["type"] == "integer",
        required=required,
        unit=rules.get("unit", ""),
        minimum=rules.get("minimum"),
        maximum=rules.get("maximum"),
        above=rules.get("exclusiveMinimum"),
        below=rules.get("exclusiveMaximum"),
        choices=tuple(choices),
        pattern=pattern,
        min_length=rules.get("minLength", 0),
        max_length=rules.get("maxLength"),
        description=str(rules.get("description", "")),
    )
