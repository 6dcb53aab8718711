"""Which processors there are, and which of them takes a file."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import cast

from assay.preprocess import processors as room
from assay.preprocess.processor import Processor
from assay.preprocess.processors import copy


@cache
def processors() -> tuple[Processor, ...]:
    """Every processor, by name; the one that copies last, since it takes everything."""
    names = sorted(entry.name for entry in pkgutil.iter_modules(room.__path__) if entry.name != "copy")
    found = [cast(Processor, import_module(f"{room.__name__}.{name}")) for name in names]
    return (*found, cast(Processor, copy))


def processor_named(name: str) -> Processor:
    """The processor of that name."""
    return next(one for one in processors() if name == one.NAME)


def processor_for(path: str, head: bytes) -> Processor:
    """The processor of a file by its name and its first bytes."""
    return next(one for one in processors() if one.accepts(path, head))
