"""The files for consumers that every snapshot carries beside its documents: the JavaScript client, its types, the examples."""

from __future__ import annotations

from importlib.resources import files

MODULES = ("assay.js", "assay.d.ts")


def companion_files() -> dict[str, bytes]:
    """The files by their path below `data/api/`. They are taken as bytes: nothing of the client is imported."""
    room = files("assay") / "client"
    examples = sorted((entry for entry in (room / "examples").iterdir() if entry.is_file()), key=lambda entry: entry.name)
    modules = {name: (room / "js" / name).read_bytes() for name in MODULES}
    return modules | {f"examples/{entry.name}": entry.read_bytes() for entry in examples}
