"""Whether the schemas still keep what a version of the contract was released with.

`schemas/released/v<version>.json` records the schemas of a version, without their words. Whoever reads documents of that version
relies on it, and so does every snapshot that was published under it. So what is recorded stays as it is: a field may come, if it
need not be there, and a document may come; nothing may go, change its kind, unit, range or words to choose from, or become
required. What needs more needs a new version and a migration.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.dataset.schema import VERSIONS, schemas
from assay.errors import SchemaMismatch

FOLDER = "schemas/released"

_WORDS = frozenset({"description", "title", "examples", "$id", "$schema"})
_HANDLED = frozenset(
    {"properties", "required", "additionalProperties", "items", "prefixItems", "anyOf", "else", "$ref", "$defs", "enum"}
)

Schema = Mapping[str, Any]


def record_path(root: Path, version: str) -> Path:
    """Where the record of a released version lies in a checkout."""
    return root / FOLDER / f"v{version}.json"


def released_versions(root: Path) -> list[str]:
    """The versions that a record stands for."""
    return sorted(path.stem.removeprefix("v") for path in (root / FOLDER).glob("v*.json"))


def check(root: Path) -> list[str]:
    """Every breaking change of the working tree against the records: one sentence each, with schema, field, before and now."""
    broken = []
    for version in released_versions(root):
        if version not in VERSIONS:
            broken.append(f"{version}: was released, and there is no schema for it any more")
            continue
        released = json.loads(record_path(root, version).read_text(encoding="utf-8"))
        broken += breaking_changes(released, schemas(version), version)
    return broken


def record(root: Path) -> list[str]:
    """Write the records of all versions, additions included; gives those that changed.

    Raises SchemaMismatch if a record would lose something.
    """
    broken = check(root)
    if broken:
        raise SchemaMismatch(f"{broken[0]}; give the contract a new version and a migration, or take the change back")
    changed: list[str] = []
    for version in VERSIONS:
        text = json.dumps({name: without_words(each) for name, each in schemas(version).items()}, indent=1, sort_keys=True) + "\n"
        path = record_path(root, version)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(version)
    return changed


def without_words(schema: Any, *, names: bool = False) -> Any:
    """A schema without what is only said. `names`: its keys are names of fields, not keywords."""
    if isinstance(schema, Mapping):
        kept = {key: value for key, value in schema.items() if names or key not in _WORDS}
        return {key: without_words(value, names=not names and key in ("properties", "$defs")) for key, value in kept.items()}
    return [without_words(item) for item in schema] if isinstance(schema, list) else schema


def breaking_changes(released: Mapping[str, Schema], current: Mapping[str, Schema], version: str) -> list[str]:
    """What a reader of released documents, or a published document, would stumble over."""
    found = []
    for name, old in released.items():
        if name not in current:
            found.append(f"{name} {version}: the schema was removed")
            continue
        walk = _Walk(old.get("$defs", {}), current[name].get("$defs", {}))
        found += [
            f"{name} {version}: {field or '/'}: {what}" for field, what in walk.compare(old, without_words(current[name]), "")
        ]
    return found


class _Walk:
    """Two schemas side by side, references followed; a pair of definitions is looked at once."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old, self.new = old, {name: without_words(each) for name, each in new.items()}
        self.seen: set[tuple[str, str]] = set()

    def compare(self, old: Any, new: Any, field: str) -> Iterator[tuple[str, str]]:
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            if old != new:
                yield field, f"was {_shown(old)}, is {_shown(new)}"
            return
        pair = (old.get("$ref", ""), new.get("$ref", ""))
        if all(pair):
            if pair not in self.seen:
                self.seen.add(pair)
                yield from self.compare(self.old[_name(pair[0])], self.new[_name(pair[1])], field)
        elif any(pair):
            old, new = self.resolved(old, self.old), self.resolved(new, self.new)
        yield from self.keywords(old, new, field)
        yield from self.fields(old, new, field)
        yield from self.members(old, new, field)

    def resolved(self, schema: Schema, definitions: Schema) -> Schema:
        if "$ref" not in schema:
            return schema
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**definitions[_name(schema["$ref"])], **beside}

    def keywords(self, old: Schema, new: Schema, field: str) -> Iterator[tuple[str, str]]:
        for keyword in sorted((old.keys() | new.keys()) - _HANDLED):
            before, now = old.get(keyword), new.get(keyword)
            if before != now:
                word = {"type": "type", "x-unit": "unit"}.get(keyword, keyword)
                yield field, f"the {word} was {_shown(before)}, is {_shown(now)}"
        if set(map(str, old.get("enum", ()))) != set(map(str, new.get("enum", ()))):
            yield field, f"the values to choose from were {_shown(old.get('enum'))}, are {_shown(new.get('enum'))}"

    def fields(self, old: Schema, new: Schema, field: str) -> Iterator[tuple[str, str]]:
        before, now = old.get("properties", {}), new.get("properties", {})
        must, must_now = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before):
            if name in now:
                yield from self.compare(before[name], now[name], f"{field}/{name}")
            else:
                yield f"{field}/{name}", "the field was removed or renamed"
        for name in sorted(must_now - must):
            yield f"{field}/{name}", "the field is required now, and was not"
        for name in sorted((must - must_now) & now.keys()):
            yield f"{field}/{name}", "the field need not be there now, and was required"
        unless, unless_now = (set(schema.get("else", {}).get("required", ())) for schema in (old, new))
        for name in sorted(unless ^ unless_now):
            if not (name in must or name in must_now):
                said = "is required now of what was not migrated" if name in unless_now else "need not be there now"
                yield f"{field}/{name}", f"the field {said}, and was otherwise"

    def members(self, old: Schema, new: Schema, field: str) -> Iterator[tuple[str, str]]:
        yield from self.compare(old.get("additionalProperties", True), new.get("additionalProperties", True), f"{field}/*")
        yield from self.compare(old.get("items"), new.get("items"), f"{field}/[]")
        for keyword in ("prefixItems", "anyOf"):
            one, other = old.get(keyword, []), new.get(keyword, [])
            if len(one) != len(other):
                yield field, f"of {len(one)} forms there are {len(other)}"
            for number, (left, right) in enumerate(zip(one, other, strict=False)):
                yield from self.compare(left, right, f"{field}/({number})")


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _shown(value: Any) -> str:
    return "none" if value is None else json.dumps(value)[:100]
