"""Any document that satisfies one of our JSON Schemas: hypothesis strategies made from the schema itself."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

NAMES = ("m7i.large", "c7g.large", "host-1a2b3c4d", "a/b~c", "triad_bandwidth", "intel")
EXTRAS = ("note", "value", "unit", "sources", "mean", "migrated_from", "provisional", "variants", "kept", "key", "change_points")
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(string.ascii_letters, max_size=4) | st.just("1.0.0"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(EXTRAS), inner, max_size=2),
    max_leaves=4,
)


def documents(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Any instance of a schema, further fields included: many of the names that a later version gave a meaning."""
    return _strategy(schema, schema.get("$defs", {}))


def _strategy(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        made = _strategy(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        narrowed = {name: _strategy(value, definitions) for name, value in schema.get("properties", {}).items()}
        return st.builds(lambda whole, parts: {**whole, **parts}, made, st.fixed_dictionaries(narrowed)) if narrowed else made
    if "anyOf" in schema:
        return st.one_of([_strategy(each, definitions) for each in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        return _objects(schema, definitions)
    if kind == "array":
        if "prefixItems" in schema:
            return st.tuples(*[_strategy(item, definitions) for item in schema["prefixItems"]]).map(list)
        low = schema.get("minItems", 0)
        return st.lists(_strategy(schema.get("items", {}), definitions), min_size=low, max_size=low + 2)
    if kind == "string":
        pattern = schema.get("pattern")
        return (
            st.from_regex(pattern.replace("$", r"\Z").replace(r"\d", "[0-9]"))
            if pattern
            else st.text(string.printable, max_size=4)
        )
    if kind == "integer":
        return st.integers(schema.get("minimum", -9), 9)
    if kind == "number":
        low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
        bounds = {"exclude_min": True} if "exclusiveMinimum" in schema else {}
        return st.floats(low, high, allow_nan=False, allow_infinity=False, width=32, **bounds) if low is not None else NUMBERS
    return {"boolean": st.booleans(), "null": st.none()}.get(str(kind), ANYTHING)


def _objects(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    known = {name: _strategy(value, definitions) for name, value in schema.get("properties", {}).items()}
    required = set(schema.get("required", ()))
    fixed = st.fixed_dictionaries(
        {name: made for name, made in known.items() if name in required},
        optional={name: made for name, made in known.items() if name not in required},
    )
    further = schema.get("additionalProperties", True)
    if isinstance(further, Mapping):
        extra = st.dictionaries(st.sampled_from(NAMES), _strategy(further, definitions), max_size=2)
    else:
        extra = st.dictionaries(st.sampled_from(EXTRAS), ANYTHING, max_size=1)
    return st.builds(lambda more, fields: {**{k: v for k, v in more.items() if k not in known}, **fields}, extra, fixed)
