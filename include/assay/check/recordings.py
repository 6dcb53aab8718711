"""What Great Expectations looks at in recordings: variables beside the bounds of their labs' schemas, files, and folders."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pandas as pd

from assay.check.rule import VARIABLE_COLUMNS, Batch
from assay.recording import LabSchema, load_schema
from assay.recording.schema import VariableSchema

_EMPTY = hashlib.sha256(b"").hexdigest()


def variables_beside_schemas(variables: pd.DataFrame, sessions: pd.DataFrame, schemas: Path) -> pd.DataFrame:
    """The table `variables` of a batch: one row for each variable that a session has or that its schema requires.

    `variables`: as Ledger.variables. `sessions`: rows of the ledger with `profile`. A session whose schema is gone has no bounds.
    """
    known: dict[str, LabSchema | None] = {}
    given = dict(iter(variables.groupby("session", sort=False)))
    rows = []
    for session, profile in zip(sessions["session"], sessions["profile"], strict=True):
        name = profile.get("schema", "")
        if name not in known:
            lab, _, version = name.partition("/v")
            known[name] = load_schema(schemas, lab, int(version)) if name else None
        schema = known[name]
        rules = schema.variables if schema is not None else {}
        there = set()
        for v in given[session].itertuples() if session in given else ():
            there.add(v.name)
            rows.append((session, "", v.name, v.text or None, v.number, *_bounds(rules.get(str(v.name))), bool(v.numeric)))
        # Without its metadata nothing of a session is known; one finding says so.
        missing = {rule.name for rule in rules.values() if rule.required} - there if profile.get("metadata_format") else set()
        rows.extend((session, "", name, None, None, math.nan, math.nan, True, False) for name in sorted(missing))
    return pd.DataFrame(rows, columns=list(VARIABLE_COLUMNS)).astype(VARIABLE_COLUMNS)


def _bounds(rule: VariableSchema | None) -> tuple[float, float, bool]:
    """Least and greatest value that the schema allows, and whether one is required. An open bound moves by the smallest step."""
    if rule is None:
        return math.nan, math.nan, False
    open_least = [math.nextafter(rule.above, math.inf)] if rule.above is not None else []
    open_most = [math.nextafter(rule.below, -math.inf)] if rule.below is not None else []
    least = [*open_least, *([rule.minimum] if rule.minimum is not None else [])]
    most = [*open_most, *([rule.maximum] if rule.maximum is not None else [])]
    return max(least, default=math.nan), min(most, default=math.nan), rule.required


def _list(value: object) -> list[str]:
    return value if isinstance(value, list) else []


def recording_tables(batch: Batch, sessions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables that the suite `recording` names."""
    names = sessions["session"]
    variables = batch.variables[batch.variables["session"].isin(names).to_numpy()]
    files = batch.files[batch.files["session"].isin(names).to_numpy()]
    # Two sessions may well have the same metadata; an empty file says nothing.
    metadata = {
        (s, path) for s, paths in zip(names, batch.claim("metadata_files")[sessions.index], strict=True) for path in _list(paths)
    }
    about = pd.Series(list(zip(files["session"], files["path"], strict=True)), index=files.index, dtype=object).isin(metadata)
    files = files[~about.to_numpy(dtype=bool) & (files["sha256"] != _EMPTY).to_numpy(dtype=bool)]
    files = files.drop_duplicates(["session", "sha256"])
    recordings = pd.DataFrame(
        {
            "session": names.to_numpy(),
            "file": "",
            "lab": batch.claim("lab")[sessions.index].astype("string").to_numpy(),
            "folder": batch.claim("folder")[sessions.index].astype("string").to_numpy(),
            **{name: sessions[name].dt.tz_convert(None).to_numpy() for name in ("started_at", "ended_at")},
        }
    )
    numeric = variables["numeric"].to_numpy(dtype=bool)
    return {
        "variables_required": variables[variables["required"].to_numpy(dtype=bool)],
        "variables_numbers": variables[numeric & np.asarray(variables["value"].notna())],
        "recordings": recordings,
        "files": files[["session", "path", "sha256"]].rename(columns={"path": "file"}),
    }
