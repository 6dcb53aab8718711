"""The suite: one module per tool, found by being in this room.

A module offers NAME, SAYS, OPTIONAL and `plan`, as `assay.agent.tool.Tool` says.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import cast

from assay.agent.tool import Tool
from assay.errors import AssayError


def all_tools() -> dict[str, Tool]:
    """Every tool in the room by name, in the order of their names; works inside a zipapp as well."""
    modules = (
        import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__) if not entry.name.startswith("_")
    )
    tools = [cast(Tool, module) for module in modules]
    return {tool.NAME: tool for tool in sorted(tools, key=lambda tool: tool.NAME)}


def chosen_tools(names: Sequence[str]) -> list[Tool]:
    """The tools of these names, in this order. Raises AssayError for a name that is not in the room."""
    tools = all_tools()
    unknown = [name for name in names if name not in tools]
    if unknown:
        raise AssayError(f"--tools: found {', '.join(unknown)}; expected some of {', '.join(tools)}")
    return [tools[name] for name in dict.fromkeys(names)]
