"""docs/database.md from the models: every table, column, type and comment. `python -m assay.database.document` prints it."""

from __future__ import annotations

import sys

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Table
from sqlalchemy.dialects import postgresql

from assay.database.models import SCHEMA, Base

_HEAD = f"""# The database

Generated from `assay.database.models` by `make docs`. Everything lies in the schema `{SCHEMA}`; the same sentences are comments
in the database (`\\d+ {SCHEMA}.sessions` in psql). The state of every session is in these tables and nowhere else.

```mermaid
erDiagram
{{relations}}
```
"""


def database_markdown() -> str:
    """The document: one section a table, in alphabetical order."""
    tables = sorted(Base.metadata.tables.values(), key=lambda table: table.name)
    relations = sorted({line for table in tables for line in _relations(table)})
    return "\n".join([_HEAD.format(relations="\n".join(relations)), *(_section(table) for table in tables)])


def _relations(table: Table) -> list[str]:
    return [
        f"    {key.referred_table.name} ||--o{{ {table.name} : {'-'.join(key.column_keys)}"
        for key in table.constraints
        if isinstance(key, ForeignKeyConstraint)
    ]


def _section(table: Table) -> str:
    lines = [f"## {table.name}", "", table.comment or "", "", "| column | type | meaning |", "|---|---|---|"]
    lines += [f"| {_name(column)} | {_type(column)} | {column.comment} |" for column in table.columns]
    checks = sorted(str(c.sqltext) for c in table.constraints if isinstance(c, CheckConstraint))
    if checks:
        lines += ["", "Always holds: " + "; ".join(f"`{check}`" for check in checks) + "."]
    return "\n".join([*lines, ""])


def _name(column: Column[object]) -> str:
    return f"**{column.name}**" if column.primary_key else column.name


def _type(column: Column[object]) -> str:
    kind = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
    return kind + (", may be empty" if column.nullable else "")


if __name__ == "__main__":
    sys.stdout.write(database_markdown())
