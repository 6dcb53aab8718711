"""The files of the explorer, by their path in the dataset repository. The same code gives the same bytes."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from assay.explorer.library import library_files

INDEX = "index.html"
FOLDER = "explorer"
NO_JEKYLL = ".nojekyll"
"""An empty file with this name tells GitHub Pages to serve the tree as it is."""

_SUFFIXES = (".html", ".css", ".js", ".svg")


def explorer_files() -> dict[str, bytes]:
    """Every file of the page: our own, and the chart library with its notice (bundled once a process, about 3 s)."""
    return own_files() | {f"{FOLDER}/{path}": data for path, data in library_files().items()}


def own_files() -> dict[str, bytes]:
    """Our own files of the page."""
    return {NO_JEKYLL: b"", **dict(sorted(_below(files("assay.explorer") / "page", "")))}


def _below(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for item in folder.iterdir():
        path = f"{prefix}{item.name}"
        if item.is_dir():
            found += _below(item, f"{path}/")
        elif item.name.endswith(_SUFFIXES):
            found.append((path, item.read_bytes()))
    return found
