"""Importers: one module for each public source finds its sessions in a folder. A new source is a module here with `SOURCE`
and `find`.

`find(folder, dataset, without)` yields a FoundSession or Refused for every result, in the same order for the same tree, and
writes nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path

from assay.collect.importers.found import FoundSession, Refused
from assay.errors import AssayError

Find = Callable[[Path, str, Path | None], Iterator[FoundSession | Refused]]


def sources() -> dict[str, Find]:
    """Every source that can be imported, by name."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return {module.SOURCE: module.find for module in modules if hasattr(module, "SOURCE")}


def finder(source: str) -> Find:
    """How the sessions of a source are found. Raises AssayError that names the sources there are."""
    known = sources()
    if source not in known:
        raise AssayError(f"source: found {source!r}; expected one of {', '.join(sorted(known))}")
    return known[source]


__all__ = ["Find", "FoundSession", "Refused", "finder", "sources"]
