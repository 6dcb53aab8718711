"""The migration guide, published beside the schemas: what changes from one version of the contract to the next, from the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.dataset.migrations.forward import FROM, HOMES, TO
from assay.dataset.models.migrated import MIGRATED, MIGRATION, UNLESS_MIGRATED
from assay.dataset.place import REQUIRED
from assay.dataset.schema import schemas
from assay.dataset.select import MIN_SAMPLE

PATH = f"schemas/migrations/{FROM}-to-{TO}.md"


def guide_files() -> dict[str, str]:
    """The generated guides: path relative to the checkout -> text."""
    return {PATH: guide()}


def guide() -> str:
    """The guide from 1.0.0 to 1.1.0."""
    older, newer = schemas(FROM), schemas(TO)
    lines = [
        f"# From contract {FROM} to {TO}",
        "",
        "Generated from the schemas and the migration by `make docs`.",
        "",
        f"A document of {FROM} gives values with their units. One of {TO} also says how far each value can be trusted:",
        "interval, sample size, spread, configuration and the sessions that it comes from. What a client reads at a place, it",
        "still finds there, for every type that has an interval and a sample size.",
        "",
        "## Migrate",
        "",
        f"    assay schema migrate DIR --from {FROM} --to {TO} --output NEW     # --dry-run says what it would do",
        "    assay schema validate NEW",
        "",
        "`DIR` is a clone of a dataset repository, or one folder of documents. Sizes and hashes in `metadata.json`,",
        "`manifest.json` and `endpoints.json` are those of the new documents. A dated snapshot is never migrated in place.",
        "",
        "## What moves",
        "",
        f"A type stays where it is if its values have `confidence_interval` and a `sample_size` of at least {MIN_SAMPLE}"
        f" ({_required()}).",
        "Any other type, and any other value of a type that stays, goes to:",
        "",
        "| document | from | to |",
        "|---|---|---|",
        *(f"| {schema} | `{home}` | `{part}` |" for schema, homes in HOMES.items() for part, home in homes.items()),
        "",
        "What moved is in no ranking; the ranks of the others stay dense.",
        "",
        "## What is never made up",
        "",
        f"What {FROM} did not tell is absent, and the part that lacks it says `{MIGRATED}: {FROM}`. Of a document as a whole,",
        f"the field `{MIGRATION}` says what was added (empty containers, and the number of types where it was not told). A",
        "reader of migrated documents must expect these fields to be absent:",
        "",
        "| part | may lack |",
        "|---|---|",
        *(f"| {part} | {_names(fields)} |" for part, fields in sorted(UNLESS_MIGRATED.items())),
        "",
        "## What is never lost",
        "",
        f"What has no place in {TO}, such as a former ranking, stands in `{MIGRATION}.kept` under its JSON pointer in the older",
        f"document. `--from {TO} --to {FROM}` gives the older document again, to the last field. Of a document that was built as",
        f"{TO} it gives a view for clients of {FROM}: the types that have an interval and a sample size.",
        "",
        "## New in each document",
        "",
        "| document | new fields |",
        "|---|---|",
        *(f"| {name} | {_names(_new(older[name], newer[name]))} |" for name in sorted(older)),
        *(f"| {name} | the whole document is new |" for name in sorted(set(newer) - set(older))),
        "",
    ]
    return "\n".join(lines)


def _required() -> str:
    return "; ".join(f"{benchmark}: {', '.join(sorted(fields))}" for benchmark, fields in sorted(REQUIRED.items()))


def _new(older: Mapping[str, Any], newer: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(newer.get("properties", {}).keys() - older.get("properties", {}).keys()))


def _names(fields: tuple[str, ...]) -> str:
    return ", ".join(f"`{field}`" for field in fields) or "none"
